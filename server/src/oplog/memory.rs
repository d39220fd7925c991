//! The op log that lives and dies with its process.

use std::collections::{HashMap, VecDeque};
use std::future::ready;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use cowrite_protocol::{ClientId, DocumentId, RunningHash, UserId, Version};

use super::feeds::Feeds;
use super::ledger::{Ledger, Verdict};
use super::{
    AdvanceOutcome, AppendOutcome, Batch, CONFLICT_PAGE_BYTES, Durability, Entry, Feed, LogError, LogFuture, NewLife,
    OpLog, OpenError, OpenedLog, ReadOutcome, Snapshot, WallClock,
};

/// An op log in memory: complete, deterministic, gone with the process.
///
/// Every operation is also there as a plain method (`open_now`, `append_now`, …) that
/// answers at once, so that a simulation drives the log without a runtime. Clones share
/// one log. Nothing fails for want of memory short of the process itself.
#[derive(Clone, Debug, Default)]
pub struct MemoryLog(Arc<Shared>);

/// All that a [`MemoryLog`] held of a document at one moment, as a backup has it.
#[derive(Clone, Debug)]
pub struct DocumentCopy(Document);

#[derive(Debug, Default)]
struct Shared {
    clock: WallClock,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    documents: HashMap<DocumentId, Document>,
    feeds: Feeds,
}

#[derive(Clone, Debug, Default)]
struct Document {
    ledger: Ledger,
    /// The entries above the floor; the running hash is known after the last of a batch.
    entries: VecDeque<(Entry, Option<RunningHash>)>,
    snapshot: Option<Snapshot>,
}

impl MemoryLog {
    /// An empty log on the machine's clock.
    pub fn new() -> MemoryLog {
        MemoryLog::default()
    }

    /// An empty log on a clock of the caller's.
    pub fn with_clock(clock: WallClock) -> MemoryLog {
        MemoryLog(Arc::new(Shared { clock, state: Mutex::default() }))
    }

    /// [`OpLog::open`], at once. It fails only with [`OpenError::OtherUser`].
    pub fn open_now(&self, document: &DocumentId, client: Option<(ClientId, UserId)>) -> Result<OpenedLog, OpenError> {
        let now_ms = self.0.clock.now_ms();
        let mut state = self.state();
        let Some(document) = state.document(document, client.is_some()) else { return Ok(OpenedLog::default()) };
        let opened = document.ledger.open(client, now_ms).ok_or(OpenError::OtherUser);
        document.ledger.take_changed();
        opened
    }

    /// [`OpLog::append`], at once. It never ends in `OutcomeUnknown`, and in
    /// `Unavailable` only when there is no version left.
    pub fn append_now(&self, document: &DocumentId, batch: Batch) -> AppendOutcome {
        let mut state = self.state();
        let State { documents, feeds } = &mut *state;
        let held = documents.entry(document.clone()).or_default();
        match held.ledger.judge(&batch, |version| held.hash_at(version)) {
            Verdict::Fits => {}
            Verdict::Conflict(after) => {
                let entries = held.page(after, CONFLICT_PAGE_BYTES).unwrap_or_default();
                return AppendOutcome::Conflict { head: held.ledger.head, entries };
            }
            Verdict::Refused(members) => return AppendOutcome::Refused { members },
            Verdict::EpochChanged => return AppendOutcome::EpochChanged { head: held.ledger.head },
            Verdict::Full => return AppendOutcome::Unavailable { retry_after: Duration::from_secs(60) },
        }
        let entries = held.ledger.commit(&batch);
        held.ledger.take_changed();
        let head = held.ledger.head;
        let last = entries.len().saturating_sub(1);
        let marked = entries.iter().enumerate();
        held.entries.extend(marked.map(|(index, entry)| (entry.clone(), (index == last).then_some(head.hash))));
        if let (Some(epoch), false) = (head.epoch, entries.is_empty()) {
            feeds.publish(document, epoch, &entries, head.hash);
        }
        AppendOutcome::Committed { head }
    }

    /// [`OpLog::read`], at once.
    pub fn read_now(&self, document: &DocumentId, after: Version, max_bytes: usize) -> ReadOutcome {
        let state = self.state();
        let Some(held) = state.documents.get(document) else { return ReadOutcome::Entries(Vec::new()) };
        match held.page(after, max_bytes) {
            Some(entries) => ReadOutcome::Entries(entries),
            None => ReadOutcome::BelowFloor { floor: held.ledger.floor },
        }
    }

    /// [`OpLog::load_snapshot`], at once.
    pub fn load_snapshot_now(&self, document: &DocumentId) -> Option<Snapshot> {
        let state = self.state();
        let held = state.documents.get(document)?;
        let mut snapshot = held.snapshot.clone()?;
        // It survived into this life with the history below it.
        snapshot.head.epoch = held.ledger.head.epoch;
        Some(snapshot)
    }

    /// [`OpLog::store_snapshot`], at once.
    pub fn store_snapshot_now(&self, document: &DocumentId, snapshot: Snapshot) {
        let mut state = self.state();
        let Some(held) = state.documents.get_mut(document) else { return };
        // One of another history would spoil all that follows.
        let (version, hash) = (snapshot.head.version, snapshot.head.hash);
        let other = version > held.ledger.floor && held.hash_at(version).is_some_and(|known| known != hash);
        if held.ledger.wants_snapshot(snapshot.head) && !other {
            held.ledger.snapshot = Some((snapshot.head.version, snapshot.head.hash));
            held.snapshot = Some(snapshot);
        }
    }

    /// [`OpLog::trim`], at once.
    pub fn trim_now(&self, document: &DocumentId, before: Version) {
        let now_ms = self.0.clock.now_ms();
        let mut state = self.state();
        let Some(held) = state.documents.get_mut(document) else { return };
        let floor = held.ledger.floor_after(before);
        held.entries.drain(..held.index_after(floor));
        held.ledger.floor = floor;
        held.ledger.forget(now_ms);
        held.ledger.take_changed();
    }

    /// [`OpLog::subscribe`], at once.
    pub fn subscribe_now(&self, document: &DocumentId) -> Feed {
        self.state().feeds.subscribe(document)
    }

    /// [`OpLog::advance_epoch`], at once.
    pub fn advance_epoch_now(&self, document: &DocumentId, life: NewLife) -> AdvanceOutcome {
        let mut state = self.state();
        let held = state.documents.entry(document.clone()).or_default();
        match held.ledger.advance(life) {
            true => AdvanceOutcome::Advanced(held.ledger.head),
            false => AdvanceOutcome::Other(held.ledger.head),
        }
    }

    /// Administration, for simulations: what an older backup or a promoted replica that
    /// lagged behind does to a log. Entries and snapshots above `version` are gone, client
    /// records stand as the entries left say, and the epoch stays as it was: that is
    /// what makes such a loss dangerous. Nobody is told. The running hash of the new
    /// head is `hash`, which the caller knows (or may choose, for a hostile test).
    pub fn truncate_to(&self, document: &DocumentId, version: Version, hash: RunningHash) {
        let mut state = self.state();
        let Some(held) = state.documents.get_mut(document) else { return };
        if version >= held.ledger.head.version {
            return;
        }
        held.entries.truncate(held.index_after(version));
        if let Some((_, known)) = held.entries.back_mut() {
            *known = Some(hash);
        }
        held.ledger.head.version = version;
        held.ledger.head.hash = hash;
        held.ledger.floor = held.ledger.floor.min(version);
        if held.snapshot.as_ref().is_some_and(|snapshot| snapshot.head.version > version) {
            held.snapshot = None;
            held.ledger.snapshot = None;
        }
        for (id, record) in &mut held.ledger.clients {
            if record.last.is_some_and(|(_, last)| last > version) {
                let left = held.entries.iter().rev().find(|(entry, _)| entry.client == *id);
                record.last = left.map(|(entry, _)| (entry.client_seq, entry.version));
            }
        }
    }

    /// Administration, for simulations: all that the log holds of the document now.
    /// Cost: linear in the entries above the floor.
    pub fn copy_of(&self, document: &DocumentId) -> Option<DocumentCopy> {
        self.state().documents.get(document).cloned().map(DocumentCopy)
    }

    /// Administration, for simulations: the document is what it was when the copy was made:
    /// entries, snapshot, floor, epoch and client records. Nobody is told.
    pub fn restore(&self, document: &DocumentId, copy: DocumentCopy) {
        self.state().documents.insert(document.clone(), copy.0);
    }

    /// Administration, for simulations: the document with all that the log knew of it is
    /// gone, as after an eviction.
    pub fn forget_document(&self, document: &DocumentId) {
        self.state().documents.remove(document);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Every change is made after its checks, without a step that can panic between two
        // writes; so a poisoned state is a whole one.
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// The document, made if it is to be.
    fn document(&mut self, id: &DocumentId, make: bool) -> Option<&mut Document> {
        if make { Some(self.documents.entry(id.clone()).or_default()) } else { self.documents.get_mut(id) }
    }
}

impl Document {
    /// Entries after a version, or `None` below the floor.
    fn page(&self, after: Version, max_bytes: usize) -> Option<Vec<Entry>> {
        if after < self.ledger.floor {
            return None;
        }
        let mut bytes = 0;
        let mut entries = Vec::new();
        for (entry, _) in self.entries.range(self.index_after(after)..) {
            bytes += entry.operation.len();
            if bytes > max_bytes && !entries.is_empty() {
                break;
            }
            entries.push(entry.clone());
        }
        Some(entries)
    }

    /// The running hash at a version, where it is known.
    fn hash_at(&self, version: Version) -> Option<RunningHash> {
        if version == Version::ZERO {
            return Some(RunningHash::ZERO);
        }
        if let Some((at, hash)) = self.ledger.snapshot
            && at == version
        {
            return Some(hash);
        }
        let index = self.index_after(version).checked_sub(1)?;
        self.entries.get(index)?.1
    }

    /// How many of the held entries bear a version up to this one.
    fn index_after(&self, version: Version) -> usize {
        usize::try_from(version.since(self.ledger.floor)).unwrap_or(usize::MAX).min(self.entries.len())
    }
}

impl OpLog for MemoryLog {
    fn durability(&self) -> Durability {
        Durability::None
    }

    fn open<'a>(
        &'a self,
        document: &'a DocumentId,
        client: Option<(ClientId, UserId)>,
    ) -> LogFuture<'a, Result<OpenedLog, OpenError>> {
        Box::pin(async move { self.open_now(document, client) })
    }

    fn probe(&self) -> LogFuture<'_, Result<(), LogError>> {
        Box::pin(ready(Ok(())))
    }

    fn append<'a>(&'a self, document: &'a DocumentId, batch: Batch) -> LogFuture<'a, AppendOutcome> {
        Box::pin(async move { self.append_now(document, batch) })
    }

    fn read<'a>(
        &'a self,
        document: &'a DocumentId,
        after: Version,
        max_bytes: usize,
    ) -> LogFuture<'a, Result<ReadOutcome, LogError>> {
        Box::pin(async move { Ok(self.read_now(document, after, max_bytes)) })
    }

    fn load_snapshot<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Option<Snapshot>, LogError>> {
        Box::pin(async move { Ok(self.load_snapshot_now(document)) })
    }

    fn store_snapshot<'a>(
        &'a self,
        document: &'a DocumentId,
        snapshot: Snapshot,
    ) -> LogFuture<'a, Result<(), LogError>> {
        Box::pin(async move {
            self.store_snapshot_now(document, snapshot);
            Ok(())
        })
    }

    fn trim<'a>(&'a self, document: &'a DocumentId, before: Version) -> LogFuture<'a, Result<(), LogError>> {
        Box::pin(async move {
            self.trim_now(document, before);
            Ok(())
        })
    }

    fn subscribe<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Feed, LogError>> {
        Box::pin(ready(Ok(self.subscribe_now(document))))
    }

    fn advance_epoch<'a>(
        &'a self,
        document: &'a DocumentId,
        life: NewLife,
    ) -> LogFuture<'a, Result<AdvanceOutcome, LogError>> {
        Box::pin(async move { Ok(self.advance_epoch_now(document, life)) })
    }
}
