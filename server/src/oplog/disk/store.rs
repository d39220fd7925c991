//! The database as it is open now, and its opening again after a fault.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::backend::Backend;
use super::error::StoreError;
use super::file::LogFile;
use super::folder::OpenFolderError;
use super::journal::{Journal, Mark};
use super::record::{DocumentRecord, seal};
use super::table::{
    CLIENTS, DOCUMENT_COUNT, DOCUMENTS, ENTRIES, HEADS, JOURNAL_MARK, META, SNAPSHOTS, Table, document_count,
    journal_mark, named,
};
use super::transaction::Tables;

/// The open database. Readers share it; only the writer's thread opens it again.
#[derive(Debug)]
pub(super) struct Store {
    file: Arc<dyn LogFile>,
    cache_bytes: usize,
    /// Used by the writer's thread, and before there is one.
    journal: Mutex<Journal>,
    /// `None` after a fault, until it has been opened again.
    database: RwLock<Option<Database>>,
}

impl Store {
    /// Opens the database in this file, or makes one if the file is new, and puts into it
    /// what its journal has more. `folder` is for the error's text.
    pub(super) fn open(
        file: Arc<dyn LogFile>,
        journal: Journal,
        cache_bytes: usize,
        folder: &Path,
    ) -> Result<Store, OpenFolderError> {
        let store = Store { file, cache_bytes, journal: Mutex::new(journal), database: RwLock::new(None) };
        // The database asserts much of what it reads; here that is a damaged file.
        let opened = catch_unwind(AssertUnwindSafe(|| store.open_database(folder)));
        let database = opened.unwrap_or_else(|panic| {
            let reason = StoreError::panicked(&*panic).to_string();
            Err(OpenFolderError::Damaged { folder: folder.to_owned(), reason })
        })?;
        *store.database.write().unwrap_or_else(PoisonError::into_inner) = Some(database);
        Ok(store)
    }

    fn open_database(&self, folder: &Path) -> Result<Database, OpenFolderError> {
        let backend = Backend::open(Arc::clone(&self.file));
        let backend = backend.map_err(|error| OpenFolderError::from_backend(folder, error))?;
        let database_error = |error| OpenFolderError::from_database(folder, error);
        let database = Database::builder().set_cache_size(self.cache_bytes).create_with_backend(backend.clone());
        let database = database.map_err(|error| database_error(error.into()))?;
        let mark = prepare(&database).map_err(|error| match error {
            Prepare::Database(error) => database_error(error),
            Prepare::Damaged(reason) => OpenFolderError::Damaged { folder: folder.to_owned(), reason },
        })?;
        let records = self.journal().recover(mark).map_err(|error| OpenFolderError::from_journal(folder, error))?;
        replay(&database, mark, &records).map_err(|error| OpenFolderError::from_store(folder, error))?;
        backend.finish().map_err(|error| OpenFolderError::from_io(folder, error))?;
        Ok(database)
    }

    /// Closes what is open and opens it again. Waits for the reads under way.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        let old = database.take();
        // A database that failed writes nothing more when it is dropped.
        let closed = catch_unwind(AssertUnwindSafe(|| drop(old)));
        if let Err(panic) = closed {
            tracing::warn!(reason = %StoreError::panicked(&*panic), "the op log's database was closed the hard way");
        }
        let opened = catch_unwind(AssertUnwindSafe(|| self.open_database(Path::new("(again)"))));
        match opened {
            Ok(Ok(opened)) => *database = Some(opened),
            Ok(Err(error)) => return Err(StoreError::Fault(error.to_string())),
            Err(panic) => return Err(StoreError::Fault(StoreError::panicked(&*panic).to_string())),
        }
        Ok(())
    }

    /// Whether the database is open.
    pub(super) fn is_open(&self) -> bool {
        self.database.read().unwrap_or_else(PoisonError::into_inner).is_some()
    }

    /// Runs a read on the state that is committed. A panic in it is an error like others.
    pub(super) fn read<T>(
        &self,
        read: impl FnOnce(&ReadTransaction) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else { return Err(closed()) };
        catch_unwind(AssertUnwindSafe(|| read(&database.begin_read()?)))
            .unwrap_or_else(|panic| Err(StoreError::panicked(&*panic)))
    }

    /// Begins a write, to be ended by [`Store::commit`].
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else { return Err(closed()) };
        Ok(database.begin_write()?)
    }

    /// Commits a write that put these rows: they are on the disk when this returns, in the
    /// journal if they fit into it, and otherwise with all that it held in the database.
    pub(super) fn commit(&self, write: WriteTransaction, rows: &[u8]) -> Result<(), StoreError> {
        let mut journal = self.journal();
        if let Some(mark) = journal.mark_with(rows) {
            let write = marked(write, mark, Durability::None)?;
            journal.append(rows, mark).map_err(redb::Error::Io)?;
            write.commit()?;
        } else {
            let mark = journal.next_generation();
            marked(write, mark, Durability::Immediate)?.commit()?;
            journal.begin(mark);
        }
        Ok(())
    }

    /// Closes the database in order, so that the next start need not recover.
    pub(super) fn close(&self) {
        let synced = catch_unwind(AssertUnwindSafe(|| self.commit_last()));
        if let Err(error) = synced.unwrap_or_else(|panic| Err(StoreError::panicked(&*panic))) {
            tracing::warn!(%error, "the op log is closed with what its journal holds");
        }
        let database = self.database.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(database))) {
            tracing::warn!(reason = %StoreError::panicked(&*panic), "the op log's database was closed the hard way");
        }
    }

    /// Puts the database on the disk with all that the journal held, which then is not needed.
    fn commit_last(&self) -> Result<(), StoreError> {
        let Some(mark) = self.journal().last_generation() else { return Ok(()) };
        Ok(marked(self.begin_write()?, mark, Durability::Immediate)?.commit()?)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // After a panic it is recovered, with the database.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> StoreError {
    StoreError::Fault("the database is closed after a fault".to_owned())
}

/// The write, with what it says of the journal.
fn marked(mut write: WriteTransaction, mark: Mark, durability: Durability) -> Result<WriteTransaction, StoreError> {
    let value = seal(&named(Table::Meta, JOURNAL_MARK), &mark, &[])?;
    write.open_table(META)?.insert(JOURNAL_MARK, &*value)?;
    write.set_durability(durability)?;
    // A start after a crash then reads the allocator's state instead of the whole file. What
    // is not synced has none to read.
    write.set_quick_repair(matches!(durability, Durability::Immediate));
    Ok(write)
}

enum Prepare {
    Database(redb::Error),
    Damaged(String),
}

impl<E: Into<redb::Error>> From<E> for Prepare {
    fn from(error: E) -> Prepare {
        Prepare::Database(error.into())
    }
}

/// Makes the tables of a new database; of any other, all of them must be there. Gives what
/// it knows of its journal.
fn prepare(database: &Database) -> Result<Mark, Prepare> {
    let read = database.begin_read()?;
    if read.list_tables()?.next().is_some() {
        let meta = read.open_table(META)?;
        let mark = document_count(&meta).and_then(|_| journal_mark(&meta));
        read.open_table(DOCUMENTS)?;
        read.open_table(HEADS)?;
        read.open_table(ENTRIES)?;
        read.open_table(CLIENTS)?;
        read.open_table(SNAPSHOTS)?;
        return mark.map_err(|error| Prepare::Damaged(error.to_string()));
    }
    drop(read);
    let mut write = database.begin_write()?;
    {
        let key = named(Table::Meta, DOCUMENT_COUNT);
        let count = seal(&key, &DocumentRecord { number: 0 }, &[]);
        let count = count.map_err(|error| Prepare::Damaged(error.to_string()))?;
        write.open_table(META)?.insert(DOCUMENT_COUNT, &*count)?;
        write.open_table(DOCUMENTS)?;
        write.open_table(HEADS)?;
        write.open_table(ENTRIES)?;
        write.open_table(CLIENTS)?;
        write.open_table(SNAPSHOTS)?;
    }
    write.set_quick_repair(true);
    write.commit()?;
    Ok(Mark::default())
}

/// Puts into the database what its journal has more.
fn replay(database: &Database, mark: Mark, records: &[Vec<u8>]) -> Result<(), StoreError> {
    if records.is_empty() {
        return Ok(());
    }
    let write = database.begin_write()?;
    {
        let mut tables = Tables::open(&write)?;
        for rows in records {
            tables.replay(rows)?;
        }
    }
    let mark = Mark { next: mark.next + records.len() as u64, ..mark };
    marked(write, mark, Durability::None)?.commit()?;
    Ok(())
}
