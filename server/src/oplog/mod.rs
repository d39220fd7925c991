//! What remembers: the log of committed operations, snapshots and client records.
//!
//! One trait, [`OpLog`], and one conformance suite that every adapter passes. The log
//! knows bytes and numbers; it never knows what kind of document it keeps.

mod entry;
mod log;
mod outcome;

pub mod disk;
pub mod memory;

pub use entry::{Batch, Entry, FeedBatch, Head, Member, Snapshot};
pub use log::{Durability, Feed, LogFuture, OpLog};
pub use outcome::{AdvanceOutcome, AppendOutcome, ClientState, LogError, OpenError, OpenedLog, ReadOutcome, Refusal};
