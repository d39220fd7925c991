//! The tables of the database, and what is read from them.
//!
//! A document's name leads to its number in two tables, `documents` and `heads`, each with
//! its own tree: a name that is in one of them only is damage, never a new document. The
//! head knows how many client records there are and the sum of their checksums, and the
//! entries from floor to head are without a gap: so no row can go missing unseen.

use std::collections::HashMap;
use std::ops::{ControlFlow, RangeInclusive};

use bytes::Bytes;
use cowrite_protocol::{ClientId, RunningHash, Version};
use redb::{ReadableTable, TableDefinition};

use super::block::unseal_block;
use super::error::StoreError;
use super::journal::Mark;
use super::record::{DocumentRecord, HeadRecord, SnapshotRecord, sum_of, unseal, unseal_entry};
use super::view::View;
use crate::oplog::ledger::{ClientRecord, Ledger};
use crate::oplog::{Entry, Head, ReadOutcome, Snapshot};

/// Name to number.
pub(super) const DOCUMENTS: TableDefinition<&str, &[u8]> = TableDefinition::new("documents");
/// Name to head; the head bears the number too.
pub(super) const HEADS: TableDefinition<&str, &[u8]> = TableDefinition::new("heads");
/// Number and version to entry.
pub(super) const ENTRIES: TableDefinition<(u64, u64), &[u8]> = TableDefinition::new("entries");
/// Number and the versions of the last and the first entry to many entries in one value: the oldest ones, of which
/// none has a row of its own any more. See [`super::block`].
pub(super) const BLOCKS: TableDefinition<(u64, u64, u64), &[u8]> = TableDefinition::new("blocks");
/// Number and client id to client record.
pub(super) const CLIENTS: TableDefinition<(u64, u128), &[u8]> = TableDefinition::new("clients");
/// Number to snapshot.
pub(super) const SNAPSHOTS: TableDefinition<u64, &[u8]> = TableDefinition::new("snapshots");
/// Two rows: how many documents there are, and what belongs to them in the journal.
pub(super) const META: TableDefinition<&str, &[u8]> = TableDefinition::new("meta");
/// The names of those rows.
pub(super) const DOCUMENT_COUNT: &str = "documents";
pub(super) const JOURNAL_MARK: &str = "journal";

/// A table by its letter, as the checksums of its values know it.
#[derive(Clone, Copy)]
#[repr(u8)]
pub(super) enum Table {
    Documents = b'd',
    Heads = b'h',
    Entries = b'e',
    Blocks = b'b',
    Clients = b'c',
    Snapshots = b's',
    Meta = b'm',
}

/// What a value's checksum takes for its key, in a table whose key is a name.
pub(super) fn named(table: Table, name: &str) -> Vec<u8> {
    let mut key = vec![table as u8];
    key.extend_from_slice(name.as_bytes());
    key
}

/// The same, in a table whose key is a document's number and something more.
pub(super) fn numbered(table: Table, number: u64, rest: &[u8]) -> Vec<u8> {
    let mut key = vec![table as u8];
    key.extend_from_slice(&number.to_be_bytes());
    key.extend_from_slice(rest);
    key
}

/// The key of a client's row.
pub(super) fn client_key(number: u64, client: &ClientId) -> (u64, u128) {
    (number, u128::from_be_bytes(*client.as_bytes()))
}

/// Where a block of entries is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct BlockKey {
    pub(super) number: u64,
    /// The versions of its last entry and its first.
    pub(super) last: u64,
    pub(super) first: u64,
}

impl BlockKey {
    /// The key of a row.
    pub(super) fn row(self) -> (u64, u64, u64) {
        (self.number, self.last, self.first)
    }

    pub(super) fn of_row((number, last, first): (u64, u64, u64)) -> BlockKey {
        BlockKey { number, last, first }
    }

    /// The rows of a document's blocks that end at this version or later.
    pub(super) fn rows_from(number: u64, version: u64) -> RangeInclusive<(u64, u64, u64)> {
        (number, version, 0)..=(number, u64::MAX, u64::MAX)
    }
}

/// A document as it is stored.
#[derive(Clone, Debug, Default)]
pub(super) struct StoredDocument {
    /// `None` if nothing is stored of it.
    pub(super) number: Option<u64>,
    pub(super) ledger: Ledger,
    pub(super) clients: u64,
    pub(super) clients_sum: u64,
}

/// Reads the head of a document; `None` if there is none.
pub(super) fn load_head(view: &View<'_>) -> Result<Option<HeadRecord>, StoreError> {
    let name = view.id().as_str();
    let (number, head) = (view.document()?, view.head()?);
    let (number, head) = match (&number, &head) {
        (None, None) => return Ok(None),
        (Some(number), Some(head)) => (number, head),
        (Some(_), None) => return Err(StoreError::damaged("the document has a number and no head")),
        (None, Some(_)) => return Err(StoreError::damaged("the document has a head and no number")),
    };
    let (DocumentRecord { number }, _) = unseal(&named(Table::Documents, name), number)?;
    let (head, _) = unseal::<HeadRecord>(&named(Table::Heads, name), head)?;
    if head.number != number {
        let (first, second) = (number, head.number);
        return Err(StoreError::damaged(format!("the document has two numbers, {first} and {second}")));
    }
    Ok(Some(head))
}

/// Reads all that appends are judged by, and checks that no row is missing.
/// Cost: the client records, and where entries and blocks begin and end.
pub(super) fn load_document(view: &View<'_>) -> Result<StoredDocument, StoreError> {
    let Some(head) = load_head(view)? else { return Ok(StoredDocument::default()) };
    let number = head.number;
    let (first, last) = view.ends(number)?.unzip();
    let (floor, version) = (head.floor.get(), head.version.get());
    // Rows begin where the blocks end, and these where the floor is, or before.
    let packed = view.block_ends(number, floor + 1)?;
    let rows_from = packed.map_or(floor, |(_, last)| last.last) + 1;
    let expected = if version >= rows_from { (Some(rows_from), Some(version)) } else { (None, None) };
    let (begins, ends) = packed.map_or((floor + 1, floor), |(first, last)| (first.first, last.last));
    if (first, last) != expected || begins > floor + 1 || ends > version {
        return Err(StoreError::damaged(format!(
            "the entries from {first:?} to {last:?}, and in blocks from {begins} to {ends}, do not fit the floor {floor} \
             and the head {version}"
        )));
    }
    let mut clients = HashMap::new();
    let mut sum = 0_u64;
    view.clients(number, |key, value| {
        let id = ClientId::from_bytes(key.to_be_bytes());
        let (record, _) = unseal::<ClientRecord>(&numbered(Table::Clients, number, id.as_bytes()), value)?;
        sum = sum.wrapping_add(sum_of(value));
        clients.insert(id, record);
        Ok(())
    })?;
    if (clients.len() as u64, sum) != (head.clients, head.clients_sum) {
        let (found, known) = (clients.len(), head.clients);
        return Err(StoreError::damaged(format!("{found} client records do not fit the {known} that the head knows")));
    }
    let at = Head { epoch: head.epoch, version: head.version, hash: head.hash };
    Ok(StoredDocument {
        number: Some(number),
        ledger: Ledger::stored(at, head.floor, head.snapshot, clients),
        clients: head.clients,
        clients_sum: head.clients_sum,
    })
}

/// Reads entries after a version; see [`crate::oplog::OpLog::read`].
pub(super) fn read_entries(view: &View<'_>, after: Version, max_bytes: usize) -> Result<ReadOutcome, StoreError> {
    let Some(head) = load_head(view)? else { return Ok(ReadOutcome::Entries(Vec::new())) };
    if after < head.floor {
        return Ok(ReadOutcome::BelowFloor { floor: head.floor });
    }
    let mut page = Page { entries: Vec::new(), version: after, bytes: 0, max_bytes };
    if after >= head.version {
        return Ok(ReadOutcome::Entries(page.entries));
    }
    let (number, first, last) = (head.number, after.get() + 1, head.version.get());
    let mut flow = ControlFlow::Continue(());
    if !view.has_entry(number, first)? {
        view.blocks(number, first, |key, value| {
            flow = page.take_block(key, last, value)?;
            Ok(flow)
        })?;
    }
    if flow.is_continue() {
        view.entries(number, page.version.get() + 1, last, |found, value| page.take_row(number, found, value))?;
    }
    if page.entries.is_empty() {
        let known = head.version;
        return Err(StoreError::damaged(format!("the entries end at {after}, the head is {known}")));
    }
    Ok(ReadOutcome::Entries(page.entries))
}

/// Entries without a gap that are read one behind the other. What lies behind a damaged one, or behind a gap, is not
/// taken; it is an error only if nothing lies before.
struct Page {
    entries: Vec<Entry>,
    /// The version that was read last.
    version: Version,
    bytes: usize,
    max_bytes: usize,
}

impl Page {
    fn take_row(&mut self, number: u64, found: u64, value: &[u8]) -> Result<ControlFlow<()>, StoreError> {
        let version = self.version.next();
        if found != version.get() {
            return self.end(|| StoreError::damaged(format!("entry {version} is missing, {found} is the next")));
        }
        match unseal_entry(&entry_key(number, version), version, value) {
            Ok((entry, _)) => Ok(self.take(entry)),
            Err(error) => self.end(|| error.into()),
        }
    }

    /// Takes what a block has above what was read, up to this version.
    fn take_block(&mut self, key: BlockKey, last: u64, value: &[u8]) -> Result<ControlFlow<()>, StoreError> {
        let next = self.version.next().get();
        if key.first > next || key.last > last {
            let BlockKey { first, last: end, .. } = key;
            let reason =
                format!("entry {next} is missing, a block from {first} to {end} is the next, the head is {last}");
            return self.end(|| StoreError::damaged(reason));
        }
        let block = match unseal_block(key, value) {
            Ok(block) => block,
            Err(error) => return self.end(|| error.into()),
        };
        for entry in block.into_entries() {
            if entry.version.get() >= next && self.take(entry).is_break() {
                return Ok(ControlFlow::Break(()));
            }
        }
        Ok(ControlFlow::Continue(()))
    }

    /// Takes the next entry if the page has room for it.
    fn take(&mut self, entry: Entry) -> ControlFlow<()> {
        self.bytes += entry.operation.len();
        if self.bytes > self.max_bytes && !self.entries.is_empty() {
            return ControlFlow::Break(());
        }
        self.version = entry.version;
        self.entries.push(entry);
        ControlFlow::Continue(())
    }

    fn end(&self, error: impl FnOnce() -> StoreError) -> Result<ControlFlow<()>, StoreError> {
        if self.entries.is_empty() { Err(error()) } else { Ok(ControlFlow::Break(())) }
    }
}

/// The running hash at a version, where it is known.
pub(super) fn hash_at(
    view: &View<'_>,
    document: &StoredDocument,
    version: Version,
) -> Result<Option<RunningHash>, StoreError> {
    if version == Version::ZERO {
        return Ok(Some(RunningHash::ZERO));
    }
    if let Some((at, hash)) = document.ledger.snapshot
        && at == version
    {
        return Ok(Some(hash));
    }
    let Some(number) = document.number else { return Ok(None) };
    if let Some(value) = view.entry(number, version.get())? {
        return Ok(unseal_entry(&entry_key(number, version), version, &value)?.1);
    }
    if version <= document.ledger.floor {
        return Ok(None);
    }
    let Some((key, value)) = view.block_at(number, version.get())? else { return Ok(None) };
    let count = usize::try_from(version.get() + 1 - key.first).unwrap_or(usize::MAX);
    Ok(unseal_block(key, &value)?.hash_after(count))
}

/// Reads the stored snapshot.
pub(super) fn load_snapshot(view: &View<'_>) -> Result<Option<Snapshot>, StoreError> {
    let Some(head) = load_head(view)? else { return Ok(None) };
    let (record, content) = match (snapshot_of(view, head.number)?, head.snapshot) {
        (None, None) => return Ok(None),
        (Some((record, content)), Some(known)) if (record.version, record.hash) == known => (record, content),
        _ => return Err(StoreError::damaged("the stored snapshot is not the one that the head knows")),
    };
    Ok(Some(Snapshot { head: record.head(head.epoch), checksum: record.checksum, content }))
}

/// Reads a snapshot whole, so that a damaged one is found.
pub(super) fn snapshot_of(view: &View<'_>, number: u64) -> Result<Option<(SnapshotRecord, Bytes)>, StoreError> {
    let Some(value) = view.snapshot(number)? else { return Ok(None) };
    let (record, content) = unseal::<SnapshotRecord>(&numbered(Table::Snapshots, number, &[]), &value)?;
    Ok(Some((record, Bytes::copy_from_slice(content))))
}

/// The key that an entry's checksum takes in.
pub(super) fn entry_key(number: u64, version: Version) -> Vec<u8> {
    numbered(Table::Entries, number, &version.get().to_be_bytes())
}

/// Reads how many documents there are.
pub(super) fn document_count(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<u64, StoreError> {
    let Some(value) = meta.get(DOCUMENT_COUNT)? else {
        return Err(StoreError::damaged("the number of documents is missing"));
    };
    count_of(value.value())
}

/// The same of the row's value.
pub(super) fn count_of(value: &[u8]) -> Result<u64, StoreError> {
    Ok(unseal::<DocumentRecord>(&named(Table::Meta, DOCUMENT_COUNT), value)?.0.number)
}

/// Reads what belongs to the database in its journal: nothing, if no server with a journal
/// has written it.
pub(super) fn journal_mark(meta: &impl ReadableTable<&'static str, &'static [u8]>) -> Result<Mark, StoreError> {
    let Some(value) = meta.get(JOURNAL_MARK)? else { return Ok(Mark::default()) };
    Ok(unseal(&named(Table::Meta, JOURNAL_MARK), value.value())?.0)
}
