//! The log, replayed plainly.

use std::collections::BTreeMap;

use cowrite_protocol::operation::{Component, Document, RichText};
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, Epoch, OperationLimits, RunningHash, Version};
use cowrite_server::oplog::Entry;

/// The client_seq of the entry that ends a life.
const TOMBSTONE: u64 = 3;

/// What the log holds, by a replay from its first entry.
#[derive(Clone, Debug)]
pub(super) struct Truth {
    /// By version: the running hash and the text.
    pub(super) texts: Vec<(RunningHash, Document)>,
    /// How many entries insert a character.
    pub(super) inserted: BTreeMap<char, u32>,
    seqs: BTreeMap<ClientId, ClientSeq>,
    /// The life that the log is in, and the last one that a deletion of the document has ended.
    pub(super) life: Option<Epoch>,
    ended: Option<Epoch>,
    /// What is wrong with the log itself.
    pub(super) fault: Option<String>,
}

impl Truth {
    pub(super) fn new() -> Truth {
        let texts = vec![(RunningHash::ZERO, Document::new())];
        Truth { texts, inserted: BTreeMap::new(), seqs: BTreeMap::new(), life: None, ended: None, fault: None }
    }

    pub(super) fn head(&self) -> Version {
        Version::new(self.texts.len() as u64 - 1).unwrap_or_default()
    }

    /// Whether the document is deleted, and was not made anew.
    pub(super) fn is_deleted(&self) -> bool {
        self.ended.is_some() && self.ended == self.life
    }

    pub(super) fn take(&mut self, life: Epoch, entry: &Entry) {
        if self.ended == Some(life) {
            self.fault.get_or_insert(format!("version {} is behind the tombstone of its life", entry.version));
        }
        if entry.client == ClientId::deletion(Some(life)) && entry.client_seq.get() == TOMBSTONE {
            self.ended = Some(life);
        }
        if let Err(fault) = self.taken(entry) {
            self.fault.get_or_insert(format!("version {}: {fault}", entry.version));
        }
    }

    fn taken(&mut self, entry: &Entry) -> Result<(), String> {
        let (hash, mut text) = self.texts[self.texts.len() - 1].clone();
        if entry.version != self.head().next() {
            return Err(format!("follows {}", self.head()));
        }
        let last = self.seqs.insert(entry.client, entry.client_seq);
        if last.is_some_and(|last| entry.client_seq <= last) {
            return Err(format!("client_seq {} after {last:?}", entry.client_seq));
        }
        let operation =
            RichText::decode(&entry.operation, &OperationLimits::NONE).map_err(|error| error.to_string())?;
        RichText::apply(&mut text, &operation).map_err(|error| error.to_string())?;
        for component in operation.components() {
            if let Component::Insert { text, .. } = component {
                text.as_str().chars().for_each(|unit| *self.inserted.entry(unit).or_default() += 1);
            }
        }
        let hash = hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation);
        self.texts.push((hash, text));
        Ok(())
    }

    /// Whether a replica that stands at a version holds the log's history and text there.
    pub(super) fn agrees(&self, version: Version, hash: RunningHash, text: &Document) -> bool {
        self.texts.get(version.get() as usize).is_some_and(|(known, truth)| *known == hash && truth == text)
    }
}
