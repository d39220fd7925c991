//! Real servers, a real Redis and real clients, and faults that strike them at instants of a seed's
//! choosing. Afterwards all must be as if nothing had been, or everybody told of it.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a run cannot go on, it says so and fails")]

mod kind;
mod resources;
mod round;
mod run;
mod schedule;
mod stage;
mod striking;

pub use kind::{FaultKind, Site};
pub use run::{Failed, FaultRun, Summary};
pub use schedule::{Schedules, Strike};
