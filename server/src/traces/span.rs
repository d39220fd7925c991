//! One stretch of time of a trace.

use std::time::SystemTime;

/// A stretch of time, as OTLP has it.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Which trace it belongs to.
    pub trace: [u8; 16],
    /// Its own id.
    pub id: [u8; 8],
    /// The id of the span that it is a part of.
    pub parent: Option<[u8; 8]>,
    /// What happened.
    pub name: &'static str,
    /// Whether it begins or goes on with what came from somewhere else.
    pub kind: SpanKind,
    /// When it began.
    pub start: SystemTime,
    /// When it ended.
    pub end: SystemTime,
    /// What there is to say.
    pub attributes: Vec<(&'static str, Attribute)>,
}

/// What a span is to others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SpanKind {
    /// A part of what this server does.
    Internal = 1,
    /// The answer to a client.
    Server = 2,
    /// What was taken from another server.
    Consumer = 5,
}

/// The value of an attribute.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Attribute {
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
}
