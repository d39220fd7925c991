//! The rows that the journal holds and the database does not have yet.
//!
//! To put a row into a tree costs several times what all the rest of an edit does, and most rows
//! of a busy document replace one that was put a moment ago. So rows wait here until the database
//! syncs itself, and then all of them are put in the order of their keys, each once. Until then
//! every read looks here first.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::DocumentId;

use super::error::StoreError;
use super::record::{HeadRecord, unseal};
use super::row::Row;
use super::table::{Table, named};

/// Rows by their places, the newest of each. The values are parts of the journal's records, so all
/// of them take no more memory than half a journal, and their places about as much again.
#[derive(Debug, Default)]
pub(super) struct Overlay {
    /// How many documents there are.
    pub(super) count: Option<Bytes>,
    pub(super) named: BTreeMap<Box<str>, NamedRows>,
    /// Whoever reads holds on to what is here of a document; it is copied if it changes meanwhile.
    pub(super) numbered: BTreeMap<u64, Arc<NumberedRows>>,
}

/// A document's rows in the tables whose key is its name.
#[derive(Clone, Debug, Default)]
pub(super) struct NamedRows {
    pub(super) document: Option<Bytes>,
    pub(super) head: Option<Bytes>,
    /// The number that the head bears and how many entries it is above the floor, if it can be read.
    told: Option<(u64, u64)>,
}

/// A document's rows in the tables whose key is its number and something more.
#[derive(Clone, Debug, Default)]
pub(super) struct NumberedRows {
    pub(super) entries: BTreeMap<u64, Bytes>,
    /// `None` if the row goes.
    pub(super) clients: BTreeMap<u128, Option<Bytes>>,
    pub(super) snapshot: Option<Bytes>,
    /// The first and last versions of entries that go from the database: rising, and apart from
    /// each other.
    pub(super) trimmed: Vec<(u64, u64)>,
}

impl Overlay {
    /// Puts the rows of one record over those of the records before it.
    pub(super) fn put(&mut self, record: &Bytes) -> Result<(), StoreError> {
        let mut rest = &record[..];
        while let Some(row) = Row::read(&mut rest)? {
            self.apply(record, row);
        }
        Ok(())
    }

    fn apply(&mut self, record: &Bytes, row: Row<'_>) {
        let kept = |value| record.slice_ref(value);
        match row {
            Row::Document { name, value } => self.name(name).document = Some(kept(value)),
            Row::Head { name, value } => {
                // A head that can not be read is damage, which a read of the document finds.
                let told = unseal::<HeadRecord>(&named(Table::Heads, name), value).ok();
                let told = told.map(|(head, _)| (head.number, head.version.since(head.floor)));
                let rows = self.name(name);
                (rows.head, rows.told) = (Some(kept(value)), told);
            }
            Row::Entry { number, version, value } => {
                self.number(number).entries.insert(version, kept(value));
            }
            Row::Client { number, client, value } => {
                self.number(number).clients.insert(client, value.map(kept));
            }
            Row::Snapshot { number, value } => self.number(number).snapshot = Some(kept(value)),
            Row::Count { value } => self.count = Some(kept(value)),
            Row::Trim { number, first, last } => self.number(number).trim(first, last),
        }
    }

    fn name(&mut self, name: &str) -> &mut NamedRows {
        self.named.entry(name.into()).or_default()
    }

    fn number(&mut self, number: u64) -> &mut NumberedRows {
        Arc::make_mut(self.numbered.entry(number).or_default())
    }

    /// What is here of a document. Whatever is here of one, its head is among it.
    pub(super) fn of(&self, id: &DocumentId) -> (NamedRows, Arc<NumberedRows>) {
        let named = self.named.get(id.as_str()).cloned().unwrap_or_default();
        let numbered = named.told.and_then(|(number, _)| self.numbered.get(&number));
        let numbered = numbered.cloned().unwrap_or_default();
        (named, numbered)
    }

    /// The documents with entries here that have so many in all, by name and number, the names above this one first.
    pub(super) fn long_ones(&self, entries: u64, above: &str) -> Vec<(DocumentId, u64)> {
        let behind = self.named.range::<str, _>((Bound::Excluded(above), Bound::Unbounded));
        let all = behind.chain(self.named.range::<str, _>((Bound::Unbounded, Bound::Included(above))));
        let long = all.filter_map(|(name, rows)| {
            let (number, _) = rows.told.filter(|(_, long)| *long >= entries)?;
            self.numbered.get(&number).filter(|rows| !rows.entries.is_empty())?;
            Some((name.parse().ok()?, number))
        });
        long.collect()
    }
}

impl NumberedRows {
    /// The entries of these versions go, here and in the database.
    fn trim(&mut self, mut first: u64, mut last: u64) {
        if first > last {
            return;
        }
        let mut above = self.entries.split_off(&first);
        if let Some(next) = last.checked_add(1) {
            self.entries.append(&mut above.split_off(&next));
        }
        // With those that overlap it or lie next to it, it is one.
        self.trimmed.retain(|&(from, to)| {
            let apart = to.saturating_add(1) < first || last.saturating_add(1) < from;
            if !apart {
                (first, last) = (first.min(from), last.max(to));
            }
            apart
        });
        let at = self.trimmed.partition_point(|&(from, _)| from < first);
        self.trimmed.insert(at, (first, last));
    }

    /// Of these versions, those whose entries do not go from the database.
    pub(super) fn stored(&self, mut first: u64, last: u64) -> Vec<(u64, u64)> {
        let mut ranges = Vec::new();
        for &(from, to) in &self.trimmed {
            if first > last || from > last {
                break;
            }
            if to < first {
                continue;
            }
            if first < from {
                ranges.push((first, from - 1));
            }
            let Some(next) = to.checked_add(1) else { return ranges };
            first = next;
        }
        if first <= last {
            ranges.push((first, last));
        }
        ranges
    }
}
