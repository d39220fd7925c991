//! Offsets and lengths in UTF-16 code units, as every editor in a browser counts.

use serde::{Deserialize, Serialize};

/// A boundary between two UTF-16 code units of a text: 0 is its start, its length is its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Utf16Offset(pub u32);

impl Utf16Offset {
    /// The start of every text.
    pub const ZERO: Utf16Offset = Utf16Offset(0);

    /// The offset that lies `length` further, unless no offset can count it.
    pub const fn checked_add(self, length: Utf16Length) -> Option<Utf16Offset> {
        match self.0.checked_add(length.0) {
            Some(sum) => Some(Utf16Offset(sum)),
            None => None,
        }
    }

    /// The offset that lies `length` before, unless the text starts after it.
    pub const fn checked_sub(self, length: Utf16Length) -> Option<Utf16Offset> {
        match self.0.checked_sub(length.0) {
            Some(difference) => Some(Utf16Offset(difference)),
            None => None,
        }
    }

    /// How far this offset lies behind `earlier`; `None` if it lies before it.
    pub const fn since(self, earlier: Utf16Offset) -> Option<Utf16Length> {
        match self.0.checked_sub(earlier.0) {
            Some(difference) => Some(Utf16Length(difference)),
            None => None,
        }
    }
}

/// A number of UTF-16 code units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Utf16Length(pub u32);

impl Utf16Length {
    /// No unit at all.
    pub const ZERO: Utf16Length = Utf16Length(0);

    /// How many units the string has in UTF-16. Linear in the string.
    /// A string of more units than a `u32` counts is given as `u32::MAX`.
    pub fn of(text: &str) -> Utf16Length {
        // Every code point starts with one byte that is no continuation, and those
        // that need a pair of units are the ones that start with 0xF0 or above.
        let units = |byte: u8| usize::from(byte & 0xC0 != 0x80) + usize::from(byte >= 0xF0);
        let length = if text.is_ascii() { text.len() } else { text.bytes().map(units).sum() };
        Utf16Length(u32::try_from(length).unwrap_or(u32::MAX))
    }

    /// The sum, unless no length can count it.
    pub const fn checked_add(self, other: Utf16Length) -> Option<Utf16Length> {
        match self.0.checked_add(other.0) {
            Some(sum) => Some(Utf16Length(sum)),
            None => None,
        }
    }

    /// The difference, unless it is below zero.
    pub const fn checked_sub(self, other: Utf16Length) -> Option<Utf16Length> {
        match self.0.checked_sub(other.0) {
            Some(difference) => Some(Utf16Length(difference)),
            None => None,
        }
    }

    /// Whether there is no unit.
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The offset of the end of a text of this length.
    pub const fn end(self) -> Utf16Offset {
        Utf16Offset(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_counts_units_and_not_bytes_or_characters() {
        for text in ["", "a", "é", "語", "🏆", "a\u{301}b", "שלום", "x🌀y🏆"] {
            assert_eq!(Utf16Length::of(text).0 as usize, text.encode_utf16().count(), "{text}");
        }
    }

    #[test]
    fn arithmetic_is_checked() {
        let (two, five) = (Utf16Length(2), Utf16Length(5));
        assert_eq!(Utf16Offset(5).checked_sub(two), Some(Utf16Offset(3)));
        assert_eq!(Utf16Offset(1).checked_sub(two), None);
        assert_eq!(Utf16Offset(u32::MAX).checked_add(two), None);
        assert_eq!(Utf16Offset(7).since(Utf16Offset(2)), Some(five));
        assert_eq!(two.checked_sub(five), None);
        assert_eq!(Utf16Length(u32::MAX).checked_add(two), None);
    }
}
