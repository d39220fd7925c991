//! The document against a list of units, and the text against a plain vector.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod generate;

use cowrite_protocol::operation::{Attributes, Component, Document, Json, Nulls, Operation};
use cowrite_protocol::text::{Text, Utf16Length, Utf16Offset};
use generate::{Plan, lay, plan, text};
use proptest::collection::vec;
use proptest::prelude::*;

fn cases() -> ProptestConfig {
    ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() }
}

/// One unit of the naive document.
#[derive(Clone, Debug, PartialEq)]
struct Unit {
    unit: u16,
    attributes: Attributes,
    embed: Option<Json>,
}

/// Applies an operation as a beginner would.
fn apply_naively(units: &mut Vec<Unit>, operation: &Operation) {
    let mut at = 0;
    for component in operation.components() {
        let length = component.length().0 as usize;
        let attributes = component.attributes();
        match component {
            Component::Retain { .. } => {
                for unit in &mut units[at..at + length] {
                    unit.attributes = unit.attributes.compose(attributes, Nulls::Drop);
                }
                at += length;
            }
            Component::Delete { .. } => {
                units.drain(at..at + length);
            }
            Component::Insert { text, .. } => {
                let inserted = text.as_str().encode_utf16();
                let inserted = inserted.map(|unit| Unit { unit, attributes: attributes.clone(), embed: None });
                units.splice(at..at, inserted);
                at += length;
            }
            Component::Embed { value, .. } => {
                let embed = Some(value.clone());
                units.insert(at, Unit { unit: 0xFFFC, attributes: attributes.clone(), embed });
                at += 1;
            }
        }
    }
}

/// The units that a document says it has.
fn units(document: &Document) -> Vec<Unit> {
    let text: Vec<u16> = document.text().chars().collect::<String>().encode_utf16().collect();
    let mut units = Vec::new();
    let mut last = None;
    for run in document.runs() {
        let joins = |before: &Option<(Attributes, bool)>| *before == Some((run.attributes.clone(), false));
        assert!(run.embed.is_some() || !joins(&last), "two runs that are one in {document:?}");
        assert!(run.embed.is_none() || run.length == Utf16Length(1));
        last = Some((run.attributes.clone(), run.embed.is_some()));
        for _ in 0..run.length.0 {
            let unit = text[units.len()];
            units.push(Unit { unit, attributes: run.attributes.clone(), embed: run.embed.clone() });
        }
    }
    assert_eq!(units.len(), text.len());
    units
}

proptest! {
    #![proptest_config(cases())]

    /// A document is the list of its units, after any history of edits.
    #[test]
    fn a_document_is_its_units(history in vec(plan(), 0..12)) {
        let history: Vec<Plan> = history;
        let (mut document, mut naive) = (Document::new(), Vec::new());
        for plan in &history {
            let operation = lay(plan, &document);
            document.apply(&operation).unwrap();
            apply_naively(&mut naive, &operation);
            prop_assert_eq!(units(&document), &*naive);
        }
        for (at, unit) in naive.iter().enumerate() {
            let run = document.run_at(Utf16Offset(at as u32)).unwrap();
            prop_assert_eq!((&run.attributes, &run.embed), (&unit.attributes, &unit.embed));
        }
        prop_assert!(document.run_at(document.length().end()).is_none());
    }

    /// A text is the vector of its units, and refuses exactly what is out of bounds or splits a pair.
    #[test]
    fn a_text_is_its_units(edits in vec((any::<prop::sample::Index>(), 0..5usize, text(), any::<bool>()), 0..40)) {
        let (mut made, mut plain) = (Text::new(), Vec::<u16>::new());
        for (at, length, inserted, deletes) in edits {
            // One behind the end is tried too.
            let at = at.index(plain.len() + 2);
            let offset = Utf16Offset(at as u32);
            let inside = |at: usize| {
                at > plain.len() || plain.get(at).is_some_and(|unit| (0xDC00..0xE000).contains(unit))
            };
            if deletes {
                let refused = inside(at) || inside(at + length);
                prop_assert_eq!(made.slice(offset, Utf16Length(length as u32)).is_err(), refused);
                if !refused {
                    let slice = made.slice(offset, Utf16Length(length as u32)).unwrap();
                    prop_assert_eq!(slice, String::from_utf16(&plain[at..at + length]).unwrap());
                }
                prop_assert_eq!(made.delete(offset, Utf16Length(length as u32)).is_err(), refused);
                if !refused {
                    plain.drain(at..at + length);
                }
            } else {
                let refused = inside(at);
                prop_assert_eq!(made.insert(offset, &inserted).is_err(), refused);
                if !refused {
                    plain.splice(at..at, inserted.encode_utf16());
                }
            }
            let string = String::from_utf16(&plain).unwrap();
            prop_assert_eq!(made.length().0 as usize, plain.len());
            prop_assert_eq!(made.to_string(), string.clone());
            prop_assert_eq!(&made, &Text::from(&*string));
            for (at, unit) in plain.iter().enumerate() {
                prop_assert_eq!(made.unit(Utf16Offset(at as u32)), Some(*unit));
            }
        }
    }
}
