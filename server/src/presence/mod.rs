//! What is forgotten on purpose: who has a document open, and where their cursors are.
//!
//! [`Roster`] is what one room knows of it. Rooms of one document on several servers tell
//! each other by [`PresenceMessage`]s over a [`PresenceBus`], which may lose, double and
//! reorder them: everything heals by the next summary, and what is not heard of expires.

mod bus;
mod exchange;
mod hearing;
mod message;
mod redis;
mod roster;
mod slot;
mod telling;

pub use bus::{LocalBus, PresenceBus, PresenceEvent, PresenceFeed, SharedBus};
pub use exchange::{Exchange, Ignored, Woken};
pub use message::{Asks, CursorRecord, MemberRecord, MessageError, PresenceMessage, SenderName, StayName};
pub use redis::RedisBus;
pub use roster::Roster;
pub use telling::Untold;
