//! The questions about revocations that the server asks.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use cowrite_protocol::{DocumentId, UserId};

use super::known::{Known, UserWatch};
use super::revocation::{Revocation, RevocationRequest};
use super::store::{RevocationStore, RevokeError};
use crate::auth::Identity;

/// What is revoked, wherever it is kept. Checks are answered from memory, in less than a
/// microsecond. Clones share it.
#[derive(Clone)]
pub struct Revocations {
    known: Known,
    store: Arc<dyn RevocationStore>,
}

impl Revocations {
    /// Those of this store.
    pub fn new(store: impl RevocationStore) -> Revocations {
        Revocations { known: store.known().clone(), store: Arc::new(store) }
    }

    /// Whether this token may be used: false if it is revoked as a whole.
    pub fn check(&self, identity: &Identity) -> bool {
        self.known.allows(identity, None)
    }

    /// Whether this token may be used for this document: false also if it is revoked as a whole. A
    /// newer token may have the right again, if the application grants it.
    pub fn check_document(&self, identity: &Identity, document: &DocumentId) -> bool {
        self.known.allows(identity, Some(document))
    }

    /// Hears of what is revoked of this user. To miss nothing, watch first and check then.
    pub fn watch(&self, user: &UserId) -> UserWatch {
        self.known.watch(user)
    }

    /// Revokes. When it returns it is stored and in force here, and everywhere within
    /// [`Revocations::effective_within`].
    ///
    /// # Errors
    /// As [`RevokeError`] says.
    pub async fn revoke(&self, request: RevocationRequest) -> Result<Revocation, RevokeError> {
        self.store.store(request).await
    }

    /// Returns once all that was stored before this server started is known.
    pub fn ready(&self) -> Pin<Box<dyn Future<Output = ()> + Send + '_>> {
        self.store.ready()
    }

    /// How long it takes at most until a revocation is in force at all servers, while what they
    /// share answers.
    pub fn effective_within(&self) -> Duration {
        self.store.effective_within()
    }

    /// All that matter, oldest first.
    pub fn list(&self) -> Vec<Revocation> {
        self.known.list(self.store.now_ms())
    }

    /// How many are remembered.
    pub fn count(&self) -> usize {
        self.known.count()
    }

    /// Time of day in milliseconds since 1970, by the clock that they are dated by.
    pub fn now_ms(&self) -> u64 {
        self.store.now_ms()
    }
}
