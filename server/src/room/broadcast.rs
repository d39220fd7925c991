//! Committed entries to the channels that are in step.

use bytes::Bytes;
use cowrite_protocol::frame::{Abbreviated, Commit, Packed, ServerFrame};
use cowrite_protocol::{AuthorNumber, Channel, DocumentType, Version};

use super::channel::Flow;
use super::submit::ack;
use super::{Room, encode};
use crate::metrics::{Offered, Trail};
use crate::sequencer::{Ruling, Submission, SubmittedCaret, TailEntry};
use crate::traces::DeliveredEdit;

impl<D: DocumentType> Room<D> {
    /// Gives out every entry up to the head that was not given out yet, each encoded once
    /// for all, and then the rulings that are not entries.
    pub(super) fn after_entries(&mut self, rulings: Vec<(Submission<D>, Ruling)>) {
        while self.broadcast < self.sequencer.head().version {
            let version = self.broadcast.next();
            let Some(entry) = self.sequencer.tail().get(version).cloned() else { break };
            let began = self.meter.moment();
            let own = rulings.iter().find_map(|(submission, ruling)| {
                (*ruling == Ruling::Accepted(version)).then(|| (submission.caret.clone(), submission.trail))
            });
            let is_own = own.is_some();
            // Of an entry that another server took we know no more than it implies.
            let (mut caret, trail) = own.unwrap_or((SubmittedCaret::Implied, Trail::default()));
            if let SubmittedCaret::At(cursor) = &mut caret {
                // Where its author wanted it; nobody is told of a place that is not there.
                cursor.clamp(entry.length.0);
            }
            self.give_out(&entry, caret, &trail);
            let edit = DeliveredEdit {
                document: &self.document,
                client: &entry.client,
                seq: entry.client_seq,
                version,
                bytes: entry.packed.len(),
            };
            match is_own {
                true => self.meter.given_out(edit, &trail, self.append_times),
                false => self.meter.passed_on(edit, began, self.exchange.name().0),
            }
            self.broadcast = version;
        }
        let (entries, bytes) = (self.settings.tail_entries, self.settings.tail_bytes);
        self.note_tombstone();
        self.sequencer.tail_mut().shrink(entries, bytes);
        self.rule(rulings);
    }

    fn give_out(&mut self, entry: &TailEntry<D>, caret: SubmittedCaret, trail: &Trail) {
        let before = Version::new(entry.version.get().saturating_sub(1)).unwrap_or_default();
        let last = self.roster.seq_of(&entry.client);
        let (author, new) = self.roster.author(entry.client, &entry.user);
        if let Some(author) = new {
            let frame = encode(&ServerFrame::Author { channel: self.number, author });
            for channel in self.channels.values().filter(|channel| channel.is_in_step()) {
                channel.gate.push(frame.clone(), self.now);
            }
        }
        let reference = last.map_or(1, |seq| seq.get() + 1);
        let mut frame = None;
        for channel in self.channels.values_mut() {
            let own = channel.client == entry.client;
            if own {
                channel.last = Some((entry.client_seq, entry.version));
            }
            if !channel.is_in_step() || channel.sent != before {
                continue;
            }
            if own {
                channel.gate.push(ack(self.number, entry.client_seq, entry.version, entry.hash.byte()), self.now);
                self.meter.acked(trail);
                channel.sent = entry.version;
                continue;
            }
            let bytes = frame.get_or_insert_with(|| commit_frame(self.number, author, reference, entry, &caret));
            if channel.gate.offer(Bytes::clone(bytes), self.now) {
                channel.sent = entry.version;
            } else {
                channel.flow = Flow::Lagging { drained: false };
                channel.authors_missing = true;
                channel.gate.await_drain();
                self.meter.dropped(Offered::Commit);
            }
        }
        self.roster.committed::<D>(author, entry.client_seq, entry.version, &entry.operation, caret);
    }
}

fn commit_frame<D: DocumentType>(
    channel: Channel,
    author: AuthorNumber,
    reference: u64,
    entry: &TailEntry<D>,
    caret: &SubmittedCaret,
) -> Bytes {
    let commit = Commit {
        channel,
        author,
        version: entry.version.get().to_le_bytes()[0],
        seq: Abbreviated::of(entry.client_seq.get(), reference),
        operation: Packed(&entry.packed),
    };
    encode(&match caret {
        SubmittedCaret::Implied => ServerFrame::Commit(commit),
        SubmittedCaret::Still => ServerFrame::CommitStill(commit),
        SubmittedCaret::At(cursor) => ServerFrame::CommitCursor { cursor: cursor.clone(), commit },
    })
}
