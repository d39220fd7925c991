//! The database's storage over a [`LogFile`], with its header kept safe.
//!
//! The database names its newest commit by one bit of a header that it writes in place;
//! were that bit to flip, it would open an older commit without a word, and acknowledged
//! entries would be gone. So every header is written twice more, in turn into one of two
//! copies before the database's own bytes, each with a number and a checksum:
//!
//! ```text
//! 0      copy A: magic, format, number, header, checksum
//! 4096   copy B
//! 8192   the database, header first
//! ```
//!
//! Only a synced copy is followed by a write to the other one, so one of the two is always
//! the last header that was synced. If both are whole, the newer one is the header. If one
//! is torn or damaged, the database's own is taken, which can stand being torn.
//!
//! A new file begins with a mark in place of copy A, until the database in it is made and
//! synced: what a crash leaves before that is begun anew, and a file with neither mark nor
//! copy is not ours and is left alone.

use std::io;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cowrite_protocol::hash::Checksummer;
use redb::StorageBackend;
use thiserror::Error;

use super::file::LogFile;

/// The format of the file that this server writes, and the newest that it reads. Of format 1
/// is a file without a journal, of format 2 one without blocks.
pub const FILE_FORMAT: u32 = 3;

const MAGIC: &[u8; 16] = b"cowrite op log\r\n";
const NEW_MARK: &[u8; 16] = b"cowrite new log\n";
const COPY_OFFSETS: [u64; 2] = [0, 4096];
const DATABASE_OFFSET: u64 = 8192;
/// Bytes of the database's header: see the design document of redb, "file format".
const HEADER_BYTES: usize = 320;
const COPY_BYTES: usize = 16 + 4 + 8 + HEADER_BYTES + 8;
const HEADER: Range<usize> = 28..28 + HEADER_BYTES;

/// A log file as the database sees it. Clones share it.
#[derive(Clone, Debug)]
pub(super) struct Backend {
    file: Arc<dyn LogFile>,
    copies: Arc<Mutex<Copies>>,
}

#[derive(Debug)]
struct Copies {
    /// The file bears the mark of a new one, and no copy is written yet.
    is_new: bool,
    /// Which copy was written last, and its number.
    newest: usize,
    number: u64,
    /// Whether that copy may not be on the disk yet.
    unsynced: bool,
}

/// Why a file is not taken for a log.
#[derive(Debug, Error)]
pub(super) enum BackendOpenError {
    #[error("the file has format {found}, this server knows formats up to {known}", known = FILE_FORMAT)]
    NewerFormat { found: u32 },
    #[error("the file is not an op log, or its first pages are lost")]
    NotALog,
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl Backend {
    /// Looks at the copies of the header, and puts the newer one in force; or marks the
    /// file as new.
    pub(super) fn open(file: Arc<dyn LogFile>) -> Result<Backend, BackendOpenError> {
        let found =
            if file.len()? > DATABASE_OFFSET { [read_copy(&*file, 0)?, read_copy(&*file, 1)?] } else { [None, None] };
        let copies = match &found {
            [None, None] => {
                if !is_half_made(&*file)? {
                    return Err(BackendOpenError::NotALog);
                }
                file.set_len(0)?;
                file.write_at(COPY_OFFSETS[0], NEW_MARK)?;
                file.sync()?;
                Copies { is_new: true, newest: 0, number: 0, unsynced: false }
            }
            [Some((number, _)), None] => Copies { is_new: false, newest: 0, number: *number, unsynced: false },
            [None, Some((number, _))] => Copies { is_new: false, newest: 1, number: *number, unsynced: false },
            [Some((first, _)), Some((second, _))] => {
                let newest = usize::from(second > first);
                Copies { is_new: false, newest, number: *first.max(second), unsynced: false }
            }
        };
        if let [Some(_), Some(_)] = &found
            && let Some((_, header)) = &found[copies.newest]
        {
            let mut own = [0; HEADER_BYTES];
            file.read_at(DATABASE_OFFSET, &mut own)?;
            if own != *header {
                tracing::warn!("the header of the op log is put right from its copy");
                file.write_at(DATABASE_OFFSET, header)?;
            }
        }
        Ok(Backend { file, copies: Arc::new(Mutex::new(copies)) })
    }

    /// Ends the making of a new file, once all that belongs in one is synced.
    pub(super) fn finish(&self) -> io::Result<()> {
        let mut copies = self.copies();
        if !copies.is_new {
            return Ok(());
        }
        let mut header = [0; HEADER_BYTES];
        self.file.read_at(DATABASE_OFFSET, &mut header)?;
        // The copy is on the disk before the mark goes.
        for (number, target) in [(1, 1), (2, 0)] {
            self.file.write_at(COPY_OFFSETS[target], &copy_bytes(number, &header))?;
            self.file.sync()?;
        }
        *copies = Copies { is_new: false, newest: 0, number: 2, unsynced: false };
        Ok(())
    }

    fn copies(&self) -> MutexGuard<'_, Copies> {
        // They are set in one go, after the write that they tell of.
        self.copies.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether a file without a whole copy is one whose making a crash ended: it is empty, or
/// its mark was not on the disk yet and is all there is, or its mark stands.
fn is_half_made(file: &dyn LogFile) -> io::Result<bool> {
    let len = file.len()?;
    let mut begin = [0; NEW_MARK.len()];
    let read = begin.len().min(usize::try_from(len).unwrap_or(usize::MAX));
    file.read_at(0, &mut begin[..read])?;
    let torn = begin.iter().zip(NEW_MARK).all(|(found, mark)| found == mark || *found == 0);
    Ok(begin == *NEW_MARK || (torn && read as u64 == len))
}

impl StorageBackend for Backend {
    fn len(&self) -> io::Result<u64> {
        Ok(self.file.len()?.saturating_sub(DATABASE_OFFSET))
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.file.read_at(shifted(offset)?, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.file.set_len(shifted(len)?)
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut copies = self.copies();
        self.file.sync()?;
        copies.unsynced = false;
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        if offset == 0
            && let Ok(header) = data.try_into()
        {
            let mut copies = self.copies();
            if copies.is_new {
                return self.file.write_at(DATABASE_OFFSET, data);
            }
            let target = if copies.unsynced { copies.newest } else { 1 - copies.newest };
            let next = Copies { is_new: false, newest: target, number: copies.number + 1, unsynced: true };
            self.file.write_at(COPY_OFFSETS[target], &copy_bytes(next.number, header))?;
            *copies = next;
        }
        self.file.write_at(shifted(offset)?, data)
    }
}

fn shifted(offset: u64) -> io::Result<u64> {
    offset.checked_add(DATABASE_OFFSET).ok_or_else(|| io::ErrorKind::FileTooLarge.into())
}

fn copy_bytes(number: u64, header: &[u8; HEADER_BYTES]) -> Vec<u8> {
    let mut copy = Vec::with_capacity(COPY_BYTES);
    copy.extend(MAGIC);
    copy.extend(FILE_FORMAT.to_le_bytes());
    copy.extend(number.to_le_bytes());
    copy.extend(header);
    copy.extend(checksum(&copy).to_le_bytes());
    copy
}

/// The number and header of a copy, or `None` if it is not whole.
fn read_copy(file: &dyn LogFile, index: usize) -> Result<Option<(u64, [u8; HEADER_BYTES])>, BackendOpenError> {
    let mut copy = [0; COPY_BYTES];
    file.read_at(COPY_OFFSETS[index], &mut copy)?;
    let (body, sum) = copy.split_at(COPY_BYTES - 8);
    if !body.starts_with(MAGIC) || checksum(body).to_le_bytes() != *sum {
        return Ok(None);
    }
    let format = u32::from_le_bytes([copy[16], copy[17], copy[18], copy[19]]);
    if format > FILE_FORMAT {
        return Err(BackendOpenError::NewerFormat { found: format });
    }
    let (mut number, mut header) = ([0; 8], [0; HEADER_BYTES]);
    number.copy_from_slice(&copy[20..28]);
    header.copy_from_slice(&copy[HEADER]);
    Ok(Some((u64::from_le_bytes(number), header)))
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = Checksummer::default();
    sum.write(bytes);
    sum.finish().0
}
