//! The tables of one write transaction, and the rows that are put into them.

use std::collections::BTreeMap;

use redb::{ReadableTable, Table as Rows, WriteTransaction};

use super::block::unseal_block;
use super::error::StoreError;
use super::overlay::Overlay;
use super::packing::Packed;
use super::row::Row;
use super::table::{BLOCKS, BlockKey, CLIENTS, DOCUMENT_COUNT, DOCUMENTS, ENTRIES, HEADS, META, SNAPSHOTS};

/// All tables, open for writing.
pub(super) struct Tables<'t> {
    documents: Rows<'t, &'static str, &'static [u8]>,
    heads: Rows<'t, &'static str, &'static [u8]>,
    entries: Rows<'t, (u64, u64), &'static [u8]>,
    blocks: Rows<'t, (u64, u64, u64), &'static [u8]>,
    clients: Rows<'t, (u64, u128), &'static [u8]>,
    snapshots: Rows<'t, u64, &'static [u8]>,
    meta: Rows<'t, &'static str, &'static [u8]>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(write: &'t WriteTransaction) -> Result<Tables<'t>, StoreError> {
        Ok(Tables {
            documents: write.open_table(DOCUMENTS)?,
            heads: write.open_table(HEADS)?,
            entries: write.open_table(ENTRIES)?,
            blocks: write.open_table(BLOCKS)?,
            clients: write.open_table(CLIENTS)?,
            snapshots: write.open_table(SNAPSHOTS)?,
            meta: write.open_table(META)?,
        })
    }

    /// Puts all that is kept beside the database, in the order of the keys, and these blocks of documents in place of
    /// the entries that are in them.
    pub(super) fn take_in(&mut self, kept: &Overlay, packed: &BTreeMap<u64, Packed>) -> Result<(), StoreError> {
        if let Some(value) = &kept.count {
            self.put(&Row::Count { value })?;
        }
        for (name, rows) in &kept.named {
            if let Some(value) = &rows.document {
                self.put(&Row::Document { name, value })?;
            }
            if let Some(value) = &rows.head {
                self.put(&Row::Head { name, value })?;
            }
        }
        for (&number, rows) in &kept.numbered {
            for &(first, last) in &rows.trimmed {
                self.put(&Row::Trim { number, first, last })?;
            }
            let packed = packed.get(&number);
            if let Some(packed) = packed {
                self.put_blocks(number, packed)?;
            }
            let above = packed.map_or(0, |packed| packed.last);
            for (&version, value) in rows.entries.range(above + 1..) {
                self.put(&Row::Entry { number, version, value })?;
            }
            for (&client, value) in &rows.clients {
                self.put(&Row::Client { number, client, value: value.as_deref() })?;
            }
            if let Some(value) = &rows.snapshot {
                self.put(&Row::Snapshot { number, value })?;
            }
        }
        Ok(())
    }

    /// Puts the rows of one record, in their order.
    pub(super) fn replay(&mut self, mut rows: &[u8]) -> Result<(), StoreError> {
        while let Some(row) = Row::read(&mut rows)? {
            self.put(&row)?;
        }
        Ok(())
    }

    fn put(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        match *row {
            Row::Document { name, value } => drop(self.documents.insert(name, value)?),
            Row::Head { name, value } => drop(self.heads.insert(name, value)?),
            Row::Entry { number, version, value } => drop(self.entries.insert((number, version), value)?),
            Row::Client { number, client, value: Some(value) } => drop(self.clients.insert((number, client), value)?),
            Row::Client { number, client, value: None } => drop(self.clients.remove((number, client))?),
            Row::Snapshot { number, value } => drop(self.snapshots.insert(number, value)?),
            Row::Count { value } => drop(self.meta.insert(DOCUMENT_COUNT, value)?),
            Row::Trim { number, first, last } => {
                self.entries.retain_in((number, first)..=(number, last), |_, _| false)?;
                self.trim_blocks(number, first, last)?;
            }
        }
        Ok(())
    }

    fn put_blocks(&mut self, number: u64, packed: &Packed) -> Result<(), StoreError> {
        self.entries.retain_in((number, packed.first)..=(number, packed.last), |_, _| false)?;
        for (key, value) in &packed.blocks {
            self.blocks.insert(key.row(), &**value)?;
        }
        Ok(())
    }

    /// The entries of these versions go: a block with some of them is written again with the others alone, so that
    /// nothing of what was to be forgotten is in it.
    fn trim_blocks(&mut self, number: u64, first: u64, last: u64) -> Result<(), StoreError> {
        let mut gone = Vec::new();
        let mut cut = None;
        for row in self.blocks.range(BlockKey::rows_from(number, first))? {
            let (key, value) = row?;
            let key = BlockKey::of_row(key.value());
            if key.first > last {
                break;
            }
            if key.last > last {
                // Whoever asked has found it whole. What was damaged since is refused by whoever reads it.
                let Ok(block) = unseal_block(key, value.value()) else { break };
                cut = block.without(usize::try_from(last + 1 - key.first).unwrap_or(usize::MAX));
            }
            gone.push(key);
        }
        for key in gone {
            self.blocks.remove(key.row())?;
        }
        if let Some(block) = cut {
            self.blocks.insert(block.key(number).row(), &*block.seal(number)?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oplog::Entry;
    use crate::oplog::disk::block::Block;
    use bytes::Bytes;
    use cowrite_protocol::{ClientId, ClientSeq, Version};
    use redb::backends::InMemoryBackend;
    use redb::{Database, ReadableDatabase};

    fn block(first: u64, last: u64) -> Block {
        let entries = (first..=last).map(|version| Entry {
            version: Version::new(version).unwrap(),
            client: ClientId::from_bytes([1; 16]),
            client_seq: ClientSeq::new(version).unwrap(),
            user: "ann".parse().unwrap(),
            time_ms: 0,
            operation: Bytes::from(format!("letter {version}")),
        });
        Block::new(entries.collect(), None, None).unwrap()
    }

    /// What is left of these blocks of two documents when entries of the first go.
    fn left(blocks: &[(u64, u64)], (first, last): (u64, u64)) -> Vec<Block> {
        let database = Database::builder().create_with_backend(InMemoryBackend::new()).unwrap();
        let write = database.begin_write().unwrap();
        let mut tables = Tables::open(&write).unwrap();
        for number in [1, 2] {
            for &(first, last) in blocks {
                let block = block(first, last);
                tables.blocks.insert(block.key(number).row(), &*block.seal(number).unwrap()).unwrap();
            }
        }
        tables.put(&Row::Trim { number: 1, first, last }).unwrap();
        drop(tables);
        write.commit().unwrap();
        let table = database.begin_read().unwrap().open_table(BLOCKS).unwrap();
        let blocks_of = |number| {
            let rows = table.range(BlockKey::rows_from(number, 0)).unwrap().map(Result::unwrap);
            let blocks = rows.map(|(key, value)| unseal_block(BlockKey::of_row(key.value()), value.value()).unwrap());
            blocks.collect::<Vec<_>>()
        };
        assert_eq!(blocks_of(2).len(), blocks.len(), "another document's blocks are touched");
        blocks_of(1)
    }

    #[test]
    fn what_is_trimmed_is_in_no_block_any_more() {
        let blocks = [(3, 6), (7, 7), (8, 12)];
        for last in 2..=14 {
            let expected =
                blocks.iter().filter(|(_, end)| *end > last).map(|&(first, end)| block(first.max(last + 1), end));
            assert_eq!(left(&blocks, (3, last)), expected.collect::<Vec<_>>(), "up to {last}");
        }
        assert_eq!(left(&blocks, (1, u64::MAX)), []);
        assert_eq!(left(&blocks, (13, 20)), blocks.map(|(first, last)| block(first, last)));
    }
}
