//! How many connections a user has, over all servers: leases that end by themselves, so that
//! a server that is killed gives back what it held. Never a counter, which nobody would
//! count down again.

mod lease;
mod local;
mod redis;
mod table;

pub use lease::{Lease, LeaseFuture, LeaseRefused, LeaseSettings, Leases};
pub use local::LocalLeases;
pub use redis::RedisLeases;
