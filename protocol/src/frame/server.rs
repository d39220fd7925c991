//! What the server sends.

use alloc::string::String;
use alloc::vec::Vec;

use serde::{Deserialize, Serialize};

use super::{Abbreviated, Code, Packed, ProtocolVersion};
use crate::cursor::Cursor;
use crate::hash::{Checksum, RunningHash};
use crate::id::{AuthorNumber, Channel, ClientId, ClientSeq, Epoch, UserId, Version};
use crate::limits::Limits;

/// A frame from server to client. The kind is the variant's place, from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ServerFrame<'a> {
    /// 0: the answer to `Hello`.
    Welcome(Welcome),
    /// 1: the connection ends, for this reason; nothing follows.
    Error {
        /// Why.
        code: Code,
        /// When to come back at the earliest, in milliseconds, if the code says retry.
        retry_after_ms: u32,
        /// The oldest and newest wire versions that the server speaks.
        speaks: (ProtocolVersion, ProtocolVersion),
    },
    /// 2: the answer to `Open`; what the outcome says follows on the channel.
    Opened(Opened),
    /// 3: the document is not opened, for this reason.
    OpenRefused {
        /// The client's number for its request.
        request: u32,
        /// Why.
        code: Code,
        /// When to try again at the earliest, in milliseconds, if the code says retry.
        retry_after_ms: u32,
    },
    /// 4: a number for an author, before the first commit that bears it. A number given
    /// anew names the new author from here on.
    Author {
        /// Which document.
        channel: Channel,
        /// Who.
        author: Author,
    },
    /// 5: the next entry, by somebody else; the author's caret is where it implies.
    Commit(#[serde(borrow)] Commit<'a>),
    /// 6: the next entry; the author's caret did not move but by it.
    CommitStill(#[serde(borrow)] Commit<'a>),
    /// 7: the next entry, with the author's cursor.
    CommitCursor {
        /// The author's cursor, in the text after the entry.
        cursor: Cursor,
        /// The entry.
        #[serde(borrow)]
        commit: Commit<'a>,
    },
    /// 8: the next entry of a catch-up, self-contained.
    Entry {
        /// Which document.
        channel: Channel,
        /// The version after it.
        version: Version,
        /// Its author.
        client: ClientId,
        /// The author's number for it.
        seq: ClientSeq,
        /// The author's user.
        user: UserId,
        /// The operation.
        #[serde(borrow)]
        operation: Packed<'a>,
    },
    /// 9: the receiver's own operation is the next entry.
    Ack {
        /// Which document.
        channel: Channel,
        /// The low byte of its client_seq.
        seq: u8,
        /// The low byte of the version after it.
        version: u8,
        /// The first byte of the running hash after it.
        hash: u8,
    },
    /// 10: the receiver's operation is refused for good; its client_seq is consumed.
    Reject {
        /// Which document.
        channel: Channel,
        /// Which operation.
        seq: ClientSeq,
        /// Why.
        code: Code,
    },
    /// 11: the receiver's operation was not taken now; it keeps its client_seq.
    Busy {
        /// Which document.
        channel: Channel,
        /// Which operation.
        seq: ClientSeq,
        /// Why.
        code: Code,
        /// When to send it again at the earliest, in milliseconds.
        retry_after_ms: u32,
    },
    /// 12: all entries after the receiver's version, as one operation; none of them is
    /// its own. A submit in flight is void: it is to be rebased and sent again.
    Composed {
        /// Which document.
        channel: Channel,
        /// The version after the last of them.
        version: Version,
        /// The running hash there.
        hash: RunningHash,
        /// The checksum of the document there.
        checksum: Checksum,
        /// All numbered authors, with their last client_seq there.
        authors: Vec<Author>,
        /// The operation.
        #[serde(borrow)]
        operation: Packed<'a>,
    },
    /// 13: the document at a version; follows an `Opened` that says so.
    Snapshot(#[serde(borrow)] SnapshotFrame<'a>),
    /// 14: entries up to this version are durable, as `Welcome` defines it.
    Durable {
        /// Which document.
        channel: Channel,
        /// The durable watermark.
        version: Version,
    },
    /// 15: the document's log does not answer (or does again).
    Stalled {
        /// Which document.
        channel: Channel,
        /// Whether it stalls now.
        stalled: bool,
    },
    /// 16: the channel ends, for this reason.
    Closed {
        /// Which document.
        channel: Channel,
        /// Why.
        code: Code,
        /// When to open it again at the earliest, in milliseconds, if the code says retry.
        retry_after_ms: u32,
    },
    /// 17: the answer to `Ping`.
    Pong,
    /// 18: the server is going down; connect again within a random part of the spread.
    GoAway {
        /// The spread in milliseconds.
        spread_ms: u32,
    },
    /// 19: who joined, changed or left.
    Members {
        /// Which document.
        channel: Channel,
        /// The changes, in order.
        changes: Vec<MemberChange>,
    },
    /// 20: cursors that moved; each replaces the member's former one.
    Cursors {
        /// Which document.
        channel: Channel,
        /// The low byte of the version that they hold at: the last one that this channel
        /// carried, unless the receiver has missed something.
        version: u8,
        /// The cursors.
        cursors: Vec<(AuthorNumber, Cursor)>,
    },
    /// 21: the answer to `Verify`. A disagreement is followed by `Closed`.
    Verified {
        /// Which document.
        channel: Channel,
        /// The version up to which the channel was told everything, at least the one that was verified:
        /// a receiver that stands below it has missed something.
        version: Version,
    },
    /// 22: a part of a frame that is too large for one message.
    Part {
        /// The channel of the frame.
        channel: Channel,
        /// The size of the whole frame in bytes, in its first part.
        total: Option<u32>,
        /// The next bytes of it.
        #[serde(borrow)]
        bytes: Packed<'a>,
    },
    /// 23: the answer to `Restore`: the work is in the log, at this version, or another
    /// client had restored before (`AlreadyRestored`), or it was refused.
    Restored {
        /// Which document.
        channel: Channel,
        /// `None` if this restoration was committed; else why not.
        refused: Option<Code>,
    },
    /// 24: what holds on this connection from here on; follows `Welcome` and every `Token` that is
    /// accepted.
    Terms(Terms),
}

/// How often a client may do what, and how long its token is good.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Submits, over all documents of the connection. Above it the answer is `Busy`.
    pub submits: Rate,
    /// Cursor and presence frames, over all documents of the connection. Above it the newest counts,
    /// and far above it the server reads the connection more slowly.
    pub presence: Rate,
    /// Connections that the user may have at a time, over all servers.
    pub connections: u32,
    /// So long the token is good, in milliseconds from now; then the connection ends with
    /// [`Code::TokenExpired`] unless a fresh one came. `None`: it does not end.
    pub token_ms: Option<u32>,
}

/// A rate that may be exceeded for a moment, as of a bucket that holds `burst` and fills by
/// `per_second`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rate {
    /// In the long run, in a second; at least 1.
    pub per_second: u32,
    /// At once, after a quiet while; at least 1.
    pub burst: u32,
}

/// What the server grants a new connection.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Welcome {
    /// The version of the wire that is spoken from here on.
    pub version: ProtocolVersion,
    /// Who the client is, by its token.
    pub user: UserId,
    /// What the client may ask for.
    pub limits: Limits,
    /// What "accepted" means here.
    pub durability: DurabilityClass,
    /// The silence after which the server gives a connection up, in milliseconds.
    pub silence_ms: u32,
}

/// What "accepted" means on this server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DurabilityClass {
    /// In memory only.
    None,
    /// On disk before it is accepted: accepted is durable.
    Disk,
    /// `Durable` follows once this many replicas have it.
    Replicated(u8),
    /// `Durable` follows once the log's server has synced it.
    Fsynced,
}

/// The answer to an `Open`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opened {
    /// The client's number for its request.
    pub request: u32,
    /// The number of the document on this connection from here on.
    pub channel: Channel,
    /// The client's id: the one presented, or one issued now.
    pub client: ClientId,
    /// The last client_seq of this client that the log holds; 0 if it holds none.
    pub last_seq: ClientSeq,
    /// The client's own number among authors and members.
    pub number: AuthorNumber,
    /// What the client may do.
    pub role: Role,
    /// What became of the operation in flight; final.
    pub settlement: Settlement,
    /// The life of the log; `None` for a document never written.
    pub epoch: Option<Epoch>,
    /// What follows on the channel.
    pub outcome: Outcome,
}

/// What a returning client is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// In step: nothing is missing, or entries and compositions follow that lead to `head`.
    Tail {
        /// The version that the client is led to.
        head: Version,
    },
    /// The document follows: the client came without a version, or with one that the
    /// log no longer reaches back to.
    Snapshot,
    /// The document follows: in the same life, the log holds another history than the
    /// client knew.
    Mismatch,
    /// The document follows: the log lives another life than the client knew.
    EpochChanged,
}

/// What became of an operation in flight.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Settlement {
    /// None was named.
    Nothing,
    /// It is in the log, at this version.
    Accepted(Version),
    /// It is not in the log, and that copy of it never will be.
    NotAccepted,
    /// Nobody knows any more.
    Unknown,
}

/// The next entry, by a numbered author.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Commit<'a> {
    /// Which document.
    pub channel: Channel,
    /// Who.
    pub author: AuthorNumber,
    /// The low byte of the version after it.
    pub version: u8,
    /// The author's client_seq, over the one after its last in the log.
    pub seq: Abbreviated,
    /// The operation.
    #[serde(borrow)]
    pub operation: Packed<'a>,
}

/// A document at a version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SnapshotFrame<'a> {
    /// Which document.
    pub channel: Channel,
    /// The life of the log; `None` for a document never written.
    pub epoch: Option<Epoch>,
    /// The version.
    pub version: Version,
    /// The running hash there.
    pub hash: RunningHash,
    /// The checksum of the content.
    pub checksum: Checksum,
    /// All numbered authors, with their last client_seq there.
    pub authors: Vec<Author>,
    /// The document as one packed operation.
    #[serde(borrow)]
    pub content: Packed<'a>,
}

/// What a number stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Author {
    /// The room's number for the author.
    pub number: AuthorNumber,
    /// The author's client id.
    pub client: ClientId,
    /// The author's user.
    pub user: UserId,
    /// The author's last client_seq in the log at the receiver's version; 0 if none.
    pub seq: ClientSeq,
}

/// What a user may do with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Role {
    /// Read.
    Viewer,
    /// Read and comment.
    Commenter,
    /// Read and write.
    Editor,
    /// Read, write and administrate.
    Owner,
}

/// What a member is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Activity {
    /// Looking at the document.
    #[default]
    Active,
    /// Typing.
    Typing,
    /// Elsewhere.
    Away,
}

/// Somebody who has the document open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// The room's number for the member.
    pub number: AuthorNumber,
    /// The user, as the server knows it.
    pub user: UserId,
    /// The display name, as the token says it; may be empty.
    pub name: String,
    /// What the member is doing.
    pub activity: Activity,
    /// The application's state: JSON, may be empty.
    pub state: String,
}

/// One change of who is here.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MemberChange {
    /// The member is here, as described; replaces what was known of the number.
    Here(Member),
    /// The member left.
    Left(AuthorNumber),
}
