//! The way to Redis: connections, slots, scripts and subscriptions. It knows nothing of
//! documents; the op log and presence are built on it.

mod door;
mod node;
mod script;
mod settings;
mod slots;
mod subscriber;
mod topology;
mod trouble;

pub use door::RedisDoorError;
pub use settings::{ParseRedisUrlError, RedisDurability, RedisSettings, RedisUrl};

pub(crate) use door::check;
pub(crate) use script::Script;
pub(crate) use slots::slot_of;
pub(crate) use subscriber::{Heard, Listener, Subscriber};
pub(crate) use topology::{NodeAddress, Topology};
pub(crate) use trouble::Trouble;
