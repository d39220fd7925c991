//! Decides who is right: which operation becomes which entry, in which form.
//!
//! Without I/O, clock or randomness. It holds the document at the head that it knows,
//! a tail of entries, the batch that is being appended and the submissions that wait
//! for the next one.

mod compositions;
mod submission;
mod tail;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use cowrite_protocol::error::DecodeOperationError;
use cowrite_protocol::frame::Code;
use cowrite_protocol::{ClientId, DocumentType, Epoch, Limits, OperationLimits, Version};

use crate::oplog::{AppendOutcome, Batch, Entry, Head, Member, Refusal};

use submission::Form;
pub use submission::{Ruling, Submission, SubmissionId, SubmittedCaret};
pub use tail::{Tail, TailEntry};

/// The sequencer of one document.
///
/// A batch is speculative until it is committed: nothing of it is in the document, the
/// tail or the hash before that. On a conflict or a refusal every remaining member
/// starts again from the form that it had at the expected head, and is transformed in
/// log order, one entry at a time.
pub struct Sequencer<D: DocumentType> {
    limits: Limits,
    epoch: Option<Epoch>,
    document: D::Document,
    tail: Tail<D>,
    appending: Option<Appending<D>>,
    waiting: Vec<Submission<D>>,
}

/// A batch on its way to the log.
struct Appending<D: DocumentType> {
    batch: Batch,
    /// As they stood at the expected head, each with the form that it has in the batch.
    members: Vec<(Submission<D>, Form<D>)>,
}

/// Bounds on one append, so that no script or transaction grows without end: members, each
/// of which is transformed over all before it, and bytes of their operations, which other
/// servers are sent at once. One operation may be larger by itself.
const BATCH_MEMBERS: usize = 1_000;
const BATCH_BYTES: usize = 4 << 20;

/// Why what the log holds cannot be taken in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    /// Entries between our head and the given ones are missing: read them.
    Gap,
    /// The log holds another history than we know: load it anew.
    OtherHistory,
    /// An entry cannot be read or does not fit: the document is damaged at this version.
    Poison(Version),
}

/// What follows from an append that has ended.
#[derive(Debug)]
pub struct Settled<D: DocumentType> {
    /// Submissions with their rulings.
    pub rulings: Vec<(Submission<D>, Ruling)>,
    /// The log stands further than we know, namely here: read up to there.
    pub read_up_to: Option<Head>,
    /// What prevents us from going on, if anything does.
    pub obstacle: Option<Obstacle>,
    /// The same batch is to be appended again.
    pub retry: bool,
}

impl<D: DocumentType> Sequencer<D> {
    /// A sequencer that stands at a head with the document of that version.
    pub fn new(limits: Limits, head: Head, document: D::Document) -> Sequencer<D> {
        let length = D::length(&document);
        Sequencer {
            limits,
            epoch: head.epoch,
            document,
            tail: Tail::new(head.version, head.hash, length),
            appending: None,
            waiting: Vec::new(),
        }
    }

    /// Where the known history ends.
    pub fn head(&self) -> Head {
        Head { epoch: self.epoch, version: self.tail.head(), hash: self.tail.head_hash() }
    }

    /// The document at the head.
    pub fn document(&self) -> &D::Document {
        &self.document
    }

    /// The entries that are in memory.
    pub fn tail(&self) -> &Tail<D> {
        &self.tail
    }

    /// The entries that are in memory, for composing and forgetting.
    pub fn tail_mut(&mut self) -> &mut Tail<D> {
        &mut self.tail
    }

    /// Whether a submission of this id waits or is being appended.
    pub fn holds(&self, id: SubmissionId) -> bool {
        let appending =
            self.appending.iter().flat_map(|appending| &appending.members).map(|(submission, _)| submission);
        self.waiting.iter().chain(appending).any(|submission| submission.id == id)
    }

    /// Whether an append is under way.
    pub fn is_appending(&self) -> bool {
        self.appending.is_some()
    }

    /// Whether nothing waits and nothing is under way.
    pub fn is_idle(&self) -> bool {
        self.appending.is_none() && self.waiting.is_empty()
    }

    /// Reads a packed operation of a client within the limits.
    ///
    /// # Errors
    /// The code of the rejection.
    pub fn decode(&self, bytes: &[u8]) -> Result<D::Operation, Code> {
        D::decode(bytes, &self.limits.operation).map_err(|error| match error {
            DecodeOperationError::TooManyBytes { .. }
            | DecodeOperationError::TooManyComponents { .. }
            | DecodeOperationError::TooManyAttributes { .. } => Code::OperationTooLarge,
            _ => Code::BadOperation,
        })
    }

    /// Takes a submission for the next batch.
    ///
    /// # Errors
    /// The code of the rejection, or `Behind` if its base is older than the tail.
    pub fn submit(&mut self, submission: Submission<D>) -> Result<(), Code> {
        if submission.base > self.tail.head() {
            return Err(Code::BaseAhead);
        }
        let Some(length) = self.tail.length_at(submission.base) else { return Err(Code::Behind) };
        if D::base_length(&submission.operation) > length {
            return Err(Code::PastEnd);
        }
        self.waiting.push(submission);
        Ok(())
    }

    /// Forgets what waits and may not be appended; gives how many submissions. What is being appended
    /// is not asked about.
    pub fn withdraw(&mut self, allowed: impl FnMut(&Submission<D>) -> bool) -> usize {
        let waited = self.waiting.len();
        self.waiting.retain(allowed);
        waited - self.waiting.len()
    }

    /// Forms the next batch out of what waits, unless one is under way. Submissions that
    /// prove impossible are ruled on at once.
    pub fn next_batch(&mut self, new_epoch: Epoch, rulings: &mut Vec<(Submission<D>, Ruling)>) -> Option<Batch> {
        if self.appending.is_some() || self.waiting.is_empty() {
            return None;
        }
        let expected = self.head();
        let mut length = D::length(&self.document).0;
        let mut hash = expected.hash;
        let mut members: Vec<(Submission<D>, Form<D>)> = Vec::new();
        let mut batch = Vec::new();
        let mut bytes = 0;
        let mut waiting = std::mem::take(&mut self.waiting).into_iter();
        while batch.len() < BATCH_MEMBERS {
            let Some(mut submission) = waiting.next() else { break };
            if let Err(code) = self.bring_to_head(&mut submission) {
                rulings.push((submission, Ruling::Rejected(code)));
                continue;
            }
            // A restoration is named after the epoch that it goes into, which this batch may be
            // the one to create: under any other name a second one would not be known as such.
            if submission.client.is_restoration() {
                submission.client = ClientId::restoration(Some(expected.epoch.unwrap_or(new_epoch)));
            }
            let mut form = Form { operation: submission.operation.clone(), caret: submission.caret.clone() };
            for (_, earlier) in &members {
                form.carry_over(&earlier.operation);
            }
            let operation = &form.operation;
            let grown = i64::from(length).saturating_add(D::length_change(operation));
            if D::length_change(operation) > 0 && grown > i64::from(self.limits.document_units) {
                rulings.push((submission, Ruling::Rejected(Code::DocumentTooLarge)));
                continue;
            }
            let mut packed = Vec::new();
            D::encode(operation, &mut packed);
            bytes += packed.len();
            if bytes > BATCH_BYTES && !batch.is_empty() {
                // It stands at the head now, which is a form to wait in like any other.
                self.waiting.push(submission);
                break;
            }
            length = u32::try_from(grown).unwrap_or(0);
            let version = expected.version.plus(batch.len() as u64 + 1);
            hash = hash.advance(version, &submission.client, submission.seq, &packed);
            batch.push(Member {
                client: submission.client,
                client_seq: submission.seq,
                generation: submission.generation,
                user: submission.user.clone(),
                operation: Bytes::from(packed),
            });
            members.push((submission, form));
        }
        self.waiting.extend(waiting);
        if batch.is_empty() {
            return None;
        }
        let batch = Batch { expected, new_epoch, members: batch, hash_after: hash, time_ms: 0 };
        self.appending = Some(Appending { batch: batch.clone(), members });
        Some(batch)
    }

    /// The batch whose append has to be tried again, unchanged.
    pub fn retry_batch(&self) -> Option<Batch> {
        self.appending.as_ref().map(|appending| appending.batch.clone())
    }

    /// The append has ended.
    pub fn append_finished(&mut self, outcome: AppendOutcome) -> Settled<D> {
        let mut settled = Settled { rulings: Vec::new(), read_up_to: None, obstacle: None, retry: false };
        let Some(appending) = self.appending.take() else { return settled };
        match outcome {
            AppendOutcome::Committed { head } => self.commit(appending, head, &mut settled),
            AppendOutcome::Conflict { head, entries } => {
                self.wait_again(appending);
                if entries.is_empty() {
                    settled.read_up_to = Some(head);
                } else {
                    // Where the log's first entry came from somebody else, its epoch is the
                    // document's first.
                    let epoch = self.epoch.or(head.epoch);
                    match self.take_entries(epoch, entries, Some(head), &mut settled.rulings) {
                        // One page of them: they are read up to the head, which shows whose they are.
                        Err(Obstacle::Gap) => settled.read_up_to = Some(head),
                        taken => settled.obstacle = taken.err(),
                    }
                }
            }
            AppendOutcome::Refused { members } => {
                let mut refused = members.into_iter().peekable();
                let mut remaining = Vec::new();
                for (index, (submission, _)) in appending.members.into_iter().enumerate() {
                    match refused.next_if(|(at, _)| *at == index) {
                        Some((_, refusal)) => {
                            let ruling = ruling_of(refusal, &submission);
                            settled.rulings.push((submission, ruling));
                        }
                        None => remaining.push(submission),
                    }
                }
                self.waiting.splice(0..0, remaining);
            }
            AppendOutcome::EpochChanged { .. } => {
                settled.obstacle = Some(Obstacle::OtherHistory);
            }
            AppendOutcome::OutcomeUnknown | AppendOutcome::Unavailable { .. } => {
                self.appending = Some(appending);
                settled.retry = true;
            }
        }
        settled
    }

    /// Takes in entries that the log has committed, whoever wrote them; those that are
    /// known already are passed over. A submission that is among them is ruled accepted.
    /// `known` is where the log's history is known: unless they lead to its hash, none of
    /// them is taken.
    ///
    /// Call it only while no append is under way.
    ///
    /// # Errors
    /// If they do not continue the known history.
    pub fn take_entries(
        &mut self,
        epoch: Option<Epoch>,
        entries: Vec<Entry>,
        known: Option<Head>,
        rulings: &mut Vec<(Submission<D>, Ruling)>,
    ) -> Result<(), Obstacle> {
        if self.epoch.is_some() && epoch != self.epoch {
            return Err(Obstacle::OtherHistory);
        }
        if let Some(known) = known {
            self.lead_to(&entries, known)?;
        }
        for entry in entries {
            if entry.version <= self.tail.head() {
                continue;
            }
            if entry.version != self.tail.head().next() {
                return Err(Obstacle::Gap);
            }
            self.epoch = epoch;
            self.take_entry(entry, rulings)?;
        }
        Ok(())
    }

    /// Checks that our history, continued with these entries, has the known hash where it is
    /// known; below the tail we cannot know.
    fn lead_to(&self, entries: &[Entry], known: Head) -> Result<(), Obstacle> {
        let (mut version, mut hash) = (self.tail.head(), self.tail.head_hash());
        if known.version <= version {
            hash = self.tail.hash_at(known.version).unwrap_or(known.hash);
            version = known.version;
        }
        for entry in entries {
            if entry.version == version.next() && entry.version <= known.version {
                version = entry.version;
                hash = hash.advance(version, &entry.client, entry.client_seq, &entry.operation);
            }
        }
        match (version == known.version, hash == known.hash) {
            (true, true) => Ok(()),
            (true, false) => Err(Obstacle::OtherHistory),
            (false, _) => Err(Obstacle::Gap),
        }
    }

    /// The log's epoch was advanced by compare-and-set; the history is the same.
    pub fn set_epoch(&mut self, epoch: Epoch) {
        self.epoch = Some(epoch);
    }

    /// Gives up all that waits, for instance to load the history anew.
    pub fn abandon(&mut self) -> Vec<Submission<D>> {
        let appending = self.appending.take().into_iter().flat_map(|appending| appending.members);
        let mut all: Vec<_> = appending.map(|(submission, _)| submission).collect();
        all.append(&mut self.waiting);
        all
    }

    fn commit(&mut self, appending: Appending<D>, head: Head, settled: &mut Settled<D>) {
        let expected_end = appending.batch.expected.version.plus(appending.members.len() as u64);
        if head.version != expected_end || head.hash != appending.batch.hash_after {
            settled.obstacle = Some(Obstacle::OtherHistory);
            return;
        }
        self.epoch = head.epoch;
        for ((mut submission, form), member) in appending.members.into_iter().zip(appending.batch.members) {
            let version = self.tail.head().next();
            let entry = Entry {
                version,
                client: member.client,
                client_seq: member.client_seq,
                user: member.user,
                time_ms: appending.batch.time_ms,
                operation: member.operation,
            };
            if D::apply(&mut self.document, &form.operation).is_err() {
                settled.obstacle = Some(Obstacle::Poison(version));
                return;
            }
            self.tail.push(entry, form.operation);
            submission.caret = form.caret;
            settled.rulings.push((submission, Ruling::Accepted(version)));
        }
    }

    fn take_entry(&mut self, entry: Entry, rulings: &mut Vec<(Submission<D>, Ruling)>) -> Result<(), Obstacle> {
        let poison = Obstacle::Poison(entry.version);
        let operation = D::decode(&entry.operation, &OperationLimits::NONE).map_err(|_| poison)?;
        D::apply(&mut self.document, &operation).map_err(|_| poison)?;
        let own = |submission: &Submission<D>| submission.client == entry.client && submission.seq == entry.client_seq;
        if let Some(at) = self.waiting.iter().position(own) {
            let submission = self.waiting.remove(at);
            // All restorations of a life bear one name, so this may be somebody else's, on another server.
            let ruling = match entry.client.is_restoration() {
                true => Ruling::Duplicate(entry.version),
                false => Ruling::Accepted(entry.version),
            };
            rulings.push((submission, ruling));
        }
        self.tail.push(entry, operation);
        Ok(())
    }

    /// Carries a submission from its base over every entry since, one at a time.
    fn bring_to_head(&self, submission: &mut Submission<D>) -> Result<(), Code> {
        let since = self.tail.after(submission.base).ok_or(Code::Behind)?;
        let mut form = Form::<D> { operation: submission.operation.clone(), caret: submission.caret.clone() };
        since.for_each(|entry| form.carry_over(&entry.operation));
        (submission.operation, submission.caret, submission.base) = (form.operation, form.caret, self.tail.head());
        D::validate(&self.document, &submission.operation).map_err(|error| match error {
            cowrite_protocol::error::ApplyError::SplitsPair { .. } => Code::SplitsPair,
            _ => Code::PastEnd,
        })
    }

    /// Members go back to the front, in order, in the form that they had at the expected head.
    fn wait_again(&mut self, appending: Appending<D>) {
        let members = appending.members.into_iter().map(|(submission, _)| submission);
        self.waiting.splice(0..0, members);
    }
}

fn ruling_of<D: DocumentType>(refusal: Refusal, submission: &Submission<D>) -> Ruling {
    match refusal {
        Refusal::Duplicate { last, version } if last == submission.seq => Ruling::Duplicate(version),
        Refusal::Duplicate { .. } => Ruling::Rejected(Code::SeqReused),
        Refusal::Fenced => Ruling::Ended(Code::Superseded),
        // Somebody's restoration of this life is in the log, at the head or below it.
        Refusal::OtherUser if submission.client.is_restoration() => Ruling::Duplicate(submission.base),
        Refusal::OtherUser => Ruling::Ended(Code::ForeignClient),
    }
}
