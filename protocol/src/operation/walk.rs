//! A walk along an operation that can stop inside a component.
//!
//! Two walks that always advance by the same length make compose and transform short loops.

use super::component::Component;
use super::inserted_text::bytes_of_units;
use crate::text::Utf16Length;

/// A place in an operation. Behind its last component it stands on a plain retain
/// without end, which is what an operation means there.
pub(super) struct Walk<'a> {
    components: &'a [Component],
    /// What is left of the first component, in units.
    left: Utf16Length,
    /// What has been passed of it in bytes, if it is text.
    bytes: usize,
}

impl<'a> Walk<'a> {
    pub(super) fn new(components: &'a [Component]) -> Walk<'a> {
        Walk { components, left: first_length(components), bytes: 0 }
    }

    /// The component that the walk stands in; `None` behind the last.
    pub(super) const fn current(&self) -> Option<&'a Component> {
        self.components.first()
    }

    /// Whether nothing of the current component has been passed.
    pub(super) fn is_at_start(&self) -> bool {
        self.left == first_length(self.components)
    }

    /// What is left of the current component.
    pub(super) const fn remaining(&self) -> Utf16Length {
        self.left
    }

    /// Passes `length` units, no more than remain.
    pub(super) fn advance(&mut self, length: Utf16Length) {
        if let Some((_, rest)) = self.components.split_first() {
            self.left.0 -= length.0;
            if self.left.is_zero() {
                *self = Walk::new(rest);
            }
        }
    }

    /// Passes the rest of the current component.
    pub(super) fn skip(&mut self) {
        self.advance(self.remaining());
    }

    /// Passes `length` units of inserted text, no more than remain, and gives them;
    /// `None`, and nothing passed, if that would separate a pair. Linear in the length.
    pub(super) fn take_text(&mut self, length: Utf16Length) -> Option<&'a str> {
        let Some(Component::Insert { text, .. }) = self.current() else {
            return None;
        };
        let rest = text.as_str().get(self.bytes..)?;
        let bytes = if length == self.remaining() {
            rest.len()
        } else if text.is_ascii() {
            length.0 as usize
        } else {
            bytes_of_units(rest, length.0)?
        };
        self.bytes += bytes;
        self.advance(length);
        rest.get(..bytes)
    }
}

/// How long the first component is; behind the last one nothing ends.
fn first_length(components: &[Component]) -> Utf16Length {
    components.first().map_or(Utf16Length(u32::MAX), Component::length)
}
