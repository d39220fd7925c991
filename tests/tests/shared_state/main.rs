//! What all servers share beside documents: how many connections a user has, and what is revoked.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod clocks;
mod http;
mod kept;
mod leases;
mod leases_suite;
mod revocations;
mod revocations_suite;
mod sockets;
mod stage;
