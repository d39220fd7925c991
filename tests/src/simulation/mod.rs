//! Real engines, real rooms and a real log on one thread and virtual time.
//!
//! Nothing of the engine, the sequencer or the room is written again here: the
//! simulation is only their network, their clock, their disk's bad days and their
//! users. One seed is one run; a failing seed replays.

mod application;
pub(crate) mod chance;
mod client;
mod device;
mod knob;
mod link;
mod oracle;
mod scenario;
mod series;
mod server;
mod shrink;
mod world;

pub use knob::ScenarioError;
pub use scenario::Scenario;
pub use series::{run_series, tell};
pub use shrink::shrink;
pub use world::{Report, World};
