//! The right of a user to one more connection.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cowrite_protocol::UserId;
use thiserror::Error;

use super::table::Table;

/// The answer to [`Leases::take`].
pub type LeaseFuture<'a> = Pin<Box<dyn Future<Output = Result<Lease, LeaseRefused>> + Send + 'a>>;

/// Counts the connections of each user.
///
/// While the servers are alive and whatever they share answers, no user ever has more than
/// the limit. What was granted stays granted: nobody is thrown out by the count. So a user may
/// be over the limit for a while (and get nothing new) after a server that stood still for
/// longer than [`LeaseSettings::expiry`] has come back to its connections, or after a time in
/// which each server had to count alone.
pub trait Leases: Send + Sync + 'static {
    /// One more connection for this user, who may have `limit` of them. Takes
    /// [`LeaseSettings::answer_within`] at most. It may be given up at any time: what was taken
    /// by then is released.
    fn take<'a>(&'a self, user: &'a UserId, limit: u32) -> LeaseFuture<'a>;

    /// How many leases this server holds.
    fn held(&self) -> usize;

    /// Whether they are counted by this server alone, though they should be over all.
    fn alone(&self) -> bool {
        false
    }
}

/// A connection's lease, kept up in the background, released when it is dropped. Takes some
/// hundred bytes.
#[must_use = "a lease is released when it is dropped"]
pub struct Lease {
    pub(super) table: Arc<Table>,
    pub(super) user: Arc<str>,
    pub(super) number: u64,
}

/// Why a user gets no lease.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum LeaseRefused {
    /// The user has as many connections as are allowed.
    #[error("the user has {limit} connections, which is the limit; again in {retry_after_ms} ms")]
    Full {
        /// How many are allowed.
        limit: u32,
        /// The first of them ends after this time unless its server keeps it up; so it is exactly
        /// when there is room again if that server is dead.
        retry_after_ms: u32,
    },
    /// This server holds as many leases as it has memory for.
    #[error("this server holds {most} connections, which is the most; again in {retry_after_ms} ms")]
    Unavailable {
        /// How many it holds at most.
        most: usize,
        /// When to ask again.
        retry_after_ms: u32,
    },
}

/// How leases are kept.
#[derive(Clone, Copy, Debug)]
pub struct LeaseSettings {
    /// A lease that is not renewed ends after this time. All servers must have the same. Default
    /// 30 s.
    pub expiry: Duration,
    /// How often all leases of this server are renewed, in one batch; a third of `expiry` or
    /// less. Default 10 s.
    pub renew_every: Duration,
    /// Who asks for a lease waits this long for Redis at most; then this server counts alone.
    /// Default 1 s.
    pub answer_within: Duration,
    /// How many leases this server holds at most. Default 1,000,000.
    pub most: usize,
}

impl Default for LeaseSettings {
    fn default() -> Self {
        LeaseSettings {
            expiry: Duration::from_secs(30),
            renew_every: Duration::from_secs(10),
            answer_within: Duration::from_secs(1),
            most: 1_000_000,
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.table.release(&self.user, self.number);
    }
}

impl fmt::Debug for Lease {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Lease").field("number", &self.number).finish_non_exhaustive()
    }
}
