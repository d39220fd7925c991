//! Where revocations are kept.

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use thiserror::Error;

use super::known::Known;
use super::revocation::{Revocation, RevocationRequest};
use crate::oplog::WallClock;

/// The answer to [`RevocationStore::store`].
pub type RevokeFuture<'a> = Pin<Box<dyn Future<Output = Result<Revocation, RevokeError>> + Send + 'a>>;

/// Keeps revocations as long as they matter, and lets this server know all of them.
pub trait RevocationStore: Send + Sync + 'static {
    /// What is known.
    fn known(&self) -> &Known;

    /// Stores one. When it returns, this server knows it, and every other will within
    /// [`RevocationStore::effective_within`]; a server that starts later knows it, too.
    fn store(&self, request: RevocationRequest) -> RevokeFuture<'_>;

    /// Returns once all that was stored before is known: before that nobody is let in.
    fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        Box::pin(std::future::ready(()))
    }

    /// How long it takes at most until all servers know, while what they share answers.
    fn effective_within(&self) -> Duration {
        Duration::ZERO
    }

    /// Time of day in milliseconds since 1970, by the clock of the store.
    fn now_ms(&self) -> u64;
}

/// How revocations are kept.
#[derive(Clone, Debug)]
pub struct RevocationSettings {
    /// No token is good for longer than this after it was issued. Default 24 h.
    pub token_life: Duration,
    /// How many are kept at most; each takes some 250 bytes. Default 200,000.
    pub most: usize,
    /// How many of one user: more is a reason to revoke all of the user's tokens. Default 1,000.
    pub most_of_user: usize,
    /// The clock of this machine; Redis has its own.
    pub clock: WallClock,
}

/// Why something is not revoked. Nothing has changed, or (only with [`RevokeError::Unavailable`])
/// perhaps it has: to revoke twice does no harm.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RevokeError {
    /// What keeps it does not answer, or cannot write.
    #[error("revocations cannot be stored now: {reason}")]
    Unavailable {
        /// What it said.
        reason: String,
    },
    /// There is no room for more.
    #[error("{most} revocations are kept, which is the most; they end by themselves")]
    Full {
        /// How many are kept at most.
        most: usize,
    },
    /// One user has too many.
    #[error("{most} revocations of this user are kept, which is the most: revoke all tokens of the user instead")]
    UserFull {
        /// How many are kept of one user at most.
        most: usize,
    },
}

impl RevocationSettings {
    /// How long a revocation is kept, in milliseconds: as long as a token lives, and an hour more
    /// for clocks that differ.
    pub fn kept_ms(&self) -> u64 {
        u64::try_from(self.token_life.as_millis()).unwrap_or(u64::MAX).saturating_add(60 * 60 * 1_000)
    }
}

impl Default for RevocationSettings {
    fn default() -> Self {
        let token_life = Duration::from_secs(24 * 60 * 60);
        RevocationSettings { token_life, most: 200_000, most_of_user: 1_000, clock: WallClock::system() }
    }
}

/// Keeps revocations in memory: gone with the process, as its documents are.
pub struct MemoryRevocations(Known);

impl MemoryRevocations {
    /// Nothing is revoked.
    pub fn new(settings: RevocationSettings) -> MemoryRevocations {
        MemoryRevocations(Known::new(settings))
    }
}

impl RevocationStore for MemoryRevocations {
    fn known(&self) -> &Known {
        &self.0
    }

    fn store(&self, request: RevocationRequest) -> RevokeFuture<'_> {
        let stored = self.0.room_for(&request).map(|()| {
            let now_ms = self.now_ms();
            let revocation = request.at(now_ms);
            self.0.learn([revocation.clone()], now_ms);
            revocation
        });
        Box::pin(std::future::ready(stored))
    }

    fn now_ms(&self) -> u64 {
        self.0.settings().clock.now_ms()
    }
}
