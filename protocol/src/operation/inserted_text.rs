//! The text of an insertion, with its length in UTF-16 code units.

use alloc::borrow::ToOwned;
use alloc::string::String;

use crate::text::Utf16Length;

/// A string that knows its length in UTF-16 code units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InsertText {
    text: String,
    length: Utf16Length,
}

impl InsertText {
    /// Takes a string whose length the caller knows.
    pub(super) const fn with_length(text: String, length: Utf16Length) -> InsertText {
        InsertText { text, length }
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// How many UTF-16 code units it has.
    pub const fn length(&self) -> Utf16Length {
        self.length
    }

    /// Whether there is no text.
    pub const fn is_empty(&self) -> bool {
        self.length.is_zero()
    }

    /// Whether every character is one byte and one unit.
    pub(super) const fn is_ascii(&self) -> bool {
        self.text.len() == self.length.0 as usize
    }

    /// Appends text of a known length. Amortised: linear in what is added.
    pub(super) fn append(&mut self, text: &str, length: Utf16Length) {
        self.text.push_str(text);
        self.length = Utf16Length(self.length.0.saturating_add(length.0));
    }
}

impl From<String> for InsertText {
    fn from(text: String) -> InsertText {
        let length = Utf16Length::of(&text);
        InsertText { text, length }
    }
}

impl From<&str> for InsertText {
    fn from(text: &str) -> InsertText {
        InsertText::from(text.to_owned())
    }
}

/// The bytes that the first `units` units of the string take; `None` if the string is
/// shorter, or a pair would be separated. Linear in `units`.
pub(super) fn bytes_of_units(text: &str, units: u32) -> Option<usize> {
    let mut left = units as usize;
    let mut bytes = 0;
    for char in text.chars() {
        if left == 0 {
            break;
        }
        left = left.checked_sub(char.len_utf16())?;
        bytes += char.len_utf8();
    }
    (left == 0).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_become_bytes_and_pairs_stay_whole() {
        let text = "aé🏆b";
        assert_eq!(bytes_of_units(text, 0), Some(0));
        assert_eq!(bytes_of_units(text, 2), Some(3));
        assert_eq!(bytes_of_units(text, 3), None);
        assert_eq!(bytes_of_units(text, 4), Some(7));
        assert_eq!(bytes_of_units(text, 5), Some(8));
        assert_eq!(bytes_of_units(text, 6), None);
        assert!(!InsertText::from(text).is_ascii());
        assert!(InsertText::from("ab").is_ascii());
    }
}
