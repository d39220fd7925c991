//! The journal: what was committed since the database synced itself last.
//!
//! To sync a tree costs a dozen pages written and two syncs, whatever little was put into
//! it. So a group's rows are written here, one record behind the other, with one sync,
//! and are kept in memory beside the database. When they do not fit any more, the database
//! takes in all that was kept and syncs itself in place of that (a checkpoint), names the next
//! generation, and the journal is written from its beginning again. What a crash leaves is
//! the database as of its last checkpoint, and the records of its generation.
//!
//! ```text
//! record: generation, number, bytes of the rows (8 each), rows, checksum (8)
//! file:   records, up to a half; then the same once more
//! ```
//!
//! A record that a crash tore was never acknowledged, and so a record whose checksum does
//! not fit ends the journal. For damage not to look the same, each record is written
//! twice: one of the two is enough.

use std::io;
use std::sync::Arc;

use cowrite_protocol::hash::Checksummer;
use serde::{Deserialize, Serialize};

use super::file::LogFile;

const HEADER_BYTES: u64 = 24;
const SUM_BYTES: u64 = 8;
/// What a new file is filled up with at a time.
static ZEROS: [u8; 1 << 16] = [0; 1 << 16];

/// What the database knows of its journal, stored with every commit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Mark {
    /// Records of another are none of this database's.
    pub(super) generation: u64,
    /// The first record that is not in the database.
    pub(super) next: u64,
    /// Bytes of a half; 0 if nothing was written since the database synced itself, and
    /// the journal is not needed.
    pub(super) half_bytes: u64,
}

/// The journal of an open database.
#[derive(Debug)]
pub(super) struct Journal {
    file: Arc<dyn LogFile>,
    /// How large a half is from the next checkpoint on.
    half_bytes: u64,
    mark: Mark,
    /// Where the next record is written. `None` until the first checkpoint: what a fault
    /// or a crash has left behind the records that are whole belongs to a generation that
    /// is written to no more.
    end: Option<u64>,
    /// A record in the making, kept for its memory.
    record: Vec<u8>,
}

impl Journal {
    /// Reads and writes nothing yet.
    pub(super) fn new(file: Arc<dyn LogFile>, half_bytes: u64) -> Journal {
        Journal { file, half_bytes, mark: Mark::default(), end: None, record: Vec::new() }
    }

    /// The rows of each record that the database with this mark does not have. They are
    /// on the disk when this returns. An error of kind `InvalidData` if the file can not be
    /// the one that the mark speaks of.
    pub(super) fn recover(&mut self, mark: Mark) -> io::Result<Vec<Vec<u8>>> {
        (self.mark, self.end) = (mark, None);
        if self.file.len()? / 2 < mark.half_bytes {
            return Err(io::Error::new(io::ErrorKind::InvalidData, "its journal is missing or cut off"));
        }
        let mut found = Vec::new();
        let (mut number, mut at) = (0, 0);
        while at < mark.half_bytes {
            let Some(rows) = self.read_record(number, at)? else { break };
            let end = at + HEADER_BYTES + rows.len() as u64 + SUM_BYTES;
            if number >= mark.next {
                // The last one may have been seen by nobody but this process yet.
                self.seal_record(number, &rows);
                self.write_record(at)?;
                found.push(rows);
            }
            (number, at) = (number + 1, end);
        }
        if self.make_room()? || !found.is_empty() {
            self.file.sync()?;
        }
        Ok(found)
    }

    /// Fills the file up to two halves; whether there was anything to do. Blocks that are
    /// there already need no room later, and are synced for less.
    fn make_room(&self) -> io::Result<bool> {
        let (mut len, whole) = (self.file.len()?, self.half_bytes * 2);
        let short = len < whole;
        while len < whole {
            let zeros = &ZEROS[..usize::try_from(whole - len).map_or(ZEROS.len(), |more| more.min(ZEROS.len()))];
            self.file.write_at(len, zeros)?;
            len += zeros.len() as u64;
        }
        Ok(short)
    }

    /// The mark of a database that has these rows too, if they can be appended.
    pub(super) fn mark_with(&self, rows: &[u8]) -> Option<Mark> {
        let end = self.end? + HEADER_BYTES + rows.len() as u64 + SUM_BYTES;
        (end <= self.mark.half_bytes).then_some(Mark { next: self.mark.next + 1, ..self.mark })
    }

    /// Appends the rows that [`Journal::mark_with`] gave this mark for: they are on the disk
    /// when this returns. After an error they may be; then nothing more can be appended until
    /// the next checkpoint.
    pub(super) fn append(&mut self, rows: &[u8], mark: Mark) -> io::Result<()> {
        let at = self.end.take().ok_or(io::ErrorKind::InvalidInput)?;
        self.seal_record(self.mark.next, rows);
        self.write_record(at)?;
        self.file.sync()?;
        self.mark = mark;
        self.end = Some(at + self.record.len() as u64);
        Ok(())
    }

    /// The mark that a database which syncs itself now gives itself.
    pub(super) fn next_generation(&self) -> Mark {
        Mark { generation: self.mark.generation + 1, next: 0, half_bytes: self.half_bytes }
    }

    /// The same of one that is closed then; `None` if the journal is not in use.
    pub(super) fn last_generation(&self) -> Option<Mark> {
        (self.mark.half_bytes > 0).then(|| Mark { half_bytes: 0, ..self.next_generation() })
    }

    /// Begins anew, once a database with this mark is on the disk.
    pub(super) fn begin(&mut self, mark: Mark) {
        (self.mark, self.end) = (mark, Some(0));
    }

    fn seal_record(&mut self, number: u64, rows: &[u8]) {
        let record = &mut self.record;
        record.clear();
        for field in [self.mark.generation, number, rows.len() as u64] {
            record.extend_from_slice(&field.to_le_bytes());
        }
        record.extend_from_slice(rows);
        let sum = checksum(record);
        record.extend_from_slice(&sum.to_le_bytes());
    }

    fn write_record(&self, at: u64) -> io::Result<()> {
        self.file.write_at(at, &self.record)?;
        self.file.write_at(at + self.mark.half_bytes, &self.record)
    }

    /// The rows of the record at this place, from whichever half it is whole in.
    fn read_record(&self, number: u64, at: u64) -> io::Result<Option<Vec<u8>>> {
        match self.read_half(number, at, 0)? {
            Some(rows) => Ok(Some(rows)),
            None => self.read_half(number, at, self.mark.half_bytes),
        }
    }

    fn read_half(&self, number: u64, at: u64, half: u64) -> io::Result<Option<Vec<u8>>> {
        let room = self.mark.half_bytes - at;
        if room < HEADER_BYTES + SUM_BYTES {
            return Ok(None);
        }
        let mut header = [0; HEADER_BYTES as usize];
        self.file.read_at(half + at, &mut header)?;
        let [generation, found, bytes] = [0, 8, 16].map(|at| {
            let mut field = [0; 8];
            field.copy_from_slice(&header[at..at + 8]);
            u64::from_le_bytes(field)
        });
        // Behind the last record may be anything, such as the middle of one that was there before.
        let fits = bytes <= room - HEADER_BYTES - SUM_BYTES;
        if (generation, found) != (self.mark.generation, number) || !fits {
            return Ok(None);
        }
        let Ok(len) = usize::try_from(HEADER_BYTES + bytes + SUM_BYTES) else { return Ok(None) };
        let mut record = vec![0; len];
        self.file.read_at(half + at, &mut record)?;
        let Some((body, sum)) = record.split_last_chunk() else { return Ok(None) };
        if checksum(body) != u64::from_le_bytes(*sum) {
            return Ok(None);
        }
        Ok(Some(body[HEADER_BYTES as usize..].to_vec()))
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = Checksummer::default();
    sum.write(bytes);
    sum.finish().0
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;

    const HALF: u64 = 200;

    fn journal(file: &Arc<dyn LogFile>, mark: Mark) -> (Journal, Vec<Vec<u8>>) {
        let mut journal = Journal::new(Arc::clone(file), HALF);
        let found = journal.recover(mark).unwrap();
        (journal, found)
    }

    #[test]
    fn a_journal_holds_the_records_of_its_generation_until_it_is_full_and_nothing_behind_them() {
        let path = std::env::temp_dir().join(format!("cowrite-journal-{}", std::process::id()));
        let file = File::options().read(true).write(true).create_new(true).open(&path).unwrap();
        std::fs::remove_file(path).unwrap();
        let file: Arc<dyn LogFile> = Arc::new(file);
        let (mut writing, found) = journal(&file, Mark::default());
        assert_eq!((found, writing.mark_with(b"rows"), writing.last_generation()), (vec![], None, None));
        // Rows that read as the longest record there could be.
        let mut rows = Vec::new();
        [2_u64, 1, u64::MAX].iter().for_each(|field| rows.extend_from_slice(&field.to_le_bytes()));
        let first = writing.next_generation();
        writing.begin(first);
        let mut expected = Vec::new();
        while let Some(mark) = writing.mark_with(&rows) {
            writing.append(&rows, mark).unwrap();
            expected.push(rows.clone());
        }
        assert_eq!(expected.len() as u64, HALF / (HEADER_BYTES + SUM_BYTES + rows.len() as u64));
        assert_eq!(journal(&file, first).1, expected);
        assert_eq!(journal(&file, Mark { next: 2, ..first }).1, expected[2..]);
        // One more generation, whose next record would be where such rows are.
        let second = writing.next_generation();
        writing.begin(second);
        assert_eq!(journal(&file, second).1, Vec::<Vec<u8>>::new());
        writing.append(&rows[..16], writing.mark_with(&rows[..16]).unwrap()).unwrap();
        file.write_at(48, &rows).unwrap();
        file.write_at(48 + HALF, &rows).unwrap();
        assert_eq!(journal(&file, second).1, [&rows[..16]]);
        // Either half is enough.
        file.write_at(10, b"damage").unwrap();
        assert_eq!(journal(&file, second).1, [&rows[..16]]);
        let gone = Journal::new(file, HALF).recover(Mark { half_bytes: 1 << 20, ..second }).unwrap_err();
        assert_eq!(gone.kind(), io::ErrorKind::InvalidData);
    }
}
