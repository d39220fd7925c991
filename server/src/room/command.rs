//! What goes into a room and what comes out.

use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::frame::{Abbreviated, Activity, Code, Position};
use cowrite_protocol::{Checksum, ClientId, ClientSeq, Cursor, UserId, Version};

use super::deletion::ExistenceCommand;
use super::export::ExportCommand;
use crate::auth::Permit;
use crate::metrics::{LogOperation, Trail};
use crate::oplog::{
    AdvanceOutcome, AppendOutcome, Batch, LogError, NewLife, OpenError, OpenedLog, ReadOutcome, Snapshot,
};
use crate::outbox::Outbox;

/// One connection of this process; never used again for another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(pub u64);

/// The number of one request to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LogTicket(pub u64);

/// How a room behaves.
#[derive(Clone, Copy, Debug)]
pub struct RoomSettings {
    /// Entries kept in memory at most.
    pub tail_entries: usize,
    /// Bytes of packed operations kept in memory at most.
    pub tail_bytes: usize,
    /// A snapshot is stored every this many entries.
    pub snapshot_entries: u64,
    /// Entries that the log keeps readable behind the snapshot.
    pub retained_entries: u64,
    /// From this many missed entries on a catch-up is composed.
    pub compose_from: u64,
    /// An append without an answer for this long is told to the clients, in milliseconds.
    pub stall_ms: u64,
    /// Presence is sent this often at most, in milliseconds.
    pub presence_ms: u64,
    /// A room tells other servers at least this often who is here, in milliseconds.
    pub summary_ms: u64,
    /// A member elsewhere of whom nothing was heard for this long is gone, in milliseconds;
    /// some three times `summary_ms` of the others.
    pub expiry_ms: u64,
    /// Bytes asked of one read.
    pub read_bytes: usize,
}

impl Default for RoomSettings {
    fn default() -> Self {
        RoomSettings {
            tail_entries: 10_000,
            tail_bytes: 4 << 20,
            snapshot_entries: 1_000,
            retained_entries: 10_000,
            compose_from: 8,
            stall_ms: 2_000,
            presence_ms: 100,
            summary_ms: 10_000,
            // With its tick, within 30 s.
            expiry_ms: 29_500,
            read_bytes: 1 << 20,
        }
    }
}

/// Something that a connection asks of a room.
#[derive(Debug)]
pub enum RoomCommand {
    /// Opens the document.
    Open(Box<OpenCommand>),
    /// A frame of an open channel.
    Frame {
        /// Whose.
        connection: ConnectionId,
        /// What.
        frame: ChannelFrame,
    },
    /// The connection's queue has drained.
    Drained {
        /// Whose.
        connection: ConnectionId,
    },
    /// The connection is gone.
    Disconnected {
        /// Whose.
        connection: ConnectionId,
    },
    /// The connection's right to this document has ended or changed: its channel is closed, for this
    /// reason.
    Expel {
        /// Whose.
        connection: ConnectionId,
        /// Why.
        code: Code,
        /// When to open it again at the earliest, in milliseconds.
        retry_after_ms: u32,
    },
    /// The document as it is, once.
    Export(Box<ExportCommand>),
    /// The document is to be deleted, or made anew.
    Existence(Box<ExistenceCommand>),
}

/// A wish to open the document, by somebody who may.
#[derive(Debug)]
pub struct OpenCommand {
    /// The connection.
    pub connection: ConnectionId,
    /// Where its frames go.
    pub outbox: Arc<Outbox>,
    /// The client's number for the request.
    pub request: u32,
    /// The client id: presented, or issued for this.
    pub client: ClientId,
    /// The authenticated user.
    pub user: UserId,
    /// The display name; may be empty.
    pub name: String,
    /// What the user may do, and how long.
    pub permit: Permit,
    /// Where the client stands.
    pub position: Option<Position>,
    /// The client wants the document whole.
    pub whole: bool,
    /// The operation whose outcome the client does not know.
    pub in_flight: Option<ClientSeq>,
    /// The member's presence state.
    pub state: String,
}

/// A frame on an open channel, or what its connection says of it.
#[derive(Debug)]
pub enum ChannelFrame {
    /// An edit.
    Submit {
        /// Its client_seq.
        seq: Abbreviated,
        /// Its base.
        base: Abbreviated,
        /// The packed operation.
        operation: Bytes,
        /// What it says of the cursor.
        caret: crate::sequencer::SubmittedCaret,
        /// It came above the rate that was announced: not to be taken, but in so many milliseconds.
        busy_ms: Option<u32>,
        /// When it came from its socket; for those who count.
        trail: Trail,
    },
    /// The cursor moved.
    Cursor {
        /// The version that it holds at.
        version: Abbreviated,
        /// The cursor.
        cursor: Cursor,
    },
    /// The member's state or activity changed.
    Presence {
        /// What the member is doing.
        activity: Activity,
        /// The new state, if it changed.
        state: Option<String>,
    },
    /// What the client believes, at rest.
    Verify {
        /// Its version.
        version: Version,
        /// The first bytes of its running hash.
        hash: u64,
        /// The checksum of its text.
        checksum: Checksum,
    },
    /// Lost work to bring back.
    Restore {
        /// The version that it was made on.
        base: Version,
        /// The packed operation.
        operation: Bytes,
    },
    /// The client closes the channel.
    Close,
    /// Nothing is heard of the client, though it was asked: others are not shown its member.
    Silent,
    /// It is heard again.
    Heard,
}

/// What the room's driver is to do.
#[derive(Debug)]
pub enum RoomOutput {
    /// Ask the log, and bring the answer under this ticket.
    Log(LogTicket, LogRequest),
    /// Publish this to the rooms of the document at other servers, as
    /// [`PresenceBus::publish`](crate::presence::PresenceBus::publish) does; may be lost.
    Presence(Bytes),
}

/// A question to the log of the room's document.
#[derive(Debug)]
pub enum LogRequest {
    /// [`OpLog::subscribe`](crate::oplog::OpLog::subscribe); the feed goes to
    /// [`Room::handle_feed`](super::Room::handle_feed).
    Subscribe,
    /// [`OpLog::open`](crate::oplog::OpLog::open).
    Open(Option<(ClientId, UserId)>),
    /// [`OpLog::append`](crate::oplog::OpLog::append); the driver fills in the time.
    Append(Batch),
    /// [`OpLog::read`](crate::oplog::OpLog::read).
    Read {
        /// After which version.
        after: Version,
        /// How many bytes about.
        max_bytes: usize,
    },
    /// [`OpLog::load_snapshot`](crate::oplog::OpLog::load_snapshot).
    LoadSnapshot,
    /// [`OpLog::store_snapshot`](crate::oplog::OpLog::store_snapshot).
    StoreSnapshot(Snapshot),
    /// [`OpLog::trim`](crate::oplog::OpLog::trim).
    Trim(Version),
    /// [`OpLog::erase`](crate::oplog::OpLog::erase).
    Erase(Version),
    /// [`OpLog::advance_epoch`](crate::oplog::OpLog::advance_epoch).
    AdvanceEpoch(NewLife),
}

/// The log's answer.
#[derive(Debug)]
pub enum LogAnswer {
    /// To [`LogRequest::Subscribe`].
    Subscribed(Result<(), LogError>),
    /// To [`LogRequest::Open`].
    Opened(Result<OpenedLog, OpenError>),
    /// To [`LogRequest::Append`].
    Append(AppendOutcome),
    /// To [`LogRequest::Read`].
    Read(Result<ReadOutcome, LogError>),
    /// To [`LogRequest::LoadSnapshot`].
    Snapshot(Result<Option<Snapshot>, LogError>),
    /// To [`LogRequest::StoreSnapshot`], [`LogRequest::Trim`] and [`LogRequest::Erase`].
    Stored(Result<(), LogError>),
    /// To [`LogRequest::AdvanceEpoch`].
    Advanced(Result<AdvanceOutcome, LogError>),
}

impl LogRequest {
    /// What it asks for, by the kinds that are counted.
    pub(super) fn operation(&self) -> LogOperation {
        match self {
            LogRequest::Subscribe => LogOperation::Subscribe,
            LogRequest::Open(_) => LogOperation::Open,
            LogRequest::Append(_) => LogOperation::Append,
            LogRequest::Read { .. } => LogOperation::Read,
            LogRequest::LoadSnapshot | LogRequest::StoreSnapshot(_) => LogOperation::Snapshot,
            LogRequest::Trim(_) | LogRequest::Erase(_) => LogOperation::Trim,
            LogRequest::AdvanceEpoch(_) => LogOperation::AdvanceEpoch,
        }
    }
}

impl LogAnswer {
    /// Whether the log did not do what it was asked for, or nobody knows. Somebody else being first
    /// is no failure.
    pub(super) fn is_failure(&self) -> bool {
        match self {
            LogAnswer::Subscribed(answer) => answer.is_err(),
            LogAnswer::Opened(answer) => matches!(answer, Err(OpenError::Log(_))),
            LogAnswer::Append(outcome) => {
                matches!(outcome, AppendOutcome::OutcomeUnknown | AppendOutcome::Unavailable { .. })
            }
            LogAnswer::Read(answer) => answer.is_err(),
            LogAnswer::Snapshot(answer) => answer.is_err(),
            LogAnswer::Stored(answer) => answer.is_err(),
            LogAnswer::Advanced(answer) => answer.is_err(),
        }
    }
}
