//! Edits that meet, in every order and of every kind: all replicas become equal, or find out that
//! they are not.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod damaged;
mod glyphs;
mod scattered;
mod ties;
