//! The data folder: what is said of it, and why it can not be used.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use thiserror::Error;

use super::backend::{BackendOpenError, FILE_FORMAT};
use super::error::StoreError;
use crate::oplog::WallClock;

/// Where and how a disk log keeps its data.
#[derive(Clone, Debug)]
pub struct DiskSettings {
    /// The folder; made if it is not there. It belongs to one server at a time.
    pub folder: PathBuf,
    /// Bytes of memory for pages of the database; default 64 MiB.
    pub cache_bytes: usize,
    /// Bytes of the file in which edits are synced; the database takes them in and syncs itself
    /// each time that half as many are written. Until then they are in memory too. Default 2 MiB.
    pub journal_bytes: u64,
    /// How many entries of a document are put together in one block at most, 4,096 at the very most; default 2,048. To
    /// read one of them is to read its block. With 0 no blocks are made, and those that there are stay.
    pub block_entries: u32,
    /// How many of a document's newest entries are never put into a block; default 1,024. An entry by itself takes
    /// some fifty times the room.
    pub tail_entries: u64,
    /// How many documents keep their head and client records in memory; default 10,000.
    pub cached_documents: usize,
    /// The clock for "last seen"; default the machine's.
    pub clock: WallClock,
}

impl DiskSettings {
    /// The defaults, for this folder.
    pub fn new(folder: impl Into<PathBuf>) -> DiskSettings {
        DiskSettings {
            folder: folder.into(),
            cache_bytes: 64 << 20,
            journal_bytes: 2 << 20,
            block_entries: 2048,
            tail_entries: 1024,
            cached_documents: 10_000,
            clock: WallClock::system(),
        }
    }
}

/// Why a data folder can not be opened; the server does not start on it.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenFolderError {
    /// Another server, or another log of this process, holds it: stop that one, or
    /// choose another folder.
    #[error("the data folder {} is in use by another server", folder.display())]
    Locked {
        /// The folder.
        folder: PathBuf,
    },
    /// It is no folder, or may not be written: choose another, or mend its rights.
    #[error("the data folder {} can not be written: {source}", folder.display())]
    NotWritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is full: make room.
    #[error("the disk of the data folder {} is full: {source}", folder.display())]
    Full {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A newer server wrote it: use that one, or a newer.
    #[error("the data in {} has format {found}, this server knows formats up to {known}", folder.display(), known = FILE_FORMAT)]
    NewerFormat {
        /// The folder.
        folder: PathBuf,
        /// The format of the data.
        found: u32,
    },
    /// The data as a whole can not be read: restore a backup.
    #[error("the data in {} is damaged: {reason}", folder.display())]
    Damaged {
        /// The folder.
        folder: PathBuf,
        /// What was found.
        reason: String,
    },
    /// The system refused something else.
    #[error("the data folder {} can not be opened: {source}", folder.display())]
    Io {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl OpenFolderError {
    /// What the system said, sorted by what the operator can do about it.
    pub(super) fn from_io(folder: &Path, source: io::Error) -> OpenFolderError {
        use io::ErrorKind as Kind;
        let folder = folder.to_owned();
        match source.kind() {
            Kind::StorageFull | Kind::QuotaExceeded => OpenFolderError::Full { folder, source },
            Kind::PermissionDenied
            | Kind::ReadOnlyFilesystem
            | Kind::NotADirectory
            | Kind::IsADirectory
            | Kind::AlreadyExists => OpenFolderError::NotWritable { folder, source },
            _ => OpenFolderError::Io { folder, source },
        }
    }

    pub(super) fn from_backend(folder: &Path, error: BackendOpenError) -> OpenFolderError {
        match error {
            BackendOpenError::NewerFormat { found } => {
                OpenFolderError::NewerFormat { folder: folder.to_owned(), found }
            }
            BackendOpenError::NotALog => {
                OpenFolderError::Damaged { folder: folder.to_owned(), reason: error.to_string() }
            }
            BackendOpenError::Io(source) => OpenFolderError::from_io(folder, source),
        }
    }

    pub(super) fn from_store(folder: &Path, error: StoreError) -> OpenFolderError {
        match error {
            StoreError::Fault(reason) => OpenFolderError::from_io(folder, io::Error::other(reason)),
            StoreError::Damaged(reason) | StoreError::Stumbled(reason) => {
                OpenFolderError::Damaged { folder: folder.to_owned(), reason }
            }
        }
    }

    pub(super) fn from_journal(folder: &Path, error: io::Error) -> OpenFolderError {
        match error.kind() {
            io::ErrorKind::InvalidData => {
                OpenFolderError::Damaged { folder: folder.to_owned(), reason: error.to_string() }
            }
            _ => OpenFolderError::from_io(folder, error),
        }
    }

    pub(super) fn from_database(folder: &Path, error: redb::Error) -> OpenFolderError {
        match error {
            redb::Error::Io(source) if source.kind() != io::ErrorKind::UnexpectedEof => {
                OpenFolderError::from_io(folder, source)
            }
            redb::Error::DatabaseAlreadyOpen => OpenFolderError::Locked { folder: folder.to_owned() },
            other => OpenFolderError::Damaged { folder: folder.to_owned(), reason: other.to_string() },
        }
    }
}

/// Makes the folder if need be, and opens the database's file and its journal's in it. The
/// former is locked; the lock goes with the file, also when the process is killed.
pub(super) fn open_files(folder: &Path) -> Result<[File; 2], OpenFolderError> {
    let io = |source| OpenFolderError::from_io(folder, source);
    fs::create_dir_all(folder).map_err(io)?;
    let open = |name| File::options().read(true).write(true).create(true).truncate(false).open(folder.join(name));
    let mut made = false;
    for name in [FILE_NAME, JOURNAL_NAME] {
        made |= !folder.join(name).try_exists().map_err(io)?;
    }
    let file = open(FILE_NAME).map_err(io)?;
    lock(&file, folder)?;
    let journal = open(JOURNAL_NAME).map_err(io)?;
    if made && cfg!(unix) {
        // The files' names must outlive a crash as well as their bytes.
        File::open(folder).and_then(|folder| folder.sync_all()).map_err(io)?;
    }
    Ok([file, journal])
}

/// Locks a file. A process that this one starts at the moment has the lock of whoever has just closed the folder here,
/// until it runs its own program: that is waited for.
fn lock(file: &File, folder: &Path) -> Result<(), OpenFolderError> {
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::WouldBlock) => thread::sleep(LOCK_PAUSE),
            Err(TryLockError::Error(source)) => return Err(OpenFolderError::from_io(folder, source)),
        }
    }
    Err(OpenFolderError::Locked { folder: folder.to_owned() })
}

/// Half a second in all.
const LOCK_TRIES: u32 = 50;
const LOCK_PAUSE: Duration = Duration::from_millis(10);

const FILE_NAME: &str = "cowrite.log";
const JOURNAL_NAME: &str = "cowrite.journal";
