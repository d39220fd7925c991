//! The entries that a room keeps in memory, from some version up to its head.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, RunningHash, UserId, Utf16Length, Version};

use super::compositions::Compositions;
use crate::oplog::Entry;

/// One entry with what is known of the document after it.
#[derive(Clone, Debug)]
pub struct TailEntry<D: DocumentType> {
    /// The version after it.
    pub version: Version,
    /// Its author.
    pub client: ClientId,
    /// The author's number for it.
    pub client_seq: ClientSeq,
    /// The author's user.
    pub user: UserId,
    /// The operation.
    pub operation: Arc<D::Operation>,
    /// The operation, packed.
    pub packed: Bytes,
    /// The running hash after it.
    pub hash: RunningHash,
    /// The document's length after it.
    pub length: Utf16Length,
}

/// Consecutive entries up to the head, and the state before the first of them.
pub struct Tail<D: DocumentType> {
    start: Version,
    start_hash: RunningHash,
    start_length: Utf16Length,
    entries: VecDeque<TailEntry<D>>,
    bytes: usize,
    compositions: Compositions<D>,
}

impl<D: DocumentType> Tail<D> {
    /// No entries, at a version.
    pub fn new(start: Version, start_hash: RunningHash, start_length: Utf16Length) -> Tail<D> {
        Tail {
            start,
            start_hash,
            start_length,
            entries: VecDeque::new(),
            bytes: 0,
            compositions: Compositions::default(),
        }
    }

    /// The version before the first entry: the lowest that anything can be known of.
    pub fn start(&self) -> Version {
        self.start
    }

    /// The version after the last entry.
    pub fn head(&self) -> Version {
        self.entries.back().map_or(self.start, |entry| entry.version)
    }

    /// The running hash at the head.
    pub fn head_hash(&self) -> RunningHash {
        self.entries.back().map_or(self.start_hash, |entry| entry.hash)
    }

    /// How many entries are held.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether no entry is held.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// The packed bytes of all entries together.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// The running hash at a version, if it is within the tail.
    pub fn hash_at(&self, version: Version) -> Option<RunningHash> {
        if version == self.start { Some(self.start_hash) } else { self.get(version).map(|entry| entry.hash) }
    }

    /// The document's length at a version, if it is within the tail.
    pub fn length_at(&self, version: Version) -> Option<Utf16Length> {
        if version == self.start { Some(self.start_length) } else { self.get(version).map(|entry| entry.length) }
    }

    /// The entry of a version, if it is held.
    pub fn get(&self, version: Version) -> Option<&TailEntry<D>> {
        let index = version.get().checked_sub(self.start.get() + 1)?;
        self.entries.get(usize::try_from(index).ok()?)
    }

    /// The entries after a version in order; `None` if some of them are not held.
    pub fn after(&self, version: Version) -> Option<impl Iterator<Item = &TailEntry<D>>> {
        let index = version.get().checked_sub(self.start.get())?;
        let index = usize::try_from(index).ok().filter(|&index| index <= self.entries.len())?;
        Some(self.entries.range(index..))
    }

    /// Appends the entry after the head.
    pub fn push(&mut self, entry: Entry, operation: D::Operation) {
        let hash = self.head_hash().advance(entry.version, &entry.client, entry.client_seq, &entry.operation);
        let before = self.entries.back().map_or(self.start_length, |entry| entry.length);
        self.bytes += entry.operation.len();
        self.entries.push_back(tail_entry(entry, operation, hash, before));
    }

    /// Puts entries before the first one: those after `base`, where the hash was `hash`.
    /// Returns whether they lead to the history that is held; if not, nothing changes.
    pub fn extend_down(&mut self, base: Version, hash: RunningHash, entries: Vec<(Entry, D::Operation)>) -> bool {
        let (mut version, mut reached) = (base, hash);
        let mut change = 0_i64;
        for (entry, operation) in &entries {
            version = version.next();
            if entry.version != version {
                return false;
            }
            reached = reached.advance(version, &entry.client, entry.client_seq, &entry.operation);
            change = change.saturating_add(D::length_change(operation));
        }
        let length = u32::try_from(i64::from(self.start_length.0).saturating_sub(change));
        let (true, Ok(length)) = (version == self.start && reached == self.start_hash, length) else { return false };
        let base_hash = hash;
        let (mut hash, mut before) = (hash, Utf16Length(length));
        let mut below = VecDeque::with_capacity(entries.len() + self.entries.len());
        for (entry, operation) in entries {
            hash = hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation);
            self.bytes += entry.operation.len();
            let entry = tail_entry(entry, operation, hash, before);
            before = entry.length;
            below.push_back(entry);
        }
        below.append(&mut self.entries);
        self.entries = below;
        (self.start, self.start_hash, self.start_length) = (base, base_hash, Utf16Length(length));
        true
    }

    /// Forgets the oldest entries until at most `entries` and `bytes` are held.
    pub fn shrink(&mut self, entries: usize, bytes: usize) {
        while self.entries.len() > entries || (self.bytes > bytes && !self.entries.is_empty()) {
            if let Some(oldest) = self.entries.pop_front() {
                self.bytes -= oldest.packed.len();
                (self.start, self.start_hash, self.start_length) = (oldest.version, oldest.hash, oldest.length);
            }
        }
        self.compositions.forget_up_to(self.start);
    }

    /// All entries after `from` up to the head as one operation; `None` if some of them
    /// are not held. Blocks of it are kept, so that many readers cost one composition.
    pub fn compose_after(&mut self, from: Version) -> Option<Arc<D::Operation>> {
        self.after(from).map(drop)?;
        let (start, entries) = (self.start, &self.entries);
        let operation_of = |version: Version| {
            let index = usize::try_from(version.since(start)).ok()?.checked_sub(1)?;
            entries.get(index).map(|entry| Arc::clone(&entry.operation))
        };
        let head = self.entries.back().map_or(self.start, |entry| entry.version);
        self.compositions.compose(from, head, operation_of)
    }
}

fn tail_entry<D: DocumentType>(
    entry: Entry,
    operation: D::Operation,
    hash: RunningHash,
    before: Utf16Length,
) -> TailEntry<D> {
    let length = i64::from(before.0).saturating_add(D::length_change(&operation));
    TailEntry {
        version: entry.version,
        client: entry.client,
        client_seq: entry.client_seq,
        user: entry.user,
        operation: Arc::new(operation),
        packed: entry.operation,
        hash,
        // Entries are applied before they come here, so the length is one.
        length: Utf16Length(u32::try_from(length).unwrap_or(0)),
    }
}
