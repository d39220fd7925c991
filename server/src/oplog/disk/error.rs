//! What goes wrong below the log, sorted by what follows from it.

use std::io;
use std::time::Duration;

use thiserror::Error;

use super::record::RecordError;
use crate::oplog::{AppendOutcome, LogError};

/// How long a caller waits at least after a fault of the disk.
const RETRY_FAULT: Duration = Duration::from_secs(1);

/// How long a caller waits at least with a document that is damaged.
const RETRY_DAMAGED: Duration = Duration::from_secs(60);

/// Why the database could not do something.
#[derive(Clone, Debug, Error)]
pub(super) enum StoreError {
    /// Rows of one document are damaged; the others are not concerned.
    #[error("{0}")]
    Damaged(String),
    /// The database stumbled over what it read, most likely for one document alone; it
    /// has to be opened again.
    #[error("{0}")]
    Stumbled(String),
    /// The file can not be read or written; the database has to be opened again.
    #[error("{0}")]
    Fault(String),
}

impl StoreError {
    pub(super) fn damaged(reason: impl Into<String>) -> StoreError {
        StoreError::Damaged(reason.into())
    }

    /// Of a panic inside the database, caught.
    pub(super) fn panicked(payload: &(dyn std::any::Any + Send)) -> StoreError {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let text = text.or_else(|| payload.downcast_ref::<String>().cloned());
        StoreError::Stumbled(format!("the database gave up: {}", text.unwrap_or_default()))
    }

    /// Whether the database must be opened again before it is used.
    pub(super) fn spoils_database(&self) -> bool {
        !matches!(self, StoreError::Damaged(_))
    }

    /// What an append is answered that met this and was not written.
    pub(super) fn append_outcome(&self) -> AppendOutcome {
        let retry_after = if matches!(self, StoreError::Fault(_)) { RETRY_FAULT } else { RETRY_DAMAGED };
        AppendOutcome::Unavailable { retry_after }
    }
}

impl From<StoreError> for LogError {
    fn from(error: StoreError) -> LogError {
        match error {
            StoreError::Damaged(reason) | StoreError::Stumbled(reason) => LogError::Damaged { reason },
            StoreError::Fault(reason) => LogError::Unavailable { reason, retry_after: RETRY_FAULT },
        }
    }
}

impl From<RecordError> for StoreError {
    fn from(error: RecordError) -> StoreError {
        StoreError::Damaged(error.to_string())
    }
}

impl From<redb::Error> for StoreError {
    fn from(error: redb::Error) -> StoreError {
        let reason = error.to_string();
        match error {
            // A page number that points behind the end is a damaged one.
            redb::Error::Io(source) if source.kind() == io::ErrorKind::UnexpectedEof => StoreError::Stumbled(reason),
            redb::Error::Corrupted(_) | redb::Error::TableDoesNotExist(_) => StoreError::Stumbled(reason),
            _ => StoreError::Fault(reason),
        }
    }
}

macro_rules! from_database_errors {
    ($($error:ident),*) => {$(
        impl From<redb::$error> for StoreError {
            fn from(error: redb::$error) -> StoreError {
                redb::Error::from(error).into()
            }
        }
    )*};
}

from_database_errors!(StorageError, TableError, TransactionError, CommitError, DatabaseError, SetDurabilityError);
