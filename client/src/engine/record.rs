//! A document as it is kept on the device: what is written, and how it is read again.

use alloc::vec::Vec;

use cowrite_protocol::frame::{Code, DurabilityClass, Position, Reader, Role, Writer};
use cowrite_protocol::hash::Checksummer;
use cowrite_protocol::{
    ClientId, ClientSeq, DocumentId, DocumentType, Epoch, Millis, OperationLimits, RunningHash, UserId, Version,
};
use thiserror::Error;

use super::layers::Layers;
use super::loss::Loss;
use super::lost::{Proposal, ProposalKind};
use super::pending::{Buffer, InFlight, Pending};
use super::review::Merge;
use super::storing::{Base, Storing};
use super::undo::History;
use super::{ChannelState, Engine, Event, Origin, Watermarks};

/// The form of both parts. Another one, older or newer, is refused and left alone.
const FORMAT: u8 = 1;

/// A document as it is to be kept, in one transaction: all of it, or what was there before.
///
/// It has two parts, so that a keystroke does not write the whole text again: the base, a text of
/// some version, and the work, which says what has happened to it since and all that is pending.
/// The work names its base, and each part ends with a checksum.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which document.
    pub document: DocumentId,
    /// Whose work it is: kept apart from that of others.
    pub user: UserId,
    /// The base, where it is another one than was stored last.
    pub base: Option<Vec<u8>>,
    /// The work.
    pub work: Vec<u8>,
    /// Whether it holds work that the log has not accepted, or that waits for a decision.
    pub pending: bool,
}

/// Why a stored record was not taken. Nothing of it was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum RecordError {
    /// It was written by another version of this client. It should be left as it is.
    #[error("the record has format {found}, only {known} is known")]
    Format {
        /// The format of the record.
        found: u8,
        /// The one that is known here.
        known: u8,
    },
    /// It is damaged, incomplete, or its parts are not of one write.
    #[error("the record is damaged or incomplete")]
    Torn,
    /// It is of another document, or another user's.
    #[error("the record is of another document or user")]
    Foreign,
}

impl<D: DocumentType> Engine<D> {
    /// The base as bytes, and the name by which the work refers to it.
    pub(super) fn write_base(&self) -> (Vec<u8>, u64) {
        let mut out = Writer::default();
        out.byte(FORMAT);
        D::encode(&D::to_operation(&self.server), &mut out.0);
        let name = seal(&mut out);
        (out.0, name)
    }

    /// All but the base, as bytes. What waits must be settled.
    pub(super) fn write_work(&self, user: &UserId, base: u64, since: &D::Operation, now: Millis) -> Vec<u8> {
        let mut out = Writer::default();
        let Position { epoch, version, hash } = self.position.unwrap_or_default();
        out.byte(FORMAT);
        out.bytes(self.document.as_str().as_bytes());
        out.bytes(user.as_str().as_bytes());
        out.u64(base);
        operation::<D>(&mut out, since);
        out.option(epoch, |out, epoch| out.u64(epoch.get()));
        out.u64(version.get());
        out.sixteen(hash.as_bytes());
        out.truth(self.resync);
        out.byte(self.role as u8);
        let (class, replicas) = match self.durability {
            DurabilityClass::None => (0, 0),
            DurabilityClass::Disk => (1, 0),
            DurabilityClass::Replicated(replicas) => (2, replicas),
            DurabilityClass::Fsynced => (3, 0),
        };
        out.byte(class);
        out.byte(replicas);
        out.option(self.client.as_ref(), |out, client| out.sixteen(client.as_bytes()));
        out.u64(self.last_seq.get());
        out.u64(self.accepted_seq.get());
        out.u64(self.watermarks.local);
        out.u64(self.watermarks.accepted);
        out.u64(self.watermarks.durable);
        out.option(self.pending.in_flight(), |out, in_flight| {
            out.u64(in_flight.seq.get());
            operation::<D>(out, &in_flight.operation);
            out.u64(in_flight.last_edit);
            out.u64(in_flight.reaches);
        });
        out.option(self.pending.buffer(), |out, buffer| {
            operation::<D>(out, buffer.edits.lowest());
            out.u64(buffer.last_edit);
        });
        out.u64(self.waited_ms(now));
        out.option(self.reviewing.merge.as_ref(), |out, merge| {
            operation::<D>(out, &D::diff(&self.server, &merge.before));
            operation::<D>(out, &merge.mine);
            out.truth(merge.due);
        });
        out.u64(u64::from(self.next_proposal));
        out.u64(self.proposals.len() as u64);
        for proposal in &self.proposals {
            out.u64(u64::from(proposal.id));
            out.byte(proposal.kind as u8);
            operation::<D>(&mut out, &proposal.operation);
            out.u64(proposal.edits);
            out.option(proposal.loss.as_ref(), |out, loss| operation::<D>(out, &D::to_operation(&loss.text)));
        }
        seal(&mut out);
        out.0
    }

    /// The engine that wrote a record, and whose work it holds. It can be edited at once; its
    /// operation in flight, if there is one, is settled by the next `Open`. Linear in the text.
    ///
    /// # Errors
    /// If the record cannot be used; see [`RecordError`].
    pub fn restore(document: DocumentId, base: &[u8], work: &[u8]) -> Result<(Engine<D>, UserId), RecordError> {
        let (base_body, name) = open(base)?;
        let (work_body, _) = open(work)?;
        let mut engine = Engine::new(document);
        let user = engine.read(base_body, base.len(), name, &mut Reader(work_body))?;
        Ok((engine, user))
    }

    /// This engine, which knows nothing yet, goes on as the one that was restored.
    pub(crate) fn become_restored(&mut self, restored: Engine<D>) {
        let fresh = core::mem::replace(self, restored);
        self.limits = fresh.limits;
        self.history = fresh.history;
        self.set_review_rule(fresh.reviewing.rule);
        if self.channel == ChannelState::Detached {
            self.channel = fresh.channel;
        }
        let before = core::mem::take(&mut self.events);
        self.events = fresh.events;
        self.events.extend(before);
        // Edits are counted on, so that none has the number of one before.
        let counted = fresh.watermarks.local;
        self.watermarks.local += counted;
        self.watermarks.accepted += counted;
        self.watermarks.durable += counted;
        self.pending.count_on(counted);
        self.note_restored();
    }

    /// Another user is here: what was pending is not this one's to send. It is told as refused,
    /// and the document begins anew.
    pub(crate) fn change_user(&mut self, code: Code) {
        let pending = self.pending.operations().try_fold(D::identity(), |all, next| D::compose(&all, next));
        let (from, to) = (self.watermarks.accepted + 1, self.watermarks.local);
        let clear = D::invert(&D::to_operation(&self.local), &D::Document::default());
        let mut fresh = Engine::new(self.document.clone());
        fresh.limits = self.limits;
        fresh.durability = self.durability;
        fresh.reviewing.rule = self.reviewing.rule;
        fresh.watermarks = Watermarks { local: to, accepted: to, durable: to };
        fresh.next_proposal = self.next_proposal;
        fresh.events = core::mem::take(&mut self.events);
        for proposal in &self.proposals {
            fresh.event(Event::ProposalSettled { id: proposal.id, refused: Some(code) });
        }
        fresh.local = core::mem::take(&mut self.local);
        // The whole text was inserted by one operation, so its inverse fits it.
        if let Ok(clear) = clear
            && !D::is_identity(&clear)
        {
            let _ = fresh.change(clear, Origin::Resync, None);
        }
        if from <= to {
            let operation = pending.unwrap_or_else(|_| D::identity());
            fresh.event(Event::Rejected { from, to, code, operation });
        }
        fresh.history = core::mem::replace(&mut self.history, History::new());
        fresh.history.clear();
        fresh.event(Event::Status);
        *self = fresh;
    }

    fn read(
        &mut self,
        base: &[u8],
        base_bytes: usize,
        name: u64,
        from: &mut Reader<'_>,
    ) -> Result<UserId, RecordError> {
        if text(from).ok_or(RecordError::Torn)? != self.document.as_str() {
            return Err(RecordError::Foreign);
        }
        let user = self.read_work(base, base_bytes, name, from).ok_or(RecordError::Torn)?;
        if !from.0.is_empty() {
            return Err(RecordError::Torn);
        }
        let whole = D::to_operation(&self.local);
        if !D::is_identity(&whole) {
            self.event(Event::Change { operation: whole, origin: Origin::Resync, user: None, cursor: None });
        }
        for at in 0..self.proposals.len() {
            let Proposal { id, kind, .. } = self.proposals[at];
            self.event(Event::Proposal { id, kind });
        }
        self.event(Event::Opened { first: true });
        self.event(Event::Status);
        Ok(user)
    }

    fn read_work(&mut self, base: &[u8], base_bytes: usize, name: u64, from: &mut Reader<'_>) -> Option<UserId> {
        let user: UserId = text(from)?.parse().ok()?;
        if from.u64()? != name {
            return None;
        }
        let since = read_operation::<D>(from)?;
        let content = D::decode(base, &OperationLimits::NONE).ok()?;
        D::apply(&mut self.server, &content).ok()?;
        D::apply(&mut self.server, &since).ok()?;
        let epoch = if from.truth()? { Some(Epoch::new(from.u64()?)?) } else { None };
        let version = Version::new(from.u64()?)?;
        let hash = RunningHash::from_bytes(from.sixteen()?);
        self.position = Some(Position { epoch, version, hash });
        self.resync = from.truth()?;
        self.role = from.pick(&[Role::Viewer, Role::Commenter, Role::Editor, Role::Owner])?;
        let (class, replicas) = (from.byte()?, from.byte()?);
        self.durability = match class {
            0 => DurabilityClass::None,
            1 => DurabilityClass::Disk,
            2 => DurabilityClass::Replicated(replicas),
            3 => DurabilityClass::Fsynced,
            _ => return None,
        };
        self.client = if from.truth()? { Some(ClientId::from_bytes(from.sixteen()?)) } else { None };
        self.last_seq = ClientSeq::new(from.u64()?)?;
        self.accepted_seq = ClientSeq::new(from.u64()?)?;
        self.watermarks = Watermarks { local: from.u64()?, accepted: from.u64()?, durable: from.u64()? };
        self.read_pending(from)?;
        self.read_merge(from)?;
        self.next_proposal = from.u32()?;
        for _ in 0..from.u64()? {
            self.proposals.push(read_proposal(from, &self.server)?);
        }
        self.held = self.proposals.iter().any(|proposal| proposal.kind == ProposalKind::LostAccepted);
        self.storing = Some(Storing::restored(Base { name, bytes: base_bytes, since }));
        self.note_restored();
        Some(user)
    }

    fn read_merge(&mut self, from: &mut Reader<'_>) -> Option<()> {
        self.add_waited(from.u64()?);
        if from.truth()? {
            let (back, mine) = (read_operation::<D>(from)?, read_operation::<D>(from)?);
            let mut before = self.server.clone();
            D::apply(&mut before, &back).ok()?;
            self.reviewing.merge = Some(Merge::restored(before, mine, from.truth()?));
        }
        Some(())
    }

    fn read_pending(&mut self, from: &mut Reader<'_>) -> Option<()> {
        self.local = self.server.clone();
        let mut in_flight = None;
        if from.truth()? {
            let (seq, operation) = (ClientSeq::new(from.u64()?)?, read_operation::<D>(from)?);
            let (last_edit, reaches) = (from.u64()?, from.u64()?);
            D::apply(&mut self.local, &operation).ok()?;
            // Nobody here knows whether it was sent: the answer to the next `Open` does.
            in_flight = Some(InFlight { seq, operation: operation.into(), last_edit, reaches, sent: true, leaps: 0 });
        }
        let mut buffer = None;
        if from.truth()? {
            let (operation, last_edit) = (read_operation::<D>(from)?, from.u64()?);
            D::apply(&mut self.local, &operation).ok()?;
            buffer = Some(Buffer { edits: Layers::of(operation), last_edit });
        }
        self.pending = match (in_flight, buffer) {
            (None, None) => Pending::Synchronized,
            (None, Some(buffer)) => Pending::Buffering { buffer },
            (Some(in_flight), None) => Pending::AwaitingAck { in_flight },
            (Some(in_flight), Some(buffer)) => Pending::AwaitingWithBuffer { in_flight, buffer },
        };
        Some(())
    }
}

fn read_proposal<D: DocumentType>(from: &mut Reader<'_>, accepted: &D::Document) -> Option<Proposal<D>> {
    let id = from.u32()?;
    let kind = from.pick(&ProposalKind::ALL)?;
    let (operation, edits) = (read_operation::<D>(from)?, from.u64()?);
    let mut loss = None;
    if from.truth()? {
        let mut text = D::Document::default();
        D::apply(&mut text, &read_operation::<D>(from)?).ok()?;
        loss = Some(Loss::new(accepted, text));
    }
    Some(Proposal { id, kind, operation, edits, loss })
}

fn operation<D: DocumentType>(out: &mut Writer, operation: &D::Operation) {
    let mut packed = Vec::new();
    D::encode(operation, &mut packed);
    out.bytes(&packed);
}

fn read_operation<D: DocumentType>(from: &mut Reader<'_>) -> Option<D::Operation> {
    D::decode(from.bytes()?, &OperationLimits::NONE).ok()
}

fn text<'a>(from: &mut Reader<'a>) -> Option<&'a str> {
    core::str::from_utf8(from.bytes()?).ok()
}

/// Ends a part with the checksum of all before.
fn seal(out: &mut Writer) -> u64 {
    let sum = checksum(&out.0);
    out.0.extend_from_slice(&sum.to_le_bytes());
    sum
}

/// What a part holds between its format and its checksum, and the checksum.
fn open(part: &[u8]) -> Result<(&[u8], u64), RecordError> {
    let (body, sum) = part.split_last_chunk().ok_or(RecordError::Torn)?;
    let sum = u64::from_le_bytes(*sum);
    if checksum(body) != sum {
        return Err(RecordError::Torn);
    }
    match body.split_first() {
        Some((&FORMAT, rest)) => Ok((rest, sum)),
        Some((&found, _)) => Err(RecordError::Format { found, known: FORMAT }),
        None => Err(RecordError::Torn),
    }
}

fn checksum(bytes: &[u8]) -> u64 {
    let mut sum = Checksummer::default();
    sum.write(bytes);
    sum.finish().0
}
