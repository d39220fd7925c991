//! Real engines, real rooms and a real log on one thread and virtual time.
//!
//! Nothing of the engine, the sequencer or the room is written again here: the
//! simulation is only their network, their clock, their disk's bad days and their
//! users. One seed is one run; a failing seed replays.

pub(crate) mod chance;
mod client;
mod device;
mod link;
mod oracle;
mod scenario;
mod server;
mod world;

pub use scenario::Scenario;
pub use world::{Report, World};
