//! An operation that asks to be committed, and what is decided of it.

use crate::auth::Permit;
use crate::metrics::Trail;
use cowrite_protocol::frame::Code;
use cowrite_protocol::{ClientId, ClientSeq, Cursor, DocumentType, Generation, UserId, Version};

/// Who asked: names a submission to the room that made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubmissionId(pub u64);

/// An operation that asks to be committed.
#[derive(Clone, Debug)]
pub struct Submission<D: DocumentType> {
    /// The room's name for whoever is to hear the ruling.
    pub id: SubmissionId,
    /// The author.
    pub client: ClientId,
    /// The author's number for it.
    pub seq: ClientSeq,
    /// The author's stay.
    pub generation: Generation,
    /// The authenticated user.
    pub user: UserId,
    /// The author's right to write, asked once more before it is appended.
    pub permit: Permit,
    /// The version that the operation stands on.
    pub base: Version,
    /// The operation, on `base`.
    pub operation: D::Operation,
    /// What the author said of its cursor, in the text after the operation.
    pub caret: SubmittedCaret,
    /// When it came; for those who count, nothing is decided by it.
    pub trail: Trail,
}

/// What a submit says of its author's cursor.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SubmittedCaret {
    /// It is where the operation implies.
    Implied,
    /// It did not move but by the operation.
    #[default]
    Still,
    /// It is here, in the text after the operation as submitted.
    At(Cursor),
}

/// What was decided of a submission. Final.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ruling {
    /// It is the entry of this version.
    Accepted(Version),
    /// It had been committed before, as the entry of this version.
    Duplicate(Version),
    /// It will never be committed; its client_seq is consumed.
    Rejected(Code),
    /// Its author's channel is over.
    Ended(Code),
}

/// What of a submission changes when it is carried over an entry.
#[derive(Clone, Debug)]
pub(super) struct Form<D: DocumentType> {
    pub(super) operation: D::Operation,
    pub(super) caret: SubmittedCaret,
}

impl<D: DocumentType> Form<D> {
    /// Carries the operation over an entry that comes before it, and its author's cursor,
    /// which stands behind the operation, over the other half of the transform.
    pub(super) fn carry_over(&mut self, entry: &D::Operation) {
        let (entry, operation) = D::transform(entry, &self.operation);
        self.operation = operation;
        if let SubmittedCaret::At(cursor) = &mut self.caret {
            cursor.map::<D>(&entry);
        }
    }
}
