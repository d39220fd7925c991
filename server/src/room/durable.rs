//! Snapshots: when one is stored, and what the log may forget behind it. And how far the
//! log is durable, where it says so apart.

use bytes::Bytes;
use cowrite_protocol::frame::{Author, Packed, ServerFrame, SnapshotFrame};
use cowrite_protocol::{DocumentType, Version};

use super::loading::Phase;
use super::{LogRequest, Purpose, Room, encode};
use crate::oplog::{Head, Snapshot};

/// What the room knows of stored snapshots.
#[derive(Debug, Default)]
pub(super) struct SnapshotState {
    stored: Version,
    storing: bool,
    trimming: bool,
    trim_asked: Version,
    /// The packed document of a version, encoded once for all who want it.
    content: Option<(Version, Bytes)>,
    /// The frame that carries it, for all who open at that head; `content` is a part of it.
    frame: Option<(Head, Vec<Author>, Bytes)>,
}

impl SnapshotState {
    /// A snapshot of this version is in the log.
    pub(super) fn known(&mut self, version: Version) {
        *self = SnapshotState { stored: version, ..SnapshotState::default() };
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

    /// The document as a frame, encoded once for all who open at this head: a hundred who ask for a
    /// large document and do not read it hold it once.
    pub(super) fn snapshot_frame(&mut self) -> Bytes {
        let (head, authors) = (self.sequencer.head(), self.roster.authors());
        if let Some((at, named, frame)) = &self.snapshot.frame
            && (at, named) == (&head, &authors)
        {
            return frame.clone();
        }
        let (checksum, content) = (self.checksum(), self.content());
        let frame = encode(&ServerFrame::Snapshot(SnapshotFrame {
            channel: self.number,
            epoch: head.epoch,
            version: head.version,
            hash: head.hash,
            checksum,
            authors: authors.clone(),
            content: Packed(&content),
        }));
        // The content is the frame's last field.
        let start = frame.len().saturating_sub(content.len());
        self.snapshot.content = Some((head.version, frame.slice(start..)));
        self.snapshot.frame = Some((head, authors, frame.clone()));
        frame
    }

    /// Stores a snapshot when enough was written since the last one, or when nobody has
    /// the document open any more.
    pub(super) fn maintain_snapshot(&mut self) {
        if self.is_deleted() || self.is_about_to_go() {
            // The tombstone must stay behind every snapshot, or nobody would read it.
            return;
        }
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
        !self.is_deleted() && self.sequencer.head().version.since(self.snapshot.stored) > 0
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

    /// The log says that its history is durable up to here. If it is another than ours,
    /// of which we have not heard yet, that says nothing of what we gave out.
    pub(super) fn durable(&mut self, durable: Head) {
        let head = self.sequencer.head();
        if self.phase != Phase::Open || durable.version > head.version {
            self.durable_ahead = Some(durable);
        } else if durable.epoch == head.epoch
            && durable.version > self.durable
            && self.sequencer.tail().hash_at(durable.version) == Some(durable.hash)
        {
            self.durable = durable.version;
            self.durable_due = true;
        }
    }

    /// Tells every channel the newest watermark, if it has room for it; several at once
    /// are one frame.
    pub(super) fn tell_durable(&mut self) {
        if let Some(durable) = self.durable_ahead.take() {
            self.durable(durable);
        }
        if !std::mem::take(&mut self.durable_due) || self.durable == Version::ZERO {
            return;
        }
        let frame = encode(&ServerFrame::Durable { channel: self.number, version: self.durable });
        for channel in self.channels.values_mut().filter(|channel| channel.durable < self.durable) {
            if channel.gate.offer(frame.clone(), self.now) {
                channel.durable = self.durable;
            } else {
                channel.gate.await_drain();
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cowrite_protocol::operation::Document;
    use cowrite_protocol::{Channel, Epoch, Limits, Millis, RichText, RunningHash};

    use super::*;
    use crate::oplog::LogError;
    use crate::room::{LogAnswer, LogTicket, RoomSettings};
    use crate::sequencer::Sequencer;

    fn head(version: u64, hash: u8) -> Head {
        let version = Version::new(version).unwrap();
        Head { epoch: Some(Epoch::from_random(5)), version, hash: RunningHash::from_bytes([hash; 16]) }
    }

    #[test]
    fn only_the_history_that_is_ours_is_called_durable() {
        let document = "a".parse().unwrap();
        let (limits, settings) = (Limits::default(), RoomSettings::default());
        let mut room = Room::<RichText>::new(document, Channel(1), limits, settings, Box::new(|| 1));
        room.durable(head(9, 9));
        room.sequencer = Sequencer::new(limits, head(9, 9), Document::default());
        room.phase = Phase::Open;
        room.tell_durable();
        assert_eq!(room.durable.get(), 9, "what was said while it was loaded");
        room.sequencer = Sequencer::new(limits, head(20, 1), Document::default());
        room.durable(head(20, 2));
        assert_eq!(room.durable.get(), 9, "another history of the same life");
        room.durable(Head { epoch: Some(Epoch::from_random(6)), ..head(20, 1) });
        assert_eq!(room.durable.get(), 9, "another life");
        room.durable(head(21, 3));
        room.tell_durable();
        assert_eq!(room.durable.get(), 9, "beyond us");
        room.durable(head(20, 1));
        assert_eq!(room.durable.get(), 20);
    }

    #[test]
    fn a_room_whose_history_is_lost_while_it_is_stored_is_forgotten_though_it_cannot_be_loaded() {
        let (limits, settings) = (Limits::default(), RoomSettings { snapshot_entries: 1, ..RoomSettings::default() });
        let mut room = Room::<RichText>::new("a".parse().unwrap(), Channel(1), limits, settings, Box::new(|| 1));
        room.sequencer = Sequencer::new(limits, head(9, 9), Document::default());
        room.phase = Phase::Open;
        room.advance(Millis(1));
        assert!(room.snapshot.is_storing());
        room.history_lost();
        let subscribe = LogTicket(room.next_ticket - 1);
        let error = LogError::Unavailable { reason: "a bad day".to_owned(), retry_after: Duration::ZERO };
        room.handle_log(subscribe, LogAnswer::Subscribed(Err(error)), Millis(2));
        assert_eq!((room.phase, room.is_unloadable()), (Phase::Failed, true));
    }
}
