//! What was taken back before it ended by itself: tokens, and rights to documents. Known by
//! all servers within a second, and not forgotten while it matters.

mod answers;
mod disk;
mod known;
mod redis;
mod revocation;
mod store;

pub use answers::Revocations;
pub use disk::{DiskRevocations, OpenRevocationsError};
pub use known::{Known, UserWatch};
pub use redis::RedisRevocations;
pub use revocation::{Revocation, RevocationRequest, TokenName, TokenNameError};
pub use store::{MemoryRevocations, RevocationSettings, RevocationStore, RevokeError, RevokeFuture};
