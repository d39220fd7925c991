//! Revocations in a file of the data folder.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use super::known::Known;
use super::revocation::{BETWEEN, Revocation, RevocationRequest};
use super::store::{RevocationSettings, RevocationStore, RevokeError, RevokeFuture};

/// Keeps revocations in the file `revocations`: each is one line, synced before it is answered.
/// The folder belongs to one server at a time, which the op log's lock sees to.
pub struct DiskRevocations(Arc<Inner>);

struct Inner {
    known: Known,
    path: PathBuf,
    file: Mutex<Lines>,
}

/// The file while it is written.
struct Lines {
    /// `None` after a failure that may have left half a line: it is then written anew.
    file: Option<File>,
    length: u64,
    count: usize,
}

/// Why the file cannot be used; the server does not start, or what was revoked would be good
/// again.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenRevocationsError {
    /// The system refuses.
    #[error("{} cannot be used: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// It holds something that this server did not write.
    #[error("line {line} of {} is damaged: restore the file from a backup; without it, what was revoked is good again", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Which, from 1.
        line: usize,
    },
}

/// The file is written anew when it has twice as many lines as matter, and these more.
const SPARE_LINES: usize = 1_000;

impl DiskRevocations {
    /// Reads what is kept in this folder, which must exist. Blocks, some milliseconds.
    ///
    /// # Errors
    /// As [`OpenRevocationsError`] says.
    pub fn open(folder: &Path, settings: RevocationSettings) -> Result<DiskRevocations, OpenRevocationsError> {
        let path = folder.join("revocations");
        let io = |source| OpenRevocationsError::Io { path: path.clone(), source };
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(io(error)),
        };
        let read = parse(&text).map_err(|line| OpenRevocationsError::Damaged { path: path.clone(), line })?;
        let known = Known::new(settings);
        known.learn(read, known.settings().clock.now_ms());
        let lines = rewrite(&path, &known).map_err(io)?;
        Ok(DiskRevocations(Arc::new(Inner { known, path, file: Mutex::new(lines) })))
    }
}

impl RevocationStore for DiskRevocations {
    fn known(&self) -> &Known {
        &self.0.known
    }

    fn store(&self, request: RevocationRequest) -> RevokeFuture<'_> {
        let inner = Arc::clone(&self.0);
        Box::pin(async move {
            inner.known.room_for(&request)?;
            // It goes on if nobody waits for it any more.
            let stored = tokio::task::spawn_blocking(move || inner.store(request)).await;
            let unavailable = |reason: String| RevokeError::Unavailable { reason };
            match stored {
                Ok(stored) => stored.map_err(|error| unavailable(error.to_string())),
                Err(error) => Err(unavailable(error.to_string())),
            }
        })
    }

    fn now_ms(&self) -> u64 {
        self.0.known.settings().clock.now_ms()
    }
}

impl Inner {
    fn store(&self, request: RevocationRequest) -> io::Result<Revocation> {
        let now_ms = self.known.settings().clock.now_ms();
        let revocation = request.at(now_ms);
        let mut lines = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        let text = checked(&revocation.to_line());
        lines.append(&self.path, &self.known, &text)?;
        self.known.learn([revocation.clone()], now_ms);
        if lines.count > 2 * self.known.count() + SPARE_LINES {
            match rewrite(&self.path, &self.known) {
                Ok(fresh) => *lines = fresh,
                // Which file has the name now is not known; the next write begins with that.
                Err(error) => {
                    tracing::warn!(%error, "the file of revocations cannot be made shorter");
                    lines.file = None;
                }
            }
        }
        Ok(revocation)
    }
}

impl Lines {
    fn append(&mut self, path: &Path, known: &Known, text: &str) -> io::Result<()> {
        if self.file.is_none() {
            *self = rewrite(path, known)?;
        }
        // It was just put there.
        let Some(file) = &mut self.file else { return Err(io::ErrorKind::NotFound.into()) };
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Half a line may be there, and what a failed sync has left is not known.
            self.file = None;
            return Err(error);
        }
        self.length += text.len() as u64;
        self.count += 1;
        Ok(())
    }
}

/// Writes a new file of what is known, and puts it in the place of the old one in one step.
fn rewrite(path: &Path, known: &Known) -> io::Result<Lines> {
    let list = known.list(known.settings().clock.now_ms());
    let text: String = list.iter().map(|revocation| checked(&revocation.to_line())).collect();
    let fresh = path.with_extension("new");
    let mut file = File::options().write(true).create(true).truncate(true).open(&fresh)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&fresh, path)?;
    if let Some(folder) = path.parent().filter(|_| cfg!(unix)) {
        // The name must outlive a crash as well.
        File::open(folder)?.sync_all()?;
    }
    Ok(Lines { file: Some(file), length: text.len() as u64, count: list.len() })
}

/// A line of the file: a checksum, what it is of, and the end of the line.
fn checked(line: &str) -> String {
    format!("{:016x}{BETWEEN}{line}\n", checksum(line))
}

/// All revocations of a file, or the number of a line that is none. The last one may be half there:
/// then it was never answered.
fn parse(text: &[u8]) -> Result<Vec<Revocation>, usize> {
    let (whole, _torn) = text.split_at(text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1));
    let lines: Vec<&[u8]> = whole.split_inclusive(|byte| *byte == b'\n').collect();
    let mut read = Vec::with_capacity(lines.len());
    for (number, line) in lines.iter().enumerate() {
        let line = std::str::from_utf8(line).ok().and_then(|line| line.trim_end_matches('\n').split_once(BETWEEN));
        let sound = line.filter(|(sum, line)| u64::from_str_radix(sum, 16) == Ok(checksum(line)));
        match sound.and_then(|(_, line)| Revocation::of_line(line)) {
            Some(revocation) => read.push(revocation),
            // A disk may have written the end of it and not the beginning.
            None if number + 1 == lines.len() => {}
            None => return Err(number + 1),
        }
    }
    Ok(read)
}

/// FNV-1a, 64 bits: against disks, not against people.
fn checksum(line: &str) -> u64 {
    line.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(user: &str) -> String {
        let request =
            RevocationRequest { user: user.parse().unwrap(), document: None, token: None, issued_before: Some(1) };
        checked(&request.at(5).to_line())
    }

    #[test]
    fn half_a_line_at_the_end_is_left_out_and_damage_before_it_is_not() {
        let text = line("ada") + &line("bob");
        let users = |text: &str| parse(text.as_bytes()).map(|read| read.len());
        assert_eq!(users(&text), Ok(2));
        for end in 0..=text.len() {
            let read = users(&text[..end]).unwrap();
            assert_eq!(read, text[..end].matches('\n').count(), "cut at {end}");
        }
        assert_eq!(users(&text.replace("bob", "eve")), Ok(1), "the last may be torn");
        assert_eq!(users(&text.replace("ada", "eve")), Err(1));
    }
}
