//! What an engine sends, and when it does again.

use alloc::sync::Arc;

use cowrite_protocol::frame::{Code, Position};
use cowrite_protocol::{Checksum, ClientSeq, Cursor, DocumentType, Version};

use super::pending::Sealed;
use super::{ChannelState, Engine, Event, Pending};
use cowrite_protocol::Millis;

/// What the session is asked to put on the wire.
#[derive(Clone, Debug)]
pub(crate) enum Outgoing<D: DocumentType> {
    Verify {
        version: Version,
        hash: u64,
        checksum: Checksum,
    },
    Restore {
        base: Version,
        operation: D::Operation,
    },
    /// Close the channel and open it again; what is in flight will be settled by that.
    Reopen {
        after_ms: u64,
    },
}

/// An operation that goes in flight, in the form that fits the engine's version.
#[derive(Clone, Debug)]
pub(crate) struct Submission<D: DocumentType> {
    pub(crate) seq: ClientSeq,
    pub(crate) base: Version,
    pub(crate) operation: Arc<D::Operation>,
    pub(crate) caret: CaretHint,
}

/// What a submit says of its author's cursor.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum CaretHint {
    Implied,
    Still,
    At(Cursor),
}

/// A missing ack is a failure after this time; every failure doubles it.
const ACK_MS: u64 = 10_000;
const ACK_MOST_MS: u64 = 120_000;
/// At rest, history and text are compared this often at most.
const VERIFY_MS: u64 = 60_000;
const FIRST_VERIFY_MS: u64 = 5_000;

impl<D: DocumentType> Engine<D> {
    pub(crate) fn poll_outgoing(&mut self) -> Option<Outgoing<D>> {
        self.outgoing.pop_front()
    }

    /// The submit has been handed to the socket: its ack is awaited from now.
    pub(crate) fn handle_sent(&mut self, now: Millis) {
        self.ack_deadline = Some(now + self.ack_wait());
    }

    /// Bytes of ours still wait in the socket: the clocks that measure the server stop.
    pub(crate) fn handle_congestion(&mut self, now: Millis) {
        if self.ack_deadline.is_some() {
            self.ack_deadline = Some(now + self.ack_wait());
        }
    }

    /// The earliest moment at which the engine has something to do.
    pub(crate) fn poll_timeout(&self) -> Option<Millis> {
        let ack = self.ack_deadline.filter(|_| !self.stalled);
        [ack, self.retry_at, self.caret.due, self.verify_at].into_iter().flatten().min()
    }

    pub(crate) fn handle_timeout(&mut self, now: Millis) {
        let passed = |at: Option<Millis>| at.is_some_and(|at| at <= now);
        if passed(self.ack_deadline) && !self.stalled {
            self.ack_failures = self.ack_failures.saturating_add(1);
            self.reopen(0);
        }
        if passed(self.retry_at) {
            self.retry_at = None;
            if let Some(in_flight) = self.pending.in_flight_mut() {
                in_flight.sent = false;
            }
        }
        if passed(self.caret.due) {
            // It is asked for after this.
            self.caret.due = None;
        }
        if passed(self.verify_at) {
            self.verify_at = Some(now + VERIFY_MS);
            self.verify();
        }
    }

    /// A clock for comparisons at rest starts with the channel.
    pub(super) fn start_verifying(&mut self, now: Millis) {
        self.verify_at = Some(now + FIRST_VERIFY_MS);
    }

    /// Whether there is something to submit now: never unless in step, and one at a time.
    pub(crate) fn wants_submit(&self) -> bool {
        let may =
            self.channel == ChannelState::Attached && !self.held && !self.awaits_review() && self.retry_at.is_none();
        may && match &self.pending {
            Pending::Synchronized => false,
            Pending::Buffering { .. } => true,
            Pending::AwaitingAck { in_flight } | Pending::AwaitingWithBuffer { in_flight, .. } => {
                !in_flight.sent && !self.awaits_store()
            }
        }
    }

    /// The next operation that goes in flight. Until it is taken, all edits join it.
    pub(crate) fn poll_submit(&mut self) -> Option<Submission<D>> {
        if !self.wants_submit() {
            return None;
        }
        // An old record of it is to be known by the log's last client_seq.
        if self.is_held_otherwise() {
            self.pending.unseal();
        }
        match self.pending.seal(self.last_seq.next(), &self.limits.operation, self.watermarks.accepted) {
            Sealed::InFlight => self.last_seq = self.last_seq.next(),
            Sealed::Vanished { last_edit } => self.accepted_up_to(last_edit),
            Sealed::Nothing => {}
        }
        // Where the device keeps a record, it knows of an operation before the server does.
        if self.awaits_store() {
            return None;
        }
        let complete = matches!(self.pending, Pending::AwaitingAck { .. });
        let base = self.version();
        let in_flight = self.pending.in_flight_mut().filter(|in_flight| !in_flight.sent)?;
        in_flight.sent = true;
        let (seq, operation) = (in_flight.seq, Arc::clone(&in_flight.operation));
        let caret = self.caret.ride::<D>(&operation, complete);
        Some(Submission { seq, base, operation, caret })
    }

    pub(super) fn accepted_up_to(&mut self, edit: u64) {
        self.watermarks.accepted = self.watermarks.accepted.max(edit);
        self.event(Event::Status);
    }

    /// Gives the channel up and asks for a new one, which settles what is in flight.
    pub(super) fn reopen(&mut self, after_ms: u64) {
        self.detach();
        self.outgoing.clear();
        self.outgoing.push_back(Outgoing::Reopen { after_ms });
    }

    /// Client and server disagree: once it is mended, a second time within a minute ends it.
    pub(super) fn diverged(&mut self, now: Millis) {
        if let Some(last) = self.divergence
            && now - last < VERIFY_MS
        {
            self.close(Code::Diverged);
            return;
        }
        self.divergence = Some(now);
        self.resync = true;
        self.note_replaced();
        self.event(Event::Diverged);
        self.reopen(0);
    }

    fn verify(&mut self) {
        let Some(Position { version, hash, .. }) = self.position else { return };
        if matches!(self.pending, Pending::Synchronized) && self.channel == ChannelState::Attached {
            let known = self.compared.filter(|(at, _)| *at == version).map(|(_, checksum)| checksum);
            let checksum = known.unwrap_or_else(|| D::checksum(&self.server));
            self.compared = Some((version, checksum));
            self.outgoing.push_back(Outgoing::Verify { version, hash: hash.short(), checksum });
        }
    }

    fn ack_wait(&self) -> u64 {
        (ACK_MS << self.ack_failures.min(4)).min(ACK_MOST_MS)
    }
}
