//! The tables of one write transaction, and the rows that are written into them.

use cowrite_protocol::{DocumentId, RunningHash, Version};
use redb::{Table as Rows, WriteTransaction};

use super::error::StoreError;
use super::record::{DocumentRecord, HeadRecord, RecordError, SnapshotRecord, seal, seal_entry, sum_of};
use super::table::{
    CLIENTS, DOCUMENT_COUNT, DOCUMENTS, ENTRIES, HEADS, META, SNAPSHOTS, StoredDocument, Table, client_key,
    document_count, entry_key, named, numbered, snapshot_of,
};
use crate::oplog::{Entry, Snapshot};

/// All tables, open for writing.
pub(super) struct Tables<'t> {
    documents: Rows<'t, &'static str, &'static [u8]>,
    heads: Rows<'t, &'static str, &'static [u8]>,
    entries: Rows<'t, (u64, u64), &'static [u8]>,
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
            clients: write.open_table(CLIENTS)?,
            snapshots: write.open_table(SNAPSHOTS)?,
            meta: write.open_table(META)?,
        })
    }

    /// The document's number; a new one if it has none yet.
    pub(super) fn number(&mut self, id: &DocumentId, document: &mut StoredDocument) -> Result<u64, StoreError> {
        if let Some(number) = document.number {
            return Ok(number);
        }
        let number = document_count(&self.meta)? + 1;
        let record = DocumentRecord { number };
        let count = seal(&named(Table::Meta, DOCUMENT_COUNT), &record, &[]).map_err(unwritable)?;
        self.meta.insert(DOCUMENT_COUNT, &*count)?;
        let value = seal(&named(Table::Documents, id.as_str()), &record, &[]).map_err(unwritable)?;
        self.documents.insert(id.as_str(), &*value)?;
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
            self.entries.insert((number, entry.version.get()), &*value)?;
        }
        Ok(())
    }

    /// Writes a snapshot in place of the one before.
    pub(super) fn insert_snapshot(&mut self, number: u64, snapshot: &Snapshot) -> Result<(), StoreError> {
        let (head, checksum) = (snapshot.head, snapshot.checksum);
        let record = SnapshotRecord { version: head.version, hash: head.hash, checksum };
        let value = seal(&numbered(Table::Snapshots, number, &[]), &record, &snapshot.content).map_err(unwritable)?;
        self.snapshots.insert(number, &*value)?;
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
        self.entries.retain_in((number, floor.get() + 1)..=(number, before.get()), |_, _| false)?;
        Ok(())
    }

    /// Writes the client records that changed, and the head that knows of them.
    pub(super) fn flush(&mut self, id: &DocumentId, document: &mut StoredDocument) -> Result<(), StoreError> {
        let number = self.number(id, document)?;
        for client in document.ledger.take_changed() {
            let key = client_key(number, &client);
            let old = match document.ledger.clients.get(&client) {
                Some(record) => {
                    let value = seal(&numbered(Table::Clients, number, client.as_bytes()), record, &[]);
                    let value = value.map_err(unwritable)?;
                    document.clients += 1;
                    document.clients_sum = document.clients_sum.wrapping_add(sum_of(&value));
                    self.clients.insert(key, &*value)?
                }
                None => self.clients.remove(key)?,
            };
            if let Some(old) = old {
                document.clients = document.clients.wrapping_sub(1);
                document.clients_sum = document.clients_sum.wrapping_sub(sum_of(old.value()));
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
        self.heads.insert(id.as_str(), &*value)?;
        Ok(())
    }
}

/// Fields that can not be written: the document is left as it was.
fn unwritable(error: RecordError) -> StoreError {
    StoreError::Stumbled(error.to_string())
}
