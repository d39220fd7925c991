//! The server of Cowrite.

#![warn(missing_docs)]

pub mod auth;
pub mod connection;
pub mod oplog;
pub mod outbox;
pub mod presence;
pub mod room;
pub mod sequencer;
