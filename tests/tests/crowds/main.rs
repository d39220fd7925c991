//! Crowds over real servers: what was accepted survives the death of servers, and every other fault.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

mod faults;
mod many_servers;
mod one_server;
