//! The server of Cowrite.

#![warn(missing_docs)]

pub mod arrivals;
pub mod auth;
pub mod check;
pub mod clock;
pub mod config;
pub mod connection;
pub mod formats;
pub mod health;
pub mod health_check;
pub mod http;
pub mod hub;
pub mod leases;
pub mod logging;
pub mod metrics;
pub mod oplog;
pub mod outbox;
pub mod presence;
pub mod redis;
pub mod revocations;
pub mod room;
pub mod sequencer;
pub mod server;
pub mod settings;
mod shutdown;
pub mod tally;
pub mod traces;
pub mod wall_clock;

pub use shutdown::asked_to_end;
