//! Text with attributes and embeds, as a kind of document.

use alloc::string::String;
use alloc::vec::Vec;

use super::component::{Component, Operation};
use super::document::Document;
use super::format::Format;
use crate::document_type::{Bias, DocumentType};
use crate::error::{ApplyError, ComposeError, DecodeOperationError, FormatError};
use crate::hash::Checksum;
use crate::limits::OperationLimits;
use crate::text::{Utf16Length, Utf16Offset};

/// Text, plain and rich: the document type whose operations are Quill Deltas. Plain text
/// is rich text in which nobody uses attributes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RichText;

impl DocumentType for RichText {
    type Document = Document;
    type Operation = Operation;
    type Format = Format;

    fn identity() -> Operation {
        Operation::identity()
    }

    fn is_identity(operation: &Operation) -> bool {
        operation.is_identity()
    }

    fn length(document: &Document) -> Utf16Length {
        document.length()
    }

    fn base_length(operation: &Operation) -> Utf16Length {
        operation.base_length()
    }

    fn length_change(operation: &Operation) -> i64 {
        operation.length_change()
    }

    fn deleted_units(operation: &Operation) -> u64 {
        let deleted = operation.components().iter().filter(|component| matches!(component, Component::Delete { .. }));
        deleted.map(|component| u64::from(component.length().0)).sum()
    }

    fn components(operation: &Operation) -> usize {
        operation.components().len()
    }

    fn validate(document: &Document, operation: &Operation) -> Result<(), ApplyError> {
        document.validate(operation)
    }

    fn check_format(operation: &Operation, format: &Format) -> Result<(), FormatError> {
        format.check(operation)
    }

    fn apply(document: &mut Document, operation: &Operation) -> Result<(), ApplyError> {
        document.apply(operation)
    }

    fn compose(first: &Operation, second: &Operation) -> Result<Operation, ComposeError> {
        Operation::compose(first, second)
    }

    fn transform(earlier: &Operation, later: &Operation) -> (Operation, Operation) {
        Operation::transform(earlier, later)
    }

    fn overridden(earlier: &Operation, later: &Operation) -> Operation {
        Operation::overridden(earlier, later)
    }

    fn invert(operation: &Operation, base: &Document) -> Result<Operation, ApplyError> {
        operation.invert(base)
    }

    fn map_offset(operation: &Operation, offset: Utf16Offset, bias: Bias) -> Utf16Offset {
        operation.map_offset(offset, bias)
    }

    fn implied_caret(operation: &Operation) -> Option<Utf16Offset> {
        operation.implied_caret()
    }

    fn additions(from: &Document, to: &Document) -> Operation {
        Operation::additions(from, to)
    }

    fn diff(from: &Document, to: &Document) -> Operation {
        Operation::diff(from, to)
    }

    fn split(operation: &Operation, limits: &OperationLimits) -> Vec<Operation> {
        operation.split(limits)
    }

    fn is_within(operation: &Operation, limits: &OperationLimits) -> bool {
        operation.is_within(limits)
    }

    fn checksum(document: &Document) -> Checksum {
        document.checksum()
    }

    fn encode(operation: &Operation, into: &mut Vec<u8>) {
        operation.encode(into);
    }

    fn packed_bytes(operation: &Operation) -> usize {
        operation.packed_bytes()
    }

    fn decode(bytes: &[u8], limits: &OperationLimits) -> Result<Operation, DecodeOperationError> {
        Operation::decode(bytes, limits)
    }

    fn to_json(document: &Document) -> String {
        document.to_delta()
    }

    fn to_operation(document: &Document) -> Operation {
        document.to_operation()
    }
}
