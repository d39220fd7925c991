//! Work that was set aside: kept and shown, never sent by itself.

use alloc::vec::Vec;

use cowrite_protocol::frame::Code;
use cowrite_protocol::{ClientId, DocumentType};

use super::loss::Loss;
use super::{ChannelState, EditError, Engine, Event, Outgoing};

/// Work that waits for a decision of the application.
#[derive(Clone, Debug)]
pub struct Proposal<D: DocumentType> {
    /// Its name.
    pub id: u32,
    /// Why it was set aside.
    pub kind: ProposalKind,
    /// What it would do to the text that the user sees; kept current.
    pub operation: D::Operation,
    /// How many edits of this client it holds whose outcome is not known.
    pub(super) edits: u64,
    /// What was lost, if it is offered whole.
    pub(super) loss: Option<Loss<D>>,
}

/// Why work was set aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ProposalKind {
    /// Nobody knows whether the log had accepted it: sending it again might double it.
    UnknownOutcome,
    /// The user may not write here any more; it can be accepted once that is allowed again.
    NotAllowed,
    /// The log had accepted it and holds it no longer. Several clients may hold the same
    /// loss; the first to restore it wins.
    LostAccepted,
    /// Somebody else has restored the lost work; this is what still differs from it.
    Remaining,
    /// It was decided against it when the merge was looked at.
    Declined,
}

/// Whether a restoration came by itself, and not among the work of others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alone(pub(super) bool);

impl ProposalKind {
    /// In the order in which records name them; only ever appended.
    pub(super) const ALL: [ProposalKind; 5] = [
        ProposalKind::UnknownOutcome,
        ProposalKind::NotAllowed,
        ProposalKind::LostAccepted,
        ProposalKind::Remaining,
        ProposalKind::Declined,
    ];
}

impl<D: DocumentType> Engine<D> {
    /// The work that waits for a decision.
    pub fn proposals(&self) -> &[Proposal<D>] {
        &self.proposals
    }

    /// Does what a proposal asks for: unknown or forbidden work becomes an edit of now; lost work is
    /// restored in one act through the sequencer, which lets one client win. The edit can be
    /// undone, as a group of its own; the restoration, which is the sequencer's, cannot. Lost work that is
    /// larger than one operation may be is restored as far as that goes, and the client that wins
    /// adds the rest as its own edit.
    ///
    /// # Errors
    /// If the document cannot be edited; the proposal then stays.
    pub fn accept_proposal(&mut self, id: u32) -> Result<(), EditError> {
        self.editable()?;
        let Some(at) = self.proposals.iter().position(|proposal| proposal.id == id) else { return Ok(()) };
        match self.proposals[at].kind {
            ProposalKind::UnknownOutcome
            | ProposalKind::NotAllowed
            | ProposalKind::Remaining
            | ProposalKind::Declined => {
                let proposal = self.proposals.remove(at);
                // A person decided it, so a person can take it back, and it alone.
                if let Err(error) = self.edit_recorded(&proposal.operation, None) {
                    self.proposals.insert(at, proposal);
                    return Err(error);
                }
                self.event(Event::ProposalSettled { id, refused: None });
            }
            // The restoration is made on the accepted text: pending work is held back
            // until it is decided, so it must not be in it.
            ProposalKind::LostAccepted => {
                let way = self.proposals[at].loss.as_ref().map(|loss| &loss.way);
                let first = way.and_then(|way| D::split(way, &self.limits.operation).into_iter().next());
                let Some(operation) = first else {
                    // It is all there.
                    self.discard_proposal(id);
                    return Ok(());
                };
                if self.channel == ChannelState::Attached && !self.restoring {
                    self.restoring = true;
                    let base = self.version();
                    self.outgoing.push_back(Outgoing::Restore { base, operation });
                }
            }
        }
        Ok(())
    }

    /// Drops a proposal; what was held back for it goes on.
    pub fn discard_proposal(&mut self, id: u32) {
        let before = self.proposals.len();
        self.proposals.retain(|proposal| proposal.id != id);
        if self.proposals.len() < before {
            self.event(Event::ProposalSettled { id, refused: None });
        }
        self.release();
    }

    /// The restoration of lost work was answered. What was restored has come before, if anything was.
    pub(super) fn restored(&mut self, refused: Option<Code>) {
        self.restoring = false;
        let lost = self.proposals.iter().position(|proposal| proposal.kind == ProposalKind::LostAccepted);
        let Some(lost) = lost else { return };
        let proposal = self.proposals.remove(lost);
        self.event(Event::ProposalSettled { id: proposal.id, refused });
        if let Some(mut loss) = proposal.loss {
            if refused == Some(Code::AlreadyRestored) {
                loss.spare_others(&self.server);
            }
            let rest = self.shown(&loss.way);
            match refused {
                // What was too large for one act is an edit of who has won.
                None => {
                    let added = |engine: &mut Self| D::is_identity(&rest) || engine.edit_recorded(&rest, None).is_ok();
                    if loss.is_restored && (loss.is_blurred || !added(self)) {
                        self.propose(ProposalKind::Remaining, rest, 0, None);
                    }
                }
                // Somebody else restored: what still differs is for a person to decide.
                Some(Code::AlreadyRestored) => self.propose(ProposalKind::Remaining, rest, 0, None),
                // It was part of what was deleted.
                Some(Code::Deleted) => {}
                // Nobody did. It can be asked for again.
                Some(_) => self.propose(ProposalKind::LostAccepted, rest, 0, Some(loss)),
            }
        }
        self.release();
    }

    /// What was lost is seen from the accepted text as it is now. `restores` says whether what led to it is a
    /// restoration, alone or among the work of others.
    pub(super) fn follow_losses(&mut self, committed: &D::Operation, restores: Option<Alone>) {
        let mut settled = Vec::new();
        for proposal in &mut self.proposals {
            let Some(loss) = &mut proposal.loss else { continue };
            match restores {
                Some(Alone(alone)) if !loss.is_restored => {
                    loss.restored(&self.server, alone && self.restoring);
                    proposal.operation = self.pending.clone().carry_over(&loss.way).operation;
                    if D::is_identity(&loss.way) {
                        settled.push(proposal.id);
                    }
                }
                _ => loss.follow(committed, &self.server),
            }
        }
        // Somebody else has brought all of these back.
        self.settle_losses(&settled, Code::AlreadyRestored);
    }

    /// The document was deleted, and what had been lost of it is deleted as well.
    pub(super) fn forget_losses(&mut self) {
        let lost = self.proposals.iter().filter(|proposal| proposal.loss.is_some());
        let lost: Vec<u32> = lost.map(|proposal| proposal.id).collect();
        self.settle_losses(&lost, Code::Deleted);
    }

    /// None of these is offered any more. While a restoration is on its way, its answer settles them.
    fn settle_losses(&mut self, settled: &[u32], refused: Code) {
        if !settled.is_empty() && !self.restoring {
            self.proposals.retain(|proposal| !settled.contains(&proposal.id));
            for &id in settled {
                self.event(Event::ProposalSettled { id, refused: Some(refused) });
            }
            self.release();
        }
    }

    /// The accepted text is one of another history: of what was lost before, whatever that does not hold is still lost.
    pub(super) fn keep_losses(&mut self) {
        let is_restored = self.knows_restoration();
        let mut settled = Vec::new();
        for proposal in &mut self.proposals {
            let Some(loss) = &mut proposal.loss else { continue };
            loss.spare_others(&self.server);
            loss.is_restored = is_restored;
            proposal.operation = self.pending.clone().carry_over(&loss.way).operation;
            if D::is_identity(&loss.way) {
                settled.push(proposal.id);
            }
        }
        // Somebody else has brought all of these back.
        self.settle_losses(&settled, Code::AlreadyRestored);
    }

    /// Whether this is the name under which lost work is restored into the life that the engine knows.
    pub(super) fn is_restoration(&self, client: &ClientId) -> bool {
        let epoch = self.position.and_then(|position| position.epoch);
        client.is_restoration() && (epoch.is_none() || *client == ClientId::restoration(epoch))
    }

    /// Whether a restoration is known among what the accepted text has come from.
    pub(super) fn knows_restoration(&self) -> bool {
        self.authors.iter().any(|author| self.is_restoration(&author.client))
    }

    /// What would be shown if this were committed.
    pub(super) fn shown(&self, committed: &D::Operation) -> D::Operation {
        self.pending.clone().carry_over(committed).operation
    }

    pub(super) fn propose(&mut self, kind: ProposalKind, operation: D::Operation, edits: u64, loss: Option<Loss<D>>) {
        if D::is_identity(&operation) {
            return;
        }
        let id = self.next_proposal;
        self.next_proposal += 1;
        self.proposals.push(Proposal { id, kind, operation, edits, loss });
        self.event(Event::Proposal { id, kind });
    }

    /// Keeps what the proposals would do current after a change of the text.
    pub(super) fn carry_proposals(&mut self, change: &D::Operation) {
        for proposal in &mut self.proposals {
            let (_, carried) = D::transform(change, &proposal.operation);
            proposal.operation = carried;
        }
    }

    fn release(&mut self) {
        self.held = self.proposals.iter().any(|proposal| proposal.kind == ProposalKind::LostAccepted);
        self.event(Event::Status);
        self.heed_durable();
    }
}
