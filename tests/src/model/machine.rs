//! Something real that is a function of what it was given.

use std::fmt::Debug;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::{Arc, Mutex, PoisonError};

/// An engine, a server or a log, with its host. Two that were made alike and given the same are the same: there is
/// no clock, thread or randomness in it.
pub(super) trait Machine: Sized + Send {
    /// What tells its like apart before they are given anything.
    type Name: Clone + Hash + Send + Sync;
    /// What it may be given.
    type Input: Clone + Debug + Hash + Send + Sync;
    /// What it answers.
    type Output: Clone + Send + Sync;
    /// What is looked at from outside.
    type Shown: Send + Sync;

    fn new(name: &Self::Name) -> Self;
    fn take(&mut self, input: &Self::Input) -> Vec<Self::Output>;
    fn show(&self) -> Self::Shown;
    /// Whether the input leaves every machine of this kind as it was.
    fn only_asks(input: &Self::Input) -> bool;
}

/// A machine by what it was given. Shared by all worlds in which it was given the same.
pub(super) struct Given<M: Machine> {
    /// The same for the same, and for nothing else as far as 64 bits tell.
    pub(super) id: u64,
    pub(super) shown: M::Shown,
    name: M::Name,
    before: Option<(Arc<Given<M>>, M::Input)>,
    /// The machine itself, until somebody goes on with it.
    live: Mutex<Option<M>>,
}

impl<M: Machine> Given<M> {
    /// A machine that was given nothing yet.
    pub(super) fn nothing(name: M::Name) -> Arc<Given<M>> {
        let machine = M::new(&name);
        let (id, shown) = (fingerprint(&name), machine.show());
        Arc::new(Given { id, shown, name, before: None, live: Mutex::new(Some(machine)) })
    }

    /// The same machine, given this as well; and what it answers.
    pub(super) fn and(self: &Arc<Self>, input: &M::Input) -> (Arc<Given<M>>, Vec<M::Output>) {
        let mut machine = self.machine();
        let outputs = machine.take(input);
        if M::only_asks(input) {
            *self.lock() = Some(machine);
            return (Arc::clone(self), outputs);
        }
        let (id, shown) = (self.id_with(input), machine.show());
        let before = Some((Arc::clone(self), input.clone()));
        let given = Given { id, shown, name: self.name.clone(), before, live: Mutex::new(Some(machine)) };
        (Arc::new(given), outputs)
    }

    /// The id of this machine when it was given that as well.
    pub(super) fn id_with(&self, input: &M::Input) -> u64 {
        fingerprint(&(self.id, input))
    }

    /// The machine: this very one, or one that was given the same once more.
    fn machine(&self) -> M {
        if let Some(machine) = self.lock().take() {
            return machine;
        }
        match &self.before {
            None => M::new(&self.name),
            Some((before, input)) => {
                let mut machine = before.machine();
                machine.take(input);
                machine
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<M>> {
        // A machine that panicked was taken out before.
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// 64 bits that are the same for the same, in every run.
pub(super) fn fingerprint(of: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    of.hash(&mut hasher);
    hasher.finish()
}
