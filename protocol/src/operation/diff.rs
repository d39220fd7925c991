//! An operation that leads from one document to another.

use alloc::vec::Vec;

use super::builder::OperationBuilder;
use super::component::Operation;
use super::document::Document;
use super::edit_script::matches;
use super::json::Json;
use super::order::last_of_each;
use super::runs::RunWalk;
use crate::text::{Utf16Length, Utf16Offset};

/// The symbol of the first embed: above all characters.
const FIRST_EMBED: u32 = 0x11_0000;

impl Operation {
    /// An operation that leads from one document to another, small but not always the
    /// smallest: it keeps or replaces words as a whole, so that work beside or on a word finds it
    /// again. Linear in both, with a bound on the search; beyond it what is left counts as
    /// replaced. Never splits a surrogate pair, for it compares characters and embeds, not units.
    ///
    /// Law: `apply(diff(from, to))` makes `from` equal to `to`.
    pub fn diff(from: &Document, to: &Document) -> Operation {
        let embeds: Vec<Json> = [from, to].into_iter().flat_map(Document::runs).filter_map(|run| run.embed).collect();
        let order = last_of_each(embeds.len(), &|a, b| embeds[a].cmp(&embeds[b]));
        let embeds: Vec<Json> = order.into_iter().map(|at| embeds[at].clone()).collect();
        let (old, new) = (symbols(from, &embeds), symbols(to, &embeds));
        let mut difference = Difference {
            from: Side { document: from, walk: from.parts().1.walk(Utf16Offset::ZERO), at: Utf16Offset::ZERO },
            to: Side { document: to, walk: to.parts().1.walk(Utf16Offset::ZERO), at: Utf16Offset::ZERO },
            out: OperationBuilder::default(),
        };
        let (mut x, mut y) = (0, 0);
        for found in matches(&old, &new) {
            difference.replace(units(&old[x..found.from]), units(&new[y..found.to]));
            (x, y) = (found.from + found.length, found.to + found.length);
            difference.keep(units(&old[found.from..x]));
        }
        difference.replace(units(&old[x..]), units(&new[y..]));
        difference.out.build()
    }
}

/// A document and how far the comparison has come in it.
struct Side<'a> {
    document: &'a Document,
    walk: RunWalk<'a>,
    at: Utf16Offset,
}

impl Side<'_> {
    fn pass(&mut self, length: Utf16Length) {
        self.at.0 += length.0;
        self.walk.seek(self.at);
    }
}

/// The operation so far, and both documents.
struct Difference<'a> {
    from: Side<'a>,
    to: Side<'a>,
    out: OperationBuilder,
}

impl Difference<'_> {
    /// Deletes units of the one document and inserts units of the other.
    fn replace(&mut self, deleted: Utf16Length, inserted: Utf16Length) {
        self.out.delete(deleted);
        self.from.pass(deleted);
        self.to.document.append_range(&mut self.to.walk, self.to.at, inserted, &mut self.out);
        self.to.pass(inserted);
    }

    /// Retains units that both documents have, and makes their attributes equal.
    fn keep(&mut self, length: Utf16Length) {
        let mut left = length;
        while let (Some((a, old)), Some((b, new))) = (self.from.walk.current(), self.to.walk.current())
            && !left.is_zero()
        {
            let shared = a.min(b).min(left);
            self.out.retain_with(shared, &old.attributes.diff(&new.attributes));
            self.from.pass(shared);
            self.to.pass(shared);
            left.0 -= shared.0;
        }
    }
}

/// One number for each character and embed of the document.
fn symbols(document: &Document, embeds: &[Json]) -> Vec<u32> {
    let mut symbols = Vec::with_capacity(document.length().0 as usize);
    let mut chars = document.text().chars();
    for run in document.runs() {
        if let Some(value) = &run.embed {
            chars.next();
            // All values are in the list, and fewer than offsets there are.
            let index = embeds.binary_search(value).unwrap_or_default();
            symbols.push(FIRST_EMBED.saturating_add(index as u32));
            continue;
        }
        let mut left = run.length.0 as usize;
        while left > 0
            && let Some(char) = chars.next()
        {
            left = left.saturating_sub(char.len_utf16());
            symbols.push(u32::from(char));
        }
    }
    symbols
}

/// How many UTF-16 code units the symbols stand for.
fn units(symbols: &[u32]) -> Utf16Length {
    let pairs = symbols.iter().filter(|symbol| (0x1_0000..FIRST_EMBED).contains(*symbol)).count();
    Utf16Length((symbols.len() + pairs) as u32)
}
