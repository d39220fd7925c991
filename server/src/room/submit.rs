//! Submits to the sequencer, batches to the log, rulings to their authors.

use bytes::Bytes;
use cowrite_protocol::frame::{Abbreviated, Code, Role, ServerFrame};
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, Epoch, Generation, Millis, Version};

use super::{ChannelFrame, ConnectionId, LogRequest, Purpose, Room, encode};
use crate::auth::Action;
use crate::metrics::Trail;
use crate::oplog::AppendOutcome;
use crate::sequencer::{Ruling, Submission, SubmissionId, SubmittedCaret};
use crate::traces::AppendTimes;

/// How long a client waits while a document is being deleted, in milliseconds. If that fails, its edit is taken.
const WHILE_DELETED_MS: u32 = 250;

/// Restorations bear the stay's number with this bit.
const RESTORATION: u64 = 1 << 63;

impl<D: DocumentType> Room<D> {
    pub(super) fn handle_frame(&mut self, connection: ConnectionId, frame: ChannelFrame) {
        let silent = matches!(frame, ChannelFrame::Silent);
        // A frame that crossed the end of its channel concerns nobody.
        let Some(channel) = self.channels.get(&connection) else { return self.hear_opening(connection, silent) };
        if silent {
            return self.roster.silence(channel.number, channel.generation);
        }
        self.roster.touch(channel.number, channel.generation);
        match frame {
            ChannelFrame::Submit { seq, base, operation, caret, busy_ms, trail } => {
                self.submit(connection, (seq, base), &operation, caret, busy_ms, trail.taken())
            }
            ChannelFrame::Cursor { version, cursor } => self.cursor(connection, version, cursor),
            ChannelFrame::Presence { activity, state } => self.presence(connection, activity, state),
            ChannelFrame::Verify { version, hash, checksum } => self.verify(connection, version, hash, checksum),
            ChannelFrame::Restore { base, operation } => self.restore(connection, base, &operation),
            ChannelFrame::Close => self.leave(connection),
            ChannelFrame::Silent | ChannelFrame::Heard => {}
        }
    }

    fn submit(
        &mut self,
        connection: ConnectionId,
        (seq, base): (Abbreviated, Abbreviated),
        operation: &Bytes,
        caret: SubmittedCaret,
        busy_ms: Option<u32>,
        trail: Trail,
    ) {
        let (deleted, going) = (self.is_deleted(), self.is_about_to_go());
        let Some(channel) = self.channels.get_mut(&connection) else { return };
        let seq = seq.resolve(channel.carried_seq).and_then(ClientSeq::new);
        let base = base.resolve(channel.carried_base).and_then(Version::new);
        let (Some(seq), Some(base)) = (seq, base) else {
            return channel.gate.end(Code::Malformed);
        };
        (channel.carried_seq, channel.carried_base) = (seq.get(), base.get());
        // It crossed a composed catch-up, the drain or a quarantine: no answer, nothing
        // consumed; the client knows and sends it again.
        if base < channel.void_below || self.draining || self.quarantined {
            return;
        }
        if let Some(retry_after_ms) = busy_ms {
            let busy = ServerFrame::Busy { channel: self.number, seq, code: Code::RateLimited, retry_after_ms };
            return channel.gate.push(encode(&busy), self.now);
        }
        let allowed = channel.gate.allows(Action::Write, self.now);
        if allowed.is_err() && (channel.role >= Role::Editor || allowed != Err(Code::ReadOnly)) {
            // The right was lost meanwhile: the channel is about to end, and what its client has in
            // flight stays its own.
            return self.meter.denied(Action::Write);
        }
        let id = SubmissionId(channel.stay);
        let last = channel.last.map_or(ClientSeq::NONE, |(last, _)| last);
        let refusal = match channel.rejected {
            Some((rejected, code)) if rejected == seq => Some(code),
            _ if let Err(code) = allowed => Some(code),
            // No edit has this number, so none can come again: without an entry there is no ack.
            _ if seq == ClientSeq::NONE => Some(Code::SeqReused),
            _ if seq == last => return self.acknowledge_again(connection, seq),
            _ if seq < last => Some(Code::SeqReused),
            _ if seq.get() - last.get() > ClientSeq::MAX_JUMP => Some(Code::SeqJump),
            _ if self.sequencer.holds(id) => Some(Code::InFlight),
            _ => None,
        };
        if let Some(code) = refusal.or(deleted.then_some(Code::Deleted)) {
            return self.reject(connection, seq, code);
        }
        if going {
            let code = Code::Unavailable;
            let busy = ServerFrame::Busy { channel: self.number, seq, code, retry_after_ms: WHILE_DELETED_MS };
            return channel.gate.push(encode(&busy), self.now);
        }
        let (client, generation, user) = (channel.client, channel.generation, channel.user.clone());
        let permit = channel.gate.permit();
        let submitted = self.read_operation(operation).and_then(|operation| {
            self.sequencer.submit(Submission {
                id,
                client,
                seq,
                generation,
                user,
                permit,
                base,
                operation,
                caret,
                trail,
            })
        });
        match submitted {
            Ok(()) => {}
            Err(Code::Behind) => self.close_channel(connection, Code::Behind, 0),
            Err(code) => self.reject(connection, seq, code),
        }
    }

    /// Reads what a client asks for: within the limits, and within the document's format. What comes
    /// from the log is asked nothing of the kind: it holds what formats allowed before.
    fn read_operation(&self, bytes: &[u8]) -> Result<D::Operation, Code> {
        let operation = self.sequencer.decode(bytes)?;
        D::check_format(&operation, &self.format).map_err(|error| {
            tracing::debug!(document = %self.document, %error, "an edit is refused for what it would bring in");
            self.meter.forbidden();
            Code::ForbiddenContent
        })?;
        Ok(operation)
    }

    /// Lost work that somebody wants back: an entry under a name that depends on the
    /// epoch alone, so the log lets the first win.
    fn restore(&mut self, connection: ConnectionId, base: Version, operation: &Bytes) {
        let Some(channel) = self.channels.get(&connection) else { return };
        if let Err(code) = channel.gate.allows(Action::Write, self.now) {
            self.meter.denied(Action::Write);
            return self.answer_restore(connection, Version::ZERO, Some(code));
        }
        let id = SubmissionId(channel.stay | RESTORATION);
        if self.draining || self.quarantined || self.sequencer.holds(id) {
            return;
        }
        if self.is_deleted() {
            return self.answer_restore(connection, Version::ZERO, Some(Code::Deleted));
        }
        let client = ClientId::restoration(self.sequencer.head().epoch);
        let known = self.sequencer.tail().after(self.sequencer.tail().start());
        let restored = known.and_then(|mut entries| entries.find(|entry| entry.client == client));
        if let Some(version) = restored.map(|entry| entry.version) {
            return self.answer_restore(connection, version, Some(Code::AlreadyRestored));
        }
        let (user, permit) = (channel.user.clone(), channel.gate.permit());
        let submitted = self.read_operation(operation).and_then(|operation| {
            self.sequencer.submit(Submission {
                id,
                client,
                seq: ClientSeq::NONE.next(),
                generation: Generation::NONE,
                user,
                permit,
                base,
                operation,
                caret: SubmittedCaret::Still,
                trail: Trail::default(),
            })
        });
        if let Err(code) = submitted {
            self.answer_restore(connection, Version::ZERO, Some(code));
        }
    }

    /// Starts the next append, if anything waits and nothing stands in the way.
    pub(super) fn start_append(&mut self, now: Millis) {
        if self.following.is_under_way() || self.quarantined || self.sequencer.is_appending() {
            return;
        }
        if self.sequencer.is_idle() {
            return;
        }
        // Who has lost the right since is not in it, whether still here or not.
        let withdrawn = self.sequencer.withdraw(|submission| submission.permit.allows(Action::Write, now).is_ok());
        (0..withdrawn).for_each(|_| self.meter.denied(Action::Write));
        // A name for a life is drawn only where one may begin: random bits are a system call.
        let new_epoch = self.sequencer.head().epoch.unwrap_or_else(|| Epoch::from_random((self.entropy)()));
        let mut rulings = Vec::new();
        if let Some(batch) = self.sequencer.next_batch(new_epoch, &mut rulings) {
            self.append_since = Some(now);
            self.append_times = AppendTimes { asked: self.meter.moment(), answered: None };
            self.ask(Purpose::Append, LogRequest::Append(batch));
        }
        self.rule(rulings);
    }

    pub(super) fn append_finished(&mut self, outcome: AppendOutcome, now: Millis) {
        let wait = match &outcome {
            AppendOutcome::Unavailable { retry_after } => u64::try_from(retry_after.as_millis()).unwrap_or(u64::MAX),
            AppendOutcome::OutcomeUnknown => 50,
            _ => 0,
        };
        let entries = match &outcome {
            AppendOutcome::Committed { head } => head.version.since(self.sequencer.head().version),
            _ => 0,
        };
        self.meter.appended(&outcome, entries);
        self.append_times.answered = self.meter.moment();
        let settled = self.sequencer.append_finished(outcome);
        if settled.retry {
            self.append_retry_at = Some(now + wait.max(1));
            return;
        }
        self.append_since = None;
        if self.stalled {
            self.stall(false);
        }
        self.after_entries(settled.rulings);
        if let Some(obstacle) = settled.obstacle {
            return self.meet(obstacle);
        }
        self.follow_after_append(settled.read_up_to);
    }

    pub(super) fn rule(&mut self, rulings: Vec<(Submission<D>, Ruling)>) {
        for (submission, ruling) in rulings {
            if submission.client.is_deletion() {
                // Who wished it hears of it by the tombstone.
                continue;
            }
            // Who has left, or has opened anew on the same connection, has heard or will hear from the
            // log what became of it: what was ruled of an earlier stay says nothing of the next one.
            let Some(&connection) = self.stays.get(&(submission.id.0 & !RESTORATION)) else {
                match ruling {
                    Ruling::Accepted(_) if submission.id.0 & RESTORATION == 0 => self.meter.accepted(),
                    Ruling::Ended(code) => self.meter.ended(code),
                    _ => {}
                }
                continue;
            };
            if submission.id.0 & RESTORATION != 0 {
                let (version, refused) = match ruling {
                    Ruling::Accepted(version) => (version, None),
                    Ruling::Duplicate(version) => (version, Some(Code::AlreadyRestored)),
                    Ruling::Rejected(code) | Ruling::Ended(code) => (Version::ZERO, Some(code)),
                };
                self.answer_restore(connection, version, refused);
                continue;
            }
            match ruling {
                // The channel has heard, or will, by the entry itself.
                Ruling::Accepted(_) => self.meter.accepted(),
                Ruling::Duplicate(version) => {
                    if let Some(channel) = self.channels.get_mut(&connection) {
                        channel.last = Some((submission.seq, version));
                    }
                    self.acknowledge_again(connection, submission.seq);
                }
                Ruling::Rejected(Code::Behind) => self.close_channel(connection, Code::Behind, 0),
                Ruling::Rejected(code) => self.reject(connection, submission.seq, code),
                Ruling::Ended(code) => {
                    self.meter.ended(code);
                    self.close_channel(connection, code, 0);
                }
            }
        }
    }

    pub(super) fn stall(&mut self, stalled: bool) {
        self.stalled = stalled;
        let frame = encode(&ServerFrame::Stalled { channel: self.number, stalled });
        for channel in self.channels.values() {
            channel.gate.push(frame.clone(), self.now);
        }
    }

    fn reject(&mut self, connection: ConnectionId, seq: ClientSeq, code: Code) {
        self.meter.rejected();
        let Some(channel) = self.channels.get_mut(&connection) else { return };
        channel.rejected = Some((seq, code));
        let frame = encode(&ServerFrame::Reject { channel: self.number, seq, code });
        channel.gate.push(frame, self.now);
    }

    /// The operation was committed before: the answer is the original version.
    fn acknowledge_again(&mut self, connection: ConnectionId, seq: ClientSeq) {
        self.meter.duplicate();
        let Some(channel) = self.channels.get(&connection) else { return };
        let Some((_, version)) = channel.last else { return };
        let hash = self.sequencer.tail().hash_at(version).map_or(0, cowrite_protocol::RunningHash::byte);
        let frame = ack(self.number, seq, version, hash);
        channel.gate.push(frame, self.now);
    }

    /// The answer is given once the channel has been told the text up to this version.
    fn answer_restore(&mut self, connection: ConnectionId, version: Version, refused: Option<Code>) {
        if let Some(channel) = self.channels.get_mut(&connection) {
            channel.restoration = Some((version, refused));
        }
    }

    /// Gives the answers to restorations that are due.
    pub(super) fn tell_restored(&mut self) {
        for channel in self.channels.values_mut() {
            let due = channel.restoration.take_if(|(version, _)| *version <= channel.sent);
            if let Some((_, refused)) = due {
                channel.gate.push(encode(&ServerFrame::Restored { channel: self.number, refused }), self.now);
            }
        }
    }
}

/// The frame that says: your operation is the entry of this version.
pub(super) fn ack(channel: cowrite_protocol::Channel, seq: ClientSeq, version: Version, hash: u8) -> Bytes {
    let (seq, version) = (seq.get().to_le_bytes()[0], version.get().to_le_bytes()[0]);
    encode(&ServerFrame::Ack { channel, seq, version, hash })
}
