//! Redis in trouble, beneath two servers with people at work: nothing that was accepted is lost
//! or doubled, nobody is told more than is true, and when the trouble ends all goes on by itself.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod answers;
mod batches;
mod errors;
mod feed;
mod gone;
mod numbers;
mod poison;
mod races;
mod stage;
mod start;
