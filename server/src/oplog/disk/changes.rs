//! What a group of requests comes to in rows: written one behind the other, for the journal first.

use std::collections::BTreeMap;

use cowrite_protocol::{DocumentId, RunningHash, Version};

use super::error::StoreError;
use super::record::{DocumentRecord, HeadRecord, RecordError, SnapshotRecord, seal, seal_entry, sum_of};
use super::row::Row;
use super::store::Store;
use super::table::{DOCUMENT_COUNT, StoredDocument, Table, client_key, entry_key, named, numbered, snapshot_of};
use crate::oplog::{Entry, Snapshot};

/// The rows of one group, none of which is anywhere else yet.
pub(super) struct Changes<'s> {
    store: &'s Store,
    rows: Vec<u8>,
    /// How many documents there are with those of this group, if it has any.
    count: Option<u64>,
    /// The snapshots among the rows, by the document's number.
    snapshots: BTreeMap<u64, (Version, RunningHash)>,
}

impl<'s> Changes<'s> {
    pub(super) fn new(store: &'s Store) -> Changes<'s> {
        Changes { store, rows: Vec::new(), count: None, snapshots: BTreeMap::new() }
    }

    /// The rows that were put, in their order.
    pub(super) fn into_rows(self) -> Vec<u8> {
        self.rows
    }

    /// The document's number; a new one if it has none yet.
    pub(super) fn number(&mut self, id: &DocumentId, document: &mut StoredDocument) -> Result<u64, StoreError> {
        if let Some(number) = document.number {
            return Ok(number);
        }
        let before = match self.count {
            Some(count) => count,
            None => self.store.document_count()?,
        };
        let number = before + 1;
        let record = DocumentRecord { number };
        let count = seal(&named(Table::Meta, DOCUMENT_COUNT), &record, &[]).map_err(unwritable)?;
        self.put(&Row::Count { value: &count })?;
        let value = seal(&named(Table::Documents, id.as_str()), &record, &[]).map_err(unwritable)?;
        self.put(&Row::Document { name: id.as_str(), value: &value })?;
        self.count = Some(number);
        document.number = Some(number);
        Ok(number)
    }

    /// Writes the entries of one batch.
    pub(super) fn insert_entries(
        &mut self,
        number: u64,
        entries: &[Entry],
        hash_after: RunningHash,
    ) -> Result<(), StoreError> {
        for (index, entry) in entries.iter().enumerate() {
            let hash = (index + 1 == entries.len()).then_some(hash_after);
            let value = seal_entry(&entry_key(number, entry.version), entry, hash).map_err(unwritable)?;
            self.put(&Row::Entry { number, version: entry.version.get(), value: &value })?;
        }
        Ok(())
    }

    /// Writes a snapshot in place of the one before.
    pub(super) fn insert_snapshot(
        &mut self,
        id: &DocumentId,
        number: u64,
        snapshot: &Snapshot,
    ) -> Result<(), StoreError> {
        self.store.read(id, |view| view.foresee_snapshot(number))?;
        let (head, checksum) = (snapshot.head, snapshot.checksum);
        let record = SnapshotRecord { version: head.version, hash: head.hash, checksum };
        let value = seal(&numbered(Table::Snapshots, number, &[]), &record, &snapshot.content).map_err(unwritable)?;
        self.snapshots.insert(number, (head.version, head.hash));
        self.put(&Row::Snapshot { number, value: &value })
    }

    /// Forgets the entries above `floor`, up to and including `before`, once the snapshot
    /// that they are behind has been read back.
    pub(super) fn trim(
        &mut self,
        id: &DocumentId,
        number: u64,
        floor: Version,
        before: Version,
        snapshot: Option<(Version, RunningHash)>,
    ) -> Result<(), StoreError> {
        let (first, last) = (floor.get() + 1, before.get());
        let put = self.snapshots.get(&number).copied();
        let found = self.store.read(id, |view| {
            view.foresee_trim(number, first, last)?;
            let read = || snapshot_of(view, number).map(|found| found.map(|(record, _)| (record.version, record.hash)));
            put.map_or_else(read, |put| Ok(Some(put)))
        })?;
        if found != snapshot {
            return Err(StoreError::damaged("the stored snapshot is not the one that the head knows"));
        }
        self.put(&Row::Trim { number, first, last })
    }

    /// Writes the client records that changed, and the head that knows of them.
    pub(super) fn flush(&mut self, id: &DocumentId, document: &mut StoredDocument) -> Result<(), StoreError> {
        let number = self.number(id, document)?;
        self.store.foresee(id, number, document.ledger.head.version)?;
        for client in document.ledger.take_changed() {
            let (_, key) = client_key(number, &client);
            if let Some(old) = self.store.client_sum(id, number, key)? {
                document.clients = document.clients.wrapping_sub(1);
                document.clients_sum = document.clients_sum.wrapping_sub(old);
            }
            match document.ledger.clients.get(&client) {
                Some(record) => {
                    let value = seal(&numbered(Table::Clients, number, client.as_bytes()), record, &[]);
                    let value = value.map_err(unwritable)?;
                    document.clients = document.clients.wrapping_add(1);
                    document.clients_sum = document.clients_sum.wrapping_add(sum_of(&value));
                    self.put(&Row::Client { number, client: key, value: Some(&value) })?;
                }
                None => self.put(&Row::Client { number, client: key, value: None })?,
            }
        }
        let ledger = &document.ledger;
        let record = HeadRecord {
            number,
            epoch: ledger.head.epoch,
            version: ledger.head.version,
            hash: ledger.head.hash,
            floor: ledger.floor,
            snapshot: ledger.snapshot,
            clients: document.clients,
            clients_sum: document.clients_sum,
        };
        let value = seal(&named(Table::Heads, id.as_str()), &record, &[]).map_err(unwritable)?;
        self.put(&Row::Head { name: id.as_str(), value: &value })
    }

    fn put(&mut self, row: &Row<'_>) -> Result<(), StoreError> {
        row.write(&mut self.rows).map_err(unwritable)
    }
}

/// Fields that can not be written: the document is left as it was.
fn unwritable(error: RecordError) -> StoreError {
    StoreError::Stumbled(error.to_string())
}
