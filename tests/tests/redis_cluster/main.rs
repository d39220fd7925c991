//! Servers over a Redis cluster of three masters.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod couple;
mod doors;

mod reshard;
mod stats;
