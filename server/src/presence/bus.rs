//! The way of presence between servers: best effort, never waited for.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use cowrite_protocol::DocumentId;
use tokio::sync::mpsc;

/// Carries presence between the rooms that one document has on several servers.
///
/// It may lose, double and reorder messages, and a sender may or may not hear its own:
/// rooms bear all of it. It must never make a room wait.
pub trait PresenceBus: Send + Sync + 'static {
    /// Sends to every room of the document that is subscribed, at this moment or soon.
    /// Never blocks; what cannot be sent is dropped.
    fn publish(&self, document: &DocumentId, message: Bytes);

    /// Everything that is published for the document from about now on, until the feed is
    /// dropped. A bus that connects to nobody gives a feed that ends at once.
    fn subscribe(&self, document: &DocumentId) -> PresenceFeed;
}

/// What a bus brings to one room; bounded, the newest is dropped when it is full.
pub type PresenceFeed = mpsc::Receiver<PresenceEvent>;

/// One thing that a bus brings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PresenceEvent {
    /// The subscription is in force, for the first time or again: what was sent before may
    /// not have come, so the room asks the others.
    Subscribed,
    /// Somebody published this.
    Message(Bytes),
}

/// For a single server: there are no rooms elsewhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct LocalBus;

impl PresenceBus for LocalBus {
    fn publish(&self, _: &DocumentId, _: Bytes) {}

    fn subscribe(&self, _: &DocumentId) -> PresenceFeed {
        mpsc::channel(1).1
    }
}

/// Connects servers that live in one process. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct SharedBus(Arc<Mutex<HashMap<DocumentId, Vec<mpsc::Sender<PresenceEvent>>>>>);

/// Messages that wait for a room at most.
const QUEUE: usize = 256;

impl SharedBus {
    fn listeners(&self) -> MutexGuard<'_, HashMap<DocumentId, Vec<mpsc::Sender<PresenceEvent>>>> {
        // A map of senders: whole whatever panicked while it was locked.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PresenceBus for SharedBus {
    fn publish(&self, document: &DocumentId, message: Bytes) {
        let mut listeners = self.listeners();
        let Some(senders) = listeners.get_mut(document) else { return };
        senders.retain(|sender| {
            let sent = sender.try_send(PresenceEvent::Message(message.clone()));
            !matches!(sent, Err(mpsc::error::TrySendError::Closed(_)))
        });
        if senders.is_empty() {
            listeners.remove(document);
        }
    }

    fn subscribe(&self, document: &DocumentId) -> PresenceFeed {
        let (sender, feed) = mpsc::channel(QUEUE);
        // The queue was just made, so there is room.
        let _ = sender.try_send(PresenceEvent::Subscribed);
        let mut listeners = self.listeners();
        let senders = listeners.entry(document.clone()).or_default();
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        feed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn document(name: &str) -> DocumentId {
        name.parse().unwrap()
    }

    #[test]
    fn everybody_who_listens_to_a_document_hears_it_and_nobody_else() {
        let bus = SharedBus::default();
        let mut feeds = [bus.subscribe(&document("a")), bus.clone().subscribe(&document("a"))];
        let mut other = bus.subscribe(&document("b"));
        bus.publish(&document("a"), Bytes::from_static(b"hello"));
        for feed in &mut feeds {
            assert_eq!(feed.try_recv(), Ok(PresenceEvent::Subscribed));
            assert_eq!(feed.try_recv(), Ok(PresenceEvent::Message(Bytes::from_static(b"hello"))));
        }
        assert_eq!(other.try_recv(), Ok(PresenceEvent::Subscribed));
        assert!(other.try_recv().is_err());
        drop((feeds, other));
        bus.publish(&document("a"), Bytes::new());
        assert!(!bus.listeners().contains_key(&document("a")), "a feed that was dropped is forgotten");
    }

    #[test]
    fn a_room_that_does_not_listen_loses_the_newest_and_stops_nobody() {
        let bus = SharedBus::default();
        let mut deaf = bus.subscribe(&document("a"));
        for number in 0..2 * QUEUE as u64 {
            bus.publish(&document("a"), Bytes::from(number.to_be_bytes().to_vec()));
        }
        assert_eq!(deaf.try_recv(), Ok(PresenceEvent::Subscribed));
        assert_eq!(deaf.try_recv(), Ok(PresenceEvent::Message(Bytes::from(0_u64.to_be_bytes().to_vec()))));
        assert_eq!(deaf.len(), QUEUE - 2);
    }

    #[test]
    fn a_single_server_hears_nobody() {
        let mut feed = LocalBus.subscribe(&document("a"));
        LocalBus.publish(&document("a"), Bytes::from_static(b"hello"));
        assert_eq!(feed.try_recv(), Err(mpsc::error::TryRecvError::Disconnected));
    }
}
