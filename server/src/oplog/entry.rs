//! What a log holds and what is given to it.

use bytes::Bytes;
use cowrite_protocol::{Checksum, ClientId, ClientSeq, Epoch, Generation, RunningHash, UserId, Version};

/// Where a history stands: three things that must agree before anything is appended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// Which life of the log; `None` for a document never written.
    pub epoch: Option<Epoch>,
    /// The number of committed operations.
    pub version: Version,
    /// The running hash at that version.
    pub hash: RunningHash,
}

/// One committed operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The version after it.
    pub version: Version,
    /// Its author.
    pub client: ClientId,
    /// The author's number for it.
    pub client_seq: ClientSeq,
    /// The user to whom the author's client id is bound.
    pub user: UserId,
    /// The appending server's clock in milliseconds since 1970, for display only:
    /// nothing orders by it.
    pub time_ms: u64,
    /// The packed operation in normal form.
    pub operation: Bytes,
}

/// An operation that asks to become an entry; its version follows from its place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its author.
    pub client: ClientId,
    /// The author's number for it.
    pub client_seq: ClientSeq,
    /// The stay of the author that sent it: an older one than the log's is fenced.
    pub generation: Generation,
    /// The authenticated user.
    pub user: UserId,
    /// The packed operation, transformed to stand behind the members before it.
    pub operation: Bytes,
}

/// One append: all of it is committed, or nothing.
#[derive(Clone, Debug)]
pub struct Batch {
    /// Where the appending room believes the log to stand.
    pub expected: Head,
    /// The epoch that is created if the document has none yet.
    pub new_epoch: Epoch,
    /// The members in order; never empty.
    pub members: Vec<Member>,
    /// The running hash after the last member.
    pub hash_after: RunningHash,
    /// The appending server's clock, in milliseconds since 1970.
    pub time_ms: u64,
}

/// Entries as they were committed, by any writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedBatch {
    /// The life of the log in which they were committed.
    pub epoch: Epoch,
    /// The entries, without a gap. A reader that misses one before the first reads the log.
    pub entries: Vec<Entry>,
    /// The running hash after the last of them.
    pub hash_after: RunningHash,
}

/// What a feed brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedEvent {
    /// Entries were committed.
    Batch(FeedBatch),
    /// Entries of this life up to this version are as durable as the log's class says;
    /// sent only by a log whose acknowledgement does not say so already.
    Durable {
        /// The life of the log.
        epoch: Epoch,
        /// The durable watermark in it.
        version: Version,
        /// The running hash there: a life may have two histories until that is noticed,
        /// and only one of them is durable.
        hash: RunningHash,
    },
    /// Something may have been lost; from here on the feed is in force again. The reader
    /// must look where the log stands.
    Interrupted,
}

/// A document at a version, so that opening it does not need its history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// The head that it was made at; the epoch is never `None`.
    pub head: Head,
    /// The checksum of the document; compared when it is loaded.
    pub checksum: Checksum,
    /// The document as one packed operation.
    pub content: Bytes,
}

/// A life that is to begin after another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct NewLife {
    /// The one that ends; `None` where none has begun.
    pub old: Option<Epoch>,
    /// The new one.
    pub new: Epoch,
    /// It does not begin if the newest entry is this client's.
    pub unless: Option<ClientId>,
}
