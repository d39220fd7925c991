//! Who is let in, and as whom: real tokens, a real server process.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod caller;
mod forge;
mod roles;
mod tokens;
