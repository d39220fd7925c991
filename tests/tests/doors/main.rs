//! Between the port and the WebSocket: who is let in, how long it may take, how many may come,
//! against a server process.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod flood;
mod limits;
mod neighbour;
mod operators;
mod origins;
mod proxies;
mod shortage;
mod wire;
