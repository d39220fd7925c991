//! What may happen in a room, by the kinds that are counted apart.

use cowrite_protocol::frame::Code;

use super::kinds::Kind;
use crate::auth::Action;

/// How somebody came to a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OpenKind {
    /// For the first time: nothing was known of it.
    Fresh,
    /// Back, and led on from where they were.
    Resumed,
    /// Back, and given the document anew: the log does not reach back to where they were.
    Behind,
    /// Back, with a history that the log does not hold.
    Mismatch,
    /// Back from another life of the log.
    EpochChanged,
}

/// How a channel is brought to the head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CatchUp {
    /// By entries, one by one; counted is each run of them.
    Single,
    /// By one operation for all that was missed.
    Composed,
    /// By the whole document.
    Snapshot,
}

/// What may be held back from a slow reader, or joined with what comes later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Offered {
    /// Commits: the reader falls behind, and is caught up.
    Commit,
    /// Who is here, and where.
    Presence,
    /// Cursors.
    Cursor,
}

/// What is asked of the op log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogOperation {
    /// To open a document or a client.
    Open,
    /// To append a batch.
    Append,
    /// To read entries.
    Read,
    /// To load or store a snapshot.
    Snapshot,
    /// To trim old entries.
    Trim,
    /// To begin a new life.
    AdvanceEpoch,
    /// To subscribe to the live feed.
    Subscribe,
}

/// All ways to come to a document.
pub(super) const OPENS: [OpenKind; 5] =
    [OpenKind::Fresh, OpenKind::Resumed, OpenKind::Behind, OpenKind::Mismatch, OpenKind::EpochChanged];

/// All ways to be brought to the head.
pub(super) const CATCH_UPS: [CatchUp; 3] = [CatchUp::Single, CatchUp::Composed, CatchUp::Snapshot];

/// What is refused when a queue is full.
pub(super) const DROPPED: [Offered; 2] = [Offered::Commit, Offered::Presence];

/// What later ones replace.
pub(super) const COALESCED: [Offered; 2] = [Offered::Presence, Offered::Cursor];

/// All that somebody may want of a document.
pub(super) const ACTIONS: [Action; 3] = [Action::Read, Action::Appear, Action::Write];

/// All that is asked of the op log.
pub(super) const LOG_OPERATIONS: [LogOperation; 7] = [
    LogOperation::Open,
    LogOperation::Append,
    LogOperation::Read,
    LogOperation::Snapshot,
    LogOperation::Trim,
    LogOperation::AdvanceEpoch,
    LogOperation::Subscribe,
];

/// Reasons for which the room or the connection refuses to open a document.
pub(super) const REFUSALS: [Code; 8] = [
    Code::AccessDenied,
    Code::Unavailable,
    Code::Damaged,
    Code::AlreadyOpen,
    Code::TooManyChannels,
    Code::ForeignClient,
    Code::BadDocumentId,
    Code::Internal,
];

/// Reasons for which the server closes a channel.
pub(super) const CLOSES: [Code; 9] = [
    Code::Superseded,
    Code::Behind,
    Code::EpochChanged,
    Code::Diverged,
    Code::AccessDenied,
    Code::AccessChanged,
    Code::Unavailable,
    Code::Damaged,
    Code::Internal,
];

impl Kind for OpenKind {
    fn label(self) -> &'static str {
        match self {
            OpenKind::Fresh => "fresh",
            OpenKind::Resumed => "resumed",
            OpenKind::Behind => "behind",
            OpenKind::Mismatch => "mismatch",
            OpenKind::EpochChanged => "epoch_changed",
        }
    }
}

impl Kind for CatchUp {
    fn label(self) -> &'static str {
        match self {
            CatchUp::Single => "single",
            CatchUp::Composed => "composed",
            CatchUp::Snapshot => "snapshot",
        }
    }
}

impl Kind for Offered {
    fn label(self) -> &'static str {
        match self {
            Offered::Commit => "commit",
            Offered::Presence => "presence",
            Offered::Cursor => "cursor",
        }
    }
}

impl Kind for Action {
    fn label(self) -> &'static str {
        match self {
            Action::Read => "read",
            Action::Appear => "appear",
            Action::Write => "write",
        }
    }
}

impl Kind for LogOperation {
    fn label(self) -> &'static str {
        match self {
            LogOperation::Open => "open",
            LogOperation::Append => "append",
            LogOperation::Read => "read",
            LogOperation::Snapshot => "snapshot",
            LogOperation::Trim => "trim",
            LogOperation::AdvanceEpoch => "advance_epoch",
            LogOperation::Subscribe => "subscribe",
        }
    }
}
