//! What is allowed, at every place where something is told or done.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod desk;
mod expiry;
mod paths;
mod roles;
