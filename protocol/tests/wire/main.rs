//! The wire as it is frozen: goldens of every frame, what the daily frames cost, what
//! hostile bytes do, and that PROTOCOL.md says the same.
//!
//! `COWRITE_WRITE_GOLDENS=1 cargo test -p cowrite-protocol --test wire` writes the files
//! of `tests/golden/v1` anew. A changed golden is a new version of the wire, unless that
//! version was never released.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod any;
mod codes;
mod cost;
mod document;
mod golden;
mod hostile;
mod samples;
