//! The verbs of the algebra, one by one.

use cowrite_protocol::operation::{
    DeltaError, Document, Json, Operation, Priority, transform_as_quill, transform_position,
};
use cowrite_protocol::{Utf16Length, Utf16Offset};
use serde_json::{Value, json};

use super::case::{attributes, number, operation};
use super::{Case, Finding};

/// A document after an operation.
pub(super) fn apply(case: Case<'_>) -> Result<(), Finding> {
    let operation = case.operation("a")?;
    let applied = applied(&case.document("doc")?, &operation);
    if case.is_to_be_refused() {
        return if applied.is_err() { Ok(()) } else { Err(Finding::failed("it was not refused")) };
    }
    Finding::same("document", &applied?, &case.document("expect")?)
}

/// A text after an operation.
pub(super) fn apply_text(case: Case<'_>) -> Result<(), Finding> {
    let operation = case.operation("a")?;
    let applied = applied(&case.document("doc")?, &operation);
    if case.is_to_be_refused() {
        return if applied.is_err() { Ok(()) } else { Err(Finding::failed("it was not refused")) };
    }
    let expected = case.field("expect")?.as_str().unwrap_or_default().to_owned();
    Finding::same("text", &applied?.text().to_string(), &expected)
}

/// Two operations as one.
pub(super) fn compose(case: Case<'_>) -> Result<(), Finding> {
    let (a, b, expected) = (case.operation("a")?, case.operation("b")?, case.operation("expect")?);
    let composed = Operation::compose(&a, &b).map_err(Finding::failed)?;
    Finding::same("composition", &composed, &expected)?;
    if case.is("is_apply") {
        let after = applied(&case.document("a")?, &b)?;
        Finding::same("document", &after, &case.document("expect")?)?;
    }
    Ok(())
}

/// `b` carried over `a`: by Quill's rule, and by ours, in which the later attribute wins.
pub(super) fn transform(case: Case<'_>) -> Result<(), Finding> {
    let (a, b, a_first) = (case.operation("a")?, case.operation("b")?, case.is("priority"));
    let priority = if a_first { Priority::Over } else { Priority::Transformed };
    Finding::same("with Quill's flag", &transform_as_quill(&a, &b, priority), &case.operation("expect")?)?;
    let ours = if a_first { Operation::transform(&a, &b).1 } else { Operation::transform(&b, &a).0 };
    Finding::same("by our rule", &ours, &case.operation(&case.ours("expect"))?)
}

/// A position carried over an operation.
pub(super) fn position(case: Case<'_>) -> Result<(), Finding> {
    let carried = transform_position(&case.operation("a")?, case.offset("index")?, case.bias("priority"));
    Finding::same("position", &carried, &case.offset("expect")?)
}

/// A range carried over an operation, both ends alike.
pub(super) fn range(case: Case<'_>) -> Result<(), Finding> {
    let (range, expected) = (case.field("range")?, case.field("expect")?);
    if range.is_null() {
        // There is no position to carry.
        return Finding::same("no range", &Value::Null, expected);
    }
    let a = case.operation("a")?;
    let bias = if case.is("isOwnOp") { cowrite_protocol::Bias::Right } else { cowrite_protocol::Bias::Left };
    let start = number(&range["index"])?;
    let end = start.saturating_add(number(&range["length"])?);
    let [start, end] = [start, end].map(|at| transform_position(&a, Utf16Offset(at), bias).0);
    Finding::same("start", &start, &number(&expected["index"])?)?;
    Finding::same("length", &(end - start), &number(&expected["length"])?)
}

/// What takes an operation back: applied after it, it gives the document from before.
pub(super) fn invert(case: Case<'_>) -> Result<(), Finding> {
    let (a, base) = (case.operation("a")?, case.document("base")?);
    let inverse = a.invert(&base).map_err(Finding::failed)?;
    Finding::same("document", &applied(&applied(&base, &a)?, &inverse)?, &base)
}

/// What makes one document of the other.
pub(super) fn diff(case: Case<'_>) -> Result<(), Finding> {
    if case.is_to_be_refused() {
        // Quill refuses what is no document when it is compared, we when it is read.
        for side in ["a", "b"] {
            if Document::from_delta(&case.field(side)?.to_string()) == Err(DeltaError::NotADocument) {
                return Ok(());
            }
        }
        return Err(Finding::failed("both sides were read as documents"));
    }
    let (a, b) = (case.document("a")?, case.document("b")?);
    Finding::same("document", &applied(&a, &Operation::diff(&a, &b))?, &b)
}

/// An operation out of the calls that build it, in normal form.
pub(super) fn build(case: Case<'_>) -> Result<(), Finding> {
    let mut builder = Operation::builder();
    for call in case.list("calls")? {
        let set = attributes(call.get(2).unwrap_or(&Value::Null))?;
        match (call[0].as_str().unwrap_or_default(), &call[1]) {
            ("insert", Value::String(text)) => builder.insert_with(text, &set),
            ("insert", value) => builder.embed(Json::parse(&value.to_string()).map_err(Finding::failed)?, &set),
            ("retain", length) => builder.retain_with(Utf16Length(number(length)?), &set),
            ("delete", length) => builder.delete(Utf16Length(number(length)?)),
            ("push", component) => builder.extend(&operation(&json!([component]))?),
            (other, _) => return Err(Finding::Unsupported(format!("there is no call `{other}`"))),
        };
    }
    normal_form(case, &builder.build())
}

/// An operation as it was written, in normal form.
pub(super) fn canonical(case: Case<'_>) -> Result<(), Finding> {
    if case.value("calls").is_some() {
        return build(case);
    }
    if case.is_to_be_refused() {
        let read = case.operation("a");
        return if read.is_err() { Ok(()) } else { Err(Finding::failed("it was not refused")) };
    }
    normal_form(case, &case.operation("a")?)
}

/// One operation after the other, as lists.
pub(super) fn concat(case: Case<'_>) -> Result<(), Finding> {
    let sum = Operation::builder().extend(&case.operation("a")?).extend(&case.operation("b")?).build();
    Finding::same("operation", &sum, &case.operation("expect")?)
}

/// A part of an operation.
pub(super) fn slice(case: Case<'_>) -> Result<(), Finding> {
    let end = match case.value("end") {
        None | Some(Value::Null) => Utf16Offset(u32::MAX),
        Some(_) => case.offset("end")?,
    };
    let slice = case.operation("a")?.slice(case.offset("start")?, end);
    Finding::same("slice", &slice, &Some(case.operation("expect")?))
}

/// How many units one component is long.
pub(super) fn component_length(case: Case<'_>) -> Result<(), Finding> {
    // Alone, a plain retain would be no operation: an embed is put behind it.
    let held = operation(&json!([case.field("a")?, {"insert": {}}]))?;
    Finding::same("length", &(length(&held) - 1), &number(case.field("expect")?)?)
}

/// How many units all components are long.
pub(super) fn operation_length(case: Case<'_>) -> Result<(), Finding> {
    Finding::same("length", &length(&case.operation("a")?), &number(case.field("expect")?)?)
}

/// By how much an operation makes a document longer.
pub(super) fn length_change(case: Case<'_>) -> Result<(), Finding> {
    Finding::same("change", &Some(case.operation("a")?.length_change()), &case.field("expect")?.as_i64())
}

/// Both of two operations made on one document, in either order: by Quill's rule, and by ours.
pub(super) fn converge(case: Case<'_>) -> Result<(), Finding> {
    let (base, a, b) = (case.document("doc")?, case.operation("a")?, case.operation("b")?);
    let (after_a, after_b) = (applied(&base, &a)?, applied(&base, &b)?);

    let quills = case.document("expect")?;
    let b_over_a = transform_as_quill(&a, &b, Priority::Over);
    let a_over_b = transform_as_quill(&b, &a, Priority::Transformed);
    Finding::same("with Quill's flag, a first", &applied(&after_a, &b_over_a)?, &quills)?;
    Finding::same("with Quill's flag, b first", &applied(&after_b, &a_over_b)?, &quills)?;

    let ours = case.document(&case.ours("expect"))?;
    let (a_over_b, b_over_a) = Operation::transform(&a, &b);
    Finding::same("by our rule, a first", &applied(&after_a, &b_over_a)?, &ours)?;
    Finding::same("by our rule, b first", &applied(&after_b, &a_over_b)?, &ours)
}

/// A document after an operation.
///
/// # Errors
/// If the operation does not fit it.
pub(super) fn applied(document: &Document, operation: &Operation) -> Result<Document, Finding> {
    let mut document = document.clone();
    document.apply(operation).map_err(Finding::failed)?;
    Ok(document)
}

/// What is written of a normal form is what was expected, value for value, and not only what
/// reading it gives.
fn normal_form(case: Case<'_>, got: &Operation) -> Result<(), Finding> {
    let expected = case.field("expect")?;
    Finding::same("normal form", got, &operation(expected)?)?;
    let mut components = expected.get("ops").unwrap_or(expected).as_array().cloned().unwrap_or_default();
    // A trailing plain retain is no part of it.
    while components.last().is_some_and(|last| last.get("retain").is_some() && last.get("attributes").is_none()) {
        components.pop();
    }
    let written: Value = serde_json::from_str(&got.to_delta()).map_err(Finding::failed)?;
    Finding::same("as written", &written["ops"], &Value::Array(components))
}

fn length(operation: &Operation) -> u32 {
    operation.components().iter().map(|component| component.length().0).sum()
}
