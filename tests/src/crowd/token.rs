//! What each insertion leaves in the text: a word that is nobody else's.

use std::collections::BTreeMap;

use cowrite_protocol::Utf16Offset;
use cowrite_protocol::operation::Document;

/// Opens a token. Nothing else that is typed holds it, and tokens are only inserted between
/// tokens, so they are never torn.
const OPEN: char = '⟨';
const CLOSE: char = '⟩';

/// Glyphs are the characters for private use from here on: so many for each person.
const GLYPHS: std::ops::RangeInclusive<char> = '\u{f0000}'..='\u{10ffff}';
const GLYPHS_EACH: u64 = 1 << 11;

/// The token of this person's insertion of this number.
pub(super) fn token(person: usize, number: u64) -> String {
    format!("{OPEN}c{person}-{number}{CLOSE}")
}

/// A token that is one character: for texts that are carried over each other by difference, which
/// may end up between any two characters.
///
/// # Panics
/// Beyond 64 people with 2,047 tokens each.
pub(super) fn glyph(person: usize, number: u64) -> String {
    assert!(number < GLYPHS_EACH, "person {person} has no glyph left");
    let glyph = u64::from(u32::from(*GLYPHS.start())) + person as u64 * GLYPHS_EACH + number;
    let glyph = u32::try_from(glyph).ok().and_then(char::from_u32);
    glyph.expect("there are as many for 64 people").to_string()
}

/// The first place between tokens that is not before `at`.
pub(super) fn between(document: &Document, at: u32) -> Utf16Offset {
    let text = document.text();
    let length = text.length().0;
    let mut at = at.min(length);
    let begins = |unit: u16| u32::from(unit) == u32::from(OPEN) || (0xd800..0xdc00).contains(&unit);
    while at < length && !text.unit(Utf16Offset(at)).is_some_and(begins) {
        at += 1;
    }
    Utf16Offset(at)
}

/// Where a token begins.
pub(super) fn find(document: &Document, token: &str) -> Option<Utf16Offset> {
    let text = document.text().to_string();
    let bytes = text.find(token)?;
    let units = text[..bytes].encode_utf16().count();
    Some(Utf16Offset(u32::try_from(units).ok()?))
}

/// How often each token is in the text; and what is there that is no token.
pub(super) fn count(text: &str) -> (BTreeMap<&str, u32>, Vec<&str>) {
    let mut counts = BTreeMap::new();
    let mut strays = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(|found| found == OPEN || GLYPHS.contains(&found)) {
        let (before, tail) = rest.split_at(start);
        if !before.is_empty() {
            strays.push(before);
        }
        if !tail.starts_with(OPEN) {
            let (glyph, after) = tail.split_at(GLYPHS.start().len_utf8());
            *counts.entry(glyph).or_default() += 1;
            rest = after;
            continue;
        }
        let body = &tail[OPEN.len_utf8()..];
        let end = body.find([OPEN, CLOSE]).filter(|&end| body[end..].starts_with(CLOSE));
        let Some(end) = end else {
            // A torn one: its next part begins where another token does, if one does.
            let torn = body.find(OPEN).map_or(tail.len(), |next| next + OPEN.len_utf8());
            strays.push(&tail[..torn]);
            rest = &tail[torn..];
            continue;
        };
        let (token, after) = tail.split_at(OPEN.len_utf8() + end + CLOSE.len_utf8());
        *counts.entry(token).or_default() += 1;
        rest = after;
    }
    if !rest.is_empty() {
        strays.push(rest);
    }
    (counts, strays)
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::Utf16Offset;
    use cowrite_protocol::operation::Document;

    use super::{between, count, find, glyph, token};

    #[test]
    fn tokens_are_counted_and_what_is_torn_is_seen() {
        let (counts, strays) = count("⟨c1-2⟩⟨c1-3⟩⟨c1-2⟩");
        assert_eq!((counts["⟨c1-2⟩"], counts["⟨c1-3⟩"], counts.len()), (2, 1, 2));
        assert!(strays.is_empty());
        let (counts, strays) = count("a⟨c1-⟨c2-1⟩2⟩b");
        assert_eq!(counts.len(), 1);
        assert_eq!(strays, ["a", "⟨c1-", "2⟩b"]);
        assert_eq!(count("⟨c1").1, ["⟨c1"]);
    }

    #[test]
    fn glyphs_are_tokens_too() {
        let (one, other) = (glyph(0, 1), glyph(63, 2_047));
        let text = format!("{one}⟨c1-2⟩{other}x{one}");
        let (counts, strays) = count(&text);
        assert_eq!((counts[&one[..]], counts[&other[..]], counts["⟨c1-2⟩"], counts.len()), (2, 1, 1, 3));
        assert_eq!(strays, ["x"]);
        assert_eq!([0, 1, 2].map(|at| between(&Document::from(&text[..]), at).0), [0, 2, 2]);
    }

    #[test]
    fn places_are_between_tokens() {
        let document = Document::from("⟨c1-2⟩⟨c1-3⟩");
        let places: Vec<u32> = [0, 1, 5, 6, 7, 12, 13].map(|at| between(&document, at).0).into();
        assert_eq!(places, [0, 6, 6, 6, 12, 12, 12]);
        assert_eq!(find(&document, &token(1, 3)), Some(Utf16Offset(6)));
        assert_eq!(find(&document, &token(1, 4)), None);
    }
}
