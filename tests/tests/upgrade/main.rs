//! What releases have written, opened by this one. The goldens are made by each release itself, with
//! `cargo xtask upgrade-golden`, and never change.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod clients;
mod documents;
mod formats;
mod records;
