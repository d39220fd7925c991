//! How an engine comes back: what it asks for, and what the four outcomes do to it.

use cowrite_protocol::error::ApplyError;
use cowrite_protocol::frame::{DurabilityClass, Opened, Outcome, Position, Role, Settlement, SnapshotFrame};
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, Limits, OperationLimits, Version};

use super::loss::Loss;
use super::lost::Alone;
use super::pending::{InFlight, Sealed};
use super::{ChannelState, Engine, Event, Origin, Pending, ProposalKind, Watermarks};
use cowrite_protocol::Millis;

/// What an `Open` says of the client.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenRequest {
    pub(crate) client: Option<ClientId>,
    pub(crate) position: Option<Position>,
    pub(crate) whole: bool,
    pub(crate) in_flight: Option<ClientSeq>,
}

impl<D: DocumentType> Engine<D> {
    /// What to say in the next `Open`.
    pub(crate) fn open_request(&self) -> OpenRequest {
        OpenRequest { client: self.client, position: self.position, whole: self.resync, in_flight: self.in_flight() }
    }

    /// Whether there is anything to open.
    pub(crate) fn wants_channel(&self) -> bool {
        self.channel == ChannelState::Detached
    }

    /// Whether the channel is open, and not all that was missed has come.
    pub(crate) fn is_catching_up(&self) -> bool {
        matches!(self.channel, ChannelState::CatchingUp { .. })
    }

    /// The server's limits and promises, before any document is opened.
    pub(crate) fn handle_welcome(&mut self, limits: Limits, durability: DurabilityClass) {
        self.limits = limits;
        self.durability = durability;
    }

    /// The channel is gone. What was in flight stays so, its outcome unknown.
    pub(crate) fn detach(&mut self) {
        if !matches!(self.channel, ChannelState::Closed(_)) {
            self.channel = ChannelState::Detached;
        }
        self.stalled = false;
        self.restoring = false;
        self.durability_known = super::durable::DurableState::default();
        self.ack_deadline = None;
        self.retry_at = None;
        self.verify_at = None;
        self.compared = None;
        self.members.clear();
        self.authors.clear();
        self.caret.forget_believed();
        self.event(Event::Presence);
        self.event(Event::Status);
    }

    /// The room answered our `Open`.
    pub(crate) fn handle_opened(&mut self, opened: &Opened, now: Millis) {
        if opened.last_seq > self.last_seq && self.client == Some(opened.client) {
            // What we hold is an old copy of ourselves: a later self has used this id, and
            // may have sent what only waits here as well.
            self.gather_pending();
            self.forget_client(now);
            return self.reopen(0);
        }
        if self.position.is_none() && matches!(opened.outcome, Outcome::Tail { .. }) {
            // Nothing leads on from a text that was never loaded.
            return self.diverged(now);
        }
        self.client = Some(opened.client);
        self.own_number = Some(opened.number);
        self.role = opened.role;
        let mut accepted = false;
        match opened.settlement {
            Settlement::Nothing => {}
            Settlement::Accepted(_) => accepted = true,
            Settlement::NotAccepted => {
                if let Some(in_flight) = self.pending.in_flight_mut() {
                    in_flight.sent = false;
                }
            }
            Settlement::Unknown => self.set_in_flight_aside(ProposalKind::UnknownOutcome, now),
        }
        if let (Outcome::Tail { .. }, Some(position)) = (opened.outcome, &mut self.position) {
            let began = core::mem::replace(&mut position.epoch, opened.epoch) != opened.epoch;
            if began && D::length(&self.server).0 == 0 {
                // Perhaps it was deleted and made anew.
                self.forget_undo();
            }
        }
        self.start_merge(accepted);
        let (head, other_history) = match opened.outcome {
            Outcome::Tail { head } => (Some(head), false),
            Outcome::Snapshot => (None, false),
            Outcome::Mismatch | Outcome::EpochChanged => (None, true),
        };
        self.channel = ChannelState::CatchingUp { head, other_history, log_seq: opened.last_seq, accepted };
        self.event(Event::Status);
        self.caught_up(now);
    }

    /// If all that was missed has come, the engine is in step.
    pub(super) fn caught_up(&mut self, now: Millis) {
        if let ChannelState::CatchingUp { head: Some(head), .. } = self.channel
            && self.version() >= head
        {
            self.attached(now, false);
        }
    }

    /// The document whole, as an `Opened` announced it.
    pub(crate) fn handle_snapshot(&mut self, snapshot: SnapshotFrame<'_>, now: Millis) {
        let ChannelState::CatchingUp { head: None, other_history, log_seq, accepted } = self.channel else {
            return self.reopen(0);
        };
        let mut text = D::Document::default();
        let fits = D::decode(snapshot.content.0, &OperationLimits::NONE)
            .is_ok_and(|content| D::apply(&mut text, &content).is_ok());
        if !fits || D::checksum(&text) != snapshot.checksum {
            return self.diverged(now);
        }
        let first = self.position.is_none();
        // A log that was brought back from a copy may bear the name of the life that we know, and be
        // ahead of us again. That it does not know us says nothing then: it forgets who was away for long.
        let known = log_seq > ClientSeq::NONE;
        let own_lost = log_seq < self.accepted_seq && (other_history || known);
        // Of what was accepted under an id that is not used any more it says nothing. But a log that has less than it had
        // has lost what was not durable, ours or others'.
        let Watermarks { accepted: told, durable, .. } = self.watermarks;
        let behind = self.position.is_some_and(|known| snapshot.version < known.version);
        let lost = own_lost || other_history && behind && self.accepted_seq == ClientSeq::NONE && told > durable;
        let other_life = self.position.is_some_and(|known| {
            // A life that we never learnt may have been any, unless nothing was written yet, not by us either.
            known.epoch != snapshot.epoch && (known.epoch.is_some() || known.version > Version::ZERO || accepted)
        });
        // Undoing in one life of the log what was done in another would be guesswork; and perhaps it was deleted.
        if other_life || D::length(&text).0 == 0 {
            self.forget_undo();
        }
        let before =
            self.position.replace(Position { epoch: snapshot.epoch, version: snapshot.version, hash: snapshot.hash });
        // Whether the loaded text is one that we had ourselves: all that differs from it is lost then.
        let alone = before.is_some_and(|before| self.past.holds(&before, snapshot.version, snapshot.hash));
        self.past.forget();
        self.authors = snapshot.authors;
        self.resync = false;
        self.note_replaced();
        if first {
            // Told as a change of the empty text, so that whoever follows the changes alone
            // has the whole text.
            let whole = D::to_operation(&text);
            self.server = text;
            if !D::is_identity(&whole) && self.change(whole, Origin::Resync, None).is_err() {
                return self.diverged(now);
            }
            return self.attached(now, true);
        }
        let before = core::mem::replace(&mut self.server, text);
        let kept = lost.then(|| before.clone());
        if self.rebase_by_difference(before, accepted, other_history || lost).is_err() {
            return self.diverged(now);
        }
        if let Some(lost) = kept {
            self.offer_lost(lost, alone);
            // From here on it is this that the log may lose.
            self.accepted_seq = log_seq;
        }
        self.attached(now, false);
    }

    /// Carries what is pending from the text that we knew to the one that was loaded.
    /// `another` says that it comes from another history.
    fn rebase_by_difference(
        &mut self,
        mut before: D::Document,
        accepted: bool,
        another: bool,
    ) -> Result<(), ApplyError> {
        if accepted && let Some(in_flight) = self.pending.settle() {
            // The loaded text holds it already.
            D::apply(&mut before, &in_flight.operation)?;
            self.accepted_seq = in_flight.seq;
            self.accepted_up_to(in_flight.last_edit);
        }
        let difference = D::diff(&before, &self.server);
        let replaced = D::deleted_units(&difference);
        if !matches!(self.pending, Pending::Synchronized) {
            self.event(Event::Merged { replaced, of: D::length(&before).0 });
        }
        self.carry_over_pending(&difference, Origin::Resync, None)?;
        if another {
            self.keep_losses();
        } else {
            self.follow_losses(&difference, self.knows_restoration().then_some(Alone(false)));
        }
        self.pending.leap();
        Ok(())
    }

    /// What the log had accepted and lost is offered, never sent by itself; what is
    /// pending waits for that decision. `alone` says that nothing else has come since.
    fn offer_lost(&mut self, lost: D::Document, alone: bool) {
        let loss = if alone { Loss::new(&self.server, lost) } else { Loss::among_others(&self.server, lost) };
        let restoring = self.shown(&loss.way);
        self.propose(ProposalKind::LostAccepted, restoring, 0, Some(loss));
        self.held = self.proposals.iter().any(|proposal| proposal.kind == ProposalKind::LostAccepted);
    }

    fn attached(&mut self, now: Millis, first: bool) {
        self.channel = ChannelState::Attached;
        self.heed_durable();
        self.event(Event::Opened { first });
        self.event(Event::Status);
        self.start_verifying(now);
        if self.role < Role::Editor {
            self.withhold_pending(ProposalKind::NotAllowed, now);
        }
        self.judge_merge(now);
    }

    /// It is not to be sent: all that is pending is taken out of the text, kept, and offered.
    pub(super) fn withhold_pending(&mut self, kind: ProposalKind, now: Millis) {
        self.gather_pending();
        self.set_in_flight_aside(kind, now);
    }

    /// Makes all that is pending one operation, as if it were in flight.
    fn gather_pending(&mut self) {
        self.pending.unseal();
        let accepted = self.watermarks.accepted;
        if let Sealed::Vanished { last_edit } = self.pending.seal(self.last_seq, &OperationLimits::NONE, accepted) {
            self.accepted_up_to(last_edit);
        }
    }

    /// Somebody else works under the client id: it is not used any more. What was sent under it is
    /// of unknown outcome, and so is what the device has kept, which only a copy of it can know and
    /// send as well. All else will be sent under a new one.
    pub(super) fn renounce_client(&mut self, now: Millis) {
        if self.may_be_copied() {
            self.gather_pending();
        } else if self.pending.in_flight().is_some_and(|in_flight| !in_flight.sent) {
            // No copy of it is on its way, and none could be accepted.
            self.pending.unseal();
        }
        self.forget_client(now);
    }

    fn forget_client(&mut self, now: Millis) {
        self.set_in_flight_aside(ProposalKind::UnknownOutcome, now);
        self.client = None;
        self.last_seq = ClientSeq::NONE;
        self.accepted_seq = ClientSeq::NONE;
        self.own_number = None;
    }

    /// The operation in flight is taken out of the text, kept, and offered.
    fn set_in_flight_aside(&mut self, kind: ProposalKind, now: Millis) {
        let accepted = self.watermarks.accepted;
        let Some(in_flight) = self.take_in_flight_back(now) else { return };
        // A piece of an edit whose other pieces wait counts as one.
        let edits = match kind {
            // Somebody has decided against them.
            ProposalKind::Declined => 0,
            _ => in_flight.last_edit.saturating_sub(accepted).max(1),
        };
        let operation = self.over_pending(&in_flight.operation);
        self.accepted_up_to(in_flight.last_edit);
        self.propose(kind, operation, edits, None);
    }

    /// An operation on the accepted text, as one on the text that the user sees.
    pub(super) fn over_pending(&self, operation: &D::Operation) -> D::Operation {
        self.pending.operations().fold(operation.clone(), |operation, pending| D::transform(pending, &operation).1)
    }

    /// Takes the operation in flight out of the text; the buffer stays.
    pub(super) fn take_in_flight_back(&mut self, now: Millis) -> Option<InFlight<D>> {
        let first = self.watermarks.accepted + 1;
        match self.pending.take_back(&self.server) {
            Ok(None) => None,
            Ok(Some((in_flight, taken_back))) => {
                self.history.reject((first, in_flight.reaches), &self.local, &taken_back);
                if self.change(taken_back, Origin::Reject, None).is_err() {
                    self.diverged(now);
                }
                Some(in_flight)
            }
            Err(_) => {
                self.diverged(now);
                None
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::frame::Packed;
    use cowrite_protocol::operation::{Document, Operation, RichText};
    use cowrite_protocol::{AuthorNumber, Channel, RunningHash, Version};

    use super::*;

    fn opened(outcome: Outcome) -> Opened {
        Opened {
            request: 1,
            channel: Channel(1),
            client: ClientId::from_bytes([7; 16]),
            last_seq: ClientSeq::NONE,
            number: AuthorNumber(0),
            role: Role::Editor,
            settlement: Settlement::Nothing,
            epoch: None,
            outcome,
        }
    }

    #[test]
    fn a_catch_up_that_brings_unknown_work_of_ones_own_is_not_asked_for_again_in_vain() {
        let mut engine = Engine::<RichText>::new("a".parse().unwrap());
        engine.handle_opened(&opened(Outcome::Snapshot), Millis(1));
        let empty = SnapshotFrame {
            channel: Channel(1),
            epoch: None,
            version: Version::ZERO,
            hash: RunningHash::ZERO,
            checksum: RichText::checksum(&Document::new()),
            authors: Vec::new(),
            content: Packed(&[]),
        };
        engine.handle_snapshot(empty, Millis(2));
        assert!(!engine.wants_channel());
        engine.handle_ack(1, 1, 0, Millis(3));
        assert!(engine.wants_channel() && !engine.open_request().whole, "one that came late: the rest will tell");
        engine.handle_opened(&opened(Outcome::Tail { head: Version::ZERO.next() }), Millis(4));
        engine.handle_ack(1, 1, 0, Millis(5));
        assert!(engine.wants_channel() && engine.open_request().whole);
    }

    #[test]
    fn nothing_leads_on_from_a_text_that_was_never_loaded() {
        let mut engine = Engine::<RichText>::new("a".parse().unwrap());
        engine.handle_opened(&opened(Outcome::Tail { head: Version::ZERO }), Millis(1));
        assert!(engine.wants_channel(), "it asks again");
        let mut text = Document::new();
        let operation = Operation::builder().insert("a").build();
        text.apply(&operation).unwrap();
        let mut bytes = Vec::new();
        operation.encode(&mut bytes);
        let (version, hash, checksum) = (Version::ZERO.next(), RunningHash::ZERO, RichText::checksum(&text));
        engine.handle_composed(version, hash, checksum, Vec::new(), Packed(&bytes), Millis(2));
        assert_eq!(*engine.accepted_document(), *engine.document());
        assert_eq!(engine.position(), None);
    }
}
