//! Servers that come and go under a crowd: ended in order, frozen, or too late.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod frozen;
mod here;
mod late;
mod restart;
mod watch;
