//! The real log in memory, as a machine.

use std::collections::HashMap;
use std::hash::{Hash, Hasher};

use bytes::Bytes;
use cowrite_protocol::operation::{Document, Operation, RichText};
use cowrite_protocol::{
    ClientId, ClientSeq, DocumentId, DocumentType, Epoch, Generation, RunningHash, UserId, Version,
};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{
    AdvanceOutcome, AppendOutcome, Batch, Feed, FeedEvent, Head, Member, NewLife, OpenedLog, ReadOutcome, Snapshot,
    WallClock,
};
use cowrite_server::room::{LogAnswer, LogRequest};

use super::machine::{Machine, fingerprint};
use super::truth::Truth;

/// What a room asks of the log.
#[derive(Clone, Debug)]
pub(super) enum Request {
    Subscribe,
    Open(Option<(ClientId, UserId)>),
    Append(Batch),
    Read { after: Version, max_bytes: usize },
    LoadSnapshot,
    StoreSnapshot(Snapshot),
    Trim(Version),
    AdvanceEpoch(NewLife),
}

/// What the log answers.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Subscribed,
    Opened(OpenedLog),
    ForeignClient,
    Append(AppendOutcome),
    Read(ReadOutcome),
    Snapshot(Option<Snapshot>),
    Stored,
    Advanced(AdvanceOutcome),
}

/// What comes out of the log.
#[derive(Clone, Debug)]
pub(super) enum FromLog {
    Answer(Answer),
    /// To every room that has subscribed.
    Live(FeedEvent),
}

/// The log of one document.
pub(super) struct LogMachine {
    log: MemoryLog,
    document: DocumentId,
    feed: Feed,
    truth: Truth,
    /// Without the fence: the live generation of each client, under which all its appends are made.
    unfenced: Option<HashMap<ClientId, Generation>>,
    /// Without it: whoever reads the log finds the entry that ended the life under an ordinary name.
    tombstone: bool,
}

/// The document's first text, whether old stays are fenced, and whether what ends a life is kept for who loads it.
pub(super) type LogName = (&'static str, bool, bool);

pub(super) fn document() -> DocumentId {
    match "modelled".parse() {
        Ok(document) => document,
        Err(error) => unreachable!("the name of the document is one: {error}"),
    }
}

impl Machine for LogMachine {
    type Name = LogName;
    type Input = Request;
    type Output = FromLog;
    type Shown = Truth;

    fn new(&(text, fence, tombstone): &LogName) -> LogMachine {
        let (log, document) = (MemoryLog::with_clock(WallClock::from_fn(|| 0)), document());
        let feed = log.subscribe_now(&document);
        let unfenced = (!fence).then(HashMap::new);
        let mut machine = LogMachine { log, document, feed, truth: Truth::new(), unfenced, tombstone };
        if !text.is_empty() {
            machine.take(&Request::Append(first(text)));
        }
        machine
    }

    fn take(&mut self, input: &Request) -> Vec<FromLog> {
        let (log, document) = (&self.log, &self.document);
        let answer = match input.clone() {
            // Every room hears what this machine's own feed brings.
            Request::Subscribe => Answer::Subscribed,
            Request::Open(client) => {
                let id = client.as_ref().map(|(id, _)| *id);
                match log.open_now(document, client) {
                    Ok(opened) => {
                        if let (Some(live), Some(id), Some(state)) = (&mut self.unfenced, id, opened.client) {
                            live.insert(id, state.generation);
                        }
                        Answer::Opened(opened)
                    }
                    Err(_) => Answer::ForeignClient,
                }
            }
            Request::Append(mut batch) => {
                if let Some(live) = &self.unfenced {
                    // The guard removed: whoever appends does so as the client's live stay.
                    for member in &mut batch.members {
                        member.generation = live.get(&member.client).copied().unwrap_or(member.generation);
                    }
                }
                Answer::Append(log.append_now(document, batch))
            }
            Request::Read { after, max_bytes } => Answer::Read(log.read_now(document, after, max_bytes)),
            Request::LoadSnapshot => Answer::Snapshot(log.load_snapshot_now(document)),
            Request::StoreSnapshot(snapshot) => {
                log.store_snapshot_now(document, snapshot);
                Answer::Stored
            }
            Request::Trim(before) => {
                log.trim_now(document, before);
                if let (false, true, Ok(opened)) =
                    (self.tombstone, self.truth.is_deleted(), log.open_now(document, None))
                {
                    // The guard removed: nobody reads the entry that ended this life.
                    let checksum = RichText::checksum(&Document::default());
                    let snapshot = Snapshot { head: opened.head, checksum, content: Bytes::new() };
                    log.store_snapshot_now(document, snapshot);
                    log.trim_now(document, opened.head.version);
                }
                Answer::Stored
            }
            Request::AdvanceEpoch(life) => Answer::Advanced(log.advance_epoch_now(document, life)),
        };
        let mut outputs = vec![FromLog::Answer(answer)];
        while let Ok(event) = self.feed.try_recv() {
            if let FeedEvent::Batch(batch) = &event {
                batch.entries.iter().for_each(|entry| self.truth.take(batch.epoch, entry));
            }
            outputs.push(FromLog::Live(event));
        }
        self.truth.life = log.open_now(document, None).ok().and_then(|opened| opened.head.epoch);
        outputs
    }

    fn show(&self) -> Truth {
        self.truth.clone()
    }

    fn only_asks(input: &Request) -> bool {
        matches!(input, Request::Subscribe | Request::Open(None) | Request::Read { .. } | Request::LoadSnapshot)
    }
}

/// The batch that begins the document.
fn first(text: &str) -> Batch {
    let (client, seq) = (ClientId::from_bytes([1; 16]), ClientSeq::NONE.next());
    let mut packed = Vec::new();
    RichText::encode(&Operation::builder().insert(text).build(), &mut packed);
    let user = super::client::user(9);
    let hash_after = RunningHash::ZERO.advance(Version::ZERO.next(), &client, seq, &packed);
    let operation = Bytes::from(packed);
    let member = Member { client, client_seq: seq, generation: Generation::NONE, user, operation };
    let (expected, new_epoch) = (Head::default(), Epoch::from_random(99));
    Batch { expected, new_epoch, members: vec![member], hash_after, time_ms: 0 }
}

impl Hash for Request {
    fn hash<H: Hasher>(&self, state: &mut H) {
        // All of it is told, in one way.
        format!("{self:?}").hash(state);
    }
}

impl Hash for Answer {
    fn hash<H: Hasher>(&self, state: &mut H) {
        format!("{self:?}").hash(state);
    }
}

impl From<LogRequest> for Request {
    fn from(request: LogRequest) -> Request {
        match request {
            LogRequest::Subscribe => Request::Subscribe,
            LogRequest::Open(client) => Request::Open(client),
            LogRequest::Append(batch) => Request::Append(batch),
            LogRequest::Read { after, max_bytes } => Request::Read { after, max_bytes },
            LogRequest::LoadSnapshot => Request::LoadSnapshot,
            LogRequest::StoreSnapshot(snapshot) => Request::StoreSnapshot(snapshot),
            LogRequest::Trim(before) | LogRequest::Erase(before) => Request::Trim(before),
            LogRequest::AdvanceEpoch(life) => Request::AdvanceEpoch(life),
        }
    }
}

impl From<Answer> for LogAnswer {
    fn from(answer: Answer) -> LogAnswer {
        match answer {
            Answer::Subscribed => LogAnswer::Subscribed(Ok(())),
            Answer::Opened(opened) => LogAnswer::Opened(Ok(opened)),
            Answer::ForeignClient => LogAnswer::Opened(Err(cowrite_server::oplog::OpenError::OtherUser)),
            Answer::Append(outcome) => LogAnswer::Append(outcome),
            Answer::Read(read) => LogAnswer::Read(Ok(read)),
            Answer::Snapshot(snapshot) => LogAnswer::Snapshot(Ok(snapshot)),
            Answer::Stored => LogAnswer::Stored(Ok(())),
            Answer::Advanced(advanced) => LogAnswer::Advanced(Ok(advanced)),
        }
    }
}

/// Something with its fingerprint, so that worlds that hold it are told apart quickly.
#[derive(Clone, Debug)]
pub(super) struct Marked<T> {
    pub(super) of: T,
    mark: u64,
}

impl<T: std::fmt::Debug> Marked<T> {
    pub(super) fn new(of: T) -> Marked<T> {
        let mark = fingerprint(&format!("{of:?}"));
        Marked { of, mark }
    }
}

impl<T> PartialEq for Marked<T> {
    fn eq(&self, other: &Marked<T>) -> bool {
        self.mark == other.mark
    }
}

impl<T> Hash for Marked<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.mark.hash(state);
    }
}
