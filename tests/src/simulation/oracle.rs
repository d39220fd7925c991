//! What must be true, checked after every step and at the end.

use std::collections::{BTreeMap, BTreeSet};

use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::Component;
use cowrite_protocol::{
    Checksum, ClientId, ClientSeq, DocumentId, DocumentType, Millis, OperationLimits, RichText, RunningHash, Version,
};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{Entry, ReadOutcome};

use super::client::Client;

type Document = <RichText as DocumentType>::Document;

/// What users insert: each a letter that is never typed again.
const TOKENS: std::ops::Range<char> = '\u{4e00}'..'\u{9fff}';

/// A plain replay of the log, from its first entry on, kept beside it.
pub(super) struct Oracle {
    document_id: DocumentId,
    document: Document,
    /// By version: the running hash and the checksum there.
    pub(super) history: Vec<(RunningHash, Checksum)>,
    /// All that the log has ever held, also what it has lost since: by version and running hash,
    /// the checksum there.
    ever: BTreeMap<(Version, [u8; 16]), Checksum>,
    /// By token: how many entries insert it.
    inserted: BTreeMap<char, u32>,
    /// By token: the version of the entry that inserted it last.
    inserted_at: BTreeMap<char, Version>,
    /// Entries up to here are of lives that have ended.
    ended: Version,
    /// By client: its last client_seq.
    seqs: BTreeMap<ClientId, ClientSeq>,
}

impl Oracle {
    pub(super) fn new(document_id: DocumentId) -> Oracle {
        let document = Document::default();
        let history = vec![(RunningHash::ZERO, RichText::checksum(&document))];
        let ever = BTreeMap::from([((Version::ZERO, *RunningHash::ZERO.as_bytes()), history[0].1)]);
        Oracle {
            document_id,
            document,
            history,
            ever,
            inserted: BTreeMap::new(),
            inserted_at: BTreeMap::new(),
            ended: Version::ZERO,
            seqs: BTreeMap::new(),
        }
    }

    /// The log has lost everything above this version.
    pub(super) fn roll_back(&mut self, entries: &[Entry], version: Version) -> Result<(), String> {
        let (ever, ended) = (std::mem::take(&mut self.ever), self.ended);
        *self = Oracle { ever, ended, ..Oracle::new(self.document_id.clone()) };
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

    /// The document was deleted at the log's head.
    pub(super) fn end_life(&mut self) {
        self.ended = self.head();
    }

    /// Entries up to here are of lives that have ended.
    pub(super) fn ended(&self) -> Version {
        self.ended
    }

    /// Whether the log has held this token last in a life that has ended.
    pub(super) fn is_of_the_past(&self, token: char) -> bool {
        self.inserted_at.get(&token).is_some_and(|at| *at <= self.ended)
    }

    /// Whether who stands at this version of this history has heard that the lives before have ended.
    pub(super) fn has_heard(&self, version: Version, hash: RunningHash) -> bool {
        version >= self.ended && self.history.get(version.get() as usize).is_some_and(|(known, _)| *known == hash)
    }

    /// The text at the log's head.
    pub(super) fn document(&self) -> &Document {
        &self.document
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

    /// A replica may stand in a history that the log has lost, until it hears of that; but never in
    /// one that was put together of two.
    pub(super) fn check_history(
        &self,
        who: &str,
        version: Version,
        hash: RunningHash,
        document: &Document,
    ) -> Result<(), String> {
        match self.ever.get(&(version, *hash.as_bytes())) {
            None => Err(format!("{who} stands at {version} in a history that the log never held")),
            Some(checksum) if *checksum != RichText::checksum(document) => {
                Err(format!("{who} holds another text at {version}: {}", document.to_delta()))
            }
            Some(_) => Ok(()),
        }
    }

    /// A client is told no more than is true: what it shows as accepted is in the log.
    pub(super) fn check_status(&self, who: &str, client: &Client, mixed: bool, unheard: &[char]) -> Result<(), String> {
        let Some(engine) = client.session.engine(client.handle) else { return Ok(()) };
        let status = engine.status();
        if status.accepted > status.local || status.durable.is_some_and(|durable| durable > status.accepted) {
            return Err(format!("{who}: watermarks out of order: {status:?}"));
        }
        if mixed || !client.proposals.is_empty() {
            return Ok(());
        }
        for (edit, tokens) in client.tokens.range(..=status.accepted) {
            for token in tokens.chars() {
                let refused = client.has_refused(token);
                let inserted = self.inserted.get(&token).copied().unwrap_or(0);
                if inserted != u32::from(!refused) && !unheard.contains(&token) {
                    return Err(format!(
                        "{who}: edit {edit} ({token}) shown as accepted is {inserted} times in the log"
                    ));
                }
            }
        }
        Ok(())
    }

    /// What a client shows holds nothing twice, whatever was lost and brought back.
    pub(super) fn check_shown(&self, who: &str, client: &Client, unheard: &[char]) -> Result<(), String> {
        let Some(engine) = client.session.engine(client.handle) else { return Ok(()) };
        let mut seen = [0_u64; 0x52 << 2];
        for unit in engine.document().text().chars().filter(|unit| TOKENS.contains(unit)) {
            let at = unit as usize - TOKENS.start as usize;
            let twice = seen[at / 64] & (1 << (at % 64)) > 0;
            seen[at / 64] |= 1 << (at % 64);
            if twice && !unheard.contains(&unit) {
                return Err(format!("{who} shows {unit} twice: {}", engine.document().to_delta()));
            }
        }
        Ok(())
    }

    /// Who is back in step with a log that has lost history knows what it has lost: an edit that is shown as accepted is
    /// in the log, or was told to be lost.
    pub(super) fn check_told(
        &self,
        who: &str,
        client: &Client,
        version: Version,
        hash: RunningHash,
    ) -> Result<(), String> {
        let in_step = self.history.get(version.get() as usize).is_some_and(|(known, _)| *known == hash);
        // A log that knows nothing of a client may have forgotten who was away for long.
        let Some(engine) = client.session.engine(client.handle).filter(|engine| self.knows(engine)) else {
            return Ok(());
        };
        if !in_step || !client.proposals.is_empty() {
            return Ok(());
        }
        let status = engine.status();
        for (edit, tokens) in client.tokens.range(..=status.accepted).filter(|(edit, _)| **edit > client.untold) {
            let missing = |token: &char| self.inserted.get(token).copied().unwrap_or(0) == 0;
            let told = client.lost_after.is_some() || client.was_refused(*edit);
            if let Some(token) = tokens.chars().find(missing).filter(|_| !told) {
                return Err(format!(
                    "{who}: edit {edit} ({token}) was lost, and in step with the log it does not say so"
                ));
            }
        }
        Ok(())
    }

    /// The newest edit of a client of which the text has anything.
    pub(super) fn newest_of(&self, client: &Client) -> u64 {
        let there = |token: char| self.inserted.get(&token).is_some_and(|times| *times > 0);
        let mut edits = client.tokens.iter().rev();
        edits.find(|(_, tokens)| tokens.chars().any(there)).map_or(0, |(edit, _)| *edit)
    }

    fn knows(&self, engine: &cowrite_client::Engine<RichText>) -> bool {
        engine.client().is_some_and(|client| self.seqs.contains_key(&client))
    }

    /// At rest, where nobody deletes and every page has lived on: whatever the log has lost was told to
    /// somebody who had it, and is there again.
    pub(super) fn check_kept(&self, clients: &[Client]) -> Result<(), String> {
        let text: BTreeSet<char> = self.document.text().chars().collect();
        for (index, client) in clients.iter().enumerate() {
            if !client.session.engine(client.handle).is_some_and(|engine| self.knows(engine)) {
                continue;
            }
            let kept = client.tokens.iter().filter(|(edit, _)| **edit > client.untold && !client.was_refused(**edit));
            for (edit, token) in kept.flat_map(|(edit, all)| all.chars().map(move |one| (edit, one))) {
                if !text.contains(&token) {
                    return Err(format!("client {index}: edit {edit} ({token}) is lost, and nobody was told"));
                }
            }
        }
        Ok(())
    }

    /// What a client shows as durable is in the log, whatever was lost since.
    pub(super) fn check_durable(&self, who: &str, client: &Client) -> Result<(), String> {
        let Some(status) = client.session.engine(client.handle).map(cowrite_client::Engine::status) else {
            return Ok(());
        };
        if !client.proposals.is_empty() {
            return Ok(());
        }
        for (edit, tokens) in client.tokens.range(..=status.durable.unwrap_or(0)) {
            let missing = |token: &char| self.inserted.get(token).copied().unwrap_or(0) == 0;
            // Between the loss and its being told, an edit may have been lost that was not durable.
            let told = client.lost_after.is_some_and(|after| *edit > after) || client.was_refused(*edit);
            if let Some(token) = tokens.chars().find(missing).filter(|_| !told) {
                return Err(format!("{who}: edit {edit} ({token}) shown as durable is not in the log"));
            }
        }
        Ok(())
    }

    /// The log's snapshot is what a replay from the first entry gives at its version.
    pub(super) fn check_snapshot(&self, log: &MemoryLog) -> Result<(), String> {
        let Some(snapshot) = log.load_snapshot_now(&self.document_id) else { return Ok(()) };
        let mut document = Document::default();
        RichText::decode(&snapshot.content, &OperationLimits::NONE)
            .map_err(|error| format!("the snapshot cannot be read: {error}"))
            .and_then(|content| RichText::apply(&mut document, &content).map_err(|error| error.to_string()))?;
        if RichText::checksum(&document) != snapshot.checksum {
            return Err(format!("the snapshot of {} bears another checksum", snapshot.head.version));
        }
        self.check_replica("the snapshot", snapshot.head.version, snapshot.head.hash, &document)
    }

    /// What somebody typed stands in the order of typing, and between two letters nothing that the
    /// same person had written before. Gives how many pairs were there to compare.
    pub(super) fn check_typing(
        &self,
        typed: impl Iterator<Item = (usize, char, char)>,
        written: &BTreeMap<char, (usize, Millis)>,
    ) -> Result<u64, String> {
        let text: Vec<char> = self.document.text().chars().collect();
        let place: BTreeMap<char, usize> = text.iter().enumerate().map(|(at, unit)| (*unit, at)).collect();
        let mut compared = 0;
        for (client, first, second) in typed {
            let (Some(&from), Some(&to)) = (place.get(&first), place.get(&second)) else { continue };
            compared += 1;
            if from > to {
                return Err(format!(
                    "client {client} typed {first}, then {second}, and they stand the other way round"
                ));
            }
            let before =
                |unit: &&char| written.get(unit).is_some_and(|(author, _)| *author == client) && **unit < second;
            if let Some(between) = text[from + 1..to].iter().find(before) {
                return Err(format!("client {client} typed {second} behind {first}, and its own {between} is between"));
            }
        }
        Ok(compared)
    }

    /// At rest: every replica equals a plain replay; no token was committed twice.
    pub(super) fn check_end(
        &self,
        clients: &[Client],
        lossy: bool,
        garbled: bool,
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
            if !lossy && !garbled && client.diverged > 0 {
                return Err(format!("{who} diverged {} times", client.diverged));
            }
            let deleted = self.ended > Version::ZERO;
            let mut refused = client.rejected.iter().filter(|(.., code)| !deleted || *code != Code::Deleted);
            if !lossy && refused.next().is_some() {
                return Err(format!("{who}: edits {:?} were refused", client.rejected));
            }
            for (edit, tokens) in client.tokens.iter().filter(|_| !lossy) {
                let is_there = |token: &char| {
                    client.has_refused(*token) && self.inserted.contains_key(token) && !unheard.contains(token)
                };
                if let Some(token) = tokens.chars().find(is_there) {
                    return Err(format!("{who}: edit {edit} ({token}) was refused and is in the log"));
                }
            }
            if !lossy && !mixed {
                for token in &client.settled {
                    let times = self.document.text().chars().filter(|unit| unit == token).count();
                    if times != self.wanted(*token) {
                        return Err(format!("{who}: {token}, accepted before a crash, is {times} times in the text"));
                    }
                }
                for (edit, token) in
                    client.tokens.iter().flat_map(|(edit, all)| all.chars().map(move |one| (edit, one)))
                {
                    let times = self.document.text().chars().filter(|unit| *unit == token).count();
                    if times != if client.has_refused(token) { 0 } else { self.wanted(token) } {
                        return Err(format!("{who}: edit {edit} ({token}) is {times} times in the text"));
                    }
                }
            }
        }
        let twice = self.inserted.iter().find(|(token, times)| **times > 1 && !lossy && !unheard.contains(token));
        if let Some((token, times)) = twice {
            return Err(format!("{token} was committed {times} times"));
        }
        for token in self.document.text().chars().filter(|unit| TOKENS.contains(unit)) {
            let times = self.document.text().chars().filter(|unit| *unit == token).count();
            if times > 1 && !unheard.contains(&token) {
                return Err(format!("{token} is {times} times in the text"));
            }
        }
        Ok(())
    }

    /// How often a token that was accepted is in a text of which nothing was deleted but all.
    fn wanted(&self, token: char) -> usize {
        usize::from(!self.is_of_the_past(token))
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
        if std::env::var_os("COWRITE_TRACE").is_some() {
            eprintln!("entry {version} {} {} {}", entry.client, entry.client_seq, operation.to_delta());
        }
        let mut again = Vec::new();
        RichText::encode(&operation, &mut again);
        if again != entry.operation {
            return Err(format!("version {version} is not in normal form"));
        }
        RichText::apply(&mut self.document, &operation).map_err(|error| format!("version {version}: {error}"))?;
        for component in operation.components() {
            if let Component::Insert { text, .. } = component {
                for token in text.as_str().chars().filter(|unit| TOKENS.contains(unit)) {
                    *self.inserted.entry(token).or_default() += 1;
                    self.inserted_at.insert(token, version);
                }
            }
        }
        let hash = self.history.last().map_or(RunningHash::ZERO, |(hash, _)| *hash);
        let hash = hash.advance(version, &entry.client, entry.client_seq, &entry.operation);
        let checksum = RichText::checksum(&self.document);
        self.history.push((hash, checksum));
        self.ever.insert((version, *hash.as_bytes()), checksum);
        Ok(())
    }
}
