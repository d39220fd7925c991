//! The attributes and embeds of a document, as runs around the place of the last edit.
//!
//! Runs before that place lie in one stack, those behind it in another, so that an edit
//! near the last one touches a few runs, however many there are.

use alloc::vec::Vec;

use super::attributes::{Attributes, Nulls};
use super::json::Json;
use crate::text::{Utf16Length, Utf16Offset};

/// A stretch of units with one set of attributes, or one embed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Run {
    /// How many units.
    pub length: Utf16Length,
    /// The attributes of all of them.
    pub attributes: Attributes,
    /// The value, if the run is an embed; it is one unit long then.
    pub embed: Option<Json>,
}

impl Run {
    /// Whether two runs beside each other are one.
    pub(super) fn joins(&self, other: &Run) -> bool {
        self.embed.is_none() && other.embed.is_none() && self.attributes == other.attributes
    }

    /// A run like this one, with another length.
    pub(super) fn with_length(&self, length: u32) -> Run {
        Run { length: Utf16Length(length), attributes: self.attributes.clone(), embed: self.embed.clone() }
    }
}

/// All runs of a document. Neighbours in one stack never join; the two runs at the place
/// between the stacks may.
#[derive(Clone, Debug, Default)]
pub(super) struct Runs {
    before: Vec<Run>,
    /// The nearest run is the last.
    after: Vec<Run>,
    /// The units that `before` holds.
    place: u32,
}

impl Runs {
    /// Moves the place to an offset within the document. Linear in the runs between.
    pub(super) fn seek(&mut self, to: Utf16Offset) {
        while self.place > to.0
            && let Some(run) = self.before.pop()
        {
            let (length, surplus) = (run.length.0, self.place - to.0);
            self.place -= length;
            if length > surplus {
                self.push_before(run.with_length(length - surplus));
                push(&mut self.after, run.with_length(surplus));
            } else {
                push(&mut self.after, run);
            }
        }
        while self.place < to.0
            && let Some(run) = self.take_after(to.0 - self.place)
        {
            self.push_before(run);
        }
    }

    /// Inserts a run at the place, and moves the place behind it. Constant.
    pub(super) fn insert(&mut self, run: Run) {
        self.push_before(run);
    }

    /// Removes `length` units behind the place, which are there. Linear in their runs.
    pub(super) fn delete(&mut self, length: Utf16Length) {
        let mut left = length.0;
        while left > 0
            && let Some(run) = self.take_after(left)
        {
            left -= run.length.0;
        }
    }

    /// Writes attributes over `length` units behind the place, and moves it behind them.
    /// Linear in their runs.
    pub(super) fn format(&mut self, length: Utf16Length, change: &Attributes) {
        let mut left = length.0;
        // Runs of one kind come again and again: what they become is then shared.
        let mut seen: Vec<(Attributes, Attributes)> = Vec::new();
        while left > 0
            && let Some(mut run) = self.take_after(left)
        {
            left -= run.length.0;
            let known = seen.iter().find(|(from, _)| *from == run.attributes).map(|(_, to)| to.clone());
            let to = known.unwrap_or_else(|| {
                let to = run.attributes.compose(change, Nulls::Drop);
                if seen.len() < 4 {
                    seen.push((run.attributes.clone(), to.clone()));
                }
                to
            });
            run.attributes = to;
            self.push_before(run);
        }
    }

    /// A walk that starts at an offset within the document. Linear in the runs between
    /// the place and there.
    pub(super) fn walk(&self, from: Utf16Offset) -> RunWalk<'_> {
        let mut walk = RunWalk { runs: self, index: self.before.len(), at: self.place, passed: 0 };
        while walk.at > from.0
            && let Some(run) = walk.index.checked_sub(1).and_then(|index| self.before.get(index))
        {
            walk.index -= 1;
            walk.at -= run.length.0;
        }
        walk.seek(from);
        walk
    }

    /// Takes the next run off the stack behind the place, at most `limit` units of it.
    fn take_after(&mut self, limit: u32) -> Option<Run> {
        let next = self.after.last_mut()?;
        if next.length.0 <= limit {
            return self.after.pop();
        }
        next.length.0 -= limit;
        Some(next.with_length(limit))
    }

    fn push_before(&mut self, run: Run) {
        self.place += run.length.0;
        push(&mut self.before, run);
    }
}

/// Puts a run on a stack, joined with the last if the two join.
fn push(stack: &mut Vec<Run>, run: Run) {
    match stack.last_mut() {
        Some(last) if last.joins(&run) => last.length.0 += run.length.0,
        _ => stack.push(run),
    }
}

/// A place from which runs are read onwards.
#[derive(Clone)]
pub(super) struct RunWalk<'a> {
    runs: &'a Runs,
    index: usize,
    /// The offset where the current run starts.
    at: u32,
    /// How many units of it have been passed.
    passed: u32,
}

impl<'a> RunWalk<'a> {
    /// What is left of the current run, and the run; `None` at the end.
    pub(super) fn current(&self) -> Option<(Utf16Length, &'a Run)> {
        let run = match self.index.checked_sub(self.runs.before.len()) {
            None => self.runs.before.get(self.index)?,
            Some(behind) => {
                let index = self.runs.after.len().checked_sub(behind + 1)?;
                self.runs.after.get(index)?
            }
        };
        Some((Utf16Length(run.length.0 - self.passed), run))
    }

    /// Passes `length` units of the current run, no more than are left of it.
    pub(super) fn advance(&mut self, length: Utf16Length) {
        if let Some((left, run)) = self.current() {
            self.passed += length.0;
            if length == left {
                self.at += run.length.0;
                (self.index, self.passed) = (self.index + 1, 0);
            }
        }
    }

    /// Goes on to an offset that has not been passed. Linear in the runs between.
    pub(super) fn seek(&mut self, to: Utf16Offset) {
        while let Some((left, _)) = self.current() {
            let missing = to.0.saturating_sub(self.at + self.passed);
            if missing == 0 {
                break;
            }
            self.advance(left.min(Utf16Length(missing)));
        }
    }

    /// Passes the next run, at most `limit` units of it, and gives it.
    pub(super) fn take(&mut self, limit: Utf16Length) -> Option<(Utf16Length, &'a Run)> {
        let (left, run) = self.current()?;
        let length = left.min(limit);
        self.advance(length);
        Some((length, run))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_typed_in_one_style_is_one_run() {
        let letter = Run { length: Utf16Length(1), attributes: Attributes::NONE, embed: None };
        let mut runs = Runs::default();
        (0..5).for_each(|_| runs.insert(letter.clone()));
        assert_eq!(runs.before, [letter.with_length(5)]);
        // So it is on the way back, and on both sides of the place.
        runs.seek(Utf16Offset(2));
        assert_eq!((&runs.before[..], &runs.after[..]), (&[letter.with_length(2)][..], &[letter.with_length(3)][..]));
        runs.seek(Utf16Offset(0));
        assert_eq!((runs.before.len(), &runs.after[..]), (0, &[letter.with_length(5)][..]));
    }
}
