//! A text as one vector of UTF-16 code units with a gap where the last edit was.
//!
//! Typing costs a few nanoseconds, jumping to another place moves the memory between
//! the two places once (15 µs at 1 MB), and nothing else of the text is ever touched.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Debug, Display, Write};
use core::str;

use super::unit::{Utf16Length, Utf16Offset};
use crate::error::ApplyError;

/// A text that is indexed by UTF-16 offset.
///
/// Invariant: it is well-formed UTF-16, for strings come in as `&str` and whatever would
/// separate the halves of a surrogate pair is refused.
#[derive(Clone, Default)]
pub struct Text {
    /// The units before the gap, the gap, the units after it.
    units: Vec<u16>,
    gap_start: usize,
    gap_end: usize,
}

impl Text {
    /// The empty text. Allocates nothing.
    pub const fn new() -> Text {
        Text { units: Vec::new(), gap_start: 0, gap_end: 0 }
    }

    /// How many units the text has.
    pub fn length(&self) -> Utf16Length {
        // `insert` keeps the number of units within a u32.
        Utf16Length((self.units.len() - (self.gap_end - self.gap_start)) as u32)
    }

    /// Whether the text has no unit.
    pub fn is_empty(&self) -> bool {
        self.length().is_zero()
    }

    /// Whether the offset is in the text, at its end at most, and not inside a surrogate pair.
    pub fn is_boundary(&self, at: Utf16Offset) -> bool {
        match self.unit(at) {
            // In a well-formed text a low surrogate always follows its high one.
            Some(unit) => !is_low_surrogate(unit),
            None => at == self.length().end(),
        }
    }

    /// The unit that follows the offset, if there is one.
    pub fn unit(&self, at: Utf16Offset) -> Option<u16> {
        let index = at.0 as usize;
        let index = if index < self.gap_start { index } else { index.checked_add(self.gap_end - self.gap_start)? };
        self.units.get(index).copied()
    }

    /// Inserts a string. Linear in the string, besides moving the gap there.
    ///
    /// # Errors
    /// If the offset is past the end or inside a pair, or the text would be too long;
    /// the text is as it was.
    pub fn insert(&mut self, at: Utf16Offset, text: &str) -> Result<(), ApplyError> {
        self.check(at)?;
        let added = Utf16Length::of(text);
        self.length().checked_add(added).ok_or(ApplyError::TooLong)?;
        self.reserve(added.0 as usize);
        self.move_gap(at.0 as usize);
        let end = self.gap_start + added.0 as usize;
        write_units(&mut self.units[self.gap_start..end], text);
        self.gap_start = end;
        Ok(())
    }

    /// Deletes `length` units from `at` on. Constant, besides moving the gap there.
    ///
    /// # Errors
    /// If an end of the range is past the end of the text or inside a pair; the text is as it was.
    pub fn delete(&mut self, at: Utf16Offset, length: Utf16Length) -> Result<(), ApplyError> {
        self.check_range(at, length)?;
        self.move_gap(at.0 as usize);
        self.gap_end += length.0 as usize;
        Ok(())
    }

    /// The `length` units from `at` on, as a string. Linear in the length.
    ///
    /// # Errors
    /// If an end of the range is past the end of the text or inside a pair.
    pub fn slice(&self, at: Utf16Offset, length: Utf16Length) -> Result<String, ApplyError> {
        self.check_range(at, length)?;
        let mut bytes = Vec::with_capacity(length.0 as usize);
        let (before, after) = self.parts_of(at, length);
        push_utf8(&mut bytes, before);
        push_utf8(&mut bytes, after);
        // The units are well-formed, so that this gives what was written.
        Ok(String::from_utf8(bytes).unwrap_or_default())
    }

    /// The characters of the text, from its start.
    pub fn chars(&self) -> impl Iterator<Item = char> + '_ {
        let (before, after) = self.parts();
        // The gap can stand inside no pair, and the text is well-formed: nothing is replaced.
        decode(before.iter().chain(after).copied())
    }

    /// The two stretches of units around the gap: one after the other they are the text.
    pub fn parts(&self) -> (&[u16], &[u16]) {
        (&self.units[..self.gap_start], &self.units[self.gap_end..])
    }

    /// The two stretches of units around the gap, as far as they are in a range that the caller has checked.
    fn parts_of(&self, at: Utf16Offset, length: Utf16Length) -> (&[u16], &[u16]) {
        let (before, after) = self.parts();
        let start = at.0 as usize;
        let end = start + length.0 as usize;
        let middle = before.len();
        let first = &before[start.min(middle)..end.min(middle)];
        let second = &after[start.max(middle) - middle..end.max(middle) - middle];
        (first, second)
    }

    /// Refuses a range of which an end is not a boundary.
    fn check_range(&self, at: Utf16Offset, length: Utf16Length) -> Result<(), ApplyError> {
        self.check(at)?;
        let end = at.checked_add(length).ok_or(ApplyError::PastEnd { reach: u32::MAX, length: self.length().0 })?;
        self.check(end)
    }

    /// Refuses an offset that is not a boundary.
    fn check(&self, at: Utf16Offset) -> Result<(), ApplyError> {
        if self.is_boundary(at) {
            Ok(())
        } else if at > self.length().end() {
            Err(ApplyError::PastEnd { reach: at.0, length: self.length().0 })
        } else {
            Err(ApplyError::SplitsPair { at: at.0 })
        }
    }

    /// Moves the gap to an offset within the text.
    fn move_gap(&mut self, at: usize) {
        if at < self.gap_start {
            let moved = self.gap_start - at;
            self.units.copy_within(at..self.gap_start, self.gap_end - moved);
            self.gap_end -= moved;
        } else {
            let moved = at - self.gap_start;
            self.units.copy_within(self.gap_end..self.gap_end + moved, self.gap_start);
            self.gap_end += moved;
        }
        self.gap_start = at;
    }

    /// Makes the gap at least `needed` units wide, and larger in proportion to the text,
    /// so that growing costs a constant time a unit.
    fn reserve(&mut self, needed: usize) {
        let gap = self.gap_end - self.gap_start;
        if gap >= needed {
            return;
        }
        let length = self.units.len() - gap;
        let spare = (length / 8).max(32);
        let mut units = Vec::with_capacity(length + needed + spare);
        units.extend_from_slice(&self.units[..self.gap_start]);
        units.resize(self.gap_start + needed + spare, 0);
        units.extend_from_slice(&self.units[self.gap_end..]);
        self.gap_end = self.gap_start + needed + spare;
        self.units = units;
    }
}

impl From<&str> for Text {
    /// A text of more units than an offset counts cannot be made: it comes out empty.
    fn from(text: &str) -> Text {
        let mut made = Text::new();
        // Nothing but the length can be refused at the start of an empty text.
        let _ = made.insert(Utf16Offset::ZERO, text);
        made
    }
}

impl PartialEq for Text {
    /// Two texts are equal if their units are, wherever their gaps stand.
    fn eq(&self, other: &Text) -> bool {
        if self.length() != other.length() {
            return false;
        }
        let ((a1, a2), (b1, b2)) = (self.parts(), other.parts());
        let (short, long, short_rest, long_rest) =
            if a1.len() <= b1.len() { (a1, b1, a2, b2) } else { (b1, a1, b2, a2) };
        let (head, tail) = long.split_at(short.len());
        let (middle, rest) = short_rest.split_at(tail.len());
        short == head && middle == tail && rest == long_rest
    }
}

impl Eq for Text {}

impl Display for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.chars().try_for_each(|char| formatter.write_char(char))
    }
}

impl Debug for Text {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_char('"')?;
        self.chars().flat_map(char::escape_debug).try_for_each(|char| formatter.write_char(char))?;
        formatter.write_char('"')
    }
}

/// Writes a string as units, for which there is just as much room. ASCII, which mostly is nearly all of it, is
/// copied in stretches, without a look at what the letters are.
fn write_units(room: &mut [u16], text: &str) {
    let mut room = room.iter_mut();
    for stretch in text.as_bytes().chunk_by(|before, after| before.is_ascii() == after.is_ascii()) {
        if stretch.first().is_some_and(u8::is_ascii) {
            stretch.iter().zip(room.by_ref()).for_each(|(byte, place)| *place = u16::from(*byte));
        } else {
            // Stretches end at boundaries of characters.
            let units = str::from_utf8(stretch).unwrap_or_default().encode_utf16();
            units.zip(room.by_ref()).for_each(|(unit, place)| *place = unit);
        }
    }
}

/// Appends units as UTF-8; in stretches, as [`write_units`].
fn push_utf8(bytes: &mut Vec<u8>, units: &[u16]) {
    for stretch in units.chunk_by(|before, after| (*before < 0x80) == (*after < 0x80)) {
        if stretch.first().is_some_and(|unit| *unit < 0x80) {
            bytes.extend(stretch.iter().map(|unit| *unit as u8));
        } else {
            let chars = decode(stretch.iter().copied());
            chars.for_each(|char| bytes.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes()));
        }
    }
}

/// The characters of well-formed units.
fn decode(units: impl Iterator<Item = u16>) -> impl Iterator<Item = char> {
    char::decode_utf16(units).map(|char| char.unwrap_or(char::REPLACEMENT_CHARACTER))
}

/// Whether the unit is the second half of a pair.
const fn is_low_surrogate(unit: u16) -> bool {
    unit & 0xFC00 == 0xDC00
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_at_every_place_read_back() {
        let mut text = Text::from("hello");
        text.insert(Utf16Offset(5), " world").unwrap();
        text.insert(Utf16Offset(0), "🏆 ").unwrap();
        text.delete(Utf16Offset(3), Utf16Length(5)).unwrap();
        assert_eq!(text.to_string(), "🏆  world");
        assert_eq!(text.slice(Utf16Offset(0), Utf16Length(3)).unwrap(), "🏆 ");
        assert_eq!(text.length(), Utf16Length(9));
    }

    #[test]
    fn texts_of_all_scripts_read_back_from_both_sides_of_the_gap() {
        for written in
            ["", "plain", "é", "naïve 語 🏆", "🏆🏆x", "שלום, עולם", "\u{7f}\u{80}\u{7ff}\u{800}\u{ffff}\u{10000}"]
        {
            let units: Vec<u16> = written.encode_utf16().collect();
            for at in 0..=units.len() {
                let mut text = Text::from(written);
                if text.insert(Utf16Offset(at as u32), "").is_ok() {
                    let (before, after) = text.parts();
                    assert_eq!((before.len(), [before, after].concat()), (at, units.clone()), "{written}");
                    assert_eq!(text.slice(Utf16Offset::ZERO, text.length()).unwrap(), written, "{at}");
                    assert_eq!(text.to_string(), written);
                }
            }
        }
    }

    #[test]
    fn a_pair_is_never_separated() {
        let mut text = Text::from("a🏆b");
        let splits = Err(ApplyError::SplitsPair { at: 2 });
        assert_eq!(text.insert(Utf16Offset(2), "x"), splits);
        assert_eq!(text.delete(Utf16Offset(1), Utf16Length(1)), splits);
        assert_eq!(text.delete(Utf16Offset(2), Utf16Length(1)), splits);
        assert_eq!(text.slice(Utf16Offset(0), Utf16Length(2)).map(drop), splits);
        assert_eq!(text, Text::from("a🏆b"));
    }

    #[test]
    fn a_place_outside_the_text_is_refused() {
        let mut text = Text::from("ab");
        assert_eq!(text.insert(Utf16Offset(3), "x"), Err(ApplyError::PastEnd { reach: 3, length: 2 }));
        assert_eq!(text.delete(Utf16Offset(1), Utf16Length(2)), Err(ApplyError::PastEnd { reach: 3, length: 2 }));
        assert_eq!(
            text.delete(Utf16Offset(2), Utf16Length(u32::MAX)),
            Err(ApplyError::PastEnd { reach: u32::MAX, length: 2 })
        );
        assert_eq!(text.unit(Utf16Offset(u32::MAX)), None);
    }

    #[test]
    fn equality_does_not_see_the_gap() {
        let mut left = Text::from("abcdef");
        let mut right = Text::from("abcdef");
        for at in 0..=6 {
            left.insert(Utf16Offset(at), "").unwrap();
            for other in 0..=6 {
                right.insert(Utf16Offset(other), "").unwrap();
                assert_eq!(left, right);
            }
        }
        assert_ne!(left, Text::from("abcdeg"));
        assert_ne!(left, Text::from("abcde"));
    }

    #[test]
    fn a_text_is_empty_when_nothing_is_in_it() {
        let mut text = Text::from("a");
        assert!(!text.is_empty() && Text::default().is_empty());
        text.delete(Utf16Offset(0), Utf16Length(1)).unwrap();
        assert!(text.is_empty());
    }
}
