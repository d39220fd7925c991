//! What this server knows to be revoked, by user, and who wants to hear of more.

use std::collections::HashMap;
use std::fmt;
use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cowrite_protocol::{DocumentId, UserId};
use tokio::sync::Notify;

use super::revocation::{Revocation, RevocationRequest};
use super::store::{RevocationSettings, RevokeError};
use crate::auth::Identity;

/// What is revoked, in memory. Asking costs one look-up for a user of whom nothing is. Clones
/// share it.
#[derive(Clone)]
pub struct Known {
    settings: RevocationSettings,
    state: Arc<Mutex<State>>,
}

/// Of a user there is one for each document and token.
#[derive(Default)]
struct State {
    users: HashMap<UserId, Vec<Revocation>>,
    count: usize,
    watched: HashMap<UserId, Arc<Changes>>,
    swept_ms: u64,
}

#[derive(Default)]
struct Changes {
    count: AtomicU64,
    more: Notify,
}

/// Hears of what is revoked of one user, and of nobody else, so a revocation wakes the connections
/// that it is about alone. They share what it takes, some hundred bytes a user.
pub struct UserWatch {
    known: Known,
    user: UserId,
    changes: Arc<Changes>,
    heard: u64,
}

/// What has ended is looked for this often, in milliseconds.
const SWEEP_EVERY_MS: u64 = 60_000;

impl Known {
    /// Nothing is known yet.
    pub fn new(settings: RevocationSettings) -> Known {
        Known { settings, state: Arc::default() }
    }

    /// How long and how many.
    pub fn settings(&self) -> &RevocationSettings {
        &self.settings
    }

    /// Whether the bearer may use the token, and that document with it.
    pub fn allows(&self, identity: &Identity, document: Option<&DocumentId>) -> bool {
        let state = self.state();
        let Some(revocations) = state.users.get(&identity.user) else { return true };
        !revocations.iter().any(|revocation| {
            (revocation.document.is_none() || revocation.document.as_ref() == document) && revocation.concerns(identity)
        })
    }

    /// Takes these in, and tells whoever watches their users; what has ended by `now_ms`, a time of
    /// day, is left out.
    pub fn learn(&self, revocations: impl IntoIterator<Item = Revocation>, now_ms: u64) {
        let kept_ms = self.settings.kept_ms();
        let mut state = self.state();
        if now_ms.abs_diff(state.swept_ms) > SWEEP_EVERY_MS {
            state.sweep(now_ms, kept_ms);
        }
        for revocation in revocations.into_iter().filter(|new| new.matters_until(kept_ms) >= now_ms) {
            let user = revocation.user.clone();
            if state.take(revocation)
                && let Some(changes) = state.watched.get(&user)
            {
                changes.count.fetch_add(1, Ordering::Release);
                changes.more.notify_waiters();
            }
        }
    }

    /// All that has not ended by this time of day, oldest first.
    pub fn list(&self, now_ms: u64) -> Vec<Revocation> {
        let kept_ms = self.settings.kept_ms();
        let state = self.state();
        let all = state.users.values().flatten().filter(|revocation| revocation.matters_until(kept_ms) >= now_ms);
        let mut list: Vec<_> = all.cloned().collect();
        drop(state);
        list.sort_by_key(|revocation| revocation.at_ms);
        list
    }

    /// How many there are; those that have ended may be among them for a minute.
    pub fn count(&self) -> usize {
        self.state().count
    }

    /// Whether this can be taken. What replaces another always can.
    ///
    /// # Errors
    /// [`RevokeError::Full`] and [`RevokeError::UserFull`].
    pub fn room_for(&self, request: &RevocationRequest) -> Result<(), RevokeError> {
        let RevocationSettings { most, most_of_user, .. } = self.settings;
        let state = self.state();
        let of_user = state.users.get(&request.user).map_or(&[][..], Vec::as_slice);
        let same = |known: &Revocation| (&known.document, &known.token) == (&request.document, &request.token);
        if of_user.iter().any(same) {
            return Ok(());
        }
        // Among all that there are, there is room to shut a user out as a whole.
        if of_user.len() >= most_of_user && (request.document.is_some() || request.token.is_some()) {
            return Err(RevokeError::UserFull { most: most_of_user });
        }
        if state.count >= most { Err(RevokeError::Full { most }) } else { Ok(()) }
    }

    /// Whether it is known, or something that says more.
    pub(super) fn covers(&self, revocation: &Revocation) -> bool {
        let state = self.state();
        let of_user = state.users.get(&revocation.user);
        of_user.is_some_and(|known| known.iter().any(|known| known.covers(revocation)))
    }

    /// Hears of this user's from now on. Whoever checks after this misses nothing.
    pub fn watch(&self, user: &UserId) -> UserWatch {
        let changes = Arc::clone(self.state().watched.entry(user.clone()).or_default());
        let heard = changes.count.load(Ordering::Acquire);
        UserWatch { known: self.clone(), user: user.clone(), changes, heard }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Whether it says more than was known.
    fn take(&mut self, new: Revocation) -> bool {
        let of_user = self.users.entry(new.user.clone()).or_insert_with(|| Vec::with_capacity(1));
        if of_user.iter().any(|known| known.covers(&new) && known.at_ms >= new.at_ms) {
            return false;
        }
        let same = |known: &&mut Revocation| (&known.document, &known.token) == (&new.document, &new.token);
        let Some(known) = of_user.iter_mut().find(same) else {
            of_user.push(new);
            self.count += 1;
            return true;
        };
        let more = !known.covers(&new);
        known.issued_before = known.issued_before.max(new.issued_before);
        known.at_ms = known.at_ms.max(new.at_ms);
        more
    }

    fn sweep(&mut self, now_ms: u64, kept_ms: u64) {
        self.swept_ms = now_ms;
        self.users.retain(|_, revocations| {
            revocations.retain(|revocation| revocation.matters_until(kept_ms) >= now_ms);
            !revocations.is_empty()
        });
        self.count = self.users.values().map(Vec::len).sum();
    }
}

impl UserWatch {
    /// Waits until more of the user is revoked than when this was made or returned last. May be
    /// given up and asked again at any time. What it was is asked of
    /// [`Revocations::check`](super::Revocations::check).
    pub async fn changed(&mut self) {
        loop {
            let mut more = pin!(self.changes.more.notified());
            // From here on it is heard, so nothing falls between the look and the wait.
            more.as_mut().enable();
            let count = self.changes.count.load(Ordering::Acquire);
            if count != self.heard {
                self.heard = count;
                return;
            }
            more.await;
        }
    }
}

impl Drop for UserWatch {
    fn drop(&mut self) {
        let mut state = self.known.state();
        // Nobody else can take one up: that needs the lock.
        if Arc::strong_count(&self.changes) <= 2 {
            state.watched.remove(&self.user);
        }
    }
}

impl fmt::Debug for Known {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Known").field("count", &self.count()).finish_non_exhaustive()
    }
}

impl fmt::Debug for UserWatch {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("UserWatch").field("heard", &self.heard).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures_util::FutureExt;

    fn revocation(user: &str, issued_before: u64) -> Revocation {
        let at_ms = issued_before * 1_000;
        Revocation { user: user.parse().unwrap(), document: None, token: None, issued_before, at_ms }
    }

    #[test]
    fn only_the_users_watch_hears_and_leaves_nothing_behind() {
        let known = Known::new(RevocationSettings::default());
        let (mut ada, mut bob) = (known.watch(&"ada".parse().unwrap()), known.watch(&"bob".parse().unwrap()));
        let second = known.watch(&"ada".parse().unwrap());
        assert!(ada.changed().now_or_never().is_none());
        known.learn([revocation("ada", 10)], 10_000);
        assert!(ada.changed().now_or_never().is_some());
        assert!(ada.changed().now_or_never().is_none());
        assert!(bob.changed().now_or_never().is_none());
        known.learn([revocation("ada", 9), revocation("ada", 10)], 10_000);
        assert!(ada.changed().now_or_never().is_none(), "nothing new was said");
        drop((ada, bob));
        assert_eq!(known.state().watched.len(), 1);
        drop(second);
        assert!(known.state().watched.is_empty());
    }

    #[test]
    fn what_has_ended_is_forgotten_and_what_is_said_again_is_kept_once() {
        let settings = RevocationSettings { token_life: std::time::Duration::from_secs(100), ..Default::default() };
        let kept = settings.kept_ms();
        let known = Known::new(settings);
        known.learn([revocation("ada", 10), revocation("ada", 20), revocation("bob", 10)], 20_000);
        assert_eq!((known.count(), known.list(20_000).len()), (2, 2));
        assert_eq!(known.list(10_001 + kept), [revocation("ada", 20)]);
        known.learn([revocation("bob", 10)], 10_001 + kept);
        assert_eq!(known.count(), 1, "swept, and not taken again");
    }

    #[test]
    fn there_is_an_end_to_what_is_kept() {
        let known = Known::new(RevocationSettings { most: 2, most_of_user: 1, ..Default::default() });
        let all = |user: &str| RevocationRequest {
            user: user.parse().unwrap(),
            document: None,
            token: None,
            issued_before: None,
        };
        let one = |user: &str, token: &str| RevocationRequest { token: Some(token.parse().unwrap()), ..all(user) };
        let stored = one("ada", "t-1").at(10_000);
        known.learn([stored], 10_000);
        assert_eq!(known.room_for(&one("ada", "t-2")), Err(RevokeError::UserFull { most: 1 }));
        assert_eq!(known.room_for(&one("ada", "t-1")), Ok(()));
        assert_eq!(known.room_for(&all("ada")), Ok(()), "what ends them all is never too much");
        known.learn([revocation("bob", 10)], 10_000);
        assert_eq!(known.room_for(&all("eve")), Err(RevokeError::Full { most: 2 }));
    }
}
