//! Files in memory that remember every write, and can fail like a disk.

use std::io::{Error, ErrorKind, Result};
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard};

use cowrite_server::oplog::disk::LogFile;

/// The bytes of a log's file and of its journal.
pub(crate) type Image = [Vec<u8>; 2];
pub(crate) const LOG: usize = 0;
pub(crate) const JOURNAL: usize = 1;

/// The two files of a log, which keep a list of all that was done to them, so that the image
/// which a crash leaves can be made for any moment. Clones share the files.
#[derive(Clone, Debug, Default)]
pub(crate) struct FaultyFiles(Arc<Mutex<State>>);

/// One of them.
#[derive(Debug)]
struct FaultyFile {
    files: FaultyFiles,
    which: usize,
}

#[derive(Debug, Default)]
struct State {
    image: Image,
    steps: Vec<Step>,
    reads: Vec<(usize, Range<u64>)>,
    writes: Vec<(usize, Range<u64>)>,
    faults: Faults,
}

/// What the disk does wrong from now on.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// The disk is full: the log's file can not grow above so many bytes, the other not at
    /// all. With 0 nothing can be written.
    pub(crate) quota: Option<u64>,
    /// Every sync fails.
    pub(crate) sync: bool,
    /// Every write stops half-way.
    pub(crate) write: bool,
    /// Every read fails.
    pub(crate) read: bool,
}

/// One thing that was done, to one of the files.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Write {
        which: usize,
        offset: u64,
        data: Vec<u8>,
    },
    SetLen(usize, u64),
    Sync(usize),
    /// Something that the test saw, by its own number.
    Mark(usize),
}

impl FaultyFiles {
    /// Files that hold these bytes, all on the disk.
    pub(crate) fn of(image: Image) -> FaultyFiles {
        FaultyFiles(Arc::new(Mutex::new(State { image, ..State::default() })))
    }

    /// One of the files.
    pub(crate) fn file(&self, which: usize) -> Arc<dyn LogFile> {
        Arc::new(FaultyFile { files: self.clone(), which })
    }

    /// Sets what the disk does wrong.
    pub(crate) fn set_faults(&self, faults: Faults) {
        self.state().faults = faults;
    }

    /// Notes something among the steps.
    pub(crate) fn mark(&self, number: usize) {
        self.state().steps.push(Step::Mark(number));
    }

    /// All that was done so far.
    pub(crate) fn steps(&self) -> Vec<Step> {
        self.state().steps.clone()
    }

    /// The first byte of this range that was read before anything was written over it.
    pub(crate) fn first_read_in(&self, which: usize, range: Range<u64>) -> Option<u64> {
        let state = self.state();
        let of_it = state.reads.iter().filter(|(file, _)| *file == which).map(|(_, read)| read);
        let touching = of_it.filter(|read| read.start < range.end && range.start < read.end);
        touching.map(|read| read.start.max(range.start)).min()
    }

    /// The bytes as a process that lives on sees them.
    pub(crate) fn image(&self) -> Image {
        self.state().image.clone()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no holder of the lock panics")
    }
}

/// Does a step to an image.
pub(crate) fn apply(image: &mut Image, step: &Step) {
    match step {
        Step::Write { which, offset, data } => {
            let (bytes, start) = (&mut image[*which], *offset as usize);
            if bytes.len() < start + data.len() {
                bytes.resize(start + data.len(), 0);
            }
            bytes[start..start + data.len()].copy_from_slice(data);
        }
        Step::SetLen(which, len) => image[*which].resize(*len as usize, 0),
        Step::Sync(_) | Step::Mark(_) => {}
    }
}

impl LogFile for FaultyFile {
    fn len(&self) -> Result<u64> {
        Ok(self.files.state().image[self.which].len() as u64)
    }

    fn read_at(&self, offset: u64, out: &mut [u8]) -> Result<()> {
        let mut state = self.files.state();
        let range = offset..offset.saturating_add(out.len() as u64);
        let mut own = state.writes.iter().filter(|(which, _)| *which == self.which).map(|(_, write)| write);
        if !own.any(|write| write.start <= range.start && range.end <= write.end) {
            state.reads.push((self.which, range));
        }
        if state.faults.read {
            return Err(Error::other("injected read error"));
        }
        let start = usize::try_from(offset).map_err(|_| ErrorKind::UnexpectedEof)?;
        let found = start.checked_add(out.len()).and_then(|end| state.image[self.which].get(start..end));
        out.copy_from_slice(found.ok_or(ErrorKind::UnexpectedEof)?);
        Ok(())
    }

    fn write_at(&self, offset: u64, data: &[u8]) -> Result<()> {
        let (mut state, which) = (self.files.state(), self.which);
        let most = match state.faults.quota {
            Some(quota) if which == JOURNAL && quota > 0 => Some(state.image[JOURNAL].len() as u64),
            quota => quota,
        };
        let room = most.map_or(usize::MAX, |most| most.saturating_sub(offset) as usize);
        let kept = if state.faults.write { data.len() / 2 } else { data.len() };
        let step = Step::Write { which, offset, data: data[..kept.min(room)].to_vec() };
        apply(&mut state.image, &step);
        state.steps.push(step);
        state.writes.push((which, offset..offset + kept.min(room) as u64));
        match () {
            () if state.faults.write => Err(Error::other("injected write error")),
            () if room < data.len() => Err(ErrorKind::StorageFull.into()),
            () => Ok(()),
        }
    }

    fn set_len(&self, len: u64) -> Result<()> {
        let mut state = self.files.state();
        let grows = len > state.image[self.which].len() as u64;
        if grows && state.faults.quota.is_some_and(|quota| len > quota) {
            return Err(ErrorKind::StorageFull.into());
        }
        let step = Step::SetLen(self.which, len);
        apply(&mut state.image, &step);
        state.steps.push(step);
        Ok(())
    }

    fn sync(&self) -> Result<()> {
        let mut state = self.files.state();
        if state.faults.sync {
            return Err(Error::other("injected sync error"));
        }
        state.steps.push(Step::Sync(self.which));
        Ok(())
    }
}
