//! The server's end: a history, and the frames that tell it.

use cowrite_protocol::codec::encode_server;
use cowrite_protocol::frame::{Abbreviated, Author, Commit, Packed, Position, ServerFrame, SnapshotFrame};
use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::{
    AuthorNumber, Channel, Checksum, ClientId, ClientSeq, DocumentType, Epoch, RichText, RunningHash,
};

use super::{SentCaret, Submitted, version};

/// The client under test, author number 1.
pub(crate) const OWN: ClientId = ClientId::from_bytes([1; 16]);
/// Another author, number 2.
pub(crate) const BOB: ClientId = ClientId::from_bytes([2; 16]);
/// An author who has no number.
pub(crate) const EVE: ClientId = ClientId::from_bytes([3; 16]);

/// A log of one document.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    pub(crate) position: Position,
    pub(crate) text: Document,
    /// The last client_seq of ours.
    pub(crate) own_seq: u64,
    /// Who we are.
    pub(crate) own: ClientId,
    /// The number of the last `Open`, and the version that it stood at.
    pub(crate) request: u32,
    pub(crate) asked_at: u64,
    bob_seq: u64,
    /// Lost work was restored in this life.
    restored: bool,
    /// The entries, with the version before each.
    entries: Vec<(u64, Operation)>,
}

impl Log {
    /// A log whose one entry inserts `text`; without text, one never written.
    pub(crate) fn with_text(text: &str) -> Log {
        let mut log = Log {
            position: Position::default(),
            text: Document::default(),
            own_seq: 0,
            own: OWN,
            request: 0,
            asked_at: 0,
            bob_seq: 0,
            restored: false,
            entries: Vec::new(),
        };
        if !text.is_empty() {
            log.position.epoch = Some(Epoch::from_random(7));
            let whole = Document::from(text).to_operation();
            log.append(EVE, 1, &whole);
        }
        log
    }

    /// The same life of the log, with other entries: `text` at `version`.
    pub(crate) fn replaced(&self, text: &str, at: u64) -> Log {
        let mut log = self.clone();
        log.text = Document::from(text);
        log.position.version = version(at);
        log.position.hash = RunningHash::from_bytes([0xee; 16]);
        log.entries.clear();
        log
    }

    /// Another life of the log, which holds `text`.
    pub(crate) fn reborn(&self, text: &str) -> Log {
        let mut log = self.replaced(text, 1);
        log.position.epoch = Some(Epoch::from_random(8));
        (log.own_seq, log.bob_seq, log.restored) = (0, 0, false);
        log
    }

    /// The text as a string.
    pub(crate) fn string(&self) -> String {
        self.text.text().to_string()
    }

    /// Appends an entry of anybody's, silently.
    pub(crate) fn append(&mut self, client: ClientId, seq: u64, operation: &Operation) {
        let mut bytes = Vec::new();
        operation.encode(&mut bytes);
        self.entries.push((self.position.version.get(), operation.clone()));
        self.position.epoch = self.position.epoch.or(Some(Epoch::from_random(7)));
        self.position.version = self.position.version.next();
        self.position.hash =
            self.position.hash.advance(self.position.version, &client, ClientSeq::new(seq).unwrap(), &bytes);
        self.text.apply(operation).expect("an entry fits the text before");
        if client == self.own {
            self.own_seq = seq;
        }
        if client == BOB {
            self.bob_seq = seq;
        }
        self.restored |= client.is_restoration();
    }

    /// The name under which lost work is restored.
    pub(crate) fn restoration(&self) -> ClientId {
        ClientId::restoration(self.position.epoch)
    }

    /// Bob appends, silently.
    pub(crate) fn bob(&mut self, operation: &str) {
        self.append(BOB, self.bob_seq + 1, &super::op(operation));
    }

    /// Takes a submit, transformed over what the log holds after its base, silently.
    pub(crate) fn accept(&mut self, submit: &Submitted) -> Operation {
        let mut operation = submit.operation.clone();
        for (before, entry) in &self.entries {
            if *before >= submit.base {
                operation = RichText::transform(entry, &operation).1;
            }
        }
        let own = self.own;
        self.append(own, submit.seq, &operation);
        operation
    }

    /// Bob's commit, his caret where it implies.
    pub(crate) fn commit(&mut self, channel: Channel, operation: &Operation) -> Vec<u8> {
        self.commit_as(channel, operation, SentCaret::Implied)
    }

    /// Bob's commit, with what it says of his caret.
    pub(crate) fn commit_as(&mut self, channel: Channel, operation: &Operation, caret: SentCaret) -> Vec<u8> {
        let seq = self.bob_seq + 1;
        self.append(BOB, seq, operation);
        let mut packed = Vec::new();
        operation.encode(&mut packed);
        let (author, version, seq) = (AuthorNumber(2), self.low_byte(), Abbreviated::of(seq, seq));
        let commit = Commit { channel, author, version, seq, operation: Packed(&packed) };
        frame(&match caret {
            SentCaret::Implied => ServerFrame::Commit(commit),
            SentCaret::Still => ServerFrame::CommitStill(commit),
            SentCaret::At(cursor) => ServerFrame::CommitCursor { cursor, commit },
        })
    }

    /// An entry of a catch-up.
    pub(crate) fn entry(&mut self, channel: Channel, client: ClientId, operation: &Operation) -> Vec<u8> {
        let seq = if client.is_restoration() { 1 } else { self.bob_seq + 1 };
        self.append(client, seq, operation);
        let mut packed = Vec::new();
        operation.encode(&mut packed);
        frame(&ServerFrame::Entry {
            channel,
            version: self.position.version,
            client,
            seq: ClientSeq::new(seq).unwrap(),
            user: "bob".parse().unwrap(),
            operation: Packed(&packed),
        })
    }

    /// Takes the submit and gives its ack.
    pub(crate) fn ack(&mut self, channel: Channel, submit: &Submitted) -> Vec<u8> {
        self.accept(submit);
        self.last_ack(channel)
    }

    /// The ack of our own entry, which is the last one of the log.
    pub(crate) fn last_ack(&self, channel: Channel) -> Vec<u8> {
        let seq = self.own_seq.to_le_bytes()[0];
        frame(&ServerFrame::Ack { channel, seq, version: self.low_byte(), hash: self.position.hash.byte() })
    }

    /// All entries after a version as one; `error` is added to the checksum.
    pub(crate) fn composed(&self, channel: Channel, after: u64, error: u64) -> Vec<u8> {
        let mut all = Operation::identity();
        for (_, entry) in self.entries.iter().filter(|(before, _)| *before >= after) {
            all = Operation::compose(&all, entry).expect("entries follow one another");
        }
        let mut packed = Vec::new();
        all.encode(&mut packed);
        frame(&ServerFrame::Composed {
            channel,
            version: self.position.version,
            hash: self.position.hash,
            checksum: Checksum(self.text.checksum().0.wrapping_add(error)),
            authors: self.authors(),
            operation: Packed(&packed),
        })
    }

    /// The document whole; `error` is added to the checksum.
    pub(crate) fn snapshot(&self, channel: Channel, error: u64) -> Vec<u8> {
        let mut content = Vec::new();
        self.text.to_operation().encode(&mut content);
        frame(&ServerFrame::Snapshot(SnapshotFrame {
            channel,
            epoch: self.position.epoch,
            version: self.position.version,
            hash: self.position.hash,
            checksum: Checksum(self.text.checksum().0.wrapping_add(error)),
            authors: self.authors(),
            content: Packed(&content),
        }))
    }

    /// Who has a number.
    pub(crate) fn authors(&self) -> Vec<Author> {
        let author = |number, client, user: &str, seq| Author {
            number: AuthorNumber(number),
            client,
            user: user.parse().unwrap(),
            seq: ClientSeq::new(seq).unwrap(),
        };
        let mut authors = vec![author(1, self.own, "ann", self.own_seq), author(2, BOB, "bob", self.bob_seq)];
        authors.extend(self.restored.then(|| author(3, self.restoration(), "bob", 1)));
        authors
    }

    fn low_byte(&self) -> u8 {
        self.position.version.get().to_le_bytes()[0]
    }
}

fn frame(frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_server(frame, &mut bytes);
    bytes
}
