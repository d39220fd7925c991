//! Finds what two sequences have in common: Myers' greedy algorithm on words, with bounds.
//!
//! A search that has met many differences settles for the best place it has reached, and starts anew
//! from there; what is left when its steps are used up counts as replaced. The work is linear in the
//! input plus a constant. What is compared comes by reference, so that the search is compiled once:
//! the browser loads it.

use alloc::vec;
use alloc::vec::Vec;

/// The most differences that are looked through at once.
const MOST_DIFFERENCES: usize = 256;
/// The steps that a search may take beyond one for each element.
const EXTRA_STEPS: usize = 1 << 19;

/// A stretch that is in both sequences.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Match {
    /// Where it starts in the first.
    pub(super) from: usize,
    /// Where it starts in the second.
    pub(super) to: usize,
    /// How many elements it has.
    pub(super) length: usize,
}

/// The stretches that two sequences of symbols have in common, in order: whole words, and what is left
/// of a word to which something was added, or from which something was taken away, at one place.
///
/// The letters that two different words happen to share are no match: a place beside a word stays
/// beside one when it is carried over the difference, and work on a word that is still there is work
/// on that word.
pub(super) fn matches(from: &[u32], to: &[u32]) -> Vec<Match> {
    let (old, new) = (words(from), words(to));
    let equal = |a: usize, b: usize| {
        let (a, b): (&Word, &Word) = (&old[a], &new[b]);
        a.hash == b.hash && from[a.start..a.end] == to[b.start..b.end]
    };
    let shorter = old.len().min(new.len());
    let start = (0..shorter).take_while(|&at| equal(at, at)).count();
    let end = (1..=shorter - start).take_while(|&back| equal(old.len() - back, new.len() - back)).count();
    let (n, m) = (old.len() - start - end, new.len() - start - end);
    let mut steps = EXTRA_STEPS + n + m;
    let between = greedy(n, m, &|a, b| equal(start + a, start + b), &mut steps);
    let between = between.into_iter().map(|found| Match { from: start + found.from, to: start + found.to, ..found });
    let ends = |from, to, length| Match { from, to, length };
    let all = [ends(0, 0, start)].into_iter().chain(between).chain([ends(old.len() - end, new.len() - end, end)]);
    let mut found = Vec::new();
    let (mut x, mut y) = (0, 0);
    for words in all.filter(|words| words.length > 0 || words.from == old.len()) {
        if let ([a], [b]) = (&old[x..words.from], &new[y..words.to]) {
            found.extend(within(from, a, to, b));
        }
        (x, y) = (words.from + words.length, words.to + words.length);
        if let (Some(first), Some(last), Some(other)) = (old.get(words.from), old[..x].last(), new.get(words.to))
            && words.length > 0
        {
            found.push(Match { from: first.start, to: other.start, length: last.end - first.start });
        }
    }
    found
}

/// What is left of a word in another, if one is the other with something more at one place.
fn within(from: &[u32], a: &Word, to: &[u32], b: &Word) -> impl Iterator<Item = Match> {
    let (old, new) = (&from[a.start..a.end], &to[b.start..b.end]);
    let start = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let end = old[start..].iter().rev().zip(new[start..].iter().rev()).take_while(|(a, b)| a == b).count();
    let parts = [
        Match { from: a.start, to: b.start, length: start },
        Match { from: a.end - end, to: b.end - end, length: end },
    ];
    let one_place = start + end == old.len().min(new.len());
    parts.into_iter().filter(move |part| one_place && part.length > 0)
}

/// A word, a space, or any symbol that stands for itself.
struct Word {
    start: usize,
    end: usize,
    hash: u64,
}

fn words(symbols: &[u32]) -> Vec<Word> {
    let mut words = Vec::new();
    let (mut start, mut hash) = (0, 0u64);
    for (index, symbol) in symbols.iter().enumerate() {
        hash = (hash.rotate_left(5) ^ u64::from(*symbol)).wrapping_mul(0x517c_c1b7_2722_0a95);
        if symbols.get(index + 1).is_none_or(|next| is_edge(*symbol, *next)) {
            words.push(Word { start, end: index + 1, hash });
            (start, hash) = (index + 1, 0);
        }
    }
    words
}

/// The words of a text, each with its hash.
pub(super) fn words_of(text: &str) -> impl Iterator<Item = (&str, u64)> {
    let symbols: Vec<u32> = text.chars().map(u32::from).collect();
    let mut rest = text.chars();
    words(&symbols).into_iter().map(move |word| {
        let from = rest.as_str();
        (word.start..word.end).for_each(|_| {
            rest.next();
        });
        (&from[..from.len() - rest.as_str().len()], word.hash)
    })
}

/// Whether a word ends between these two.
fn is_edge(before: u32, after: u32) -> bool {
    // Spaces, characters of scripts that have no spaces between words, and embeds.
    let apart = |symbol| symbol <= 0x20 || symbol == 0xA0 || symbol >= 0x2E80;
    let opening = |symbol| matches!(char::from_u32(symbol), Some('(' | '[' | '{' | '<' | '⟨' | '«' | '“' | '‘'));
    let closing = |symbol| matches!(char::from_u32(symbol), Some(')' | ']' | '}' | '>' | '⟩' | '»' | '”' | '’'));
    apart(before) || apart(after) || closing(before) || opening(after)
}

/// Myers' greedy algorithm, round after round. What its steps do not suffice for matches nothing.
fn greedy(n: usize, m: usize, equal: &dyn Fn(usize, usize) -> bool, steps: &mut usize) -> Vec<Match> {
    let mut found = Vec::new();
    let (mut from, mut to) = (0, 0);
    while from < n && to < m {
        let Some((matches, x, y)) = round(n - from, m - to, &|x, y| equal(from + x, to + y), steps) else {
            return found;
        };
        found.extend(matches.into_iter().map(|new| Match { from: from + new.from, to: to + new.to, ..new }));
        (from, to) = (from + x, to + y);
    }
    found
}

/// Goes through the fewest differences first, to the end or to [`MOST_DIFFERENCES`], and
/// gives the matches on the way to the furthest place reached, and that place. `None` if
/// the steps are used up.
fn round(
    n: usize,
    m: usize,
    equal: &dyn Fn(usize, usize) -> bool,
    steps: &mut usize,
) -> Option<(Vec<Match>, usize, usize)> {
    let most = MOST_DIFFERENCES.min(n + m);
    // `furthest[k + most + 1]` is the furthest x on diagonal k = x − y; `trace` holds, for
    // each number of differences d, these for k = −d, −d + 2, … d.
    let mut furthest = vec![0usize; 2 * most + 3];
    let mut trace: Vec<u32> = Vec::new();
    for d in 0..=most {
        for index in 0..=d {
            // k + most + 1, with k = 2 · index − d.
            let slot = 2 * index + most + 1 - d;
            let down = index == 0 || (index < d && furthest[slot - 1] < furthest[slot + 1]);
            let mut x = match d {
                0 => 0,
                _ if down => furthest[slot + 1],
                _ => furthest[slot - 1] + 1,
            };
            let mut y = x + d - 2 * index;
            let start = x;
            while x < n && y < m && equal(x, y) {
                (x, y) = (x + 1, y + 1);
            }
            *steps = steps.checked_sub(1 + x - start)?;
            furthest[slot] = x;
            trace.push(x as u32);
            if x >= n && y >= m {
                return Some((retrace(n, index, d, &trace), n, m));
            }
        }
    }
    let reached = (0..=most).map(|index| {
        let x = trace[most * (most + 1) / 2 + index] as usize;
        (x, x + most - 2 * index, index)
    });
    let (x, y, index) = reached.filter(|(x, y, _)| *x <= n && *y <= m).max_by_key(|(x, y, _)| x + y)?;
    Some((retrace(x, index, most, &trace), x, y))
}

/// Goes back from `x` on the diagonal 2 · `index` − `differences` along the furthest
/// places, and gives the matches in order.
fn retrace(mut x: usize, mut index: usize, differences: usize, trace: &[u32]) -> Vec<Match> {
    // The furthest x with `d` differences on diagonal 2 · index − d.
    let furthest = |d: usize, index: usize| trace[d * (d + 1) / 2 + index] as usize;
    let mut found = Vec::new();
    for d in (0..=differences).rev() {
        // In the step before, index − 1 is the diagonal below and index the one above.
        let down = index == 0 || (index < d && furthest(d - 1, index - 1) < furthest(d - 1, index));
        let (start, before) = match d {
            0 => (0, 0),
            _ if down => (furthest(d - 1, index), index),
            _ => (furthest(d - 1, index - 1) + 1, index - 1),
        };
        if x > start {
            found.push(Match { from: start, to: start + d - 2 * index, length: x - start });
        }
        x = if d == 0 || down { start } else { start - 1 };
        index = before;
    }
    found.reverse();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn symbols(text: &str) -> Vec<u32> {
        text.chars().map(u32::from).collect()
    }

    /// Checks that the matches are in order and true, and gives how much they cover.
    fn covered(from: &[u32], to: &[u32]) -> usize {
        let (mut x, mut y, mut sum) = (0, 0, 0);
        for found in matches(from, to) {
            assert!(found.from >= x && found.to >= y && found.length > 0);
            (x, y) = (found.from + found.length, found.to + found.length);
            assert_eq!(from[found.from..x], to[found.to..y]);
            sum += found.length;
        }
        sum
    }

    /// The difference: what is kept as it is, what goes as `-…-`, what comes as `+…+`.
    fn difference(from: &str, to: &str) -> String {
        let (from, to) = (symbols(from), symbols(to));
        let text = |symbols: &[u32]| symbols.iter().filter_map(|symbol| char::from_u32(*symbol)).collect::<String>();
        let (mut x, mut y, mut shown) = (0, 0, String::new());
        let end = Match { from: from.len(), to: to.len(), length: 0 };
        for found in matches(&from, &to).into_iter().chain([end]) {
            for (sign, part) in [("-", &from[x..found.from]), ("+", &to[y..found.to])] {
                if !part.is_empty() {
                    shown.extend([sign, &text(part), sign]);
                }
            }
            (x, y) = (found.from + found.length, found.to + found.length);
            assert_eq!(from[found.from..x], to[found.to..y]);
            shown.push_str(&text(&from[found.from..x]));
        }
        assert_eq!((x, y), (from.len(), to.len()));
        shown
    }

    #[test]
    fn words_stay_or_go_as_a_whole() {
        for (from, to, shown) in [
            ("", "", ""),
            ("", "new", "+new+"),
            ("old", "", "-old-"),
            ("the cat sat", "the cat sat", "the cat sat"),
            ("the cat sat", "the dog sat", "the -cat-+dog+ sat"),
            ("a b", "a x b", "a +x +b"),
            ("one two", "one one two", "one +one +two"),
            ("two two three", "two three", "two -two -three"),
            ("walking", "talking", "-walking-+talking+"),
            ("⟨c1-5⟩⟨c2-6⟩", "⟨c1-7⟩⟨c2-9⟩", "-⟨c1-5⟩⟨c2-6⟩-+⟨c1-7⟩⟨c2-9⟩+"),
            ("⟨c1-5⟩⟨c2-6⟩", "⟨c1-5⟩⟨c1-6⟩⟨c2-6⟩", "⟨c1-5⟩+⟨c1-6⟩+⟨c2-6⟩"),
            ("⟨a1⟩⟨b2⟩⟨c3⟩", "⟨d1⟩⟨b2⟩⟨e3⟩⟨f2⟩", "-⟨a1⟩-+⟨d1⟩+⟨b2⟩-⟨c3⟩-+⟨e3⟩⟨f2⟩+"),
            ("abc\ndef", "abc\nxyz\ndef", "abc\n+xyz\n+def"),
            ("x(a)y", "x(b)y", "x-(a)-+(b)+y"),
            ("日本語", "日本話", "日本-語-+話+"),
        ] {
            assert_eq!(difference(from, to), shown, "{from} → {to}");
        }
    }

    #[test]
    fn a_word_that_has_grown_or_shrunk_at_one_place_stays() {
        for (from, to, shown) in [
            ("the cat sat", "the cart sat", "the ca+r+t sat"),
            ("the cart sat", "the cat sat", "the ca-r-t sat"),
            ("abc", "abcX", "abc+X+"),
            ("abc", "Xabc", "+X+abc"),
            ("kitten", "sitting", "-kitten-+sitting+"),
            ("aaaa", "aa", "aa-aa-"),
        ] {
            assert_eq!(difference(from, to), shown, "{from} → {to}");
        }
    }

    #[test]
    fn many_scattered_changes_leave_the_rest_in_place() {
        let lines: Vec<String> = (0..6_000).map(|line| format!("line {line} of the text\n")).collect();
        let changed: Vec<String> = lines
            .iter()
            .enumerate()
            .map(|(index, line)| if index % 4 == 0 { line.replace("of", "XYZ") } else { line.clone() })
            .collect();
        let (from, to) = (symbols(&lines.concat()), symbols(&changed.concat()));
        assert!(covered(&from, &to) > from.len() * 9 / 10);
    }
}
