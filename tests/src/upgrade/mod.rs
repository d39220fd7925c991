//! What a release has written, kept to be opened by all that come after: data folders, what is in
//! Redis, records of browsers.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod facts;
mod files;
mod golden;
mod keys;
mod record;
mod story;

pub use facts::{Work, facts};
pub use golden::{Golden, Kind};
pub use record::KeptClient;
pub use story::write;
