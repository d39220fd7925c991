//! What can happen in a run, and to whom.

use cowrite_protocol::{Channel, RunningHash, Version};
use cowrite_server::oplog::FeedEvent;
use cowrite_server::presence::PresenceEvent;
use cowrite_server::room::{ConnectionId, LogAnswer, LogRequest, LogTicket};

use super::LinkId;

/// One thing that happens, at its time.
pub(super) enum Happening {
    /// A user does something.
    User(usize),
    /// A message arrives at the server, or at the client.
    Up(LinkId, Vec<u8>),
    Down(LinkId, Vec<u8>),
    /// The client's socket is open.
    Connected(usize, LinkId),
    /// A client's device has written what it was asked for, in that life of the page.
    Stored(usize, u64),
    /// A side learns that the link is gone.
    ClientGone(usize, LinkId),
    ServerGone(usize, ConnectionId),
    /// The server's socket takes bytes again.
    Write(LinkId),
    /// A question reaches the log; its answer reaches the room.
    Ask {
        to: RoomName,
        ticket: LogTicket,
        request: LogRequest,
        answered: bool,
    },
    Answer {
        to: RoomName,
        ticket: LogTicket,
        answer: LogAnswer,
    },
    Feed {
        to: RoomName,
        event: FeedEvent,
    },
    /// What another server says of who is there.
    Presence {
        to: RoomName,
        event: PresenceEvent,
    },
    /// The slow periodic look at the log.
    Look(RoomName),
    /// A room hears connections again.
    Hear(RoomName),
    Restart(usize),
    /// A user may write again.
    Promotion(String),
    /// A user may read again.
    Readmission(String),
    /// A device wakes up, or has a network again.
    Wake(usize),
    /// A link is cut, after what came through has arrived.
    Cut(LinkId),
    /// The log has made this version and all before it durable.
    Synced(Version, RunningHash),
}

impl Happening {
    /// What it is, for a run that does not end.
    pub(super) fn name(&self) -> &'static str {
        match self {
            Happening::User(_) => "a user",
            Happening::Up(..) => "a message up",
            Happening::Down(..) => "a message down",
            Happening::Connected(..) => "a connection",
            Happening::ClientGone(..) | Happening::ServerGone(..) => "a lost link",
            Happening::Write(_) => "a write",
            Happening::Stored(..) => "a device",
            Happening::Ask { .. } | Happening::Answer { .. } => "the log",
            Happening::Feed { .. } | Happening::Look(_) => "the feed",
            Happening::Presence { .. } => "presence",
            Happening::Hear(_) => "a room that hears again",
            Happening::Restart(_) => "a restart",
            Happening::Promotion(_) | Happening::Readmission(_) => "a right given back",
            Happening::Wake(_) => "a device that wakes",
            Happening::Cut(_) => "a cut",
            Happening::Synced(..) => "a log that is durable",
        }
    }
}

/// A room in one life of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoomName {
    pub(super) server: usize,
    pub(super) life: u64,
    pub(super) channel: Channel,
    pub(super) room_life: u64,
}
