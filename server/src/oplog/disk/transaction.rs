//! The tables of one write transaction, and the rows that are written into them.

use cowrite_protocol::{DocumentId, RunningHash, Version};
use redb::{Table as Rows, WriteTransaction};

use super::error::StoreError;
use super::record::{DocumentRecord, HeadRecord, RecordError, SnapshotRecord, seal, seal_entry, sum_of};
use super::row::Row;
use super::table::{
    CLIENTS, DOCUMENT_COUNT, DOCUMENTS, ENTRIES, HEADS, META, SNAPSHOTS, StoredDocument, Table, client_key,
    document_count, entry_key, named, numbered, snapshot_of,
};
use crate::oplog::{Entry, Snapshot};

/// All tables, open for writing, and all that was put into them.
pub(super) struct Tables<'t> {
    documents: Rows<'t, &'static str, &'static [u8]>,
    heads: Rows<'t, &'static str, &'static [u8]>,
    entries: Rows<'t, (u64, u64), &'static [u8]>,
    clients: Rows<'t, (u64, u128), &'static [u8]>,
    snapshots: Rows<'t, u64, &'static [u8]>,
    meta: Rows<'t, &'static str, &'static [u8]>,
    rows: Vec<u8>,
}

impl<'t> Tables<'t> {
    pub(super) fn open(write: &'t WriteTransaction) -> Result<Tables<'t>, StoreError> {
        Ok(Tables {
            documents: write.open_table(DOCUMENTS)?,
            heads: write.open_table(HEADS)?,
            entries: write.open_table(ENTRIES)?,
            clients: write.open_table(CLIENTS)?,
            snapshots: write.open_table(SNAPSHOTS)?,
            meta: write.open_table(META)?,
            rows: Vec::new(),
        })
    }

    /// Closes the tables; gives the rows that were put, in their order.
    pub(super) fn into_rows(self) -> Vec<u8> {
        self.rows
    }

    /// Puts rows again that a journal kept.
    pub(super) fn replay(&mut self, mut rows: &[u8]) -> Result<(), StoreError> {
        while let Some(row) = Row::read(&mut rows)? {
            self.apply(&row)?;
        }
        Ok(())
    }

    /// The document's number; a new one if it has none yet.
    pub(super) fn number(&mut self, id: &DocumentId, document: &mut StoredDocument) -> Result<u64, StoreError> {
        if let Some(number) = document.number {
            return Ok(number);
        }
        let number = document_count(&self.meta)? + 1;
        let record = DocumentRecord { number };
        let count = seal(&named(Table::Meta, DOCUMENT_COUNT), &record, &[]).map_err(unwritable)?;
        self.put(&Row::Count { value: &count })?;
        let value = seal(&named(Table::Documents, id.as_str()), &record, &[]).map_err(unwritable)?;
        self.put(&Row::Document { name: id.as_str(), value: &value })?;
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
    pub(super) fn insert_snapshot(&mut self, number: u64, snapshot: &Snapshot) -> Result<(), StoreError> {
        let (head, checksum) = (snapshot.head, snapshot.checksum);
        let record = SnapshotRecord { version: head.version, hash: head.hash, checksum };
        let value = seal(&numbered(Table::Snapshots, number, &[]), &record, &snapshot.content).map_err(unwritable)?;
        self.put(&Row::Snapshot { number, value: &value })?;
        Ok(())
    }

    /// Forgets the entries above `floor`, up to and including `before`, once the snapshot
    /// that they are behind has been read back.
    pub(super) fn trim(
        &mut self,
        number: u64,
        floor: Version,
        before: Version,
        snapshot: Option<(Version, RunningHash)>,
    ) -> Result<(), StoreError> {
        let found = snapshot_of(&self.snapshots, number)?.map(|(record, _)| (record.version, record.hash));
        if found != snapshot {
            return Err(StoreError::damaged("the stored snapshot is not the one that the head knows"));
        }
        self.put(&Row::Trim { number, first: floor.get() + 1, last: before.get() })?;
        Ok(())
    }

    /// Writes the client records that changed, and the head that knows of them.
    pub(super) fn flush(&mut self, id: &DocumentId, document: &mut StoredDocument) -> Result<(), StoreError> {
        let number = self.number(id, document)?;
        for client in document.ledger.take_changed() {
            let (_, key) = client_key(number, &client);
            let old = match document.ledger.clients.get(&client) {
                Some(record) => {
                    let value = seal(&numbered(Table::Clients, number, client.as_bytes()), record, &[]);
                    let value = value.map_err(unwritable)?;
                    document.clients += 1;
                    document.clients_sum = document.clients_sum.wrapping_add(sum_of(&value));
                    self.put(&Row::Client { number, client: key, value: Some(&value) })?
                }
                None => self.put(&Row::Client { number, client: key, value: None })?,
            };
            if let Some(old) = old {
                document.clients = document.clients.wrapping_sub(1);
                document.clients_sum = document.clients_sum.wrapping_sub(old);
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
        self.put(&Row::Head { name: id.as_str(), value: &value })?;
        Ok(())
    }

    fn put(&mut self, row: &Row<'_>) -> Result<Option<u64>, StoreError> {
        row.write(&mut self.rows).map_err(unwritable)?;
        self.apply(row)
    }

    /// Puts a row; gives the checksum of the value that was in its place.
    fn apply(&mut self, row: &Row<'_>) -> Result<Option<u64>, StoreError> {
        let old = match *row {
            Row::Document { name, value } => self.documents.insert(name, value)?,
            Row::Head { name, value } => self.heads.insert(name, value)?,
            Row::Entry { number, version, value } => self.entries.insert((number, version), value)?,
            Row::Client { number, client, value: Some(value) } => self.clients.insert((number, client), value)?,
            Row::Client { number, client, value: None } => self.clients.remove((number, client))?,
            Row::Snapshot { number, value } => self.snapshots.insert(number, value)?,
            Row::Count { value } => self.meta.insert(DOCUMENT_COUNT, value)?,
            Row::Trim { number, first, last } => {
                self.entries.retain_in((number, first)..=(number, last), |_, _| false)?;
                None
            }
        };
        Ok(old.map(|old| sum_of(old.value())))
    }
}

/// Fields that can not be written: the document is left as it was.
fn unwritable(error: RecordError) -> StoreError {
    StoreError::Stumbled(error.to_string())
}
