//! Redis processes: one, a primary with a replica, a cluster of three.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod cluster;
mod process;

pub use cluster::{RedisCluster, Slot};
pub use process::{RedisProcess, reply_text};
