//! The server of Cowrite.

#![warn(missing_docs)]

pub mod oplog;
pub mod sequencer;
