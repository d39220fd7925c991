//! Who is let in, and as whom: real tokens, a real server process, a real application.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod application;
mod callback;
mod caller;
mod forge;
mod jwks;
mod losing;
mod minting;
mod roles;
mod tokens;
