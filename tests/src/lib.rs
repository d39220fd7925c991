//! What needs two crates: the deterministic simulation, the suites that every adapter passes, and
//! what tests of whole processes are made of. The tests themselves are in `tests/tests`.

#![warn(missing_docs)]

pub mod crowd;
pub mod faults;
pub mod fuzz;
pub mod history;
pub mod model;
pub mod oplog_suite;
pub mod pipe;
pub mod process;
pub mod raw;
pub mod redis;
pub mod relay;
pub mod server;
pub mod simulation;
pub mod switchboard;
pub mod upgrade;
pub mod vectors;
