//! What can be wrong with an operation, and the codes that travel.

use alloc::string::String;

use thiserror::Error;

/// Why an operation cannot be applied to a document. The document is as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ApplyError {
    /// The operation reaches past the end: it was made on another version.
    #[error("the operation reaches to {reach}, the document has {length} units")]
    PastEnd {
        /// How far the operation reaches, in UTF-16 code units.
        reach: u32,
        /// The document's length, in UTF-16 code units.
        length: u32,
    },
    /// The operation would separate the halves of a surrogate pair.
    #[error("offset {at} is inside a surrogate pair")]
    SplitsPair {
        /// The offending offset, in UTF-16 code units of the document before the operation.
        at: u32,
    },
    /// The document would have more units than an offset can count.
    #[error("the document would be too long")]
    TooLong,
}

/// Why two operations cannot be composed: the second was not made after the first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// The second operation cuts an insertion of the first inside a surrogate pair.
    #[error("the second operation splits a surrogate pair that the first one inserted")]
    SplitsPair,
    /// The result would count more units than fit.
    #[error("the composed operation would be too long")]
    TooLong,
}

/// What an operation would bring into a document that may not be in it.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("component {component}: the {subject} {name:?} {trouble}")]
pub struct FormatError {
    /// The index of the component.
    pub component: usize,
    /// What of it.
    pub subject: Subject,
    /// How that is called, cut to 64 characters; empty for an embed that has no one name.
    pub name: String,
    /// What is wrong with it.
    pub trouble: Trouble,
}

/// What of a component is not allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Subject {
    /// An attribute.
    #[error("attribute")]
    Attribute,
    /// An embed.
    #[error("embed")]
    Embed,
}

/// What is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Trouble {
    /// Nothing of that name may be there.
    #[error("is none that may be there")]
    Unknown,
    /// Its value is another than it may have.
    #[error("has a value that it may not have")]
    Value,
}

/// Why bytes are not an operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeOperationError {
    /// The bytes end inside a component, or say something that no operation says.
    #[error("not an operation: malformed at byte {at}")]
    Malformed {
        /// Where reading stopped.
        at: u32,
    },
    /// More components than the limit; split the edit.
    #[error("the operation has more than {limit} components")]
    TooManyComponents {
        /// The limit that was exceeded.
        limit: u32,
    },
    /// More attributes in one set than the limit; write them one after another.
    #[error("a set has {attributes} attributes, the limit is {limit}")]
    TooManyAttributes {
        /// How many the set has.
        attributes: u32,
        /// The limit that was exceeded.
        limit: u32,
    },
    /// The lengths sum up to more units than an offset can count.
    #[error("the operation would be too long")]
    TooLong,
    /// More bytes than the limit; split the edit.
    #[error("the operation has {bytes} bytes, the limit is {limit}")]
    TooManyBytes {
        /// The size that was refused.
        bytes: u32,
        /// The limit that was exceeded.
        limit: u32,
    },
}
