//! Who listens to which document, within one process.

use std::collections::HashMap;

use cowrite_protocol::{DocumentId, Epoch, RunningHash};
use tokio::sync::mpsc;

use super::{Entry, Feed, FeedBatch, FeedEvent};

/// The live subscriptions of a log in this process.
#[derive(Debug, Default)]
pub(crate) struct Feeds(HashMap<DocumentId, Vec<mpsc::UnboundedSender<FeedEvent>>>);

impl Feeds {
    /// Adds a subscription; it is in force at once, and until its feed is dropped.
    pub(crate) fn subscribe(&mut self, document: &DocumentId) -> Feed {
        let (sender, feed) = mpsc::unbounded_channel();
        let senders = self.0.entry(document.clone()).or_default();
        senders.retain(|sender| !sender.is_closed());
        senders.push(sender);
        feed
    }

    /// Hands committed entries to who listens. Cost: one copy of the list a listener;
    /// operations are shared.
    pub(crate) fn publish(&mut self, document: &DocumentId, epoch: Epoch, entries: &[Entry], hash_after: RunningHash) {
        let Some(senders) = self.0.get_mut(document) else { return };
        senders.retain(|sender| {
            let batch = FeedBatch { epoch, entries: entries.to_vec(), hash_after };
            sender.send(FeedEvent::Batch(batch)).is_ok()
        });
        if senders.is_empty() {
            self.0.remove(document);
        }
    }
}
