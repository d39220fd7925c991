//! Whoever reaches the port may try this: hostile bytes, hostile numbers, floods and readers that do
//! not read, against the real server as a process. Each time the server lives, says the right code,
//! keeps its memory, and those who work on another document notice nothing.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod before_hello;
mod bombs;
mod cuts;
mod documents;
mod floods;
mod foreign;
mod identity;
mod neighbour;
mod numbers;
mod presence;
mod readers;
mod scene;
mod transfers;
mod websocket;
