//! What is forgotten on purpose: who has a document open, and where their cursors are.

mod roster;

pub use roster::Roster;
