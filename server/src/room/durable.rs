//! Snapshots: when one is stored, and what the log may forget behind it. And how far the
//! log is durable, where it says so apart.

use bytes::Bytes;
use cowrite_protocol::frame::ServerFrame;
use cowrite_protocol::{DocumentType, Epoch, Version};

use super::{LogRequest, Purpose, Room, encode};
use crate::oplog::Snapshot;

/// What the room knows of stored snapshots.
#[derive(Debug, Default)]
pub(super) struct SnapshotState {
    stored: Version,
    storing: bool,
    trimming: bool,
    trim_asked: Version,
    /// The packed document of a version, encoded once for all who want it.
    content: Option<(Version, Bytes)>,
}

impl SnapshotState {
    /// A snapshot of this version is in the log.
    pub(super) fn known(&mut self, version: Version) {
        *self = SnapshotState { stored: version, ..SnapshotState::default() };
    }

    pub(super) fn version(&self) -> Version {
        self.stored
    }

    pub(super) fn is_storing(&self) -> bool {
        self.storing
    }
}

impl<D: DocumentType> Room<D> {
    /// The document as one packed operation; encoded once a version.
    pub(super) fn content(&mut self) -> Bytes {
        let version = self.sequencer.head().version;
        if let Some((at, content)) = &self.snapshot.content
            && *at == version
        {
            return content.clone();
        }
        let mut packed = Vec::new();
        D::encode(&D::to_operation(self.sequencer.document()), &mut packed);
        let content = Bytes::from(packed);
        self.snapshot.content = Some((version, content.clone()));
        content
    }

    /// Stores a snapshot when enough was written since the last one, or when nobody has
    /// the document open any more.
    pub(super) fn maintain_snapshot(&mut self) {
        let since = self.sequencer.head().version.since(self.snapshot.stored);
        let due = since >= self.settings.snapshot_entries || self.is_idle() && self.snapshot_is_worth();
        if due && !self.snapshot.storing {
            self.snapshot.storing = true;
            let (head, checksum, content) = (self.sequencer.head(), self.checksum(), self.content());
            let snapshot = Snapshot { head, checksum, content };
            self.ask(Purpose::StoreSnapshot(head.version), LogRequest::StoreSnapshot(snapshot));
        }
    }

    /// Whether opening the document again would replay more than a few entries.
    pub(super) fn snapshot_is_worth(&self) -> bool {
        self.sequencer.head().version.since(self.snapshot.stored) > 0
    }

    pub(super) fn snapshot_stored(&mut self, version: Version, stored: bool) {
        self.meter.snapshot(stored);
        self.snapshot.storing = false;
        // Stored or not, it is tried again only when as much has been written again: a
        // log that refuses snapshots must not be asked for ever.
        self.snapshot.stored = self.snapshot.stored.max(version);
        if !stored {
            tracing::warn!(document = %self.document, %version, "a snapshot could not be stored; the log keeps its entries");
            return;
        }
        let keep = self.settings.retained_entries;
        let before = Version::new(version.get().saturating_sub(keep)).unwrap_or_default();
        let asked = self.snapshot.trim_asked.max(self.floor);
        if before.since(asked) >= self.settings.snapshot_entries.min(keep).max(1) && !self.snapshot.trimming {
            self.snapshot.trimming = true;
            // The log may keep more; where its floor is, it says whenever it is opened.
            self.snapshot.trim_asked = before;
            self.ask(Purpose::Trim, LogRequest::Trim(before));
        }
    }

    /// The log says that this life is durable up to a version.
    pub(super) fn durable(&mut self, epoch: Epoch, version: Version) {
        if self.sequencer.head().epoch == Some(epoch) && version > self.durable {
            self.durable = version;
            self.durable_due = true;
        }
    }

    /// Tells every channel the newest watermark, if it has room for it; several at once
    /// are one frame.
    pub(super) fn tell_durable(&mut self) {
        if !std::mem::take(&mut self.durable_due) || self.durable == Version::ZERO {
            return;
        }
        let frame = encode(&ServerFrame::Durable { channel: self.number, version: self.durable });
        for channel in self.channels.values_mut().filter(|channel| channel.durable < self.durable) {
            if channel.outbox.offer(self.number, frame.clone()) {
                channel.durable = self.durable;
            } else {
                channel.outbox.await_drain(self.number);
            }
        }
    }

    pub(super) fn trimmed(&mut self, trimmed: bool) {
        self.snapshot.trimming = false;
        if !trimmed {
            tracing::warn!(document = %self.document, "old entries could not be trimmed");
        }
    }
}
