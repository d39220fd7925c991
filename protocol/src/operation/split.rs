//! Splits an operation that is too large for one submit.

use alloc::vec;
use alloc::vec::Vec;

use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::packed::{HEAD_BYTES, encoded_bytes_at_most};
use crate::limits::OperationLimits;
use crate::text::Utf16Length;

/// A part holds at least this many: the retain up to its place and one component there.
const LEAST_COMPONENTS: usize = 2;

impl Operation {
    /// Splits the operation by place into several that have its effect when applied one
    /// after another, each within the limits; an operation within them comes back alone.
    /// Linear in the components and their content.
    ///
    /// Law: composing the parts gives the operation. What cannot be divided is not: one
    /// character, one embed and one attribute stay whole even where a limit is smaller,
    /// and so do two components.
    pub fn split(&self, limits: &OperationLimits) -> Vec<Operation> {
        if self.is_within(limits) {
            return vec![self.clone()];
        }
        let mut parts = Parts {
            limits: *limits,
            done: Vec::new(),
            part: OperationBuilder::default(),
            bytes: 0,
            place: Utf16Length::ZERO,
        };
        for component in self.components() {
            parts.push(component);
        }
        parts.close();
        parts.done
    }
}

/// The parts so far, and the one that is being filled.
struct Parts {
    limits: OperationLimits,
    done: Vec<Operation>,
    part: OperationBuilder,
    /// What the part takes at most.
    bytes: usize,
    /// How much of the document lies before this place once the part is applied.
    place: Utf16Length,
}

impl Parts {
    /// Appends a component; what its set has above the limit follows in parts of its own.
    fn push(&mut self, component: &Component) {
        let mut sets = component.attributes().parts(self.limits.attributes as usize).into_iter();
        let start = self.place;
        self.push_within(&component.with_attributes(sets.next().unwrap_or_default()));
        for attributes in sets {
            let length = Utf16Length(self.place.0 - start.0);
            self.place = start;
            self.close();
            self.push_within(&Component::Retain { length, attributes });
        }
    }

    /// Appends a component whose set is within the limit.
    fn push_within(&mut self, component: &Component) {
        match component {
            Component::Insert { text, attributes } => {
                let overhead = encoded_bytes_at_most(component) - text.as_str().len();
                let mut rest = text.as_str();
                while !rest.is_empty() {
                    self.make_room(overhead + 4);
                    let room = (self.limits.bytes as usize).saturating_sub(self.bytes + overhead);
                    let (now, later) = cut(rest, room);
                    let length = Utf16Length::of(now);
                    self.part.insert_measured(now, length, attributes);
                    self.bytes += overhead + now.len();
                    self.place.0 = self.place.0.saturating_add(length.0);
                    rest = later;
                }
            }
            other => {
                let bytes = encoded_bytes_at_most(other);
                self.make_room(bytes);
                self.part.push(other.clone());
                self.bytes += bytes;
                if !matches!(other, Component::Delete { .. }) {
                    self.place.0 = self.place.0.saturating_add(other.length().0);
                }
            }
        }
    }

    /// Closes the part if another component of so many bytes may be too much for it.
    fn make_room(&mut self, bytes: usize) {
        let most = (self.limits.components as usize).max(LEAST_COMPONENTS);
        if self.part.len() >= most || (self.bytes > HEAD_BYTES && self.bytes + bytes > self.limits.bytes as usize) {
            self.close();
        }
    }

    /// Ends the part, unless it does nothing, and starts the next one at this place.
    fn close(&mut self) {
        let part = self.part.build();
        if !part.is_identity() {
            self.done.push(part);
        }
        self.part.retain(self.place);
        self.bytes = HEAD_BYTES;
    }
}

/// Cuts a text after at most so many bytes, but after one character at least.
fn cut(text: &str, bytes: usize) -> (&str, &str) {
    let first = text.chars().next().map_or(0, char::len_utf8);
    // Both are boundaries; a plain `split_at` brings the text of its panic into the browser.
    text.split_at_checked(text.floor_char_boundary(bytes).max(first)).unwrap_or((text, ""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Attributes, Json};

    fn parts(operation: &Operation, limits: OperationLimits) -> Vec<Operation> {
        let parts = operation.split(&limits);
        for part in &parts {
            let mut bytes = Vec::new();
            part.encode(&mut bytes);
            assert!(bytes.len() <= limits.bytes as usize && part.components().len() <= limits.components as usize);
        }
        let whole = parts.iter().try_fold(Operation::default(), |all, part| Operation::compose(&all, part));
        assert_eq!(whole.as_ref(), Ok(operation));
        parts
    }

    #[test]
    fn parts_are_filled_before_another_is_begun() {
        let limits = OperationLimits { bytes: 1_000, components: 1_000, attributes: 10 };
        // What the room for a head and for numbers leaves of each part is 976 bytes.
        let text = Operation::builder().insert(&"x".repeat(9_760)).build();
        assert_eq!(parts(&text, limits).len(), 10);
        // Of each insertion 50 bytes for a key and its value, and as much again for numbers.
        let set = Attributes::from_pairs([("k".repeat(20).as_str(), Json::string(&"v".repeat(20)))]);
        let mut formatted = Operation::builder();
        formatted.insert_with(&"x".repeat(9_760 - 10 * 52), &set);
        assert_eq!(parts(&formatted.build(), limits).len(), 10);
        // 24 bytes at most for a retain and a character beside it: 12 each, and 1 for the character.
        let mut scattered = Operation::builder();
        for _ in 0..390 {
            scattered.retain(Utf16Length(1)).insert("x");
        }
        let scattered = scattered.build();
        assert_eq!(parts(&scattered, limits).len(), 10);
        assert_eq!(parts(&scattered, OperationLimits { components: 2, ..limits }).len(), 390);
    }
}
