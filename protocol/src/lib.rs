//! The rules of Cowrite: what an edit is, how two edits meet, and how they travel.
//!
//! This crate knows nobody: no socket, clock, randomness, thread or `async` is in
//! it, and it builds for `wasm32-unknown-unknown`, so that the server and every
//! client run the very same rules.
//!
//! * [`operation`] is the algebra: apply, compose, transform, invert, diff.
//! * [`DocumentType`] is the trait behind which a kind of document stands.
//! * [`frame`] is the wire, field by field; [`codec`] turns it into bytes.
//! * [`hash`] is the identity of a history.

#![cfg_attr(not(test), no_std)]
#![warn(missing_docs)]

extern crate alloc;

pub mod codec;
pub mod cursor;
pub mod document_type;
pub mod error;
pub mod frame;
pub mod hash;
pub mod id;
pub mod limits;
pub mod operation;
pub mod text;
pub mod time;

pub use cursor::{Cursor, Selection};
pub use document_type::{Bias, DocumentType};
pub use hash::{Checksum, RunningHash};
pub use id::{AuthorNumber, Channel, ClientId, ClientSeq, DocumentId, Epoch, Generation, UserId, Version};
pub use limits::{Limits, OperationLimits};
pub use operation::{Operation, RichText};
pub use text::{Utf16Length, Utf16Offset};
pub use time::Millis;
