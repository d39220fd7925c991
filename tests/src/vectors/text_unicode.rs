//! The kinds of ottypes/text-unicode, whose operations `[skip, "insert", {d: n}]` count code points.

use cowrite_protocol::operation::{Document, Operation, transform_position};
use cowrite_protocol::{Bias, Utf16Length};
use serde_json::Value;

use super::algebra::applied;
use super::case::number;
use super::{Case, Finding};

/// `b` carried over `a`.
pub(super) fn transform(case: Case<'_>) -> Result<(), Finding> {
    let (a, b) = (alone(case.field("a")?)?, alone(case.field("b")?)?);
    let after_a = text_after(&a, &[&a, &b])?;
    let ours = if case.is("priority") { Operation::transform(&a, &b).1 } else { Operation::transform(&b, &a).0 };
    Finding::same("operation", &ours, &operation(case.field("expect")?, &after_a)?)
}

/// Two operations as one.
pub(super) fn compose(case: Case<'_>) -> Result<(), Finding> {
    let a = alone(case.field("a")?)?;
    let b = operation(case.field("b")?, &text_after(&a, &[&a])?)?;
    Finding::same("composition", &Operation::compose(&a, &b), &Ok(alone(case.field("expect")?)?))
}

/// An operation in normal form.
pub(super) fn normalize(case: Case<'_>) -> Result<(), Finding> {
    Finding::same("normal form", &alone(case.field("a")?)?, &alone(case.field("expect")?)?)
}

/// A document out of its text.
pub(super) fn create(case: Case<'_>) -> Result<(), Finding> {
    let init = case.field("init")?;
    if case.is_to_be_refused() {
        let read = Document::from_delta(&format!(r#"[{{"insert":{init}}}]"#));
        return if read.is_err() { Ok(()) } else { Err(Finding::failed("it was not refused")) };
    }
    let made = init.as_str().map_or_else(Document::new, Document::from);
    Finding::same("text", &Some(made.text().to_string().as_str()), &case.field("expect")?.as_str())
}

/// A position, or each end of a selection, carried over an operation: there it stays before what
/// is inserted at it.
pub(super) fn positions(case: Case<'_>) -> Result<(), Finding> {
    let a = alone(case.field("a")?)?;
    let after = text_after(&a, &[&a])?;
    let (index, expected) = (case.field("index")?, case.field("expect")?);
    let ends = |value: &Value| value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
    for (index, expected) in ends(index).iter().zip(ends(expected)) {
        // What lies behind the end of the text counts as one unit each.
        let count = number(&expected)? as usize;
        let units: usize = after.chars().map(char::len_utf16).chain(std::iter::repeat(1)).take(count).sum();
        let carried = transform_position(&a, cowrite_protocol::Utf16Offset(number(index)?), Bias::Left);
        Finding::same("position", &(carried.0 as usize), &units)?;
    }
    Ok(())
}

/// An operation on letters only, where code points are units.
fn alone(list: &Value) -> Result<Operation, Finding> {
    operation(list, "")
}

/// An operation on this text.
fn operation(list: &Value, text: &str) -> Result<Operation, Finding> {
    let Value::Array(components) = list else { return Err(Finding::Failed(format!("{list} is no list"))) };
    let mut builder = Operation::builder();
    let mut chars = text.chars();
    let mut pass = |count: &Value| {
        // Behind the text a code point counts as one unit.
        let units = |count| (0..count).map(|_| chars.next().map_or(1, |char| char.len_utf16() as u32)).sum();
        number(count).map(units).map(Utf16Length)
    };
    for component in components {
        match component {
            Value::String(inserted) => builder.insert(inserted),
            Value::Number(_) => builder.retain(pass(component)?),
            deletion => match &deletion["d"] {
                Value::String(deleted) => builder.delete(pass(&Value::from(deleted.chars().count()))?),
                count => builder.delete(pass(count)?),
            },
        };
    }
    Ok(builder.build())
}

/// What an operation makes of a text of letters that is so long that all of them fit it.
fn text_after(operation: &Operation, all: &[&Operation]) -> Result<String, Finding> {
    let length = all.iter().map(|operation| operation.base_length().0).max().unwrap_or(0);
    let letters = "o".repeat(length as usize);
    Ok(applied(&Document::from(&*letters), operation)?.text().to_string())
}
