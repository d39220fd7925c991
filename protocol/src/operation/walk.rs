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
    /// What has been passed of the first component, in units and, for text, in bytes.
    units: u32,
    bytes: usize,
}

impl<'a> Walk<'a> {
    pub(super) const fn new(components: &'a [Component]) -> Walk<'a> {
        Walk { components, units: 0, bytes: 0 }
    }

    /// The component that the walk stands in; `None` behind the last.
    pub(super) const fn current(&self) -> Option<&'a Component> {
        self.components.first()
    }

    /// Whether nothing of the current component has been passed.
    pub(super) const fn is_at_start(&self) -> bool {
        self.units == 0
    }

    /// What is left of the current component.
    pub(super) fn remaining(&self) -> Utf16Length {
        Utf16Length(self.current().map_or(u32::MAX, |component| component.length().0 - self.units))
    }

    /// Passes `length` units, no more than remain.
    pub(super) fn advance(&mut self, length: Utf16Length) {
        if let Some((component, rest)) = self.components.split_first() {
            self.units += length.0;
            if self.units == component.length().0 {
                (self.components, self.units, self.bytes) = (rest, 0, 0);
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
