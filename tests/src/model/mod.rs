//! The session and resume protocol, explored exhaustively within bounds.
//!
//! Nothing of the engine, the room, the sequencer or the log is written again here. Two real sessions, one or two
//! real servers (connections and a room) and the real log in memory are *machines*: each is a function of what it
//! was given so far. A [`World`] holds, for each machine, what it was given, and what is on its way between them;
//! stateright goes through every order in which that may arrive, be lost or be held up.

mod bounds;
mod client;
mod log;
mod machine;
mod memory;
mod protocol;
mod server;
mod step;
mod truth;
mod world;

pub use bounds::{Bounds, Edit};
pub use protocol::{Protocol, Seen};
pub use world::{Action, World};
