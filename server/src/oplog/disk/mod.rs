//! The op log on this machine's disk, the embedded default.
//!
//! A database and its journal in a folder of their own, held by one server. What was written
//! last is in the journal, and in memory over the database. An entry is acknowledged once it
//! is on the disk, together with its client's record; a document's entries, snapshot and
//! client records recover together or not at all. The older entries of a long document are put
//! together in blocks, which take some hundredth of the room.

mod backend;
mod block;
mod changes;
mod columns;
mod error;
mod file;
mod folder;
mod group;
mod journal;
mod log;
mod overlay;
mod packing;
mod record;
mod request;
mod row;
mod store;
mod table;
mod transaction;
mod view;
mod writer;

pub use backend::FILE_FORMAT;
pub use file::LogFile;
pub use folder::{DiskSettings, OpenFolderError};
pub use log::DiskLog;
