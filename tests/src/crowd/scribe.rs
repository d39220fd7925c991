//! What a person types next.

use cowrite_protocol::operation::{Attributes, Document, Json, Operation};
use cowrite_protocol::{Utf16Length, Utf16Offset};

use super::account::What;
use super::gathering::CrowdSettings;
use super::token::{between, find, glyph, token};
use crate::simulation::chance::Chance;

/// Chooses edits from a seed, and remembers which tokens it may still touch.
#[derive(Debug)]
pub(super) struct Scribe {
    person: usize,
    chance: Chance,
    /// How many tokens it has typed.
    typed: u64,
    /// Those that it has not deleted.
    own: Vec<String>,
    deletes_percent: u64,
    formats_percent: u64,
    undos_percent: u64,
    glyphs: bool,
}

/// Which way to go in what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Travel {
    Undo,
    Redo,
}

impl Scribe {
    pub(super) fn new(person: usize, settings: &CrowdSettings) -> Scribe {
        let &CrowdSettings { seed, deletes_percent, formats_percent, undos_percent, glyphs, .. } = settings;
        let chance = Chance::new(seed ^ (person as u64 + 1).wrapping_mul(0x9e37_79b9));
        Scribe { person, chance, typed: 0, own: Vec::new(), deletes_percent, formats_percent, undos_percent, glyphs }
    }

    /// Whether it undoes or redoes something next, instead of an edit.
    pub(super) fn travels(&mut self) -> Option<Travel> {
        // No dice where nobody undoes: a seed makes the same edits as ever.
        if self.undos_percent == 0 || !self.chance.percent(self.undos_percent) {
            return None;
        }
        Some(if self.chance.percent(30) { Travel::Redo } else { Travel::Undo })
    }

    /// The next edit on this document.
    pub(super) fn next(&mut self, document: &Document) -> (Operation, What) {
        let dice = self.chance.below(100);
        if dice < self.deletes_percent
            && let Some((token, at)) = self.choose(document)
        {
            self.own.retain(|own| *own != token);
            return (
                Operation::builder().retain(before(at)).delete(Utf16Length::of(&token)).build(),
                What::Delete(token),
            );
        }
        if dice < self.deletes_percent + self.formats_percent
            && let Some((token, at)) = self.choose(document)
        {
            let value = if self.chance.percent(30) { Json::null() } else { Json::yes() };
            let bold = Attributes::from_pairs([("bold", value)]);
            let operation = Operation::builder().retain(before(at)).retain_with(Utf16Length::of(&token), &bold).build();
            return (operation, What::Format(token));
        }
        self.typed += 1;
        let token = if self.glyphs { glyph(self.person, self.typed) } else { token(self.person, self.typed) };
        // Half of all in one place, where they meet the others'.
        let length = u64::from(document.length().0);
        let at = if self.chance.percent(50) { length / 2 } else { self.chance.below(length + 1) };
        let at = between(document, u32::try_from(at).unwrap_or(u32::MAX));
        self.own.push(token.clone());
        (Operation::builder().retain(before(at)).insert(&token).build(), What::Insert(token))
    }

    /// How long until then, around so many milliseconds on average.
    pub(super) fn pause_ms(&mut self, average_ms: u64) -> u64 {
        self.chance.between(average_ms / 2, average_ms + average_ms / 2)
    }

    /// A token of its own that is in the text. One that was refused or lost is not.
    fn choose(&mut self, document: &Document) -> Option<(String, Utf16Offset)> {
        let token = self.chance.pick(&self.own)?.clone();
        let at = find(document, &token)?;
        Some((token, at))
    }
}

fn before(at: Utf16Offset) -> Utf16Length {
    Utf16Length(at.0)
}
