//! Facts that others found out about operations, held against the algebra, the sequencer and the
//! engine: files of cases, each one input and what must come of it.

mod algebra;
mod attributes;
mod case;
mod committed;
mod desk;
mod file;
mod finding;
mod kinds;
mod pending;
mod report;
mod text_unicode;

pub use case::Case;
pub use file::{FileError, VectorFile};
pub use finding::Finding;
pub use kinds::{KINDS, Kind, check};
pub use report::Report;
