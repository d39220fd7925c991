//! The one trait behind which a kind of document stands.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Debug;

use crate::error::{ApplyError, ComposeError, DecodeOperationError, FormatError};
use crate::hash::Checksum;
use crate::limits::OperationLimits;
use crate::text::{Utf16Length, Utf16Offset};

/// Which way a position goes when text is inserted exactly there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Bias {
    /// It stays before the inserted text.
    Left,
    /// It moves behind the inserted text.
    Right,
}

/// A kind of document: its text, its operations and their algebra.
///
/// Rooms, connections, op logs and the client engine are written against this trait
/// and never know which kind they carry. The laws, for documents `d` and operations
/// that fit them (`∘` applies):
///
/// * `apply(compose(a, b)) = apply(b) ∘ apply(a)`
/// * TP1: with `(a2, b2) = transform(a, b)`: `compose(a, b2) = compose(b, a2)` in effect
/// * `apply(invert(a, d)) ∘ apply(a)` leaves `d` as it was
/// * every operation that is given out is in normal form
///
/// Every function is linear in components (the inputs' and the output's), and no
/// more; only those that name a whole document walk one.
pub trait DocumentType: Copy + Debug + PartialEq + Send + Sync + 'static {
    /// The content at one version. `Default` is the empty document.
    type Document: Clone + Debug + Default + PartialEq + Send + 'static;
    /// One edit, in normal form.
    type Operation: Clone + Debug + PartialEq + Send + Sync + 'static;
    /// What documents may hold, where an operator has said it. `Default` is: anything.
    type Format: Debug + Default + Send + Sync + 'static;

    /// The operation that does nothing.
    fn identity() -> Self::Operation;

    /// Whether the operation does nothing.
    fn is_identity(operation: &Self::Operation) -> bool;

    /// The length of a document.
    fn length(document: &Self::Document) -> Utf16Length;

    /// The shortest document that the operation fits: how far it reaches.
    fn base_length(operation: &Self::Operation) -> Utf16Length;

    /// By how many units the operation makes a document longer (or shorter, below 0).
    fn length_change(operation: &Self::Operation) -> i64;

    /// How many units of the document the operation deletes.
    fn deleted_units(operation: &Self::Operation) -> u64;

    /// How many components the operation has.
    fn components(operation: &Self::Operation) -> usize;

    /// Whether the operation can be applied to this document, without applying it.
    ///
    /// # Errors
    /// If it reaches past the end or would split a surrogate pair.
    fn validate(document: &Self::Document, operation: &Self::Operation) -> Result<(), ApplyError>;

    /// Whether the operation brings into a document only what the format allows, whatever the
    /// document holds. What transforming and composing make of operations that pass does pass, too.
    ///
    /// # Errors
    /// The first thing that is not allowed.
    fn check_format(operation: &Self::Operation, format: &Self::Format) -> Result<(), FormatError>;

    /// Applies the operation. On an error the document is as it was.
    ///
    /// # Errors
    /// As [`DocumentType::validate`].
    fn apply(document: &mut Self::Document, operation: &Self::Operation) -> Result<(), ApplyError>;

    /// The one operation that does what `first` and then `second` do.
    ///
    /// # Errors
    /// If `second` splits a surrogate pair that `first` inserted: the two were not
    /// made one after the other.
    fn compose(first: &Self::Operation, second: &Self::Operation) -> Result<Self::Operation, ComposeError>;

    /// Rewrites two operations made on the same version to apply after each other:
    /// returns `(earlier', later')` with `earlier ∘ later' = later ∘ earlier'`.
    ///
    /// `earlier` is the entry already in the log: at equal offsets its insertion stays
    /// left; of two writers of one attribute `later` wins.
    fn transform(earlier: &Self::Operation, later: &Self::Operation) -> (Self::Operation, Self::Operation);

    /// What `earlier` writes and `later`, made on the same version, writes over: those
    /// writes alone, as an operation on the document after both. The identity where
    /// nothing of the kind is written.
    fn overridden(earlier: &Self::Operation, later: &Self::Operation) -> Self::Operation;

    /// The operation that undoes `operation`, which was (or could be) applied to `base`.
    ///
    /// # Errors
    /// If `operation` does not fit `base`.
    fn invert(operation: &Self::Operation, base: &Self::Document) -> Result<Self::Operation, ApplyError>;

    /// Where an offset of the document before the operation lies after it. An offset
    /// inside a deleted range goes to the range's start.
    fn map_offset(operation: &Self::Operation, offset: Utf16Offset, bias: Bias) -> Utf16Offset;

    /// Where the author's caret is implied to be after the operation: the end of its
    /// last insertion or the place of its last deletion, whichever comes last; `None`
    /// for an operation that does neither.
    fn implied_caret(operation: &Self::Operation) -> Option<Utf16Offset>;

    /// An operation that leads from one document to another. Linear with a bound on
    /// its search; never splits a surrogate pair, and a word only where it has grown or shrunk.
    fn diff(from: &Self::Document, to: &Self::Document) -> Self::Operation;

    /// What one document has more of than another, as an operation on that other one which only inserts. Cost: that of
    /// [`diff`](DocumentType::diff), and n log n in the words that differ.
    fn additions(from: &Self::Document, to: &Self::Document) -> Self::Operation;

    /// Splits an operation by place into several that have its effect when applied one
    /// after another, each within the limits. One component that is too large is split too.
    fn split(operation: &Self::Operation, limits: &OperationLimits) -> Vec<Self::Operation>;

    /// Whether an operation is within the limits, so that splitting leaves it whole.
    fn is_within(operation: &Self::Operation, limits: &OperationLimits) -> bool;

    /// A checksum of the content. Linear in the document.
    fn checksum(document: &Self::Document) -> Checksum;

    /// Appends the packed form of the operation: frozen, one encoding an operation.
    /// It is what is sent, stored and hashed.
    fn encode(operation: &Self::Operation, into: &mut Vec<u8>);

    /// How many bytes [`DocumentType::encode`] appends.
    fn packed_bytes(operation: &Self::Operation) -> usize;

    /// Reads a packed operation that fills `bytes`, and gives its normal form.
    ///
    /// # Errors
    /// If the bytes are not an operation, are more than one, or exceed the limits. No
    /// more is allocated than a small multiple of the bytes given, and never more than
    /// the limits allow.
    fn decode(bytes: &[u8], limits: &OperationLimits) -> Result<Self::Operation, DecodeOperationError>;

    /// The document as JSON for people and programs: for text, Quill's Delta. Linear in the document.
    fn to_json(document: &Self::Document) -> String;

    /// The document as the operation that makes it from the empty one: its form in snapshots.
    fn to_operation(document: &Self::Document) -> Self::Operation;
}
