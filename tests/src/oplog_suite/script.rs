//! The tiny notation of the cases: who writes, what, and where the writer believes to stand.

use bytes::Bytes;
use cowrite_protocol::{ClientId, ClientSeq, DocumentId, Epoch, Generation, RunningHash, UserId, Version};
use cowrite_server::oplog::{AppendOutcome, Batch, Entry, Head, Member, OpLog, ReadOutcome};

use super::START_MS;

/// The document of this name.
pub fn document(name: &str) -> DocumentId {
    name.parse().expect("a document id")
}

/// The user of this name.
pub fn user(name: &str) -> UserId {
    name.parse().expect("a user id")
}

/// A client id, the same for the same number.
pub fn client(number: u8) -> ClientId {
    ClientId::from_bytes([number; 16])
}

/// The version of this number.
pub fn version(number: u64) -> Version {
    Version::new(number).expect("a version")
}

/// A member by its author's number and client_seq: generation 1, user "ann".
pub fn member(author: u8, seq: u64) -> Member {
    Member {
        client: client(author),
        client_seq: ClientSeq::new(seq).expect("a client_seq"),
        generation: Generation::new(1),
        user: user("ann"),
        operation: Bytes::from(format!("{author}:{seq}")),
    }
}

/// One writer of one document, who knows where it stands as a room does.
#[derive(Clone, Debug)]
pub struct Script {
    /// The document.
    pub document: DocumentId,
    /// Where the writer believes the log to stand.
    pub head: Head,
    /// All that it knows to be committed.
    pub entries: Vec<Entry>,
    /// The epoch it would create.
    pub new_epoch: Epoch,
    /// Its clock.
    pub time_ms: u64,
}

impl Script {
    /// A writer of a document that it believes to be never written.
    pub fn new(name: &str) -> Script {
        Script {
            document: document(name),
            head: Head::default(),
            entries: Vec::new(),
            new_epoch: Epoch::from_random(42),
            time_ms: START_MS,
        }
    }

    /// The batch that appends these members where the writer stands.
    pub fn batch(&self, members: Vec<Member>) -> Batch {
        let (mut at, mut hash) = (self.head.version, self.head.hash);
        for member in &members {
            at = at.next();
            hash = hash.advance(at, &member.client, member.client_seq, &member.operation);
        }
        let (expected, new_epoch, time_ms) = (self.head, self.new_epoch, self.time_ms);
        Batch { expected, new_epoch, members, hash_after: hash, time_ms }
    }

    /// Appends members, which must succeed, and follows the log.
    pub async fn commit(&mut self, log: &dyn OpLog, members: Vec<Member>) {
        let batch = self.batch(members);
        let epoch = self.head.epoch.unwrap_or(self.new_epoch);
        let version = self.head.version.plus(batch.members.len() as u64);
        let head = Head { epoch: Some(epoch), version, hash: batch.hash_after };
        let outcome = log.append(&self.document, batch.clone()).await;
        assert_eq!(outcome, AppendOutcome::Committed { head });
        self.follow(batch);
    }

    /// Takes in a batch that was committed.
    pub fn follow(&mut self, batch: Batch) {
        self.head.epoch = self.head.epoch.or(Some(batch.new_epoch));
        self.head.hash = batch.hash_after;
        for member in batch.members {
            self.head.version = self.head.version.next();
            self.entries.push(Entry {
                version: self.head.version,
                client: member.client,
                client_seq: member.client_seq,
                user: member.user,
                time_ms: batch.time_ms,
                operation: member.operation,
            });
        }
    }

    /// The running hash that the writer knows at a version.
    pub fn hash_at(&self, version: Version) -> RunningHash {
        let up_to = self.entries.iter().take_while(|entry| entry.version <= version);
        up_to.fold(RunningHash::ZERO, |hash, entry| {
            hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation)
        })
    }

    /// Appends members, and gives the outcome.
    pub async fn append(&self, log: &dyn OpLog, members: Vec<Member>) -> AppendOutcome {
        log.append(&self.document, self.batch(members)).await
    }

    /// Asserts that the log holds what the writer knows, after a version, and stands
    /// where the writer does.
    pub async fn assert_log(&self, log: &dyn OpLog, after: Version) {
        let opened = log.open(&self.document, None).await.expect("the document opens");
        assert_eq!(opened.head, self.head);
        let known: Vec<Entry> = self.entries.iter().filter(|entry| entry.version > after).cloned().collect();
        assert_eq!(read_all(log, &self.document, after).await, known);
    }
}

/// All entries after a version, page by page.
pub(crate) async fn read_all(log: &dyn OpLog, document: &DocumentId, after: Version) -> Vec<Entry> {
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let at = entries.last().map_or(after, |entry| entry.version);
        match log.read(document, at, 64 << 10).await.expect("the document is read") {
            ReadOutcome::Entries(page) if page.is_empty() => return entries,
            ReadOutcome::Entries(page) => entries.extend(page),
            ReadOutcome::BelowFloor { floor } => panic!("the floor is at {floor}, read after {at}"),
        }
    }
}
