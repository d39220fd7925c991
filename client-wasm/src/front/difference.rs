//! What a user did to a text, found by comparing.

use core::ops::Range;

use cowrite_protocol::{Operation, Utf16Length};

/// A piece of a text that another takes the place of; offsets are UTF-16 code units.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Replacement {
    pub(super) range: Range<usize>,
    pub(super) insert: Range<usize>,
}

/// The replacement that made `after` out of `before`: what it takes away, and where in `after`
/// that stands which it put there. `None` if they are equal.
///
/// What stands behind the caret, an offset in `after`, is taken as untouched if it can be, so
/// that a letter typed among equal ones is found where it was typed. Never splits a surrogate
/// pair. Linear.
pub(super) fn difference(before: &[u16], after: &[u16], caret: usize) -> Option<Replacement> {
    if before == after {
        return None;
    }
    let shorter = before.len().min(after.len());
    let behind = common_end(before, after, shorter.min(after.len().saturating_sub(caret)));
    let mut start = common_start(before, after, shorter - behind);
    // Not everything changes at the caret: an undo, or a program.
    let mut end = common_end(before, after, shorter - start);
    if splits_pair(before, start) || splits_pair(after, start) {
        start -= 1;
    }
    if splits_pair(before, before.len() - end) || splits_pair(after, after.len() - end) {
        end -= 1;
    }
    Some(Replacement { range: start..before.len() - end, insert: start..after.len() - end })
}

/// The edit that deletes the range and puts the text in its place.
pub(super) fn replacement(range: Range<u32>, text: &str) -> Operation {
    let mut edit = Operation::builder();
    edit.retain(Utf16Length(range.start)).insert(text);
    edit.delete(Utf16Length(range.end.saturating_sub(range.start))).build()
}

fn common_start(one: &[u16], other: &[u16], most: usize) -> usize {
    one.iter().zip(other).take(most).take_while(|(one, other)| one == other).count()
}

fn common_end(one: &[u16], other: &[u16], most: usize) -> usize {
    one.iter().rev().zip(other.iter().rev()).take(most).take_while(|(one, other)| one == other).count()
}

fn splits_pair(text: &[u16], at: usize) -> bool {
    let unit = |at: usize| text.get(at).copied().unwrap_or_default();
    at > 0 && unit(at - 1) & 0xFC00 == 0xD800 && unit(at) & 0xFC00 == 0xDC00
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &str, after: &str, caret: usize, expected: Option<(Range<usize>, &str)>) {
        let (before, after): (Vec<u16>, Vec<u16>) = (before.encode_utf16().collect(), after.encode_utf16().collect());
        let found = difference(&before, &after, caret);
        let found = found.map(|found| (found.range, String::from_utf16(&after[found.insert]).unwrap()));
        assert_eq!(found, expected.map(|(range, insert)| (range, insert.to_owned())));
    }

    #[test]
    fn a_letter_among_equal_ones_is_found_at_the_caret() {
        check("aaaa", "aaaaa", 2, Some((1..1, "a")));
        check("aaaa", "aaaaa", 5, Some((4..4, "a")));
        check("aaaa", "aaa", 1, Some((1..2, "")));
        check("abc", "abc", 1, None);
        check("abc", "xbc", 3, Some((0..1, "x")));
    }

    #[test]
    fn pairs_of_surrogates_stay_whole() {
        // 😀 and 😁 share their first unit, 😀 and 🐀 their last.
        check("a😀b", "a😁b", 3, Some((1..3, "😁")));
        check("a😀b", "a🐀b", 3, Some((1..3, "🐀")));
        check("😀", "😀😀", 2, Some((0..0, "😀")));
    }
}
