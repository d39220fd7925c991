//! The contract of every op log.

use std::future::Future;
use std::pin::Pin;

use cowrite_protocol::{ClientId, DocumentId, UserId, Version};
use tokio::sync::mpsc;

use super::{
    AdvanceOutcome, AppendOutcome, Batch, FeedEvent, LogError, NewLife, OpenError, OpenedLog, ReadOutcome, Snapshot,
};

/// The answer of a log, when it comes. It may be dropped: what was asked is then done
/// or not, as after a lost answer.
pub type LogFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Live events of one document, batches in the order of the log as far as the adapter can
/// give it: a batch may be missing, and the reader must look at the versions.
pub type Feed = mpsc::UnboundedReceiver<FeedEvent>;

/// What "accepted" means in a log; `Welcome` announces it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Durability {
    /// In memory only: gone with the process.
    None,
    /// On this machine's disk before it is acknowledged.
    Disk,
    /// On this many replicas before the durable watermark moves.
    Replicated(u8),
    /// Synced by the log's own server before the durable watermark moves.
    Fsynced,
}

/// A log of committed operations of many documents, with their snapshots and client
/// records. Cheap to share; all methods may be called at once from many tasks.
///
/// **Client records**, one a client and document (user, generation, last client_seq,
/// its version, last seen), are kept 7 days after last seen and at least as long as
/// the client's entries, independent of trimming.
pub trait OpLog: Send + Sync + 'static {
    /// The class that `Welcome` announces.
    fn durability(&self) -> Durability;

    /// Reads where a document's log stands. With a client, raises its generation in the
    /// same atomic step, and binds an unknown client id to the user.
    fn open<'a>(
        &'a self,
        document: &'a DocumentId,
        client: Option<(ClientId, UserId)>,
    ) -> LogFuture<'a, Result<OpenedLog, OpenError>>;

    /// Whether an append could be taken now. Changes nothing of any document.
    fn probe(&self) -> LogFuture<'_, Result<(), LogError>>;

    /// Appends a batch in one atomic step: compares the expected head, checks every
    /// member against its client's record, writes all of it or nothing, and publishes it.
    fn append<'a>(&'a self, document: &'a DocumentId, batch: Batch) -> LogFuture<'a, AppendOutcome>;

    /// Reads entries after a version, about `max_bytes` of operations at most, at least
    /// one entry if there is any. It fails as damaged only if the first of them is: what
    /// lies before a damaged one can be had.
    fn read<'a>(
        &'a self,
        document: &'a DocumentId,
        after: Version,
        max_bytes: usize,
    ) -> LogFuture<'a, Result<ReadOutcome, LogError>>;

    /// Loads the newest snapshot that is whole.
    fn load_snapshot<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Option<Snapshot>, LogError>>;

    /// Stores a snapshot. One that is older than the stored one, of another epoch than the
    /// log's, or of another history, wherever the log knows the hash at its version, is ignored.
    fn store_snapshot<'a>(
        &'a self,
        document: &'a DocumentId,
        snapshot: Snapshot,
    ) -> LogFuture<'a, Result<(), LogError>>;

    /// Forgets entries up to and including `before`, but never above the stored snapshot.
    fn trim<'a>(&'a self, document: &'a DocumentId, before: Version) -> LogFuture<'a, Result<(), LogError>>;

    /// As [`OpLog::trim`], but however young they are; and what was forgotten is not kept in memory beside what
    /// is left.
    fn erase<'a>(&'a self, document: &'a DocumentId, before: Version) -> LogFuture<'a, Result<(), LogError>> {
        self.trim(document, before)
    }

    /// Subscribes to live batches; in force before the future ends. The subscription
    /// ends when the feed is dropped.
    fn subscribe<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Feed, LogError>>;

    /// Begins a new life after history was lost, by compare-and-set, naming the old one.
    fn advance_epoch<'a>(
        &'a self,
        document: &'a DocumentId,
        life: NewLife,
    ) -> LogFuture<'a, Result<AdvanceOutcome, LogError>>;
}
