//! The engine on tokio: for bots, tools, tests and benchmarks.
//!
//! One task a [`NativeClient`], with one socket. Edits and reads are plain calls under a
//! lock that is never held across an `await`, so an edit is applied when the call
//! returns, and thousands of clients fit into one process.

mod client;
mod document;
mod driver;
mod shared;
mod socket;
#[cfg(test)]
mod tests;
mod token;

pub use client::{ConnectError, NativeClient, NativeSettings};
pub use document::{DocumentClient, PresentMember, WaitError};
pub use token::TokenSource;
