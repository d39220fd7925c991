//! Work that was set aside: kept and shown, never sent by itself.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use cowrite_protocol::DocumentType;
use cowrite_protocol::frame::Code;

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
    /// The text that was lost.
    pub(super) target: Option<Box<D::Document>>,
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
    /// undone, as a group of its own; the restoration, which is the sequencer's, cannot.
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
                if self.channel == ChannelState::Attached && !self.restoring {
                    self.restoring = true;
                    let operation = self.without_pending(&self.proposals[at].operation);
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

    /// The restoration of lost work was answered.
    pub(super) fn restored(&mut self, refused: Option<Code>) {
        self.restoring = false;
        let lost = self.proposals.iter().position(|proposal| proposal.kind == ProposalKind::LostAccepted);
        let Some(lost) = lost else { return };
        let mut proposal = self.proposals.remove(lost);
        self.event(Event::ProposalSettled { id: proposal.id, refused });
        // Somebody else restored: what still differs is for a person to decide. What is
        // pending is no part of what was lost.
        if let (Some(_), Some(target)) = (refused, proposal.target.take()) {
            let difference = self.pending.clone().carry_over(&D::diff(&self.server, &target)).operation;
            self.propose(ProposalKind::Remaining, difference, 0, None);
        }
        self.release();
    }

    pub(super) fn propose(
        &mut self,
        kind: ProposalKind,
        operation: D::Operation,
        edits: u64,
        target: Option<D::Document>,
    ) {
        if D::is_identity(&operation) {
            return;
        }
        let id = self.next_proposal;
        self.next_proposal += 1;
        self.proposals.push(Proposal { id, kind, operation, edits, target: target.map(Box::new) });
        self.event(Event::Proposal { id, kind });
    }

    /// Keeps what the proposals would do current after a change of the text.
    pub(super) fn carry_proposals(&mut self, change: &D::Operation) {
        for proposal in &mut self.proposals {
            let (_, carried) = D::transform(change, &proposal.operation);
            proposal.operation = carried;
        }
    }

    /// An operation on the text that the user sees, as one on the accepted text.
    fn without_pending(&self, operation: &D::Operation) -> D::Operation {
        let mut texts = vec![self.server.clone()];
        for pending in self.pending.operations() {
            let mut next = texts[texts.len() - 1].clone();
            if D::apply(&mut next, pending).is_ok() {
                texts.push(next);
            }
        }
        let mut operation = operation.clone();
        let steps: Vec<_> = self.pending.operations().zip(&texts).collect();
        for (pending, before) in steps.into_iter().rev() {
            if let Ok(inverse) = D::invert(pending, before) {
                operation = D::transform(&inverse, &operation).1;
            }
        }
        operation
    }

    fn release(&mut self) {
        self.held = self.proposals.iter().any(|proposal| proposal.kind == ProposalKind::LostAccepted);
        self.event(Event::Status);
        self.heed_durable();
    }
}
