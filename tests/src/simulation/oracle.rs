//! What must be true, checked after every step and at the end.

use std::collections::BTreeMap;

use cowrite_protocol::operation::Component;
use cowrite_protocol::{
    Checksum, ClientId, ClientSeq, DocumentId, DocumentType, OperationLimits, RichText, RunningHash, Version,
};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{Entry, ReadOutcome};

use super::client::Client;

type Document = <RichText as DocumentType>::Document;

/// A plain replay of the log, from its first entry on, kept beside it.
pub(super) struct Oracle {
    document_id: DocumentId,
    document: Document,
    /// By version: the running hash and the checksum there.
    pub(super) history: Vec<(RunningHash, Checksum)>,
    /// By token: how many entries insert it.
    inserted: BTreeMap<char, u32>,
    /// By client: its last client_seq.
    seqs: BTreeMap<ClientId, ClientSeq>,
}

impl Oracle {
    pub(super) fn new(document_id: DocumentId) -> Oracle {
        let document = Document::default();
        let history = vec![(RunningHash::ZERO, RichText::checksum(&document))];
        Oracle { document_id, document, history, inserted: BTreeMap::new(), seqs: BTreeMap::new() }
    }

    /// The log has lost everything above this version.
    pub(super) fn roll_back(&mut self, entries: &[Entry], version: Version) -> Result<(), String> {
        *self = Oracle::new(self.document_id.clone());
        entries.iter().take_while(|entry| entry.version <= version).try_for_each(|entry| self.take(entry))
    }

    /// Takes in what was committed since; gives the entries.
    pub(super) fn follow(&mut self, log: &MemoryLog) -> Result<Vec<Entry>, String> {
        let mut taken = Vec::new();
        loop {
            let after = Version::new(self.history.len() as u64 - 1).unwrap_or_default();
            match log.read_now(&self.document_id, after, usize::MAX) {
                ReadOutcome::Entries(entries) if entries.is_empty() => return Ok(taken),
                ReadOutcome::Entries(entries) => {
                    entries.iter().try_for_each(|entry| self.take(entry))?;
                    taken.extend(entries);
                }
                ReadOutcome::BelowFloor { floor } => {
                    return Err(format!("trimmed to {floor} before the oracle saw it"));
                }
            }
        }
    }

    pub(super) fn head(&self) -> Version {
        Version::new(self.history.len() as u64 - 1).unwrap_or_default()
    }

    pub(super) fn head_hash(&self) -> Option<RunningHash> {
        self.history.last().map(|(hash, _)| *hash)
    }

    /// A replica at a version holds the log's text and history of that version.
    pub(super) fn check_replica(
        &self,
        who: &str,
        version: Version,
        hash: RunningHash,
        document: &Document,
    ) -> Result<(), String> {
        let Some((log_hash, checksum)) = self.history.get(version.get() as usize) else {
            return Err(format!("{who} stands at {version}, the log at {}", self.head()));
        };
        if *log_hash != hash {
            return Err(format!("{who} holds another history at {version}"));
        }
        if *checksum != RichText::checksum(document) {
            return Err(format!("{who} holds another text at {version}: {}", document.to_delta()));
        }
        Ok(())
    }

    /// A client is told no more than is true: what it shows as accepted is in the log.
    pub(super) fn check_status(&self, who: &str, client: &Client, mixed: bool) -> Result<(), String> {
        let Some(engine) = client.session.engine(client.handle) else { return Ok(()) };
        let status = engine.status();
        if status.accepted > status.local || status.durable.is_some_and(|durable| durable > status.accepted) {
            return Err(format!("{who}: watermarks out of order: {status:?}"));
        }
        if mixed || !client.proposals.is_empty() {
            return Ok(());
        }
        for (edit, token) in client.tokens.range(..=status.accepted) {
            let refused = client.rejected.iter().any(|(from, to, _)| (from..=to).contains(&edit));
            let inserted = self.inserted.get(token).copied().unwrap_or(0);
            if inserted != u32::from(!refused) {
                return Err(format!("{who}: edit {edit} ({token}) shown as accepted is {inserted} times in the log"));
            }
        }
        Ok(())
    }

    /// At rest: every replica equals a plain replay; no token was committed twice.
    pub(super) fn check_end(
        &self,
        clients: &[Client],
        lossy: bool,
        mixed: bool,
        unheard: &[char],
    ) -> Result<(), String> {
        for (index, client) in clients.iter().enumerate() {
            let who = format!("client {index}");
            let engine = client.session.engine(client.handle).ok_or("no engine")?;
            let status = engine.status();
            if status.pending != 0 {
                return Err(format!("{who}: still pending in the calm: {status:?}"));
            }
            if *engine.document() != self.document {
                return Err(format!(
                    "{who} shows {} instead of {}",
                    engine.document().to_delta(),
                    self.document.to_delta()
                ));
            }
            if client.from_events != self.document {
                return Err(format!("{who}: its events tell {}", client.from_events.to_delta()));
            }
            if !lossy && client.diverged > 0 {
                return Err(format!("{who} diverged {} times", client.diverged));
            }
            if !lossy && !client.rejected.is_empty() {
                return Err(format!("{who}: edits {:?} were refused", client.rejected));
            }
            if !lossy && !mixed {
                for token in &client.settled {
                    let times = self.document.text().chars().filter(|unit| unit == token).count();
                    if times != 1 {
                        return Err(format!("{who}: {token}, accepted before a crash, is {times} times in the text"));
                    }
                }
                for (edit, token) in &client.tokens {
                    let times = self.document.text().chars().filter(|unit| unit == token).count();
                    if times != 1 {
                        return Err(format!("{who}: edit {edit} ({token}) is {times} times in the text"));
                    }
                }
            }
        }
        for token in self.document.text().chars().filter(|unit| ('\u{4e00}'..'\u{9fff}').contains(unit)) {
            let times = self.document.text().chars().filter(|unit| *unit == token).count();
            if times > 1 && !unheard.contains(&token) {
                return Err(format!("{token} is {times} times in the text"));
            }
        }
        Ok(())
    }

    fn take(&mut self, entry: &Entry) -> Result<(), String> {
        let version = entry.version;
        if version != self.head().next() {
            return Err(format!("the log goes from {} to {version}", self.head()));
        }
        let last = self.seqs.insert(entry.client, entry.client_seq).unwrap_or(ClientSeq::NONE);
        if entry.client_seq <= last {
            return Err(format!("version {version}: client_seq {} after {last}", entry.client_seq));
        }
        let operation = RichText::decode(&entry.operation, &OperationLimits::NONE)
            .map_err(|error| format!("version {version}: {error}"))?;
        let mut again = Vec::new();
        RichText::encode(&operation, &mut again);
        if again != entry.operation {
            return Err(format!("version {version} is not in normal form"));
        }
        RichText::apply(&mut self.document, &operation).map_err(|error| format!("version {version}: {error}"))?;
        for component in operation.components() {
            if let Component::Insert { text, .. } = component {
                for token in text.as_str().chars().filter(|unit| ('\u{4e00}'..'\u{9fff}').contains(unit)) {
                    *self.inserted.entry(token).or_default() += 1;
                }
            }
        }
        let hash = self.history.last().map_or(RunningHash::ZERO, |(hash, _)| *hash);
        let hash = hash.advance(version, &entry.client, entry.client_seq, &entry.operation);
        self.history.push((hash, RichText::checksum(&self.document)));
        Ok(())
    }
}
