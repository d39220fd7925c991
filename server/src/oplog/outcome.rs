//! What a log answers.

use std::time::Duration;

use cowrite_protocol::{ClientSeq, Generation, Version};
use thiserror::Error;

use super::{Entry, Head};

/// What the log says of a document when it is opened, read in one atomic step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OpenedLog {
    /// Where the log stands.
    pub head: Head,
    /// The lowest version after which every entry can still be read.
    pub floor: Version,
    /// The presented client's record, after its generation was raised; `None` if no
    /// client was presented.
    pub client: Option<ClientState>,
}

/// The log's record of one client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientState {
    /// The live generation.
    pub generation: Generation,
    /// The client's last committed client_seq and its version; `None` if the log has
    /// no record of the client committing, or has forgotten it.
    pub last: Option<(ClientSeq, Version)>,
}

/// How an append ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendOutcome {
    /// All members are entries now, as durable as the log's class says.
    Committed {
        /// Where the log stands now.
        head: Head,
    },
    /// The log stands elsewhere than expected, in the same epoch (or in its first one,
    /// where the writer knew of none); nothing was appended.
    Conflict {
        /// Where the log stands.
        head: Head,
        /// The entries after the expected version, from the first, perhaps not all
        /// (paged); empty if they can not be given: then read, or load the snapshot.
        entries: Vec<Entry>,
    },
    /// Some members may not be appended; nothing was appended.
    Refused {
        /// The offending members by index, rising, each with its reason.
        members: Vec<(usize, Refusal)>,
    },
    /// The log lives another life than expected, or at the expected version it holds
    /// another history (the hashes differ), or it stands behind; nothing was appended.
    EpochChanged {
        /// Where the log stands.
        head: Head,
    },
    /// It may have been appended or not: retry with the same expected head, and a
    /// conflict shows our own entries if it was.
    OutcomeUnknown,
    /// Nothing was appended; try again after this time.
    Unavailable {
        /// How long to wait at least.
        retry_after: Duration,
    },
}

/// Why a member may not be appended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The log holds this or a later client_seq of the client; the version is that of
    /// the client's last one.
    Duplicate {
        /// The client's last committed client_seq.
        last: ClientSeq,
        /// The version of that entry.
        version: Version,
    },
    /// The client has been opened again since: this copy can never commit.
    Fenced,
    /// The client id belongs to another user.
    OtherUser,
}

/// How a read ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReadOutcome {
    /// Entries after the given version, without a gap; empty exactly if there are none.
    /// More may follow: read again after the last.
    Entries(Vec<Entry>),
    /// Entries after that version have been trimmed.
    BelowFloor {
        /// The lowest version that can be read after.
        floor: Version,
    },
}

/// How an attempt to begin a new life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AdvanceOutcome {
    /// The new epoch is in force; the head is the surviving one under it.
    Advanced(Head),
    /// The log's epoch was not the named old one, or its newest entry is the client's that was named.
    Other(Head),
}

/// Why a document's log cannot be opened.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The client id belongs to another user; take a new one.
    #[error("the client id is bound to another user")]
    OtherUser,
    /// The log itself failed.
    #[error(transparent)]
    Log(#[from] LogError),
}

/// Why a log cannot answer.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LogError {
    /// It may be able to later.
    #[error("the op log is unavailable: {reason}; retry after {retry_after:?}")]
    Unavailable {
        /// What failed, for the operator.
        reason: String,
        /// How long to wait at least.
        retry_after: Duration,
    },
    /// What is stored of this document is damaged; others are not concerned.
    #[error("the stored document is damaged: {reason}")]
    Damaged {
        /// What was found where, for the operator.
        reason: String,
    },
}
