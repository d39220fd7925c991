//! One case, and its fields as our types.

use cowrite_protocol::operation::{Attributes, DeltaError, Document, Operation};
use cowrite_protocol::{Bias, Utf16Offset};
use serde_json::Value;

use super::Finding;

/// The ending of a field that holds what must come of a case where, of two values of one
/// attribute, the later one wins.
const LATER_ATTRIBUTE_WINS: &str = "_later_attribute_wins";

/// One input, and what must come of it.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a>(&'a Value);

impl<'a> Case<'a> {
    /// The case that this JSON object describes.
    pub fn new(object: &'a Value) -> Case<'a> {
        Case(object)
    }

    /// Its name in the file.
    pub fn id(self) -> &'a str {
        self.0["id"].as_str().unwrap_or("(no id)")
    }

    /// What it is about.
    pub fn kind(self) -> &'a str {
        self.0["kind"].as_str().unwrap_or("(no kind)")
    }

    /// As it stands in the file, on one line.
    pub fn json(self) -> String {
        self.0.to_string()
    }

    /// A field as it stands, unless it is missing.
    pub fn value(self, name: &str) -> Option<&'a Value> {
        self.0.get(name)
    }

    /// A field that there must be.
    ///
    /// # Errors
    /// If there is none.
    pub fn field(self, name: &str) -> Result<&'a Value, Finding> {
        self.value(name).ok_or_else(|| Finding::Failed(format!("the case has no `{name}`")))
    }

    /// Whether a field is `true`.
    pub fn is(self, name: &str) -> bool {
        self.value(name) == Some(&Value::Bool(true))
    }

    /// Whether this must be refused.
    pub fn is_to_be_refused(self) -> bool {
        self.value("expect_error").is_some()
    }

    /// A number of UTF-16 code units.
    ///
    /// # Errors
    /// If it is none that fits an offset.
    pub fn offset(self, name: &str) -> Result<Utf16Offset, Finding> {
        number(self.field(name)?).map(Utf16Offset)
    }

    /// A list.
    ///
    /// # Errors
    /// If it is none.
    pub fn list(self, name: &str) -> Result<&'a [Value], Finding> {
        let value = self.field(name)?;
        value.as_array().map(Vec::as_slice).ok_or_else(|| Finding::Failed(format!("`{name}` is no list: {value}")))
    }

    /// An operation.
    ///
    /// # Errors
    /// If it is none.
    pub fn operation(self, name: &str) -> Result<Operation, Finding> {
        operation(self.field(name)?)
    }

    /// A list of operations.
    ///
    /// # Errors
    /// If one of them is none.
    pub fn operations(self, name: &str) -> Result<Vec<Operation>, Finding> {
        self.list(name)?.iter().map(operation).collect()
    }

    /// A document; text alone is one too.
    ///
    /// # Errors
    /// If it is none.
    pub fn document(self, name: &str) -> Result<Document, Finding> {
        document(self.field(name)?)
    }

    /// A set of attributes; `null` is the empty one.
    ///
    /// # Errors
    /// If it is none.
    pub fn attributes(self, name: &str) -> Result<Attributes, Finding> {
        attributes(self.value(name).unwrap_or(&Value::Null))
    }

    /// Which side of an insertion a position keeps to: with Quill's flag it stays before it.
    pub fn bias(self, flag: &str) -> Bias {
        if self.is(flag) { Bias::Left } else { Bias::Right }
    }

    /// The field of this name that holds what our rule gives, of two values of one attribute the
    /// later one: one of its own where that differs from Quill's.
    pub fn ours(self, name: &str) -> String {
        let own = format!("{name}{LATER_ATTRIBUTE_WINS}");
        if self.value(&own).is_some() { own } else { name.to_owned() }
    }
}

/// An operation out of its Delta.
///
/// # Errors
/// If it is none, or one that we refuse.
pub(super) fn operation(delta: &Value) -> Result<Operation, Finding> {
    Operation::from_delta(&delta.to_string()).map_err(|error| unreadable(error, delta))
}

/// A document out of its Delta, or of its text.
///
/// # Errors
/// If it is none, or one that we refuse.
pub(super) fn document(value: &Value) -> Result<Document, Finding> {
    match value {
        Value::String(text) => Ok(Document::from(text.as_str())),
        delta => Document::from_delta(&delta.to_string()).map_err(|error| unreadable(error, delta)),
    }
}

/// A set of attributes; `null` is the empty one.
///
/// # Errors
/// If it is none.
pub(super) fn attributes(object: &Value) -> Result<Attributes, Finding> {
    if object.is_null() {
        return Ok(Attributes::NONE);
    }
    Attributes::parse(&object.to_string()).map_err(|error| Finding::Failed(format!("{error}: {object}")))
}

/// A number of UTF-16 code units.
///
/// # Errors
/// If it is none that fits an offset.
pub(super) fn number(value: &Value) -> Result<u32, Finding> {
    let number = value.as_u64().and_then(|number| u32::try_from(number).ok());
    number.ok_or_else(|| Finding::Failed(format!("{value} is no number of UTF-16 code units")))
}

fn unreadable(error: DeltaError, delta: &Value) -> Finding {
    let said = format!("{error}: {delta}");
    match error {
        DeltaError::EmbedRetain { .. } => Finding::Unsupported(said),
        _ => Finding::Failed(said),
    }
}
