//! Rewrites operations that were made on one version to apply after each other.

use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::walk::Walk;

/// Who wins where two operations meet, as Quill says it with one flag.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Priority {
    /// The operation that is transformed over: its insertions stay left, its attributes stand.
    Over,
    /// The operation that is transformed.
    Transformed,
}

/// The rules of one direction: of the operation that is transformed over, say.
#[derive(Clone, Copy)]
struct Wins {
    /// At equal offsets its insertion stays left.
    place: bool,
    /// Its value of an attribute that both write stands.
    attributes: bool,
}

impl Operation {
    /// Rewrites two operations made on the same version: `(earlier', later')`.
    ///
    /// Law (TP1): `compose(earlier, later') = compose(later, earlier')`. The tie: `earlier`
    /// is the entry already in the log, at equal offsets its insertion stays left; of two
    /// writers of one attribute `later` wins. Linear in the components of both.
    pub fn transform(earlier: &Operation, later: &Operation) -> (Operation, Operation) {
        let later_rewritten = rewrite(later, earlier, Wins { place: true, attributes: false });
        let earlier_rewritten = rewrite(earlier, later, Wins { place: false, attributes: true });
        (earlier_rewritten, later_rewritten)
    }

    /// The attributes that `earlier` writes and `later`, made on the same version, writes
    /// over, as an operation on the document after both. Linear in the components of both.
    pub fn overridden(earlier: &Operation, later: &Operation) -> Operation {
        let mut out = OperationBuilder::default();
        let writes = |component: &Component| !component.is_insertion() && !component.attributes().is_empty();
        if !earlier.components().iter().any(writes) {
            return out.build();
        }
        let (mut it, mut other) = (Walk::new(earlier.components()), Walk::new(later.components()));
        while let (Some(component), Some(beside)) = (it.current(), other.current()) {
            if component.is_insertion() {
                out.retain(it.remaining());
                it.skip();
                continue;
            }
            if beside.is_insertion() {
                out.retain(other.remaining());
                other.skip();
                continue;
            }
            let length = it.remaining().min(other.remaining());
            let is_deletion = |component: &Component| matches!(component, Component::Delete { .. });
            if !is_deletion(component) && !is_deletion(beside) {
                let written = component.attributes();
                let standing = written.without_keys_of(beside.attributes());
                out.retain_with(length, &written.without_keys_of(&standing));
            }
            it.advance(length);
            other.advance(length);
        }
        out.build()
    }
}

/// Quill's `over.transform(operation, priority)`: `operation` rewritten to apply after
/// `over`, with one rule for insertions and attributes. Linear in the components of both.
///
/// Law (TP1): `compose(a, transform_as_quill(a, b, Over)) = compose(b, transform_as_quill(b, a, Transformed))`.
pub fn transform_as_quill(over: &Operation, operation: &Operation, priority: Priority) -> Operation {
    let wins = priority == Priority::Over;
    rewrite(operation, over, Wins { place: wins, attributes: wins })
}

/// `operation`, rewritten to apply after `over`.
///
/// A length can pass `u32::MAX` only if the two fit no common document; it is cut there.
fn rewrite(operation: &Operation, over: &Operation, over_wins: Wins) -> Operation {
    let (mut it, mut other) = (Walk::new(operation.components()), Walk::new(over.components()));
    // Most stays one component each; memory for the most that there can be is never used, and costs its pages.
    let mut out = OperationBuilder::with_capacity(operation.components().len() + 2);
    while let Some(component) = it.current() {
        match (component, other.current()) {
            (component, Some(insertion))
                if insertion.is_insertion() && (over_wins.place || !component.is_insertion()) =>
            {
                out.retain(insertion.length());
                other.skip();
            }
            (insertion, _) if insertion.is_insertion() => {
                out.push_copy(insertion);
                it.skip();
            }
            (component, beside) => {
                let length = it.remaining().min(other.remaining());
                match (component, beside) {
                    (_, Some(Component::Delete { .. })) => {}
                    (Component::Delete { .. }, _) => {
                        out.delete(length);
                    }
                    (change, Some(beside)) if over_wins.attributes => {
                        out.retain_with(length, &change.attributes().without_keys_of(beside.attributes()));
                    }
                    (change, _) => {
                        out.retain_with(length, change.attributes());
                    }
                }
                it.advance(length);
                other.advance(length);
            }
        }
    }
    out.build()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Attributes;
    use crate::text::Utf16Length;

    #[test]
    fn what_loses_to_the_later_is_told_on_the_text_after_both() {
        let attributes = |json: &str| Attributes::parse(json).unwrap();
        let mut earlier = Operation::builder();
        earlier.retain_with(Utf16Length(6), &attributes("{\"a\":1,\"b\":2}")).insert("xx");
        let mut later = Operation::builder();
        later.insert("y").delete(Utf16Length(1)).retain_with(Utf16Length(2), &attributes("{\"b\":null}"));
        later.retain(Utf16Length(1)).retain_with(Utf16Length(4), &attributes("{\"a\":3}"));
        let mut lost = Operation::builder();
        lost.retain(Utf16Length(1)).retain_with(Utf16Length(2), &attributes("{\"b\":2}"));
        lost.retain(Utf16Length(1)).retain_with(Utf16Length(2), &attributes("{\"a\":1}"));
        let (earlier, later) = (earlier.build(), later.build());
        assert_eq!(Operation::overridden(&earlier, &later), lost.build());
        // Text that comes and goes overrides nothing.
        assert!(Operation::overridden(&Operation::builder().insert("x").build(), &later).is_identity());
    }

    #[test]
    fn with_quill_one_priority_decides_places_and_attributes() {
        let attributes = |json: &str| Attributes::parse(json).unwrap();
        let made = |text: &str, json: &str| {
            Operation::builder().insert(text).retain_with(Utf16Length(1), &attributes(json)).build()
        };
        let (over, operation) = (made("xx", "{\"a\":1}"), made("y", "{\"a\":2,\"b\":3}"));
        let mut wins = Operation::builder();
        wins.retain(Utf16Length(2)).insert("y").retain_with(Utf16Length(1), &attributes("{\"b\":3}"));
        assert_eq!(transform_as_quill(&over, &operation, Priority::Over), wins.build());
        let mut loses = Operation::builder();
        loses.insert("y").retain(Utf16Length(2)).retain_with(Utf16Length(1), &attributes("{\"a\":2,\"b\":3}"));
        assert_eq!(transform_as_quill(&over, &operation, Priority::Transformed), loses.build());
    }
}
