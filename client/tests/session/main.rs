//! The session and its engines, driven by frames made by hand, on virtual time.
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by a panic")]

mod authors;
mod bench;
mod credentials;
mod cursor;
mod divergence;
mod failing_store;
mod keeping;
mod limits;
mod liveness;
mod owners;
mod pace;
mod permission;
mod records;
mod reject;
mod restore;
mod resume;
mod retries;
mod review;
mod sign_in;
mod states;
mod undo;
mod undo_property;
mod watermarks;
