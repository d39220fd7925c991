//! The server's program: built, started, killed, frozen and asked over HTTP.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod build;
mod http;
mod process;
mod token;

pub use http::{Answer, Metrics, exported, get, post};
pub use process::{Ended, ServerProcess, start_in_vain};
pub use token::{SECRET, mint, mint_for};
