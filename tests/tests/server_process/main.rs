//! The server as a process of its own: real sockets, real disk, real signals.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod bad_input;
mod crashes;
mod deployment;
mod doors;
mod failing_room;
mod numbers;
mod peer;
mod slow;
mod typist;
