//! Who is here, for a document whose rooms are on several servers.

#![allow(clippy::unwrap_used)]

mod cursors;
mod healing;
mod members;
mod tasks;
mod town;
