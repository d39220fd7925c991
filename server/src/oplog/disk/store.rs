//! The database as it is open now, and its opening again after a fault.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use redb::{Database, Durability, ReadTransaction, ReadableDatabase, WriteTransaction};

use super::backend::Backend;
use super::error::StoreError;
use super::file::LogFile;
use super::folder::OpenFolderError;
use super::record::{DocumentRecord, seal};
use super::table::{CLIENTS, DOCUMENT_COUNT, DOCUMENTS, ENTRIES, HEADS, META, SNAPSHOTS, Table, named};

/// The open database. Readers share it; only the writer's thread opens it again.
#[derive(Debug)]
pub(super) struct Store {
    file: Arc<dyn LogFile>,
    cache_bytes: usize,
    /// `None` after a fault, until it has been opened again.
    database: RwLock<Option<Database>>,
}

impl Store {
    /// Opens the database in this file, or makes one if the file is new. `folder` is for
    /// the error's text.
    pub(super) fn open(file: Arc<dyn LogFile>, cache_bytes: usize, folder: &Path) -> Result<Store, OpenFolderError> {
        let store = Store { file, cache_bytes, database: RwLock::new(None) };
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
        prepare(&database).map_err(|error| match error {
            Prepare::Database(error) => database_error(error),
            Prepare::Damaged(reason) => OpenFolderError::Damaged { folder: folder.to_owned(), reason },
        })?;
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

    /// Begins a write whose commit is on the disk before it returns.
    pub(super) fn begin_write(&self) -> Result<WriteTransaction, StoreError> {
        let database = self.database.read().unwrap_or_else(PoisonError::into_inner);
        let Some(database) = &*database else { return Err(closed()) };
        Ok(begin_durable(database)?)
    }

    /// Closes the database in order, so that the next start need not recover.
    pub(super) fn close(&self) {
        let database = self.database.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(database))) {
            tracing::warn!(reason = %StoreError::panicked(&*panic), "the op log's database was closed the hard way");
        }
    }
}

fn closed() -> StoreError {
    StoreError::Fault("the database is closed after a fault".to_owned())
}

fn begin_durable(database: &Database) -> Result<WriteTransaction, redb::Error> {
    let mut write = database.begin_write()?;
    write.set_durability(Durability::Immediate)?;
    // A start after a crash then reads the allocator's state instead of the whole file.
    write.set_quick_repair(true);
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

/// Makes the tables of a new database; of any other, all of them must be there.
fn prepare(database: &Database) -> Result<(), Prepare> {
    let read = database.begin_read()?;
    if read.list_tables()?.next().is_some() {
        let count = super::table::document_count(&read.open_table(META)?);
        read.open_table(DOCUMENTS)?;
        read.open_table(HEADS)?;
        read.open_table(ENTRIES)?;
        read.open_table(CLIENTS)?;
        read.open_table(SNAPSHOTS)?;
        return count.map(drop).map_err(|error| Prepare::Damaged(error.to_string()));
    }
    drop(read);
    let write = begin_durable(database)?;
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
    write.commit()?;
    Ok(())
}
