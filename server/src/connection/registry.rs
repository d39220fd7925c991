//! All connections of this process, for those who must reach every one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cowrite_protocol::codec::encode_server;
use cowrite_protocol::frame::{Code, ServerFrame};

use crate::outbox::Outbox;
use crate::room::ConnectionId;
use crate::tally::{Mark, Tally};

/// The connections of this process. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Registry(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    inside: Tally,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    outboxes: HashMap<ConnectionId, Arc<Outbox>>,
    farewell: Farewell,
}

/// What a connection hears that comes now.
#[derive(Clone, Copy, Debug, Default)]
enum Farewell {
    #[default]
    None,
    GoAway(u32),
    End(Code, u32),
}

/// A connection's place in the registry, until it is dropped.
#[derive(Debug)]
pub(super) struct Entry {
    registry: Registry,
    pub(super) id: ConnectionId,
    _inside: Mark,
}

impl Registry {
    /// How many connections there are.
    pub fn count(&self) -> usize {
        self.0.inside.count()
    }

    /// How many connections there ever were.
    pub fn made(&self) -> u64 {
        self.state().last
    }

    /// Tells everybody, also who comes later, to connect elsewhere within a random part
    /// of `spread_ms`.
    pub fn go_away(&self, spread_ms: u32) {
        let mut state = self.state();
        state.farewell = Farewell::GoAway(spread_ms);
        let frame = go_away(spread_ms);
        for outbox in state.outboxes.values() {
            outbox.push_own(frame.clone());
        }
    }

    /// Ends every connection, also one that comes later, after what waits for it.
    pub fn end(&self, code: Code, retry_after_ms: u32) {
        let mut state = self.state();
        state.farewell = Farewell::End(code, retry_after_ms);
        for outbox in state.outboxes.values() {
            outbox.end(code, retry_after_ms);
        }
    }

    /// Waits until there is no connection.
    pub async fn empty(&self) {
        self.0.inside.empty().await;
    }

    /// A place for one more connection.
    pub(super) fn enter(&self, outbox: &Arc<Outbox>) -> Entry {
        let inside = self.0.inside.mark();
        let mut state = self.state();
        state.last += 1;
        let id = ConnectionId(state.last);
        state.outboxes.insert(id, Arc::clone(outbox));
        match state.farewell {
            Farewell::None => {}
            Farewell::GoAway(spread_ms) => outbox.push_own(go_away(spread_ms)),
            Farewell::End(code, retry_after_ms) => outbox.end(code, retry_after_ms),
        }
        Entry { registry: self.clone(), id, _inside: inside }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Nothing panics between two changes that belong together.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        self.registry.state().outboxes.remove(&self.id);
    }
}

fn go_away(spread_ms: u32) -> Bytes {
    let mut bytes = Vec::new();
    encode_server(&ServerFrame::GoAway { spread_ms }, &mut bytes);
    Bytes::from(bytes)
}
