//! A file in memory that remembers every write, and can fail like a disk.

use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use cowrite_server::oplog::disk::LogFile;

/// A file that keeps a journal of all that was done to it, so that the image which a crash
/// leaves can be made for any moment. Clones share the file.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyFile(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    bytes: Vec<u8>,
    journal: Vec<Step>,
    reads: Vec<Range<u64>>,
    writes: Vec<Range<u64>>,
    faults: Faults,
}

/// What the disk does wrong from now on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The file can not grow above so many bytes.
    pub(crate) quota: Option<u64>,
    /// Every sync fails.
    pub(crate) sync: bool,
    /// Every write stops half-way.
    pub(crate) write: bool,
    /// Every read fails.
    pub(crate) read: bool,
}

/// One line of the journal.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write {
        offset: u64,
        data: Vec<u8>,
    },
    SetLen(u64),
    Sync,
    /// Something that the test saw, by its own number.
    Mark(usize),
}

impl FaultyFile {
    /// A file that holds these bytes, all on the disk.
    pub(crate) fn of(bytes: Vec<u8>) -> FaultyFile {
        FaultyFile(Arc::new(Mutex::new(State { bytes, ..State::default() })))
    }

    /// Sets what the disk does wrong.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Notes something in the journal.
    pub(crate) fn mark(&self, number: usize) {
        self.state().journal.push(Step::Mark(number));
    }

    /// All that was done so far.
    pub(crate) fn journal(&self) -> Vec<Step> {
        self.state().journal.clone()
    }

    /// The first byte of this range that was read before anything was written over it.
    pub(crate) fn first_read_in(&self, range: Range<u64>) -> Option<u64> {
        let state = self.state();
        let touching = state.reads.iter().filter(|read| read.start < range.end && range.start < read.end);
        touching.map(|read| read.start.max(range.start)).min()
    }

    /// The bytes as a process that lives on sees them.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.state().bytes.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

/// Does a step to an image.
pub(crate) fn apply(image: &mut Vec<u8>, step: &Step) {
    match step {
        Step::Write { offset, data } => {
            let start = *offset as usize;
            if image.len() < start + data.len() {
                image.resize(start + data.len(), 0);
            }
            image[start..start + data.len()].copy_from_slice(data);
        }
        Step::SetLen(len) => image.resize(*len as usize, 0),
        Step::Sync | Step::Mark(_) => {}
    }
}

impl LogFile for FaultyFile {
    fn len(&self) -> Result<u64> {
        Ok(self.state().bytes.len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let mut state = self.state();
        let range = offset..offset.saturating_add(out.len() as u64);
        if !state.writes.iter().any(|write| write.start <= range.start && range.end <= write.end) {
            state.reads.push(range);
        }
        if state.faults.read {
            return Err(Error::other("injected read error"));
        }
        let start = usize::try_from(offset).map_err(|_| ErrorKind::UnexpectedEof)?;
        let found = start.checked_add(out.len()).and_then(|end| state.bytes.get(start..end));
        out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let mut state = self.state();
        let room = state.faults.quota.map_or(usize::MAX, |quota| quota.saturating_sub(offset) as usize);
        let kept = if state.faults.write { data.len() / 2 } else { data.len() };
        let step = Step::Write { offset, data: data[..kept.min(room)].to_vec() };
        apply(&mut state.bytes, &step);
        state.journal.push(step);
        state.writes.push(offset..offset + kept.min(room) as u64);
        match () {
            () if state.faults.write => Err(Error::other("injected write error")),
            () if room < data.len() => Err(ErrorKind::StorageFull.into()),
            () => Ok(()),
        }
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.state();
        if state.faults.quota.is_some_and(|quota| len > quota && len > state.bytes.len() as u64) {
            return Err(ErrorKind::StorageFull.into());
        }
        apply(&mut state.bytes, &Step::SetLen(len));
        state.journal.push(Step::SetLen(len));
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.state();
        if state.faults.sync {
            return Err(Error::other("injected sync error"));
        }
        state.journal.push(Step::Sync);
        Ok(())
    }
}
