//! The leases of this server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

use super::lease::Lease;

/// A user and the number of a lease, which no other of this process has.
pub(super) type Name = (Arc<str>, u64);

/// Who holds what on this server.
pub(super) struct Table {
    state: Mutex<State>,
    most: usize,
    /// Whether somebody takes what was released.
    tells: bool,
    pub(super) released: Notify,
}

#[derive(Default)]
struct State {
    users: HashMap<Arc<str>, Vec<(u64, Standing)>>,
    count: usize,
    last: u64,
    released: Vec<Name>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// It is being asked for.
    Asked,
    Granted,
}

/// Releases that wait to be told at most; what is not told ends by itself.
const WAITING: usize = 1 << 16;

impl Table {
    /// An empty one for `most` leases. `tells` if somebody will come for [`Table::released`].
    pub(super) fn new(most: usize, tells: bool) -> Arc<Table> {
        Arc::new(Table { state: Mutex::default(), most, tells, released: Notify::new() })
    }

    /// A lease that is being asked for, if there is memory for one more.
    pub(super) fn ask(self: &Arc<Table>, user: &str) -> Option<Lease> {
        let mut state = self.state();
        if state.count >= self.most {
            return None;
        }
        state.count += 1;
        state.last += 1;
        let number = state.last;
        let user = match state.users.get_key_value(user) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::from(user),
        };
        state.users.entry(Arc::clone(&user)).or_insert_with(|| Vec::with_capacity(1)).push((number, Standing::Asked));
        Some(Lease { table: Arc::clone(self), user, number })
    }

    /// It was granted.
    pub(super) fn grant(&self, lease: &Lease) {
        self.grant_below(lease, u32::MAX);
    }

    /// Grants it if the user has fewer than `limit` here that are granted.
    pub(super) fn grant_below(&self, lease: &Lease, limit: u32) -> bool {
        let mut state = self.state();
        let Some(leases) = state.users.get_mut(&lease.user) else { return false };
        let granted = leases.iter().filter(|(_, standing)| *standing == Standing::Granted).count();
        if granted >= limit as usize {
            return false;
        }
        if let Some((_, standing)) = leases.iter_mut().find(|(number, _)| *number == lease.number) {
            *standing = Standing::Granted;
        }
        true
    }

    /// All that are granted.
    pub(super) fn granted(&self) -> Vec<Name> {
        let state = self.state();
        let of_user = |(user, leases): (&Arc<str>, &Vec<(u64, Standing)>)| {
            let granted = leases.iter().filter(|(_, standing)| *standing == Standing::Granted);
            granted.map(|(number, _)| (Arc::clone(user), *number)).collect::<Vec<_>>()
        };
        state.users.iter().flat_map(of_user).collect()
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        self.state().count
    }

    /// What was released since this was asked last.
    pub(super) fn take_released(&self) -> Vec<Name> {
        std::mem::take(&mut self.state().released)
    }

    /// It is held no more.
    pub(super) fn release(&self, user: &Arc<str>, number: u64) {
        let mut state = self.state();
        let Some(leases) = state.users.get_mut(user) else { return };
        leases.retain(|(known, _)| *known != number);
        if leases.is_empty() {
            state.users.remove(user);
        }
        state.count = state.count.saturating_sub(1);
        if self.tells && state.released.len() < WAITING {
            state.released.push((Arc::clone(user), number));
            self.released.notify_one();
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes that belong together.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_released_leaves_nothing_behind() {
        let table = Table::new(2, true);
        let first = table.ask("ada").unwrap();
        let second = table.ask("ada").unwrap();
        assert!(table.ask("bob").is_none(), "there is memory for two");
        assert!(table.grant_below(&first, 1));
        assert!(!table.grant_below(&second, 1));
        assert_eq!(table.granted(), [(Arc::from("ada"), 1)]);
        drop((first, second));
        assert_eq!((table.count(), table.state().users.len()), (0, 0));
        assert_eq!(table.take_released().len(), 2);
        assert!(table.take_released().is_empty());
    }
}
