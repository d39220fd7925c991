//! A document's log, read without a server.

use std::collections::BTreeMap;

use cowrite_protocol::frame::Position;
use cowrite_protocol::operation::Document;
use cowrite_protocol::{
    ClientId, ClientSeq, DocumentId, DocumentType, OperationLimits, RichText, RunningHash, Version,
};
use cowrite_server::oplog::{Entry, OpLog, ReadOutcome, Snapshot};

/// What one person sees at rest.
#[derive(Clone, Debug)]
pub struct Seen {
    /// Who.
    pub who: String,
    /// Of which version.
    pub position: Option<Position>,
    /// What.
    pub document: Document,
}

/// Where a replay stands.
#[derive(Clone, Debug, PartialEq)]
pub struct Replayed {
    /// After this many entries.
    pub version: Version,
    /// The running hash there.
    pub hash: RunningHash,
    /// The document there.
    pub document: Document,
}

/// Replays a document's log, and compares it with what these see at rest. Empty if all is well.
pub async fn examine(log: &dyn OpLog, id: &DocumentId, seen: &[Seen]) -> Vec<String> {
    let replayed = match replay(log, id).await {
        Ok(replayed) => replayed,
        Err(wrong) => return vec![format!("the log of {id}: {wrong}")],
    };
    let mut wrong = Vec::new();
    for Seen { who, position, document } in seen {
        let position = position.unwrap_or_default();
        let at = Replayed { version: position.version, hash: position.hash, document: document.clone() };
        if at != replayed {
            let given = replayed.version;
            wrong.push(format!("the log of {id} gives another text at {given} than {who} sees at {}", at.version));
        }
    }
    wrong
}

/// Replays a document's log, from its beginning or else from its snapshot: the versions have no gap,
/// each entry is in normal form and fits the text before it, the hashes chain up to the head, every
/// client's numbers rise, and the replay meets the snapshot.
///
/// # Errors
/// The first of these that does not hold.
pub async fn replay(log: &dyn OpLog, id: &DocumentId) -> Result<Replayed, String> {
    replay_to(log, id, None).await
}

/// As [`replay`], but where that version is named, as far as to it; the log must lead there.
///
/// # Errors
/// As [`replay`].
pub async fn replay_to(log: &dyn OpLog, id: &DocumentId, until: Option<Version>) -> Result<Replayed, String> {
    let opened = log.open(id, None).await.map_err(|error| error.to_string())?;
    let snapshot = log.load_snapshot(id).await.map_err(|error| error.to_string())?;
    let entries = read(log, id, opened.floor).await?;
    let mut at = Replayed { version: opened.floor, ..Replayed::default() };
    let mut known = opened.floor == Version::ZERO;
    let mut seqs: BTreeMap<ClientId, ClientSeq> = BTreeMap::new();
    if let Some(snapshot) = &snapshot
        && snapshot.head.version == opened.floor
    {
        (at, known) = (Replayed::of(snapshot)?, true);
    }
    for entry in &entries {
        if seqs.insert(entry.client, entry.client_seq).is_some_and(|before| before >= entry.client_seq) {
            return Err(format!("entry {} has number {} of its client again", entry.version, entry.client_seq));
        }
        if known {
            at.advance(entry)?;
        } else {
            at.version = entry.version;
        }
        if known && Some(at.version) == until {
            return Ok(at);
        }
        if let Some(snapshot) = snapshot.as_ref().filter(|snapshot| snapshot.head.version == entry.version) {
            let stored = Replayed::of(snapshot)?;
            if known && stored != at {
                return Err(format!("the snapshot at {} is not what the entries give", entry.version));
            }
            (at, known) = (stored, true);
        }
    }
    if !known {
        return Err(format!("nothing leads from the floor {} to the head", opened.floor));
    }
    if (at.version, at.hash) != (opened.head.version, opened.head.hash) {
        return Err(format!("it ends at {} with {:?}, and its head is {:?}", at.version, at.hash, opened.head));
    }
    Ok(at)
}

/// All entries after a version, without a gap.
async fn read(log: &dyn OpLog, id: &DocumentId, after: Version) -> Result<Vec<Entry>, String> {
    let mut all: Vec<Entry> = Vec::new();
    loop {
        let last = all.last().map_or(after, |entry| entry.version);
        match log.read(id, last, 1 << 20).await.map_err(|error| error.to_string())? {
            ReadOutcome::Entries(entries) if entries.is_empty() => return Ok(all),
            ReadOutcome::Entries(entries) => {
                for entry in entries {
                    let expected = all.last().map_or(after, |entry| entry.version).next();
                    if entry.version != expected {
                        return Err(format!("{expected} is missing, {} is the next", entry.version));
                    }
                    all.push(entry);
                }
            }
            ReadOutcome::BelowFloor { floor } => return Err(format!("{last} is below the floor {floor}")),
        }
    }
}

impl Default for Replayed {
    fn default() -> Replayed {
        Replayed { version: Version::ZERO, hash: RunningHash::ZERO, document: Document::default() }
    }
}

impl Replayed {
    fn of(snapshot: &Snapshot) -> Result<Replayed, String> {
        let version = snapshot.head.version;
        let wrong = |what: String| format!("the snapshot at {version}: {what}");
        let content = RichText::decode(&snapshot.content, &OperationLimits::NONE);
        let content = content.map_err(|error| wrong(error.to_string()))?;
        let mut document = Document::default();
        RichText::apply(&mut document, &content).map_err(|error| wrong(error.to_string()))?;
        if RichText::checksum(&document) != snapshot.checksum {
            return Err(wrong("its checksum is another".to_owned()));
        }
        Ok(Replayed { version, hash: snapshot.head.hash, document })
    }

    fn advance(&mut self, entry: &Entry) -> Result<(), String> {
        let wrong = |what: String| format!("entry {}: {what}", entry.version);
        let operation = RichText::decode(&entry.operation, &OperationLimits::NONE);
        let operation = operation.map_err(|error| wrong(error.to_string()))?;
        let mut packed = Vec::new();
        RichText::encode(&operation, &mut packed);
        if packed[..] != entry.operation[..] {
            return Err(wrong("it is not in normal form".to_owned()));
        }
        RichText::apply(&mut self.document, &operation).map_err(|error| wrong(error.to_string()))?;
        self.hash = self.hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation);
        self.version = entry.version;
        Ok(())
    }
}
