//! The disk log as the rest of the server sees it.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{self, Sender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use cowrite_protocol::{ClientId, DocumentId, UserId, Version};
use tokio::sync::oneshot;

use super::error::StoreError;
use super::file::LogFile;
use super::folder::{DiskSettings, OpenFolderError, open_files};
use super::journal::Journal;
use super::packing::PackSettings;
use super::request::{Ask, Request};
use super::store::Store;
use super::table::{load_snapshot, read_entries};
use super::view::View;
use super::writer::Writer;
use crate::oplog::{
    AdvanceOutcome, AppendOutcome, Batch, Durability, Feed, LogError, LogFuture, NewLife, OpLog, OpenError, OpenedLog,
    ReadOutcome, Snapshot,
};

/// An op log in a folder of this machine's disk.
///
/// Appends of all documents go through one thread, which commits what is waiting with one
/// sync. Reads run beside it on the runtime's blocking threads and see what is committed.
///
/// After a fault (full disk, I/O error) nothing is acknowledged until the database has
/// been opened again, which every later request tries. A damaged document is refused with
/// [`LogError::Damaged`]; an append to it is answered `Unavailable`. The others go on.
///
/// Dropping the log waits until its thread has finished what was asked and the file is
/// closed in order. The futures must be polled in a tokio runtime.
#[derive(Debug)]
pub struct DiskLog {
    store: Arc<Store>,
    /// `None` only while it is dropped.
    requests: Option<Sender<Request>>,
    writer: Option<JoinHandle<()>>,
}

impl DiskLog {
    /// Opens the log in a folder, or begins one there. Blocks for the disk: milliseconds,
    /// also after a crash.
    ///
    /// # Errors
    ///
    /// See [`OpenFolderError`]; nothing was changed then but that the folder may be made.
    pub fn open(settings: DiskSettings) -> Result<DiskLog, OpenFolderError> {
        let [file, journal] = open_files(&settings.folder)?;
        DiskLog::open_on(Arc::new(file), Arc::new(journal), settings)
    }

    /// Opens the log in a file that the caller has locked, and another for its journal; the
    /// folder of the settings is only named in errors.
    ///
    /// # Errors
    ///
    /// See [`OpenFolderError`].
    pub fn open_on(
        file: Arc<dyn LogFile>,
        journal: Arc<dyn LogFile>,
        settings: DiskSettings,
    ) -> Result<DiskLog, OpenFolderError> {
        let journal = Journal::new(journal, settings.journal_bytes / 2);
        let packing =
            PackSettings { block_entries: settings.block_entries as usize, tail_entries: settings.tail_entries };
        let store = Arc::new(Store::open(file, journal, settings.cache_bytes, packing, &settings.folder)?);
        let (requests, receiver) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&store), settings.clock, settings.cached_documents);
        let writer = thread::Builder::new().name("oplog-writer".to_owned()).spawn(move || writer.run(&receiver));
        let writer = writer.map_err(|error| OpenFolderError::from_io(&settings.folder, error))?;
        Ok(DiskLog { store, requests: Some(requests), writer: Some(writer) })
    }

    /// Asks the writer. `None` if it is gone, which only happens while the log is dropped.
    async fn ask<T>(&self, document: &DocumentId, ask: impl FnOnce(oneshot::Sender<T>) -> Ask) -> Option<T> {
        let (reply, answer) = oneshot::channel();
        self.requests.as_ref()?.send(Request { document: document.clone(), ask: ask(reply) }).ok()?;
        answer.await.ok()
    }

    async fn read_store<T: Send + 'static>(
        &self,
        document: &DocumentId,
        read: impl FnOnce(&View<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, LogError> {
        let (store, id) = (Arc::clone(&self.store), document.clone());
        let done = tokio::task::spawn_blocking(move || store.read(&id, read)).await;
        let done = done.unwrap_or_else(|error| Err(StoreError::Fault(error.to_string())));
        done.map_err(|error| {
            tracing::error!(%document, %error, "a document can not be read");
            if error.spoils_database()
                && let Some(requests) = &self.requests
            {
                // If the writer is gone there is nothing left to open again.
                let _ = requests.send(Request { document: document.clone(), ask: Ask::Reopen });
            }
            error.into()
        })
    }
}

impl Drop for DiskLog {
    fn drop(&mut self) {
        self.requests = None;
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("the op log's writer thread ended in a panic");
        }
    }
}

impl OpLog for DiskLog {
    fn durability(&self) -> Durability {
        Durability::Disk
    }

    fn open<'a>(
        &'a self,
        document: &'a DocumentId,
        client: Option<(ClientId, UserId)>,
    ) -> LogFuture<'a, Result<OpenedLog, OpenError>> {
        Box::pin(async move {
            let answer = self.ask(document, |reply| Ask::Open { client, reply }).await;
            answer.unwrap_or_else(|| Err(gone().into()))
        })
    }

    fn probe(&self) -> LogFuture<'_, Result<(), LogError>> {
        Box::pin(async move {
            // The writer answers questions in the order in which they come, so a disk that
            // hangs is noticed. Opening without a client changes nothing.
            let Ok(probe) = "probe".parse() else { return Ok(()) };
            match self.open(&probe, None).await {
                Ok(_) | Err(OpenError::OtherUser) => Ok(()),
                Err(OpenError::Log(error)) => Err(error),
            }
        })
    }

    fn append<'a>(&'a self, document: &'a DocumentId, batch: Batch) -> LogFuture<'a, AppendOutcome> {
        Box::pin(async move {
            let answer = self.ask(document, |reply| Ask::Append { batch, reply }).await;
            answer.unwrap_or(AppendOutcome::OutcomeUnknown)
        })
    }

    fn read<'a>(
        &'a self,
        document: &'a DocumentId,
        after: Version,
        max_bytes: usize,
    ) -> LogFuture<'a, Result<ReadOutcome, LogError>> {
        Box::pin(async move { self.read_store(document, move |view| read_entries(view, after, max_bytes)).await })
    }

    fn load_snapshot<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Option<Snapshot>, LogError>> {
        Box::pin(async move { self.read_store(document, load_snapshot).await })
    }

    fn store_snapshot<'a>(
        &'a self,
        document: &'a DocumentId,
        snapshot: Snapshot,
    ) -> LogFuture<'a, Result<(), LogError>> {
        Box::pin(async move {
            let answer = self.ask(document, |reply| Ask::StoreSnapshot { snapshot, reply }).await;
            answer.unwrap_or_else(|| Err(gone()))
        })
    }

    fn trim<'a>(&'a self, document: &'a DocumentId, before: Version) -> LogFuture<'a, Result<(), LogError>> {
        Box::pin(async move {
            let answer = self.ask(document, |reply| Ask::Trim { before, reply }).await;
            answer.unwrap_or_else(|| Err(gone()))
        })
    }

    fn subscribe<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Feed, LogError>> {
        Box::pin(async move {
            let answer = self.ask(document, |reply| Ask::Subscribe { reply }).await;
            answer.unwrap_or_else(|| Err(gone()))
        })
    }

    fn advance_epoch<'a>(
        &'a self,
        document: &'a DocumentId,
        life: NewLife,
    ) -> LogFuture<'a, Result<AdvanceOutcome, LogError>> {
        Box::pin(async move {
            let answer = self.ask(document, |reply| Ask::Advance { life, reply }).await;
            answer.unwrap_or_else(|| Err(gone()))
        })
    }
}

fn gone() -> LogError {
    let reason = io::Error::from(io::ErrorKind::BrokenPipe).to_string();
    LogError::Unavailable { reason, retry_after: Duration::from_secs(1) }
}
