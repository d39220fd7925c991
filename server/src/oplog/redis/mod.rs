//! The op log in Redis Streams, for many servers over one Redis or one cluster.
//!
//! A document has four keys and one live channel, all with its id as hash tag, so all of
//! them are in one slot: `state` (a hash: epoch, version, hash, floor, snapshot, and one
//! field a client record), `log` (a stream: the id of an entry is `<version>-0`),
//! `snapshot` and `previous` (the two newest). What one script does is one atomic step.

mod answer;
mod confirm;
mod keys;
mod live;
mod log;
mod reach;
mod record;
mod recover;
mod scripts;
mod snapshot;

pub use log::RedisLog;
