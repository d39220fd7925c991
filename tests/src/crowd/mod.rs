//! A crowd that types into documents over real servers, and the checks that follow.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod account;
mod gathering;
mod person;
mod scribe;
mod token;
mod verdict;
mod witness;

pub use account::{Account, Outcome, What, Written};
pub use gathering::{Crowd, CrowdSettings, Decision};
pub use person::Person;
pub use verdict::{Loss, Report, Violations, judge};
