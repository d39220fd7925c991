//! What must be true at the end, whatever was done in between.

use cowrite_protocol::operation::Document;
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, OperationLimits, RichText, RunningHash, Version};
use cowrite_server::oplog::{Entry, ReadOutcome};

use super::Switchboard;

/// Whoever is not in step and settled after this time never will be.
const PATIENCE_MS: u64 = 300_000;

impl Switchboard {
    /// Time passes until everybody is in step and has nothing pending. Then a plain replay of the
    /// log from its first entry must give the text and the history that every client and every
    /// room has, each client's numbers must rise along it, and the events must have told it all.
    /// Gives that text.
    ///
    /// # Panics
    /// If anything of this is not so.
    pub fn check(&mut self) -> String {
        let until = self.now() + PATIENCE_MS;
        while !self.is_settled() {
            let waits = || self.people.iter().map(|person| person.status()).collect::<Vec<_>>();
            assert!(self.now() < until, "not settled: {:#?}", waits());
            self.pass(100);
        }
        let (document, hash, version) = self.replay();
        for (number, person) in self.people.iter().enumerate() {
            let position = person.engine().position().expect("it is in step");
            assert_eq!(person.text(), document.text().to_string(), "person {number}");
            assert_eq!(*person.engine().document(), document, "person {number}");
            assert_eq!((position.version, position.hash), (version, hash), "person {number}");
            assert_eq!(person.from_events, document, "what person {number} was told");
        }
        for (number, server) in self.servers.iter().enumerate() {
            let Some(room) = server.room() else { continue };
            let head = room.sequencer().head();
            assert_eq!((head.version, head.hash), (version, hash), "server {number}");
            assert_eq!(*room.sequencer().document(), document, "server {number}");
        }
        document.text().to_string()
    }

    /// How many entries of the log insert this.
    ///
    /// # Panics
    /// If the log was trimmed.
    pub fn entries_with(&self, text: &str) -> usize {
        let holds = |entry: &&Entry| {
            let operation = RichText::decode(&entry.operation, &OperationLimits::NONE).unwrap();
            operation.components().iter().any(|component| match component {
                cowrite_protocol::operation::Component::Insert { text: inserted, .. } => {
                    inserted.as_str().contains(text)
                }
                _ => false,
            })
        };
        self.entries().iter().filter(holds).count()
    }

    fn is_settled(&self) -> bool {
        let head = self.log.open_now(&self.document, None).map(|opened| opened.head.version).unwrap_or_default();
        let rooms = self.servers.iter().filter_map(|server| server.room());
        self.people.iter().all(|person| {
            let status = person.status();
            status.state == cowrite_client::engine::StatusState::Online && status.pending == 0 && status.version == head
        }) && rooms.into_iter().all(|room| room.sequencer().head().version == head)
    }

    /// Every entry of the log.
    ///
    /// # Panics
    /// If the log was trimmed.
    pub fn entries(&self) -> Vec<Entry> {
        match self.log.read_now(&self.document, Version::ZERO, usize::MAX) {
            ReadOutcome::Entries(entries) => entries,
            ReadOutcome::BelowFloor { floor } => panic!("the log was trimmed up to {floor}"),
        }
    }

    /// The snapshot, if the log was trimmed, and every entry behind it.
    fn replay(&self) -> (Document, RunningHash, Version) {
        let mut document = Document::default();
        let (mut hash, mut version) = (RunningHash::ZERO, Version::ZERO);
        let entries = match self.log.read_now(&self.document, version, usize::MAX) {
            ReadOutcome::Entries(entries) => entries,
            ReadOutcome::BelowFloor { .. } => {
                let snapshot = self.log.load_snapshot_now(&self.document).expect("what is trimmed is in a snapshot");
                let content = RichText::decode(&snapshot.content, &OperationLimits::NONE).unwrap();
                document.apply(&content).unwrap();
                (hash, version) = (snapshot.head.hash, snapshot.head.version);
                match self.log.read_now(&self.document, version, usize::MAX) {
                    ReadOutcome::Entries(entries) => entries,
                    ReadOutcome::BelowFloor { floor } => panic!("nothing leads from the snapshot to {floor}"),
                }
            }
        };
        let mut seqs = std::collections::BTreeMap::<ClientId, ClientSeq>::new();
        for entry in entries {
            let operation = RichText::decode(&entry.operation, &OperationLimits::NONE).unwrap();
            document.apply(&operation).unwrap();
            assert_eq!(entry.version, version.next(), "versions follow one another");
            version = entry.version;
            hash = hash.advance(version, &entry.client, entry.client_seq, &entry.operation);
            let last = seqs.insert(entry.client, entry.client_seq);
            assert!(last.is_none_or(|last| last < entry.client_seq), "numbers rise: {entry:?}");
        }
        let head = self.log.open_now(&self.document, None).expect("the log can be read").head;
        assert_eq!((head.version, head.hash), (version, hash), "the head is that of the last entry");
        (document, hash, version)
    }
}
