//! Finds what two sequences have in common: Myers' greedy algorithm, with bounds.
//!
//! A search that has met many differences settles for the best place it has reached, and
//! starts anew from there. Where two texts differ too much even so, it runs on words
//! instead of characters, and then on the characters between the words that match; what
//! is left when its steps are used up counts as replaced. The work is linear in the input
//! plus a constant. What is compared comes by reference, so that the search is compiled
//! once: the browser loads it.

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

/// The stretches that two sequences of symbols have in common, in order.
pub(super) fn matches(from: &[u32], to: &[u32]) -> Vec<Match> {
    let mut search = Search { steps: EXTRA_STEPS + from.len() + to.len(), found: Vec::new() };
    search.run((from, 0), (to, 0), &|from, to, _| matches_of_words(from, to));
    search.found
}

/// Finds words that match, and then symbols between them.
fn matches_of_words(from: &[u32], to: &[u32]) -> Vec<Match> {
    let (from_words, to_words) = (words(from), words(to));
    let equal = |a: usize, b: usize| {
        let (a, b): (&Word, &Word) = (&from_words[a], &to_words[b]);
        a.hash == b.hash && from[a.start..a.end] == to[b.start..b.end]
    };
    let mut steps = EXTRA_STEPS + from_words.len() + to_words.len();
    let (common, _) = greedy(from_words.len(), to_words.len(), &equal, &mut steps);
    let mut search = Search { steps: EXTRA_STEPS + from.len() + to.len(), found: Vec::new() };
    let (mut from_at, mut to_at) = (0, 0);
    for stretch in common {
        let start = Match {
            from: from_words[stretch.from].start,
            to: to_words[stretch.to].start,
            length: from_words[stretch.from + stretch.length - 1].end - from_words[stretch.from].start,
        };
        search.run((&from[from_at..start.from], from_at), (&to[to_at..start.to], to_at), &|_, _, found| found);
        search.found.push(start);
        (from_at, to_at) = (start.from + start.length, start.to + start.length);
    }
    search.run((&from[from_at..], from_at), (&to[to_at..], to_at), &|_, _, found| found);
    search.found
}

/// What was found so far, and the steps that may still be taken.
struct Search {
    steps: usize,
    found: Vec<Match>,
}

impl Search {
    /// Appends the matches of two stretches, each given with the place where it starts:
    /// their common ends, and what the greedy algorithm finds between. If its steps do
    /// not suffice, `give_up` makes something of the stretches and what was found.
    fn run(
        &mut self,
        (from, from_at): (&[u32], usize),
        (to, to_at): (&[u32], usize),
        give_up: &dyn Fn(&[u32], &[u32], Vec<Match>) -> Vec<Match>,
    ) {
        let start = from.iter().zip(to).take_while(|(a, b)| a == b).count();
        let (a, b) = (&from[start..], &to[start..]);
        let end = a.iter().rev().zip(b.iter().rev()).take_while(|(a, b)| a == b).count();
        let (a, b) = (&a[..a.len() - end], &b[..b.len() - end]);
        let (found, complete) = greedy(a.len(), b.len(), &|x, y| a[x] == b[y], &mut self.steps);
        let between = if complete { found } else { give_up(a, b, found) };
        let shifted =
            between.into_iter().map(|found| Match { from: start + found.from, to: start + found.to, ..found });
        let ends = |at_from, at_to, length| Match { from: at_from, to: at_to, length };
        let all = [ends(0, 0, start)].into_iter().chain(shifted).chain([ends(from.len() - end, to.len() - end, end)]);
        let placed = all.map(|found| Match { from: from_at + found.from, to: to_at + found.to, ..found });
        self.found.extend(placed.filter(|found| found.length > 0));
    }
}

/// A stretch of symbols up to and with the space behind it.
struct Word {
    start: usize,
    end: usize,
    hash: u64,
}

fn words(symbols: &[u32]) -> Vec<Word> {
    // The space, the line end, and the ideographic comma and full stop.
    let is_space = |symbol: u32| matches!(symbol, 0x20 | 0x0A | 0x3001 | 0x3002 | 0xFF0C);
    let mut words = Vec::new();
    let (mut start, mut hash) = (0, 0u64);
    for (index, symbol) in symbols.iter().enumerate() {
        hash = (hash.rotate_left(5) ^ u64::from(*symbol)).wrapping_mul(0x517c_c1b7_2722_0a95);
        let next = symbols.get(index + 1);
        if next.is_none_or(|next| is_space(*symbol) && !is_space(*next)) {
            words.push(Word { start, end: index + 1, hash });
            (start, hash) = (index + 1, 0);
        }
    }
    words
}

/// Myers' greedy algorithm, round after round. False if its steps were used up before the end.
fn greedy(n: usize, m: usize, equal: &dyn Fn(usize, usize) -> bool, steps: &mut usize) -> (Vec<Match>, bool) {
    let mut found = Vec::new();
    let (mut from, mut to) = (0, 0);
    while from < n && to < m {
        let Some((matches, x, y)) = round(n - from, m - to, &|x, y| equal(from + x, to + y), steps) else {
            return (found, false);
        };
        found.extend(matches.into_iter().map(|new| Match { from: from + new.from, to: to + new.to, ..new }));
        (from, to) = (from + x, to + y);
    }
    (found, true)
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

    #[test]
    fn the_longest_common_part_is_found() {
        for (from, to, length) in [
            ("", "", 0),
            ("", "abc", 0),
            ("abc", "abc", 3),
            ("abcabba", "cbabac", 4),
            ("kitten", "sitting", 4),
            ("abc", "xyz", 0),
            ("aXbXc", "abc", 3),
            ("abc", "aXbXc", 3),
            ("aaaa", "aa", 2),
        ] {
            assert_eq!(covered(&symbols(from), &symbols(to)), length, "{from} {to}");
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
