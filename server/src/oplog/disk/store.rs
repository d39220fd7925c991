//! The database as it is open now, and its opening again after a fault.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};
use std::time::Instant;

use bytes::Bytes;
use cowrite_protocol::{DocumentId, Version};
use redb::{Database, Durability, ReadableDatabase, WriteTransaction};

use super::backend::Backend;
use super::error::StoreError;
use super::file::LogFile;
use super::folder::OpenFolderError;
use super::journal::{Journal, Mark};
use super::overlay::Overlay;
use super::packing::{Budget, PackSettings, Packed, Packer, long_enough, pack};
use super::record::{DocumentRecord, seal, sum_of};
use super::table::{
    BLOCKS, CLIENTS, DOCUMENT_COUNT, DOCUMENTS, ENTRIES, HEADS, JOURNAL_MARK, META, SNAPSHOTS, Table, count_of,
    document_count, journal_mark, named,
};
use super::transaction::Tables;
use super::view::View;

/// The open database, and over it the rows that its journal has more. Readers share them; only the
/// writer's thread opens them again.
#[derive(Debug)]
pub(super) struct Store {
    file: Arc<dyn LogFile>,
    cache_bytes: usize,
    /// Used by the writer's thread, and before there is one.
    journal: Mutex<Journal>,
    pack_settings: PackSettings,
    /// Used by the writer's thread.
    packer: Mutex<Packer>,
    /// `None` after a fault, until it has been opened again.
    open: RwLock<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    database: Database,
    /// Held for moments only: who reads takes from it what concerns one document. Only the
    /// writer's thread changes it.
    kept: RwLock<Overlay>,
}

/// How a group's rows are going to be committed.
pub(super) enum Staged {
    /// One more record of the journal.
    Journal(Vec<u8>, Mark),
    /// They do not fit into it any more: they are in this write, with all that the journal held.
    Checkpoint(Box<WriteTransaction>, Mark, Instant),
}

impl Store {
    /// Opens the database in this file, or makes one if the file is new, and reads what its
    /// journal has more. `folder` is for the error's text.
    pub(super) fn open(
        file: Arc<dyn LogFile>,
        journal: Journal,
        cache_bytes: usize,
        pack_settings: PackSettings,
        folder: &Path,
    ) -> Result<Store, OpenFolderError> {
        let (journal, packer, open) = (Mutex::new(journal), Mutex::default(), RwLock::new(None));
        let store = Store { file, cache_bytes, journal, pack_settings, packer, open };
        // The database asserts much of what it reads; here that is a damaged file.
        let opened = catch_unwind(AssertUnwindSafe(|| store.open_database(folder)));
        let opened = opened.unwrap_or_else(|panic| {
            let reason = StoreError::panicked(&*panic).to_string();
            Err(OpenFolderError::Damaged { folder: folder.to_owned(), reason })
        })?;
        *store.open.write().unwrap_or_else(PoisonError::into_inner) = Some(opened);
        Ok(store)
    }

    fn open_database(&self, folder: &Path) -> Result<Open, OpenFolderError> {
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
        // They stay beside the database, which might have no room for them.
        let mut kept = Overlay::default();
        for record in records {
            kept.put(&Bytes::from(record)).map_err(|error| OpenFolderError::from_store(folder, error))?;
        }
        backend.finish().map_err(|error| OpenFolderError::from_io(folder, error))?;
        Ok(Open { database, kept: RwLock::new(kept) })
    }

    /// Closes what is open and opens it again. Waits for the reads under way.
    pub(super) fn reopen(&self) -> Result<(), StoreError> {
        let mut open = self.open.write().unwrap_or_else(PoisonError::into_inner);
        let old = open.take();
        // A database that failed writes nothing more when it is dropped.
        let closed = catch_unwind(AssertUnwindSafe(|| drop(old)));
        if let Err(panic) = closed {
            tracing::warn!(reason = %StoreError::panicked(&*panic), "the op log's database was closed the hard way");
        }
        let opened = catch_unwind(AssertUnwindSafe(|| self.open_database(Path::new("(again)"))));
        match opened {
            Ok(Ok(opened)) => *open = Some(opened),
            Ok(Err(error)) => return Err(StoreError::Fault(error.to_string())),
            Err(panic) => return Err(StoreError::Fault(StoreError::panicked(&*panic).to_string())),
        }
        Ok(())
    }

    /// Whether the database is open.
    pub(super) fn is_open(&self) -> bool {
        self.opened().is_some()
    }

    /// An error if the database is not open.
    pub(super) fn check_open(&self) -> Result<(), StoreError> {
        if self.is_open() { Ok(()) } else { Err(closed()) }
    }

    /// Runs a read on the state of a document that is committed. A panic in it is an error like
    /// others.
    pub(super) fn read<T>(
        &self,
        id: &DocumentId,
        read: impl FnOnce(&View<'_>) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let open = self.opened();
        let Some(open) = &*open else { return Err(closed()) };
        let read = || {
            let kept = open.kept();
            let view = View::new(&open.database, &kept, id)?;
            drop(kept);
            read(&view)
        };
        catch_unwind(AssertUnwindSafe(read)).unwrap_or_else(|panic| Err(StoreError::panicked(&*panic)))
    }

    /// How many documents there are.
    pub(super) fn document_count(&self) -> Result<u64, StoreError> {
        let open = self.opened();
        let Some(open) = &*open else { return Err(closed()) };
        match &open.kept().count {
            Some(count) => count_of(count),
            None => document_count(&open.database.begin_read()?.open_table(META)?),
        }
    }

    /// The checksum of a client's row, if it has one.
    pub(super) fn client_sum(&self, id: &DocumentId, number: u64, client: u128) -> Result<Option<u64>, StoreError> {
        if let Some(open) = &*self.opened()
            && let Some(rows) = open.kept().numbered.get(&number)
            && let Some(row) = rows.clients.get(&client)
        {
            return Ok(row.as_deref().map(sum_of));
        }
        self.read(id, |view| Ok(view.client(number, client)?.map(|row| sum_of(&row))))
    }

    /// Looks whether the database can take in what is about to be kept of a document. What can not
    /// be put there later would end every document's edits then.
    pub(super) fn foresee(&self, id: &DocumentId, number: u64, version: Version) -> Result<(), StoreError> {
        if let Some(open) = &*self.opened()
            && open.kept().numbered.contains_key(&number)
        {
            return Ok(());
        }
        self.read(id, |view| view.foresee(number, version.get()))
    }

    /// Makes ready to commit these rows, to be ended by [`Store::commit`]. Nothing is done if it is not.
    pub(super) fn stage(&self, rows: Vec<u8>) -> Result<Staged, StoreError> {
        let journaled = self.journal().mark_with(&rows);
        if let Some(mark) = journaled {
            return Ok(Staged::Journal(rows, mark));
        }
        let begun = Instant::now();
        let packed = self.pack()?;
        let mark = self.journal().next_generation();
        Ok(Staged::Checkpoint(Box::new(self.checkpoint(&rows, &packed, mark)?), mark, begun))
    }

    /// Makes blocks of the older entries of the documents that are kept beside the database, by their numbers. An
    /// error only if the database can not be used any more.
    fn pack(&self) -> Result<BTreeMap<u64, Packed>, StoreError> {
        let mut packer = self.packer.lock().unwrap_or_else(PoisonError::into_inner);
        packer.begin();
        let mut packed = BTreeMap::new();
        if self.pack_settings.block_entries == 0 {
            return Ok(packed);
        }
        let long = match &*self.opened() {
            Some(open) => open.kept().long_ones(long_enough(self.pack_settings), &packer.last),
            None => return Err(closed()),
        };
        let mut budget = Budget::of_a_step();
        for (id, number) in long {
            if budget.is_spent() {
                break;
            }
            packer.last = id.as_str().into();
            if packer.avoids(number) {
                continue;
            }
            match self.read(&id, |view| pack(view, self.pack_settings, &mut budget)) {
                Ok(Some(blocks)) => drop(packed.insert(number, blocks)),
                Ok(None) => {}
                Err(error) => {
                    tracing::error!(document = %id, %error, "entries of a document are not put together");
                    packer.avoid(number);
                    if error.spoils_database() {
                        self.reopen()?;
                        return Ok(BTreeMap::new());
                    }
                }
            }
        }
        packer.try_on(&packed);
        Ok(packed)
    }

    /// Commits what was staged: it is on the disk when this returns, in the journal or with all
    /// that it held in the database.
    pub(super) fn commit(&self, staged: Staged) -> Result<(), StoreError> {
        let mut journal = self.journal();
        let open = self.opened();
        let Some(open) = &*open else { return Err(closed()) };
        match staged {
            Staged::Journal(rows, mark) => {
                journal.append(&rows, mark).map_err(redb::Error::Io)?;
                let record = Bytes::from(rows.into_boxed_slice());
                open.kept.write().unwrap_or_else(PoisonError::into_inner).put(&record)?;
            }
            Staged::Checkpoint(write, mark, begun) => {
                // Who reads meanwhile waits: what these rows take the place of is still kept over them.
                let mut kept = open.kept.write().unwrap_or_else(PoisonError::into_inner);
                write.commit()?;
                journal.begin(mark);
                self.packer.lock().unwrap_or_else(PoisonError::into_inner).done();
                let taken_in = std::mem::take(&mut *kept);
                drop(kept);
                let (documents, took) = (taken_in.named.len(), begun.elapsed());
                tracing::debug!(documents, ?took, "the op log's database has taken in its journal");
            }
        }
        Ok(())
    }

    /// A write that puts all that is kept beside the database, these blocks and these rows, and syncs.
    fn checkpoint(
        &self,
        rows: &[u8],
        packed: &BTreeMap<u64, Packed>,
        mark: Mark,
    ) -> Result<WriteTransaction, StoreError> {
        let open = self.opened();
        let Some(open) = &*open else { return Err(closed()) };
        let mut write = open.database.begin_write()?;
        {
            let mut tables = Tables::open(&write)?;
            tables.take_in(&open.kept(), packed)?;
            tables.replay(rows)?;
        }
        let value = seal(&named(Table::Meta, JOURNAL_MARK), &mark, &[])?;
        write.open_table(META)?.insert(JOURNAL_MARK, &*value)?;
        write.set_durability(Durability::Immediate)?;
        // A start after a crash then reads the allocator's state instead of the whole file.
        write.set_quick_repair(true);
        Ok(write)
    }

    /// Closes the database in order, so that the next start need not recover.
    pub(super) fn close(&self) {
        let synced = catch_unwind(AssertUnwindSafe(|| self.commit_last()));
        if let Err(error) = synced.unwrap_or_else(|panic| Err(StoreError::panicked(&*panic))) {
            tracing::warn!(%error, "the op log is closed with what its journal holds");
        }
        let open = self.open.write().unwrap_or_else(PoisonError::into_inner).take();
        if let Err(panic) = catch_unwind(AssertUnwindSafe(|| drop(open))) {
            tracing::warn!(reason = %StoreError::panicked(&*panic), "the op log's database was closed the hard way");
        }
    }

    /// Puts the database on the disk with all that the journal held, which then is not needed.
    fn commit_last(&self) -> Result<(), StoreError> {
        if self.journal().last_generation().is_none() {
            return Ok(());
        }
        let packed = self.pack()?;
        let Some(mark) = self.journal().last_generation() else { return Ok(()) };
        Ok(self.checkpoint(&[], &packed, mark)?.commit()?)
    }

    fn opened(&self) -> RwLockReadGuard<'_, Option<Open>> {
        self.open.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        // After a panic it is recovered, with the database.
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn closed() -> StoreError {
    StoreError::Fault("the database is closed after a fault".to_owned())
}

impl Open {
    fn kept(&self) -> RwLockReadGuard<'_, Overlay> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner)
    }
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

/// Makes the tables of a new database; of any other, all of them must be there, but for that of the blocks, which an
/// older server has not made. Gives what it knows of its journal.
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
        write.open_table(BLOCKS)?;
        write.open_table(CLIENTS)?;
        write.open_table(SNAPSHOTS)?;
    }
    write.set_quick_repair(true);
    write.commit()?;
    Ok(Mark::default())
}
