//! A client's edits while operations of others arrive, at the real engine.

use cowrite_protocol::operation::{Document, Operation, Priority, transform_as_quill};
use serde_json::Value;

use super::algebra::applied;
use super::case::{document, operation};
use super::desk::Desk;
use super::{Case, Finding};

/// Under which names such cases hold the client's edits: the first is in flight, the rest waits.
const EDITS: &[&str] = &["edits", "pending", "local", "client", "mine", "ops"];
/// The same, in two fields.
const IN_FLIGHT: &[&str] = &["in_flight", "inFlight", "inflight"];
const BUFFER: &[&str] = &["buffer"];
/// Under which names they hold what arrives, one operation or several.
const ARRIVING: &[&str] = &["server", "remote", "incoming", "theirs", "arrives", "op", "a"];

/// What a client shows and has pending once others' operations have arrived.
#[derive(Debug)]
struct Outcome {
    document: Document,
    pending: Vec<Operation>,
    /// What the arrivals did to the text that is shown.
    changes: Vec<Operation>,
}

/// Edits, arrivals, and what is shown and pending then; at last all of it is accepted.
pub(super) fn pending(case: Case<'_>) -> Result<(), Finding> {
    let base = case.document("doc")?;
    let mut edits = first(case, EDITS).map(operations).transpose()?.unwrap_or_default();
    for names in [IN_FLIGHT, BUFFER] {
        if let Some(value) = first(case, names).filter(|value| !value.is_null()) {
            edits.extend(operations(value)?);
        }
    }
    let Some(arriving) = first(case, ARRIVING).map(operations).transpose()? else {
        return Err(Finding::Unsupported(format!("nothing arrives: one of {ARRIVING:?} is needed")));
    };
    check(case, "", &by_quill(&base, &edits, &arriving)?)?;
    check(case, "ours", &by_engine(&base, &edits, &arriving)?)
}

fn by_engine(base: &Document, edits: &[Operation], arriving: &[Operation]) -> Result<Outcome, Finding> {
    let mut desk = Desk::open(base)?;
    for edit in edits {
        desk.edit(edit)?;
    }
    for operation in arriving {
        desk.commit(operation)?;
    }
    let (document, pending, changes) = (desk.document(), desk.pending()?, desk.take_changes());
    while let Some(in_flight) = desk.in_flight() {
        desk.ack(&in_flight)?;
    }
    Finding::same("document, once all is accepted", &desk.document(), &document)?;
    Ok(Outcome { document, pending, changes })
}

fn by_quill(base: &Document, edits: &[Operation], arriving: &[Operation]) -> Result<Outcome, Finding> {
    let mut document = edits.iter().try_fold(base.clone(), |document, edit| applied(&document, edit))?;
    // The first edit is in flight, all others are composed behind it; nobody sends what is nothing.
    let mut edits = edits.iter().filter(|edit| !edit.is_identity()).cloned();
    let mut pending = Vec::from_iter(edits.next());
    pending.extend(Some(composed(&edits.collect::<Vec<_>>())?).filter(|buffer| !buffer.is_identity()));
    let mut changes = Vec::new();
    for operation in arriving {
        let mut carried = operation.clone();
        for edit in &mut pending {
            let over_edit = transform_as_quill(edit, &carried, Priority::Transformed);
            *edit = transform_as_quill(&carried, edit, Priority::Over);
            carried = over_edit;
        }
        document = applied(&document, &carried)?;
        changes.push(carried);
    }
    Ok(Outcome { document, pending, changes })
}

/// Holds an outcome against every field that says something of it; there must be one.
fn check(case: Case<'_>, whose: &str, got: &Outcome) -> Result<(), Finding> {
    let field = |name: &str| {
        let name = if whose.is_empty() { name.to_owned() } else { case.ours(name) };
        case.value(&name).filter(|value| !value.is_null())
    };
    let label = |what: &str| if whose.is_empty() { format!("{what}, with Quill's flag") } else { what.to_owned() };
    let mut said = 0;
    for name in ["expect_doc", "expect_document", "expect_text", "expect"] {
        if let Some(expected) = field(name) {
            Finding::same(&label("document"), &got.document, &document(expected)?)?;
            said += 1;
        }
    }
    for name in ["expect_pending", "expect_edits"] {
        if let Some(expected) = field(name) {
            same_operations(&label("pending"), &got.pending, &operations(expected)?)?;
            said += 1;
        }
    }
    if let Some(expected) = field("expect_in_flight") {
        let in_flight = got.pending.first().cloned().unwrap_or_default();
        Finding::same(&label("in flight"), &in_flight, &operation(expected)?)?;
        said += 1;
    }
    if let Some(expected) = field("expect_buffer") {
        same_operations(&label("buffer"), got.pending.get(1..).unwrap_or_default(), &operations(expected)?)?;
        said += 1;
    }
    for name in ["expect_change", "expect_changes", "expect_server", "expect_remote", "expect_applied"] {
        if let Some(expected) = field(name) {
            same_operations(&label("what is changed"), &got.changes, &operations(expected)?)?;
            said += 1;
        }
    }
    if said == 0 {
        return Err(Finding::Unsupported("no field says what must come of it that we know".to_owned()));
    }
    Ok(())
}

/// Several operations are the same if they are one by one, or if they are as one: the engine
/// composes what waits.
fn same_operations(what: &str, got: &[Operation], expected: &[Operation]) -> Result<(), Finding> {
    if got == expected {
        return Ok(());
    }
    Finding::same(what, &composed(got)?, &composed(expected)?)
}

pub(super) fn composed(operations: &[Operation]) -> Result<Operation, Finding> {
    operations
        .iter()
        .try_fold(Operation::identity(), |all, next| Operation::compose(&all, next))
        .map_err(Finding::failed)
}

fn first<'a>(case: Case<'a>, names: &[&str]) -> Option<&'a Value> {
    names.iter().find_map(|name| case.value(name))
}

/// One operation, or a list of them.
fn operations(value: &Value) -> Result<Vec<Operation>, Finding> {
    let several = |list: &[Value]| {
        let is_operation = |item: &Value| item.is_array() || item.get("ops").is_some();
        list.is_empty() || list.iter().all(is_operation)
    };
    match value {
        Value::Array(list) if several(list) => list.iter().map(operation).collect(),
        one => Ok(vec![operation(one)?]),
    }
}
