//! Documents and operations for the tests: as plans of plain data, which proptest can
//! make smaller, and which become an operation on whatever document they are laid over.
#![allow(dead_code, reason = "every test takes what it needs")]

use cowrite_protocol::operation::{Attributes, Component, Document, Json, Operation};
use cowrite_protocol::text::{Utf16Length, Utf16Offset};
use proptest::collection::vec;
use proptest::prelude::*;

/// One step of an operation, counted in characters and embeds of the document it meets.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Retain(usize),
    Format(usize, Attributes),
    Delete(usize),
    Insert(String, Attributes),
    Embed(Json, Attributes),
}

/// How an operation goes along a document. Steps behind its end are cut.
pub(crate) type Plan = Vec<Step>;

/// Latin, combining marks, right to left, CJK, emoji with joiners, line ends, the object
/// replacement character as a character.
const CHARACTERS: &[char] = &[
    'a',
    'b',
    'c',
    ' ',
    '\n',
    '\r',
    'é',
    '\u{301}',
    'ש',
    'ל',
    'م',
    '語',
    '🏆',
    '🌀',
    '👩',
    '\u{200D}',
    '💻',
    '\u{FFFC}',
    '\u{FFFF}',
    '\u{10FFFF}',
    '\u{0}',
];

/// Texts of some characters.
pub(crate) fn text() -> impl Strategy<Value = String> {
    vec(prop::sample::select(CHARACTERS), 1..6).prop_map(String::from_iter)
}

/// Values of attributes; with `null` for what a retain may say.
fn value(with_null: bool) -> impl Strategy<Value = Json> {
    let values = [r#"true"#, r#""red""#, r#""é\n""#, r#"{"b":[1,2.5],"c":null}"#, "null"];
    let count: usize = if with_null { 5 } else { 4 };
    (0..count).prop_map(move |index: usize| Json::parse(values[index]).unwrap())
}

/// Sets of up to three attributes, often none.
pub(crate) fn attributes(with_null: bool) -> impl Strategy<Value = Attributes> {
    let keys = prop::sample::select(&["bold", "color", "é"][..]);
    let some = vec((keys, value(with_null)), 1..4).prop_map(Attributes::from_pairs);
    prop_oneof![2 => Just(Attributes::NONE), 3 => some]
}

/// Embeds, few enough that equal ones meet.
fn embed() -> impl Strategy<Value = Json> {
    (0..3u32).prop_map(|index| Json::parse(&format!("{{\"image\":{index}}}")).unwrap())
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1..5usize).prop_map(Step::Retain),
        2 => (1..5usize, attributes(true)).prop_map(|(count, set)| Step::Format(count, set)),
        3 => (1..4usize).prop_map(Step::Delete),
        4 => (text(), attributes(true)).prop_map(|(text, set)| Step::Insert(text, set)),
        1 => (embed(), attributes(true)).prop_map(|(value, set)| Step::Embed(value, set)),
    ]
}

/// Plans of operations.
pub(crate) fn plan() -> impl Strategy<Value = Plan> {
    vec(step(), 0..9)
}

/// Documents with attributes, embeds and the history of an edit or two, so that the
/// places of their gaps differ.
pub(crate) fn document() -> impl Strategy<Value = Document> {
    let content = vec(
        prop_oneof![
            5 => (text(), attributes(false)).prop_map(|(text, set)| Step::Insert(text, set)),
            1 => (embed(), attributes(false)).prop_map(|(value, set)| Step::Embed(value, set)),
        ],
        0..7,
    );
    (content, plan()).prop_map(|(content, edit)| {
        let mut document = Document::new();
        for plan in [content, edit] {
            let operation = lay(&plan, &document);
            document.apply(&operation).unwrap();
        }
        document
    })
}

/// The operation that a plan is on this document.
pub(crate) fn lay(plan: &[Step], document: &Document) -> Operation {
    let boundaries = boundaries(document);
    let mut at = 0;
    let mut pass = |count: usize| {
        let end = (at + count).min(boundaries.len() - 1);
        let length = boundaries[end].since(boundaries[at]).unwrap();
        at = end;
        length
    };
    let mut builder = Operation::builder();
    for step in plan {
        match step {
            Step::Retain(count) => builder.retain(pass(*count)),
            Step::Format(count, set) => builder.retain_with(pass(*count), set),
            Step::Delete(count) => builder.delete(pass(*count)),
            Step::Insert(text, set) => builder.insert_with(text, set),
            Step::Embed(value, set) => builder.embed(value.clone(), set),
        };
    }
    builder.build()
}

/// All offsets of the document that are not inside a pair.
pub(crate) fn boundaries(document: &Document) -> Vec<Utf16Offset> {
    (0..=document.length().0).map(Utf16Offset).filter(|at| document.text().is_boundary(*at)).collect()
}

/// The document after the operation.
pub(crate) fn applied(document: &Document, operation: &Operation) -> Document {
    let mut document = document.clone();
    document.apply(operation).unwrap_or_else(|error| panic!("{error}: {operation:?} on {document:?}"));
    document
}

/// Checks the normal form from its definition, without the builder.
pub(crate) fn assert_normal(operation: &Operation) {
    let components = operation.components();
    for component in components {
        assert!(!component.length().is_zero(), "empty component in {operation:?}");
        if component.is_insertion() {
            let nulls = component.attributes().as_slice().iter().any(|entry| entry.value.is_null());
            assert!(!nulls, "null in content in {operation:?}");
        }
        if let Component::Insert { text, .. } = component {
            assert_eq!(text.length(), Utf16Length::of(text.as_str()));
        }
        let keys: Vec<_> = component.attributes().as_slice().iter().map(|entry| &entry.key).collect();
        assert!(keys.is_sorted_by(|a, b| a < b), "keys out of order in {operation:?}");
    }
    for pair in components.windows(2) {
        let bad = match (&pair[0], &pair[1]) {
            (Component::Delete { .. }, next) => !matches!(next, Component::Retain { .. }),
            (Component::Retain { attributes: a, .. }, Component::Retain { attributes: b, .. }) => a == b,
            (Component::Insert { attributes: a, .. }, Component::Insert { attributes: b, .. }) => a == b,
            _ => false,
        };
        assert!(!bad, "not in normal form: {operation:?}");
    }
    if let Some(Component::Retain { attributes, .. }) = components.last() {
        assert!(!attributes.is_empty(), "a plain retain at the end of {operation:?}");
    }
}
