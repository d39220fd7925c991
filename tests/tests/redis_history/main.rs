//! Redis loses history, or holds a foreign one: real Redis processes, two servers and more,
//! and clients that have an operation in flight and edits behind it when it happens.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod backups;
mod beginning;
mod failover;
mod keys;
mod removed;
mod scene;
mod snapshots;
mod wiped;
