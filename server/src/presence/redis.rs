//! Presence between servers over Redis: sharded pub/sub, never a stream.

use bytes::Bytes;
use cowrite_protocol::DocumentId;
use futures_util::future::join_all;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::bus::{PresenceBus, PresenceEvent, PresenceFeed};
use crate::redis::{Heard, Listener, Subscriber, Topology, slot_of};

/// The way of presence over the Redis of an op log, with whose connections it is made.
#[derive(Clone)]
pub struct RedisBus {
    topology: Topology,
    subscriber: Subscriber,
    outgoing: mpsc::Sender<(String, Bytes)>,
}

/// Messages that wait to be published at most; the newest is dropped beyond.
const QUEUE: usize = 1_024;

/// Messages published at once at most.
const BURST: usize = 64;

impl RedisBus {
    /// A bus over these connections. Must be called in a tokio runtime.
    pub(crate) fn start(topology: Topology, subscriber: Subscriber) -> RedisBus {
        let (outgoing, waiting) = mpsc::channel(QUEUE);
        tokio::spawn(publish_all(topology.clone(), waiting));
        RedisBus { topology, subscriber, outgoing }
    }

    fn channel(&self, document: &DocumentId) -> String {
        format!("{}:{{{document}}}:presence", self.topology.settings().prefix)
    }
}

impl PresenceBus for RedisBus {
    fn publish(&self, document: &DocumentId, message: Bytes) {
        // What finds no room is said again by the next summary.
        let _ = self.outgoing.try_send((self.channel(document), message));
    }

    fn subscribe(&self, document: &DocumentId) -> PresenceFeed {
        let (sender, feed) = mpsc::channel(QUEUE);
        let (subscriber, channel) = (self.subscriber.clone(), self.channel(document));
        let pause = self.topology.settings().retry_for;
        tokio::spawn(async move {
            while !sender.is_closed() {
                let listener = Box::new(FeedListener(sender.clone()));
                if subscriber.subscribe(channel.clone(), listener).await.is_ok() {
                    // If there is no room for it, there is enough to hear already.
                    let _ = sender.try_send(PresenceEvent::Subscribed);
                    return;
                }
                sleep(pause).await;
            }
        });
        feed
    }
}

struct FeedListener(mpsc::Sender<PresenceEvent>);

impl Listener for FeedListener {
    fn hear(&mut self, heard: &Heard) {
        // Presence may be lost, and a room that does not listen must not stop others.
        let _ = self.0.try_send(match heard {
            Heard::Message(message) => PresenceEvent::Message(message.clone()),
            Heard::Interrupted => PresenceEvent::Subscribed,
        });
    }

    fn is_gone(&self) -> bool {
        self.0.is_closed()
    }
}

/// Publishes what waits, until nobody can bring any more.
async fn publish_all(topology: Topology, mut waiting: mpsc::Receiver<(String, Bytes)>) {
    let mut burst = Vec::with_capacity(BURST);
    while waiting.recv_many(&mut burst, BURST).await > 0 {
        join_all(burst.drain(..).map(async |(channel, message)| {
            let slot = slot_of(&channel);
            let mut publish = ::redis::cmd("SPUBLISH");
            publish.arg(&channel).arg(&message[..]);
            // Not sent is not said: the next summary says it.
            let _ = topology.ask(slot, None, &publish).await;
        }))
        .await;
    }
}
