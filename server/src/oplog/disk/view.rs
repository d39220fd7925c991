//! What is read of one document: the database, and over it what the journal has more.

use std::ops::{ControlFlow, Deref};
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::DocumentId;
use redb::{AccessGuard, ReadOnlyTable, ReadTransaction, ReadableDatabase, TableError};

use super::block::unseal_block;
use super::error::StoreError;
use super::overlay::{NamedRows, NumberedRows, Overlay};
use super::table::{BLOCKS, BlockKey, CLIENTS, DOCUMENTS, ENTRIES, HEADS, SNAPSHOTS};

type BlocksTable = ReadOnlyTable<(u64, u64, u64), &'static [u8]>;

/// A document's rows at one moment, that of a commit.
pub(super) struct View<'a> {
    id: &'a DocumentId,
    read: ReadTransaction,
    named: NamedRows,
    numbered: Arc<NumberedRows>,
}

/// The value of a row, wherever it is.
pub(super) enum Value {
    Stored(AccessGuard<'static, &'static [u8]>),
    Kept(Bytes),
}

impl Deref for Value {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        match self {
            Value::Stored(guard) => guard.value(),
            Value::Kept(bytes) => bytes,
        }
    }
}

impl<'a> View<'a> {
    /// The overlay must not be emptied between the two looks: rows would be in neither.
    pub(super) fn new(
        database: &impl ReadableDatabase,
        overlay: &Overlay,
        id: &'a DocumentId,
    ) -> Result<View<'a>, StoreError> {
        let read = database.begin_read()?;
        let (named, numbered) = overlay.of(id);
        Ok(View { id, read, named, numbered })
    }

    pub(super) fn id(&self) -> &'a DocumentId {
        self.id
    }

    pub(super) fn document(&self) -> Result<Option<Value>, StoreError> {
        match &self.named.document {
            Some(kept) => Ok(Some(Value::Kept(kept.clone()))),
            None => Ok(self.read.open_table(DOCUMENTS)?.get(self.id.as_str())?.map(Value::Stored)),
        }
    }

    pub(super) fn head(&self) -> Result<Option<Value>, StoreError> {
        match &self.named.head {
            Some(kept) => Ok(Some(Value::Kept(kept.clone()))),
            None => Ok(self.read.open_table(HEADS)?.get(self.id.as_str())?.map(Value::Stored)),
        }
    }

    pub(super) fn snapshot(&self, number: u64) -> Result<Option<Value>, StoreError> {
        match &self.numbered.snapshot {
            Some(kept) => Ok(Some(Value::Kept(kept.clone()))),
            None => Ok(self.read.open_table(SNAPSHOTS)?.get(number)?.map(Value::Stored)),
        }
    }

    pub(super) fn client(&self, number: u64, client: u128) -> Result<Option<Value>, StoreError> {
        match self.numbered.clients.get(&client) {
            Some(kept) => Ok(kept.clone().map(Value::Kept)),
            None => Ok(self.read.open_table(CLIENTS)?.get((number, client))?.map(Value::Stored)),
        }
    }

    /// Visits the client rows, in no order.
    pub(super) fn clients(
        &self,
        number: u64,
        mut visit: impl FnMut(u128, &[u8]) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        for row in self.read.open_table(CLIENTS)?.range((number, 0)..=(number, u128::MAX))? {
            let (key, value) = row?;
            let client = key.value().1;
            if !self.numbered.clients.contains_key(&client) {
                visit(client, value.value())?;
            }
        }
        for (client, value) in &self.numbered.clients {
            if let Some(value) = value {
                visit(*client, value)?;
            }
        }
        Ok(())
    }

    pub(super) fn entry(&self, number: u64, version: u64) -> Result<Option<Value>, StoreError> {
        if let Some(kept) = self.numbered.entries.get(&version) {
            return Ok(Some(Value::Kept(kept.clone())));
        }
        if self.numbered.stored(version, version).is_empty() {
            return Ok(None);
        }
        Ok(self.read.open_table(ENTRIES)?.get((number, version))?.map(Value::Stored))
    }

    /// The versions of the first and the last entry that have rows of their own.
    pub(super) fn ends(&self, number: u64) -> Result<Option<(u64, u64)>, StoreError> {
        let entries = self.read.open_table(ENTRIES)?;
        let mut ends: Option<(u64, u64)> = None;
        let mut include = |version: u64| {
            ends = Some(ends.map_or((version, version), |(first, last)| (first.min(version), last.max(version))));
        };
        let stored = self.numbered.stored(0, u64::MAX);
        for &(first, last) in &stored {
            if let Some(row) = entries.range((number, first)..=(number, last))?.next() {
                include(row?.0.value().1);
                break;
            }
        }
        for &(first, last) in stored.iter().rev() {
            if let Some(row) = entries.range((number, first)..=(number, last))?.next_back() {
                include(row?.0.value().1);
                break;
            }
        }
        let mut kept = self.numbered.entries.keys();
        kept.next().into_iter().chain(kept.next_back()).for_each(|version| include(*version));
        Ok(ends)
    }

    /// Whether an entry has a row of its own.
    pub(super) fn has_entry(&self, number: u64, version: u64) -> Result<bool, StoreError> {
        Ok(self.entry(number, version)?.is_some())
    }

    /// The first and the last of the blocks that end at this version or later.
    pub(super) fn block_ends(&self, number: u64, version: u64) -> Result<Option<(BlockKey, BlockKey)>, StoreError> {
        let Some(blocks) = self.blocks_table()? else { return Ok(None) };
        let mut found = blocks.range(BlockKey::rows_from(number, version))?;
        let Some(first) = found.next() else { return Ok(None) };
        let first = BlockKey::of_row(first?.0.value());
        let last = found.next_back().transpose()?.map_or(first, |(key, _)| BlockKey::of_row(key.value()));
        Ok(Some((first, last)))
    }

    /// The block that the entry of a version is in.
    pub(super) fn block_at(&self, number: u64, version: u64) -> Result<Option<(BlockKey, Value)>, StoreError> {
        let Some(blocks) = self.blocks_table()? else { return Ok(None) };
        let Some(row) = blocks.range(BlockKey::rows_from(number, version))?.next() else { return Ok(None) };
        let (key, value) = row?;
        let key = BlockKey::of_row(key.value());
        Ok((key.first <= version).then_some((key, Value::Stored(value))))
    }

    /// Visits the blocks that end at this version or later, from the first, until told to stop.
    pub(super) fn blocks(
        &self,
        number: u64,
        version: u64,
        mut visit: impl FnMut(BlockKey, &[u8]) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        let Some(blocks) = self.blocks_table()? else { return Ok(()) };
        for row in blocks.range(BlockKey::rows_from(number, version))? {
            let (key, value) = row?;
            if visit(BlockKey::of_row(key.value()), value.value())?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Blocks are in the database alone. One that no server with blocks has written to has no table of them.
    fn blocks_table(&self) -> Result<Option<BlocksTable>, StoreError> {
        match self.read.open_table(BLOCKS) {
            Ok(table) => Ok(Some(table)),
            Err(TableError::TableDoesNotExist(_)) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Visits the entries of these versions that have rows of their own, from the first, until told to stop.
    pub(super) fn entries(
        &self,
        number: u64,
        first: u64,
        last: u64,
        mut visit: impl FnMut(u64, &[u8]) -> Result<ControlFlow<()>, StoreError>,
    ) -> Result<(), StoreError> {
        if first > last {
            return Ok(());
        }
        let mut kept = self.numbered.entries.range(first..=last).peekable();
        let entries = self.read.open_table(ENTRIES)?;
        for (first, last) in self.numbered.stored(first, last) {
            // Mostly all of the newest are kept: the database has nothing behind them.
            for row in entries.range((number, first)..=(number, last))? {
                let (key, value) = row?;
                let stored = key.value().1;
                while let Some((version, value)) = kept.next_if(|(version, _)| **version < stored) {
                    if visit(*version, value)?.is_break() {
                        return Ok(());
                    }
                }
                if kept.peek().is_some_and(|(version, _)| **version == stored) {
                    continue;
                }
                if visit(stored, value.value())?.is_break() {
                    return Ok(());
                }
            }
        }
        for (version, value) in kept {
            if visit(*version, value)?.is_break() {
                return Ok(());
            }
        }
        Ok(())
    }

    /// Walks to where the rows of the document's next entry will be put, in the database alone. What
    /// is damaged there is so found while it concerns this document only.
    pub(super) fn foresee(&self, number: u64, version: u64) -> Result<(), StoreError> {
        let name = self.id.as_str();
        self.read.open_table(DOCUMENTS)?.get(name)?;
        self.read.open_table(HEADS)?.get(name)?;
        self.read.open_table(ENTRIES)?.get((number, version))?;
        Ok(())
    }

    /// Walks to where the document's snapshot will be put, in the database alone, as
    /// [`View::foresee`] does.
    pub(super) fn foresee_snapshot(&self, number: u64) -> Result<(), StoreError> {
        self.read.open_table(SNAPSHOTS)?.get(number)?;
        Ok(())
    }

    /// Walks over the entries of these versions, in the database alone, as [`View::foresee`] does. A block of which
    /// a part is to stay must be whole.
    pub(super) fn foresee_trim(&self, number: u64, first: u64, last: u64) -> Result<(), StoreError> {
        for row in self.read.open_table(ENTRIES)?.range((number, first)..=(number, last))? {
            row?;
        }
        self.blocks(number, first, |key, value| {
            if key.first <= last && last < key.last {
                unseal_block(key, value)?;
            }
            Ok(if key.last < last { ControlFlow::Continue(()) } else { ControlFlow::Break(()) })
        })
    }

    /// Walks to where blocks will be put in place of the entries up to this version, as [`View::foresee`] does; and
    /// to the rows around these, with which what is left may be put together.
    pub(super) fn foresee_blocks(&self, number: u64, first: u64, last: u64) -> Result<(), StoreError> {
        if let Some(blocks) = self.blocks_table()? {
            blocks.get(BlockKey { number, last, first }.row())?;
        }
        let entries = self.read.open_table(ENTRIES)?;
        entries.range(..(number, first))?.next_back().transpose()?;
        entries.range((number, last + 1)..)?.next().transpose()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oplog::disk::record::{HeadRecord, seal};
    use crate::oplog::disk::row::Row;
    use crate::oplog::disk::table::{META, Table, named};
    use crate::oplog::disk::transaction::Tables;
    use cowrite_protocol::{RunningHash, Version};
    use redb::backends::InMemoryBackend;
    use redb::{Database, TableDefinition};
    use std::collections::BTreeMap;

    const LAST: u64 = 30;

    struct Random(u64);

    impl Random {
        fn below(&mut self, bound: u64) -> u64 {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % bound
        }
    }

    fn database() -> Database {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        write(&database, |_| Ok(()));
        database
    }

    fn write(database: &Database, put: impl FnOnce(&mut Tables<'_>) -> Result<(), StoreError>) {
        let write = database.begin_write().unwrap();
        put(&mut Tables::open(&write).unwrap()).unwrap();
        write.commit().unwrap();
    }

    /// Rows of two documents, in an order that no log would write them in either.
    fn record(random: &mut Random) -> Bytes {
        let mut rows = Vec::new();
        for _ in 0..random.below(6) {
            let number = 1 + random.below(2);
            let value = random.below(u64::MAX).to_le_bytes();
            let value = &value[..];
            let client = u128::from(random.below(4));
            let first = 1 + random.below(LAST);
            let row = match random.below(10) {
                0..=3 => Row::Entry { number, version: first, value },
                4 => Row::Client { number, client, value: None },
                5 | 6 => Row::Client { number, client, value: Some(value) },
                7 => Row::Snapshot { number, value },
                8 => Row::Trim { number, first, last: first + random.below(8) },
                _ => Row::Trim { number, first: 1, last: [first, u64::MAX][random.below(2) as usize] },
            };
            row.write(&mut rows).unwrap();
        }
        for (name, number) in [("a", 1), ("b", 2)] {
            let record = HeadRecord {
                number,
                epoch: None,
                version: Version::new(random.below(9)).unwrap(),
                hash: RunningHash::ZERO,
                floor: Version::ZERO,
                snapshot: None,
                clients: 0,
                clients_sum: 0,
            };
            let value = seal(&named(Table::Heads, name), &record, &[]).unwrap();
            if random.below(4) == 0 {
                Row::Document { name, value: &value[..9] }.write(&mut rows).unwrap();
            }
            Row::Head { name, value: &value }.write(&mut rows).unwrap();
        }
        rows.into()
    }

    type Entries = Vec<(u64, Vec<u8>)>;

    fn entries(view: &View<'_>, number: u64, first: u64, last: u64, most: usize) -> Entries {
        let mut found = Vec::new();
        view.entries(number, first, last, |version, value| {
            found.push((version, value.to_vec()));
            Ok(if found.len() == most { ControlFlow::Break(()) } else { ControlFlow::Continue(()) })
        })
        .unwrap();
        found
    }

    /// All that a view says, by every way in which it can be asked.
    fn all(view: &View<'_>, number: u64) -> impl PartialEq + std::fmt::Debug + use<> {
        let bytes = |value: Result<Option<Value>, StoreError>| value.unwrap().map(|value| value.to_vec());
        let mut clients = Vec::new();
        view.clients(number, |client, value| {
            clients.push((client, value.to_vec()));
            Ok(())
        })
        .unwrap();
        clients.sort();
        let alone: Vec<_> = (0..4).map(|client| bytes(view.client(number, client))).collect();
        let single: Entries = (1..LAST + 9).filter_map(|at| Some((at, bytes(view.entry(number, at))?))).collect();
        let some: Vec<_> = (0..LAST).map(|first| entries(view, number, first, first + 7, 3)).collect();
        let whole = entries(view, number, 0, u64::MAX, usize::MAX);
        assert_eq!(whole, single);
        (
            (bytes(view.document()), bytes(view.head()), bytes(view.snapshot(number))),
            (clients, alone, view.ends(number).unwrap(), some, whole),
        )
    }

    #[test]
    fn a_document_reads_the_same_wherever_its_rows_are() {
        let ids = ["a", "b"].map(|name| name.parse::<DocumentId>().unwrap());
        for seed in 0..150 {
            let mut random = Random(seed);
            let (whole, part, mut kept) = (database(), database(), Overlay::default());
            for _ in 0..12 {
                let record = record(&mut random);
                let older = View::new(&part, &kept, &ids[0]).unwrap();
                let before = all(&older, 1);
                write(&whole, |tables| tables.replay(&record));
                kept.put(&record).unwrap();
                for (id, number) in ids.iter().zip([1, 2]) {
                    let there = View::new(&whole, &Overlay::default(), id).unwrap();
                    let here = View::new(&part, &kept, id).unwrap();
                    assert_eq!(all(&here, number), all(&there, number), "seed {seed}");
                }
                if random.below(4) == 0 {
                    write(&part, |tables| tables.take_in(&kept, &BTreeMap::new()));
                    // Whoever looks between the two finds the same.
                    let between = View::new(&part, &kept, &ids[1]).unwrap();
                    kept = Overlay::default();
                    let after = View::new(&part, &kept, &ids[1]).unwrap();
                    assert_eq!(all(&between, 2), all(&after, 2), "seed {seed}");
                }
                assert_eq!(all(&older, 1), before, "what is read changes meanwhile, seed {seed}");
            }
        }
    }

    #[test]
    fn how_many_documents_there_are_is_taken_in_too() {
        let (database, mut kept) = (database(), Overlay::default());
        let mut rows = Vec::new();
        Row::Count { value: b"1" }.write(&mut rows).unwrap();
        Row::Count { value: b"2" }.write(&mut rows).unwrap();
        kept.put(&rows.into()).unwrap();
        assert_eq!(kept.count.as_deref(), Some(&b"2"[..]));
        write(&database, |tables| tables.take_in(&kept, &BTreeMap::new()));
        let meta: TableDefinition<'_, &str, &[u8]> = META;
        let read = database.begin_read().unwrap().open_table(meta).unwrap();
        assert_eq!(read.get("documents").unwrap().unwrap().value(), b"2");
    }
}
