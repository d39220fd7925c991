//! The tables of one write transaction, and the rows that are put into them.

use redb::{Table as Rows, WriteTransaction};

use super::error::StoreError;
use super::overlay::Overlay;
use super::row::Row;
use super::table::{CLIENTS, DOCUMENT_COUNT, DOCUMENTS, ENTRIES, HEADS, META, SNAPSHOTS};

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

    /// Puts all that is kept beside the database, in the order of the keys.
    pub(super) fn take_in(&mut self, kept: &Overlay) -> Result<(), StoreError> {
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
            for (&version, value) in &rows.entries {
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
            }
        }
        Ok(())
    }
}
