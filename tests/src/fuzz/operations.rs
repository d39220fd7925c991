//! The algebra, with operations that fit and with any that can be read.

use cowrite_protocol::operation::{Document, Operation, Priority, RichText, transform_as_quill};
use cowrite_protocol::{Bias, DocumentType, OperationLimits, Utf16Offset};

use super::choices::Choices;
use super::laid::laid;

/// Operations by choices on a document by choices, or read from the bytes as a peer would send them. None of
/// the verbs panics, and where an operation fits its document the laws hold.
pub fn operations(data: &[u8]) {
    let mut choices = Choices::new(data);
    let kind = choices.byte();
    if kind % 4 == 3 {
        return delta(choices.rest());
    }
    let mut base = Document::new();
    for _ in 0..=choices.below(3) {
        let operation = laid(&mut choices, &base);
        apply(&mut base, &operation);
    }
    let [a, b] = match kind % 4 {
        0 | 1 => [laid(&mut choices, &base), laid(&mut choices, &base)],
        _ => {
            let first = choices.bytes();
            let read = [first, choices.rest()].map(|bytes| RichText::decode(bytes, &OperationLimits::default()));
            let [Ok(a), Ok(b)] = read else { return };
            [a, b]
        }
    };
    [&a, &b].into_iter().for_each(survives_the_wire);
    let (a_after, b_after) = Operation::transform(&a, &b);
    RichText::overridden(&a, &b);
    transform_as_quill(&a, &b, Priority::Over);
    transform_as_quill(&a, &b, Priority::Transformed);
    for offset in [0, 1, 5, u32::MAX].map(Utf16Offset) {
        assert!(a.map_offset(offset, Bias::Left) <= a.map_offset(offset, Bias::Right));
    }
    a.implied_caret();
    if let Some(slice) = a.slice(Utf16Offset(1), Utf16Offset(3)) {
        survives_the_wire(&slice);
    }
    let limits = OperationLimits { components: 2, bytes: 40, attributes: 2 };
    let parts = a.split(&limits);
    let fits = |document: &Document, operation: &Operation| document.validate(operation).is_ok();
    let (a_fits, b_fits) = (fits(&base, &a), fits(&base, &b));
    assert_eq!(a_fits, a.invert(&base).is_ok(), "{a:?} fits, or it cannot be undone");
    let composed = Operation::compose(&a, &b);
    if !a_fits {
        return;
    }
    let after_a = applied(&base, &a);
    // Composed is one after the other.
    match &composed {
        Ok(composed) => {
            let both = fits(&after_a, &b).then(|| applied(&after_a, &b));
            if let Some(both) = both {
                assert_eq!(applied(&base, composed), both, "{composed:?}");
            }
        }
        Err(_) => assert!(!fits(&after_a, &b), "{b:?} fits behind {a:?}, and they do not compose"),
    }
    // Undone is as before.
    if let Ok(inverse) = a.invert(&base) {
        assert_eq!(applied(&after_a, &inverse), base, "{inverse:?}");
    }
    let whole = parts.iter().fold(base.clone(), |document, part| applied(&document, part));
    assert_eq!(whole, after_a, "{parts:?}");
    let difference = Operation::diff(&base, &after_a);
    assert_eq!(applied(&base, &difference), after_a, "{difference:?}");
    assert_eq!(Document::from_operation(&after_a.to_operation()).as_ref(), Some(&after_a));
    if b_fits {
        // Both ways round lead to one document.
        let (left, right) = (applied(&after_a, &b_after), applied(&applied(&base, &b), &a_after));
        assert_eq!(left, right, "{a:?} and {b:?}");
        assert_eq!(RichText::checksum(&left), RichText::checksum(&right));
    }
}

/// Any text as a delta.
fn delta(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    if let Ok(operation) = Operation::from_delta(text) {
        survives_the_wire(&operation);
        let again = Operation::from_delta(&operation.to_delta());
        assert_eq!(again.ok().as_ref(), Some(&operation));
    }
}

fn survives_the_wire(operation: &Operation) {
    let mut bytes = Vec::new();
    operation.encode(&mut bytes);
    assert_eq!(RichText::decode(&bytes, &OperationLimits::NONE).as_ref(), Ok(operation));
    let mut again = Operation::builder();
    let rebuilt = again.extend(operation).build();
    assert_eq!(rebuilt, *operation, "it is in normal form");
}

fn apply(document: &mut Document, operation: &Operation) {
    if let Err(error) = document.apply(operation) {
        panic!("{error}: {operation:?} on {}", document.to_delta());
    }
}

fn applied(document: &Document, operation: &Operation) -> Document {
    let mut after = document.clone();
    apply(&mut after, operation);
    after
}
