//! The laws of the algebra, one property each, over rich documents: ten thousand cases a law.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod generate;

use std::collections::BTreeMap;

use cowrite_protocol::operation::{
    Component, Document, Format, Names, Operation, Priority, RichText, Rule, TextRule, transform_as_quill,
};
use cowrite_protocol::text::{Utf16Length, Utf16Offset};
use cowrite_protocol::{Bias, DocumentType, OperationLimits};
use generate::{Plan, applied, assert_normal, boundaries, document, lay, plan};
use proptest::collection::vec;
use proptest::prelude::*;

fn cases() -> ProptestConfig {
    ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() }
}

fn compose(a: &Operation, b: &Operation) -> Operation {
    Operation::compose(a, b).unwrap_or_else(|error| panic!("{error}: {a:?} and {b:?}"))
}

fn encoded(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    operation.encode(&mut bytes);
    bytes
}

/// A document and three plans: one after another, or side by side.
fn three() -> impl Strategy<Value = (Document, [Plan; 3])> {
    (document(), [plan(), plan(), plan()])
}

/// One that refuses some of what the plans have, and allows most.
fn some_format() -> Format {
    let flat = Rule::Either(vec![Rule::Boolean, Rule::Text(TextRule { length: Utf16Length(9), letters: None })]);
    let known = BTreeMap::from([("color".to_owned(), flat)]);
    let embeds = BTreeMap::from([("image".to_owned(), Rule::Integer { least: 0, most: 1 })]);
    Format { attributes: Names { known, others: true }, embeds: Names { known: embeds, others: false } }
}

proptest! {
    #![proptest_config(cases())]

    /// apply(compose(a, b)) = apply(b) ∘ apply(a)
    #[test]
    fn applying_a_composition_is_applying_both((base, [a, b, _]) in three()) {
        let a = lay(&a, &base);
        let middle = applied(&base, &a);
        let b = lay(&b, &middle);
        let end = applied(&middle, &b);
        let both = compose(&a, &b);
        prop_assert_eq!(applied(&base, &both), end);
        prop_assert_eq!(both.length_change(), a.length_change() + b.length_change());
    }

    /// compose(compose(a, b), c) = compose(a, compose(b, c))
    #[test]
    fn compose_is_associative((base, [a, b, c]) in three()) {
        let a = lay(&a, &base);
        let second = applied(&base, &a);
        let b = lay(&b, &second);
        let third = applied(&second, &b);
        let c = lay(&c, &third);
        prop_assert_eq!(compose(&compose(&a, &b), &c), compose(&a, &compose(&b, &c)));
        prop_assert_eq!(&compose(&a, &Operation::identity()), &a);
        prop_assert_eq!(&compose(&Operation::identity(), &a), &a);
    }

    /// Whatever is made of what a format allows, it allows.
    #[test]
    fn a_format_is_kept_by_the_algebra((base, [a, b, _]) in three()) {
        let format = some_format();
        let allowed = |operation: &Operation| RichText::check_format(operation, &format).is_ok();
        let (a, b) = (lay(&a, &base), lay(&b, &base));
        if allowed(&a) && allowed(&b) {
            let (a_after, b_after) = RichText::transform(&a, &b);
            prop_assert!(allowed(&a_after) && allowed(&b_after) && allowed(&compose(&a, &b_after)));
            prop_assert!(allowed(&RichText::overridden(&a, &b)));
            let limits = OperationLimits { components: 1, bytes: 8, attributes: 1 };
            prop_assert!(RichText::split(&a, &limits).iter().all(allowed));
            if allowed(&RichText::to_operation(&base)) {
                prop_assert!(allowed(&a.invert(&base).unwrap()));
                prop_assert!(allowed(&RichText::to_operation(&applied(&base, &a))));
            }
        }
    }

    /// TP1: earlier ∘ later' = later ∘ earlier', attributes and embeds too.
    #[test]
    fn both_ways_round_lead_to_one_document((base, [a, b, _]) in three()) {
        let (a, b) = (lay(&a, &base), lay(&b, &base));
        let (a2, b2) = Operation::transform(&a, &b);
        prop_assert_eq!(applied(&applied(&base, &a), &b2), applied(&applied(&base, &b), &a2));
        prop_assert_eq!(compose(&a, &b2), compose(&b, &a2));
    }

    /// TP1 under Quill's rule, where one flag decides places and attributes.
    #[test]
    fn both_ways_round_lead_to_one_document_as_quill_says((base, [a, b, _]) in three()) {
        let (a, b) = (lay(&a, &base), lay(&b, &base));
        let (a2, b2) = (transform_as_quill(&b, &a, Priority::Transformed), transform_as_quill(&a, &b, Priority::Over));
        prop_assert_eq!(applied(&applied(&base, &a), &b2), applied(&applied(&base, &b), &a2));
        prop_assert_eq!(compose(&a, &b2), compose(&b, &a2));
    }

    /// apply(invert(a, base)) ∘ apply(a) leaves base as it was.
    #[test]
    fn invert_undoes((base, [a, _, _]) in three()) {
        let a = lay(&a, &base);
        let undo = a.invert(&base).unwrap();
        let after = applied(&base, &a);
        prop_assert_eq!(&applied(&after, &undo), &base);
        // And undoing that is doing it again.
        let redo = undo.invert(&after).unwrap();
        prop_assert_eq!(applied(&base, &redo), after);
    }

    /// Whatever gives an operation gives its normal form.
    #[test]
    fn the_normal_form_is_kept((base, [a, b, _]) in three(), at in 0..40u32, length in 0..20u32) {
        let (a, b) = (lay(&a, &base), lay(&b, &base));
        assert_normal(&a);
        let (a2, b2) = Operation::transform(&a, &b);
        assert_normal(&a2);
        assert_normal(&b2);
        assert_normal(&transform_as_quill(&a, &b, Priority::Over));
        assert_normal(&compose(&a, &b2));
        assert_normal(&a.invert(&base).unwrap());
        assert_normal(&base.to_operation());
        assert_normal(&Operation::diff(&applied(&base, &a), &applied(&base, &b)));
        assert_normal(&RichText::decode(&encoded(&a), &OperationLimits::NONE).unwrap());
        assert_normal(&Operation::from_delta(&a.to_delta()).unwrap());
        a.split(&OperationLimits { components: 3, bytes: 40, attributes: 2 }).iter().for_each(assert_normal);
        if let Some(slice) = a.slice(Utf16Offset(at), Utf16Offset(at + length)) {
            assert_normal(&slice);
        }
    }

    /// Offsets go where the units beside them go.
    #[test]
    fn positions_map_as_text_does((base, [a, _, _]) in three()) {
        let a = lay(&a, &base);
        // Where each unit of the base is afterwards, or nothing if it was deleted.
        let (mut places, mut at) = (Vec::new(), 0);
        for component in a.components() {
            let length = component.length().0;
            match component {
                Component::Retain { .. } => (0..length).for_each(|unit| places.push(Some(at + unit))),
                Component::Delete { .. } => (0..length).for_each(|_| places.push(None)),
                _ => {}
            }
            at += if matches!(component, Component::Delete { .. }) { 0 } else { length };
        }
        while places.len() < base.length().0 as usize {
            places.push(Some(at));
            at += 1;
        }
        prop_assert_eq!(at, applied(&base, &a).length().0);
        for offset in boundaries(&base) {
            let [left, right] = [Bias::Left, Bias::Right].map(|bias| a.map_offset(offset, bias).0);
            prop_assert!(left <= right);
            let behind = places.get(offset.0 as usize).copied();
            let before = offset.0.checked_sub(1).map(|unit| places[unit as usize]);
            match before {
                Some(Some(place)) => prop_assert_eq!(left, place + 1),
                Some(None) => prop_assert_eq!(left, a.map_offset(Utf16Offset(offset.0 - 1), Bias::Right).0),
                None => prop_assert_eq!(left, 0),
            }
            match behind {
                Some(Some(place)) => prop_assert_eq!(right, place),
                Some(None) => prop_assert!(right <= a.map_offset(Utf16Offset(offset.0 + 1), Bias::Left).0),
                None => prop_assert_eq!(right, at),
            }
        }
    }

    /// decode(encode(a)) = a, and the encoding is the only one that is given out; packed_bytes(a)
    /// is its length.
    #[test]
    fn the_packed_form_reads_back((base, [a, _, _]) in three()) {
        let a = lay(&a, &base);
        let bytes = encoded(&a);
        prop_assert_eq!(a.packed_bytes(), bytes.len());
        let read = RichText::decode(&bytes, &OperationLimits::NONE).unwrap();
        prop_assert_eq!(&read, &a);
        prop_assert_eq!(encoded(&read), bytes);
    }

    /// from_delta(to_delta(a)) = a, for operations and documents.
    #[test]
    fn the_delta_reads_back((base, [a, _, _]) in three()) {
        let a = lay(&a, &base);
        let delta = a.to_delta();
        prop_assert_eq!(&Operation::from_delta(&delta).unwrap(), &a);
        let json: serde_json::Value = serde_json::from_str(&delta).unwrap();
        prop_assert_eq!(&Operation::from_delta(&json.to_string()).unwrap(), &a);
        prop_assert_eq!(&Document::from_delta(&base.to_delta()).unwrap(), &base);
        prop_assert_eq!(Document::from_operation(&base.to_operation()), Some(base));
    }

    /// The parts compose to the operation, and are within the limits.
    #[test]
    fn split_composes_back((base, [a, _, _]) in three(), components in 2..6u32, bytes in 60..120u32, attributes in 1..4u32) {
        let a = lay(&a, &base);
        let limits = OperationLimits { components, bytes, attributes };
        let parts = a.split(&limits);
        let mut document = base.clone();
        for part in &parts {
            prop_assert!(part.components().len() <= components as usize, "{:?} of {:?}", part, parts);
            prop_assert!(encoded(part).len() <= bytes as usize + 60, "{:?} of {:?}", part, parts);
            for component in part.components() {
                prop_assert!(component.attributes().as_slice().len() <= attributes as usize);
            }
            document.apply(part).unwrap();
        }
        prop_assert_eq!(document, applied(&base, &a));
        prop_assert_eq!(parts.iter().fold(Operation::identity(), |sum, part| compose(&sum, part)), a);
    }

    /// A plain text of any size comes within the limits of bytes, character by character if need be.
    #[test]
    fn split_holds_to_the_limit_of_bytes(texts in vec(generate::text(), 1..40), bytes in 30..200u32) {
        let text = texts.concat();
        let mut builder = Operation::builder();
        let operation = builder.retain(Utf16Length(7)).insert(&text).delete(Utf16Length(3)).build();
        let parts = operation.split(&OperationLimits { components: 100, bytes, attributes: 1 });
        for part in &parts {
            prop_assert!(encoded(part).len() <= bytes as usize, "{:?} of {:?}", part, parts);
        }
        prop_assert_eq!(parts.iter().fold(Operation::identity(), |sum, part| compose(&sum, part)), operation);
    }

    /// apply(diff(from, to)) makes from equal to to; nothing differs from itself.
    #[test]
    fn diff_leads_there((from, [a, _, _]) in three(), other in document()) {
        let near = applied(&from, &lay(&a, &from));
        for to in [near, other] {
            prop_assert_eq!(applied(&from, &Operation::diff(&from, &to)), to.clone());
            prop_assert!(Operation::diff(&to, &to.clone()).is_identity());
        }
    }

    /// The checksum is one of the content, not of the way there.
    #[test]
    fn the_checksum_is_of_the_content((base, [a, b, _]) in three()) {
        let document = applied(&base, &lay(&a, &base));
        let fresh = Document::from_operation(&document.to_operation()).unwrap();
        prop_assert_eq!(&fresh, &document);
        prop_assert_eq!(fresh.checksum(), document.checksum());
        let other = applied(&document, &lay(&b, &document));
        prop_assert_eq!(other == document, other.checksum() == document.checksum());
    }

    /// Any bytes are an operation in normal form or an error, never a panic.
    #[test]
    fn decoding_any_bytes_never_panics(bytes in vec(any::<u8>(), 0..64)) {
        if let Ok(operation) = RichText::decode(&bytes, &OperationLimits::default()) {
            assert_normal(&operation);
            let again = encoded(&operation);
            prop_assert!(again.len() <= bytes.len());
            prop_assert_eq!(RichText::decode(&again, &OperationLimits::default()), Ok(operation));
        }
    }

    /// Bytes that are nearly an operation neither.
    #[test]
    fn decoding_damaged_bytes_never_panics(
        (base, [a, b, _]) in three(),
        at in any::<prop::sample::Index>(),
        byte in any::<u8>(),
        cut in any::<bool>(),
    ) {
        let mut bytes = encoded(&lay(&a, &base));
        if !bytes.is_empty() {
            let at = at.index(bytes.len());
            if cut { bytes.truncate(at) } else { bytes[at] = byte }
        }
        if let Ok(operation) = RichText::decode(&bytes, &OperationLimits::default()) {
            assert_normal(&operation);
            let mut document = base.clone();
            let fits = document.validate(&operation);
            prop_assert_eq!(document.apply(&operation), fits);
            if fits.is_err() {
                prop_assert_eq!(&document, &base);
            }
            // What fits nothing is still computed with: a peer can never make us panic.
            let other = lay(&b, &base);
            let (operation2, other2) = Operation::transform(&operation, &other);
            assert_normal(&operation2);
            assert_normal(&other2);
            let _ = Operation::compose(&other, &operation).map(|sum| assert_normal(&sum));
            let _ = Operation::compose(&operation, &other).map(|sum| assert_normal(&sum));
            let _ = (operation.implied_caret(), operation.base_length(), operation.target_length());
        }
    }

    /// No text makes the Delta reader panic.
    #[test]
    fn reading_a_damaged_delta_never_panics((base, [a, _, _]) in three(), at in any::<prop::sample::Index>(), with in ".{0,3}") {
        let mut delta = lay(&a, &base).to_delta();
        let at = delta.floor_char_boundary(at.index(delta.len()));
        let end = delta.ceil_char_boundary(at + 1);
        delta.replace_range(at..end, &with);
        if let Ok(operation) = Operation::from_delta(&delta) {
            assert_normal(&operation);
        }
    }
}

/// transform(a, compose(b1, b2)) is not transform(transform(a, b1), b2): this is the case
/// that shows it, so that nobody assumes the contrary. Both sides must transform over the
/// same grouping.
#[test]
fn grouping_matters_at_the_edge_of_a_deletion() {
    let operation = |components: &[Component]| Operation::from_components(components.iter().cloned());
    // In "ab" the log inserts "x" behind "b", while a client deletes "b" and then types "Y" there.
    let log = operation(&[Component::retain(2), Component::insert("x")]);
    let deletes = operation(&[Component::retain(1), Component::delete(1)]);
    let types = operation(&[Component::retain(1), Component::insert("Y")]);
    let (carried, _) = Operation::transform(&log, &deletes);
    let (one_by_one, _) = Operation::transform(&carried, &types);
    let (at_once, _) = Operation::transform(&log, &compose(&deletes, &types));
    assert_eq!(one_by_one, operation(&[Component::retain(1), Component::insert("x")]));
    assert_eq!(at_once, operation(&[Component::retain(2), Component::insert("x")]));
}

/// The tie, pinned: at equal offsets the entry already in the log stays left, and of two
/// writers of one attribute the later one wins.
#[test]
fn d1_the_log_stays_left_and_the_later_attribute_wins() {
    let read = |delta: &str| Operation::from_delta(delta).unwrap();
    let (earlier, later) = (read(r#"[{"insert":"e"}]"#), read(r#"[{"insert":"l"}]"#));
    let (earlier2, later2) = Operation::transform(&earlier, &later);
    assert_eq!((earlier2, later2), (earlier, read(r#"[{"retain":1},{"insert":"l"}]"#)));
    let (earlier, later) = (
        read(r#"[{"retain":1,"attributes":{"color":"red","bold":true}}]"#),
        read(r#"[{"retain":1,"attributes":{"color":"blue"}}]"#),
    );
    let (earlier2, later2) = Operation::transform(&earlier, &later);
    assert_eq!((earlier2, later2), (read(r#"[{"retain":1,"attributes":{"bold":true}}]"#), later));
}
