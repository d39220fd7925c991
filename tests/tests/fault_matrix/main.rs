//! Faults of the table in docs/faults.md that must strike at one exact place, and the check that
//! the table and the tests say the same.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod absence;
mod answers;
mod copies;
mod cuts;
mod deleted;
mod links;
mod losses;
mod servers;
mod table;
