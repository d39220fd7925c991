//! What remembers: the log of committed operations, snapshots and client records.
//!
//! One trait, [`OpLog`], and one conformance suite that every adapter passes. The log
//! knows bytes and numbers; it never knows what kind of document it keeps.

mod entry;
mod feeds;
mod ledger;
mod log;
mod outcome;

pub mod disk;
pub mod memory;
pub mod redis;

pub use crate::wall_clock::WallClock;
pub use entry::{Batch, Entry, FeedBatch, FeedEvent, Head, Member, NewLife, Snapshot};
pub use log::{Durability, Feed, LogFuture, OpLog};
pub use outcome::{AdvanceOutcome, AppendOutcome, ClientState, LogError, OpenError, OpenedLog, ReadOutcome, Refusal};

/// How many bytes of operations a conflict brings at most, as far as one entry allows.
pub(crate) const CONFLICT_PAGE_BYTES: usize = 1 << 20;
