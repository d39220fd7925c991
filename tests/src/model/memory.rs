//! What machines answered: each is really asked once, however many worlds it is in.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::machine::{Given, Machine};

/// A machine that was given something more, and what it answered.
type Answered<M> = (Arc<Given<M>>, Arc<[<M as Machine>::Output]>);

/// By the id of the machine that was given it as well.
pub(super) struct Memory<M: Machine>(Mutex<HashMap<u64, Answered<M>>>);

impl<M: Machine> Memory<M> {
    pub(super) fn new() -> Memory<M> {
        Memory(Mutex::new(HashMap::new()))
    }

    /// Gives a machine something, for the first time or again.
    pub(super) fn give(&self, given: &Arc<Given<M>>, input: &M::Input) -> Answered<M> {
        let id = given.id_with(input);
        if let Some(known) = self.lock().get(&id) {
            return known.clone();
        }
        let (after, outputs) = given.and(input);
        let answered: Answered<M> = (after, outputs.into());
        self.lock().entry(id).or_insert(answered).clone()
    }

    /// How often a machine was really asked.
    pub(super) fn asked(&self) -> usize {
        self.lock().len()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<u64, Answered<M>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
