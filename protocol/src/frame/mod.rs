//! The wire: every frame, defined once. PROTOCOL.md describes them field by field.
//!
//! Frames are frozen structs of one protocol version. Kinds are only ever appended,
//! never reordered or changed; what changes is a new kind. There are no maps and no
//! recursive types, and nothing that JavaScript reads exceeds 2^53 − 1.

mod abbreviated;
mod client;
mod code;
mod packed;
mod part;
mod read;
mod reader;
mod server;
mod steps;
mod version;
mod writer;

pub use abbreviated::Abbreviated;
pub use client::{ClientFrame, Position, Submit};
pub use code::{Code, Remedy, Scope};
pub use packed::Packed;
pub use part::{PartError, PartReader, encode_in_parts};
pub use reader::Reader;
pub use server::{
    Activity, Author, Commit, DurabilityClass, Member, MemberChange, Opened, Outcome, Rate, Role, ServerFrame,
    Settlement, SnapshotFrame, Terms, Welcome,
};
pub use version::ProtocolVersion;
pub use writer::Writer;
