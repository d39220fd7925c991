//! What the engines send, as frames and messages.

use alloc::vec::Vec;

use cowrite_protocol::codec::encode_client;
use cowrite_protocol::frame::{Abbreviated, ClientFrame, Packed, Submit, encode_in_parts};
use cowrite_protocol::{Channel, DocumentType};

use super::link::STABLE_MS;
use super::{Link, OpenChannel, OpenDocument, Pace, Session};
use crate::engine::{CaretHint, Outgoing, Submission};
use crate::random::Random;
use cowrite_protocol::Millis;

/// An `Open` that is not answered within this time puts the link in question; every
/// failure doubles it.
const OPENING_MS: u64 = 15_000;

impl<D: DocumentType> Session<D> {
    /// Puts on the wire whatever the engines have to say, if there is a wire, and as fast as
    /// the server allows. Edits that have to wait for their turn become one operation.
    pub(super) fn pump(&mut self, now: Millis) {
        for open in &mut self.documents {
            open.engine.note_waiting(now);
        }
        self.pump_wire(now);
        self.pump_store(now);
    }

    fn pump_wire(&mut self, now: Millis) {
        let Link::Online { leave_at, .. } = self.link else { return };
        self.check_token(now);
        if self.credentials.is_holding() {
            return;
        }
        let part_bytes = self.welcome.as_ref().map_or(16 << 10, |welcome| welcome.limits.part_bytes) as usize;
        let mut batch = Batch { messages: &mut self.messages, open: Vec::new(), part_bytes };
        let next_request = &mut self.next_request;
        let opening_ms = self.liveness.patient(OPENING_MS);
        let (count, first) = (self.documents.len(), self.pace.turn);
        self.pace.due = None;
        for at in (0..count).map(|step| (first + step) % count) {
            let open = &mut self.documents[at];
            // A server that goes away takes no new document, and neither do we ask.
            let abandoned = self.abandoned.iter().any(|(_, document)| document == open.engine.document_id());
            if leave_at.is_none() && !abandoned && open.is_ready() && open.open_at.is_some_and(|at| at <= now) {
                open.send_open(next_request, now, opening_ms, &mut batch);
            }
            let waited = self.pace.due.is_some();
            open.pump(now, &mut self.random, &mut self.pace, &mut batch);
            if !waited && self.pace.due.is_some() {
                self.pace.turn = at;
            }
        }
        batch.close();
        self.note_awaiting(now);
    }

    pub(super) fn send(&mut self, frame: &ClientFrame<'_>) {
        let mut message = Vec::new();
        encode_client(frame, &mut message);
        self.messages.push_back(message);
    }

    pub(super) fn send_close(&mut self, at: usize) {
        if let Some(on) = self.documents[at].channel.take() {
            self.send(&ClientFrame::Close { channel: on.number });
        }
    }

    /// The engines' own clocks.
    pub(super) fn documents_timeout(&mut self, now: Millis, buffered: usize) {
        let mut overdue = false;
        for open in &mut self.documents {
            if buffered > 0 {
                open.engine.handle_congestion(now);
            }
            overdue |= buffered == 0 && open.request.is_some_and(|(_, until)| until <= now);
            open.engine.handle_timeout(now);
        }
        if overdue {
            self.liveness.failed();
            self.give_up(now);
        }
    }
}

impl<D: DocumentType> OpenDocument<D> {
    fn send_open(&mut self, next_request: &mut u32, now: Millis, opening_ms: u64, batch: &mut Batch<'_>) {
        self.open_at = None;
        if !self.engine.wants_channel() || self.channel.is_some() || self.request.is_some() {
            return;
        }
        let request = *next_request;
        *next_request = next_request.wrapping_add(1);
        self.request = Some((request, now + opening_ms));
        let ask = self.engine.open_request();
        batch.push(
            None,
            &ClientFrame::Open {
                request,
                document: self.engine.document_id().as_str(),
                client: ask.client,
                position: ask.position,
                whole: ask.whole,
                in_flight: ask.in_flight,
                state: &self.state,
            },
        );
    }

    fn pump(&mut self, now: Millis, random: &mut Random, pace: &mut Pace, batch: &mut Batch<'_>) {
        while let Some(outgoing) = self.engine.poll_outgoing() {
            if let Outgoing::Reopen { after_ms } = outgoing {
                if let Some(on) = self.channel.take() {
                    batch.push(None, &ClientFrame::Close { channel: on.number });
                }
                self.open_at = Some(now + self.reopen_wait(after_ms, now, random));
                continue;
            }
            let Some(on) = &self.channel else { continue };
            let channel = on.number;
            match outgoing {
                Outgoing::Verify { version, hash, checksum } => {
                    batch.push(Some(channel), &ClientFrame::Verify { channel, version, hash, checksum });
                }
                Outgoing::Restore { base, operation } => {
                    let mut packed = Vec::new();
                    D::encode(&operation, &mut packed);
                    let operation = Packed(&packed);
                    pace.submits.take(now);
                    batch.push(Some(channel), &ClientFrame::Restore { channel, base, operation });
                }
                Outgoing::Reopen { .. } => {}
            }
        }
        // An engine that ended by itself leaves nobody behind in the room.
        if self.engine.is_closed()
            && let Some(on) = self.channel.take()
        {
            batch.push(None, &ClientFrame::Close { channel: on.number });
        }
        let Some(on) = &mut self.channel else { return };
        if self.engine.wants_submit() {
            if !pace.submits.is_ready(now) {
                Pace::wait_for(&mut pace.due, &pace.submits, now);
            } else if let Some(submission) = self.engine.poll_submit() {
                pace.submits.take(now);
                on.send_submit::<D>(&submission, batch);
                self.engine.handle_sent(now);
            }
        }
        if self.presence_changed {
            if !pace.presence.is_ready(now) {
                return Pace::wait_for(&mut pace.due, &pace.presence, now);
            }
            self.presence_changed = false;
            pace.presence.take(now);
            let (activity, state) = (self.activity, Some(self.state.as_str()));
            batch.push(Some(on.number), &ClientFrame::Presence { channel: on.number, activity, state });
        }
        if self.engine.wants_cursor() {
            if !pace.presence.is_ready(now) {
                Pace::wait_for(&mut pace.due, &pace.presence, now);
            } else if let Some((version, cursor)) = self.engine.poll_cursor(now) {
                pace.presence.take(now);
                let (channel, low) = (on.number, Abbreviated::of(version.get(), on.last_base.get()));
                on.last_base = version;
                batch.push(Some(channel), &ClientFrame::Cursor { channel, version: low, cursor });
            }
        }
    }
}

impl OpenChannel {
    fn send_submit<D: DocumentType>(&mut self, submission: &Submission<D>, batch: &mut Batch<'_>) {
        let (channel, seq, base) = (self.number, submission.seq.get(), submission.base);
        let mut packed = Vec::new();
        D::encode(&submission.operation, &mut packed);
        let submit = Submit {
            channel,
            seq: Abbreviated::of(seq, self.last_seq),
            base: Abbreviated::of(base.get(), self.last_base.get()),
            operation: Packed(&packed),
        };
        (self.last_seq, self.last_base) = (seq, base);
        batch.push(
            Some(channel),
            &match &submission.caret {
                CaretHint::Implied => ClientFrame::Submit(submit),
                CaretHint::Still => ClientFrame::SubmitStill(submit),
                CaretHint::At(cursor) => ClientFrame::SubmitCursor { cursor: cursor.clone(), submit },
            },
        );
    }
}

impl<D: DocumentType> OpenDocument<D> {
    /// How long to wait before the channel is opened again: one that held, not at all; one
    /// that ended soon after it was opened, once more at once, and then ever longer. Where the
    /// server names a time, a whole room is told the same: nobody comes before it, and all
    /// by its double.
    fn reopen_wait(&mut self, at_least_ms: u64, now: Millis, random: &mut Random) -> u64 {
        if now - self.opened_at >= STABLE_MS {
            self.open_backoff.reset();
            self.hasty = false;
        }
        if core::mem::replace(&mut self.hasty, true) {
            return self.open_backoff.next_wait(random, at_least_ms);
        }
        at_least_ms + random.below(at_least_ms)
    }
}

/// Gathers small frames into messages; a large frame goes in parts.
struct Batch<'a> {
    messages: &'a mut alloc::collections::VecDeque<Vec<u8>>,
    open: Vec<u8>,
    part_bytes: usize,
}

impl Batch<'_> {
    fn push(&mut self, channel: Option<Channel>, frame: &ClientFrame<'_>) {
        let start = self.open.len();
        encode_client(frame, &mut self.open);
        if self.open.len() - start <= self.part_bytes {
            if self.open.len() > self.part_bytes {
                self.close();
            }
            return;
        }
        let Some(channel) = channel else { return };
        let large = self.open.split_off(start);
        encode_in_parts(&large, self.part_bytes, |total, bytes| {
            encode_client(&ClientFrame::Part { channel, total, bytes: Packed(bytes) }, &mut self.open);
            self.close();
        });
    }

    fn close(&mut self) {
        if !self.open.is_empty() {
            self.messages.push_back(core::mem::take(&mut self.open));
        }
    }
}
