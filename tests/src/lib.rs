//! What needs two crates: the deterministic simulation and the suites that every
//! adapter passes. The tests themselves are in `tests/tests`.

#![warn(missing_docs)]

pub mod oplog_suite;
pub mod pipe;
pub mod simulation;
