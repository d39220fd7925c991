//! One room with its sequencer: any clients, on a log that answers as it likes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Abbreviated, Activity, Code, Position, Role};
use cowrite_protocol::operation::{Document, RichText};
use cowrite_protocol::{
    Channel, Checksum, ClientId, ClientSeq, Cursor, DocumentId, DocumentType, Epoch, Limits, Millis, OperationLimits,
    RunningHash, UserId, Utf16Offset, Version,
};
use cowrite_server::auth::Permit;
use cowrite_server::metrics::Trail;
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{
    AdvanceOutcome, AppendOutcome, Entry, Feed, FeedBatch, FeedEvent, Head, LogError, OpenError, OpenedLog,
    ReadOutcome, Refusal, Snapshot, WallClock,
};
use cowrite_server::outbox::Outbox;
use cowrite_server::presence::PresenceEvent;
use cowrite_server::room::{
    ChannelFrame, ConnectionId, LogAnswer, LogRequest, LogTicket, OpenCommand, Room, RoomCommand, RoomOutput,
    RoomSettings,
};
use cowrite_server::sequencer::SubmittedCaret;

use super::choices::Choices;
use super::laid::laid;
use super::say::user;

const CONNECTIONS: usize = 3;

/// A room does by choices what clients that need not make sense ask of it, on the real log in memory, which
/// may refuse, lose its answers and append late. It never panics, asks for an end of things, tells only what can be
/// read, and never holds another document than the log at its version. In every other run the log may also answer
/// anything at all; then it must not panic.
pub fn room(data: &[u8]) {
    let mut choices = Choices::new(data);
    let mut world = World::new(choices.one_in(2));
    for _ in 0..200 {
        if choices.is_empty() {
            break;
        }
        world.act(&mut choices);
        world.drain();
        world.check();
    }
}

struct World {
    room: Room<RichText>,
    log: MemoryLog,
    document: DocumentId,
    hostile: bool,
    feed: Option<Feed>,
    heard: VecDeque<FeedEvent>,
    asked: VecDeque<(LogTicket, LogRequest)>,
    outboxes: BTreeMap<ConnectionId, Arc<Outbox>>,
    next_connection: u64,
    now: Millis,
    /// The log's text by version, with the running hash there.
    texts: Vec<(RunningHash, Document)>,
}

impl World {
    fn new(hostile: bool) -> World {
        let document: DocumentId = match "fuzzed".parse() {
            Ok(document) => document,
            Err(error) => unreachable!("the name of the document is one: {error}"),
        };
        let operation = OperationLimits { components: 12, bytes: 200, ..OperationLimits::default() };
        let limits = Limits { operation, document_units: 300, part_bytes: 64, ..Limits::default() };
        let settings = RoomSettings {
            tail_entries: 6,
            tail_bytes: 200,
            snapshot_entries: 4,
            retained_entries: 3,
            compose_from: 2,
            read_bytes: 40,
            ..RoomSettings::default()
        };
        let mut bits = 7_u64;
        let entropy = Box::new(move || {
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            bits
        });
        World {
            room: Room::new(document.clone(), Channel(3), limits, settings, entropy),
            log: MemoryLog::with_clock(WallClock::from_fn(|| 0)),
            document,
            hostile,
            feed: None,
            heard: VecDeque::new(),
            asked: VecDeque::new(),
            outboxes: BTreeMap::new(),
            next_connection: 1,
            now: Millis(1_000),
            texts: vec![(RunningHash::ZERO, Document::new())],
        }
    }

    fn act(&mut self, choices: &mut Choices<'_>) {
        let now = self.now;
        match choices.below(32) {
            0..=2 => self.open(choices),
            3..=9 => {
                let operation = self.operation(choices);
                let caret = match choices.below(3) {
                    0 => SubmittedCaret::Implied,
                    1 => SubmittedCaret::Still,
                    _ => SubmittedCaret::At(cursor(choices)),
                };
                let near = 1 + u64::from(choices.byte() % 4);
                let seq = abbreviated(choices, near);
                let base = abbreviated(choices, self.room.sequencer().head().version.get());
                let busy_ms = choices.one_in(16).then_some(10);
                let trail = Trail::default();
                self.say(choices, ChannelFrame::Submit { seq, base, operation, caret, busy_ms, trail });
            }
            10..=18 => self.answer(choices),
            19 | 20 => {
                let event = match choices.below(8) {
                    0 => Some(FeedEvent::Interrupted),
                    1 if self.hostile => Some(self.any_feed(choices)),
                    // Lost.
                    2 => self.heard.pop_front().filter(|_| false),
                    // Again.
                    3 => self.heard.front().cloned(),
                    _ => self.heard.pop_front(),
                };
                event.into_iter().for_each(|event| self.room.handle_feed(event, now));
            }
            21 | 22 => {
                self.now = now + choices.pick(&[0, 1, 100, 250, 1_000, 3_000, 30_000]);
                self.room.handle_timeout(self.now);
            }
            23 => match choices.below(8) {
                0 => self.room.look(now),
                1 => self.room.drain(),
                2 => self.room.handle_presence(PresenceEvent::Subscribed, now),
                _ => {
                    let message = PresenceEvent::Message(Bytes::copy_from_slice(choices.bytes()));
                    self.room.handle_presence(message, now);
                }
            },
            24 => {
                let version = abbreviated(choices, self.room.sequencer().head().version.get());
                let cursor = cursor(choices);
                self.say(choices, ChannelFrame::Cursor { version, cursor });
            }
            25 => {
                let state = choices.one_in(2).then(|| "{}".to_owned());
                self.say(choices, ChannelFrame::Presence { activity: Activity::Away, state });
            }
            26 => {
                let head = self.room.sequencer().head();
                let hash = if choices.one_in(2) { head.hash.short() } else { choices.u64() };
                let mut checksum = RichText::checksum(self.room.sequencer().document());
                checksum.0 ^= u64::from(choices.one_in(4));
                let version = self.version(choices);
                self.say(choices, ChannelFrame::Verify { version, hash, checksum });
            }
            27 => {
                let (base, operation) = (self.version(choices), self.operation(choices));
                self.say(choices, ChannelFrame::Restore { base, operation });
            }
            28 => self.say(choices, ChannelFrame::Close),
            29 => {
                // The socket takes some of what waits for it.
                let Some((connection, outbox)) = self.connection(choices) else { return };
                let taken = outbox.take(usize::from(choices.byte()));
                let message: Vec<u8> = taken.frames.concat();
                for frame in decode_server(&message, usize::MAX) {
                    if let Err(error) = frame {
                        panic!("it tells what cannot be read: {error}");
                    }
                }
                if !taken.drained.is_empty() {
                    self.room.handle_command(RoomCommand::Drained { connection }, now);
                }
            }
            30 => {
                let Some((connection, outbox)) = self.connection(choices) else { return };
                outbox.abandon();
                self.outboxes.remove(&connection);
                self.room.handle_command(RoomCommand::Disconnected { connection }, now);
            }
            _ => {
                let Some((connection, _)) = self.connection(choices) else { return };
                let code = Code::AccessDenied;
                self.room.handle_command(RoomCommand::Expel { connection, code, retry_after_ms: 5 }, now);
            }
        }
    }

    fn open(&mut self, choices: &mut Choices<'_>) {
        let connection = match self.connection(choices) {
            Some((connection, _)) if self.outboxes.len() == CONNECTIONS || choices.one_in(4) => connection,
            _ => {
                let connection = ConnectionId(self.next_connection);
                self.next_connection += 1;
                self.outboxes.insert(connection, Arc::new(Outbox::new(300, 64)));
                connection
            }
        };
        let outbox = self.outboxes[&connection].clone();
        let head = self.room.sequencer().head();
        let position = match choices.below(8) {
            0 => None,
            1 => Some(Position::default()),
            2 => Some(Position { epoch: head.epoch, version: self.version(choices), hash: head.hash }),
            _ => {
                let at = choices.below(self.texts.len());
                let version = Version::new(at as u64).unwrap_or_default();
                Some(Position { epoch: head.epoch, version, hash: self.texts[at].0 })
            }
        };
        let number = choices.byte() % 3;
        let role = if choices.one_in(8) { Role::Viewer } else { Role::Editor };
        let until = if choices.one_in(8) { self.now + 500 } else { Millis(u64::MAX) };
        let command = OpenCommand {
            connection,
            outbox,
            request: u32::from(choices.byte()),
            client: ClientId::from_bytes([number + 1; 16]),
            user: user(if choices.one_in(8) { 1 - number % 2 } else { number % 2 }),
            name: String::new(),
            permit: Permit::new(role, until),
            position,
            whole: choices.one_in(8),
            in_flight: choices.one_in(2).then(|| seq(choices)),
            state: String::new(),
        };
        self.room.handle_command(RoomCommand::Open(Box::new(command)), self.now);
    }

    fn say(&mut self, choices: &mut Choices<'_>, frame: ChannelFrame) {
        let Some((connection, _)) = self.connection(choices) else { return };
        self.room.handle_command(RoomCommand::Frame { connection, frame }, self.now);
    }

    fn connection(&self, choices: &mut Choices<'_>) -> Option<(ConnectionId, Arc<Outbox>)> {
        let at = choices.below(CONNECTIONS).min(self.outboxes.len().checked_sub(1)?);
        self.outboxes.iter().nth(at).map(|(connection, outbox)| (*connection, outbox.clone()))
    }

    /// An operation that fits what the room holds, or held, or any bytes.
    fn operation(&self, choices: &mut Choices<'_>) -> Bytes {
        if choices.one_in(8) {
            return Bytes::copy_from_slice(choices.bytes());
        }
        let back = if choices.one_in(2) { choices.below(3) } else { 0 };
        let (_, text) = &self.texts[self.texts.len().saturating_sub(1 + back)];
        let mut packed = Vec::new();
        RichText::encode(&laid(choices, text), &mut packed);
        Bytes::from(packed)
    }

    fn version(&self, choices: &mut Choices<'_>) -> Version {
        let head = self.room.sequencer().head().version;
        match choices.below(8) {
            0 => Version::new(choices.u64() >> 11).unwrap_or(Version::MAX),
            1 => head.next(),
            back => Version::new(head.get().saturating_sub(back as u64 - 2)).unwrap_or_default(),
        }
    }

    /// One question to the log is answered, by and large in the order of asking.
    fn answer(&mut self, choices: &mut Choices<'_>) {
        let at = if choices.one_in(4) { choices.below(4).min(self.asked.len().saturating_sub(1)) } else { 0 };
        let Some((ticket, request)) = self.asked.remove(at) else { return };
        let answer = match choices.below(12) {
            0 => self.refused(&request, choices),
            1 if self.hostile => self.anything(&request, choices),
            _ => self.honest(request),
        };
        self.room.handle_log(ticket, answer, self.now);
    }

    fn honest(&mut self, request: LogRequest) -> LogAnswer {
        let (log, document) = (self.log.clone(), self.document.clone());
        let answer = match request {
            LogRequest::Subscribe => {
                self.feed = Some(log.subscribe_now(&document));
                LogAnswer::Subscribed(Ok(()))
            }
            LogRequest::Open(client) => LogAnswer::Opened(log.open_now(&document, client)),
            LogRequest::Append(batch) => LogAnswer::Append(log.append_now(&document, batch)),
            LogRequest::Read { after, max_bytes } => LogAnswer::Read(Ok(log.read_now(&document, after, max_bytes))),
            LogRequest::LoadSnapshot => LogAnswer::Snapshot(Ok(log.load_snapshot_now(&document))),
            LogRequest::StoreSnapshot(snapshot) => {
                log.store_snapshot_now(&document, snapshot);
                LogAnswer::Stored(Ok(()))
            }
            LogRequest::Trim(before) | LogRequest::Erase(before) => {
                log.trim_now(&document, before);
                LogAnswer::Stored(Ok(()))
            }
            LogRequest::AdvanceEpoch(life) => LogAnswer::Advanced(Ok(log.advance_epoch_now(&document, life))),
        };
        self.follow();
        answer
    }

    /// The log cannot, or its answer is lost after it was done.
    fn refused(&mut self, request: &LogRequest, choices: &mut Choices<'_>) -> LogAnswer {
        let (retry_after, reason) = (Duration::from_millis(10), "a bad day".to_owned());
        let error = match choices.one_in(8) {
            true => LogError::Damaged { reason },
            false => LogError::Unavailable { reason, retry_after },
        };
        match request {
            LogRequest::Subscribe => LogAnswer::Subscribed(Err(error)),
            LogRequest::Open(_) => LogAnswer::Opened(Err(OpenError::Log(error))),
            LogRequest::Append(batch) => {
                let done = choices.one_in(2);
                if done {
                    self.log.append_now(&self.document, batch.clone());
                    self.follow();
                }
                LogAnswer::Append(match done || choices.one_in(2) {
                    true => AppendOutcome::OutcomeUnknown,
                    false => AppendOutcome::Unavailable { retry_after },
                })
            }
            LogRequest::Read { .. } => LogAnswer::Read(Err(error)),
            LogRequest::LoadSnapshot => LogAnswer::Snapshot(Err(error)),
            LogRequest::StoreSnapshot(_) | LogRequest::Trim(_) | LogRequest::Erase(_) => LogAnswer::Stored(Err(error)),
            LogRequest::AdvanceEpoch(_) => LogAnswer::Advanced(Err(error)),
        }
    }

    /// An answer that no log of ours would give.
    fn anything(&self, request: &LogRequest, choices: &mut Choices<'_>) -> LogAnswer {
        match request {
            LogRequest::Open(client) => {
                let state = client.as_ref().map(|_| cowrite_server::oplog::ClientState {
                    generation: cowrite_protocol::Generation::new(choices.u64()),
                    last: choices.one_in(2).then(|| (seq(choices), self.version(choices))),
                });
                let (head, floor) = (self.any_head(choices), self.version(choices));
                LogAnswer::Opened(Ok(OpenedLog { head, floor, client: state }))
            }
            LogRequest::Append(_) => LogAnswer::Append(match choices.below(4) {
                0 => AppendOutcome::Committed { head: self.any_head(choices) },
                1 => AppendOutcome::Conflict { head: self.any_head(choices), entries: self.any_entries(choices) },
                2 => AppendOutcome::EpochChanged { head: self.any_head(choices) },
                _ => {
                    let refusal = match choices.below(3) {
                        0 => Refusal::Fenced,
                        1 => Refusal::OtherUser,
                        _ => Refusal::Duplicate { last: seq(choices), version: self.version(choices) },
                    };
                    AppendOutcome::Refused { members: vec![(choices.below(3), refusal)] }
                }
            }),
            LogRequest::Read { .. } => LogAnswer::Read(Ok(match choices.one_in(4) {
                true => ReadOutcome::BelowFloor { floor: self.version(choices) },
                false => ReadOutcome::Entries(self.any_entries(choices)),
            })),
            LogRequest::LoadSnapshot => {
                let mut content = Vec::new();
                let text = &self.texts[choices.below(self.texts.len())].1;
                RichText::encode(&RichText::to_operation(text), &mut content);
                if choices.one_in(2) {
                    content = choices.bytes().to_vec();
                }
                let checksum = if choices.one_in(4) { Checksum(choices.u64()) } else { RichText::checksum(text) };
                let head = self.any_head(choices);
                LogAnswer::Snapshot(Ok(Some(Snapshot { head, checksum, content: Bytes::from(content) })))
            }
            LogRequest::AdvanceEpoch(_) => LogAnswer::Advanced(Ok(match choices.one_in(2) {
                true => AdvanceOutcome::Advanced(self.any_head(choices)),
                false => AdvanceOutcome::Other(self.any_head(choices)),
            })),
            // To another question than was asked.
            LogRequest::Subscribe => LogAnswer::Stored(Ok(())),
            LogRequest::StoreSnapshot(_) | LogRequest::Trim(_) | LogRequest::Erase(_) => LogAnswer::Subscribed(Ok(())),
        }
    }

    fn any_head(&self, choices: &mut Choices<'_>) -> Head {
        let head = self.room.sequencer().head();
        let epoch = match choices.below(4) {
            0 => None,
            1 => Some(Epoch::from_random(choices.u64())),
            _ => head.epoch,
        };
        let hash = if choices.one_in(2) { RunningHash::from_bytes([choices.byte(); 16]) } else { head.hash };
        Head { epoch, version: self.version(choices), hash }
    }

    fn any_entries(&self, choices: &mut Choices<'_>) -> Vec<Entry> {
        let mut version = self.version(choices);
        (0..choices.below(4))
            .map(|_| {
                version = if choices.one_in(8) { self.version(choices) } else { version.next() };
                let client = match choices.byte() % 4 {
                    3 => ClientId::restoration(self.room.sequencer().head().epoch),
                    number => ClientId::from_bytes([number + 1; 16]),
                };
                let (user, client_seq): (UserId, _) = (user(choices.byte() % 2), seq(choices));
                Entry { version, client, client_seq, user, time_ms: 0, operation: self.operation(choices) }
            })
            .collect()
    }

    fn any_feed(&self, choices: &mut Choices<'_>) -> FeedEvent {
        let head = self.any_head(choices);
        let epoch = head.epoch.unwrap_or(Epoch::from_random(1));
        match choices.one_in(4) {
            true => FeedEvent::Durable { epoch, version: head.version, hash: head.hash },
            false => FeedEvent::Batch(FeedBatch { epoch, entries: self.any_entries(choices), hash_after: head.hash }),
        }
    }

    /// What was committed goes to the room's feed, and is replayed here.
    fn follow(&mut self) {
        while let Some(event) = self.feed.as_mut().and_then(|feed| feed.try_recv().ok()) {
            self.heard.push_back(event);
        }
        let after = Version::new(self.texts.len() as u64 - 1).unwrap_or_default();
        let ReadOutcome::Entries(entries) = self.log.read_now(&self.document, after, usize::MAX) else { return };
        for entry in entries {
            let (hash, mut text) = self.texts[self.texts.len() - 1].clone();
            let operation = RichText::decode(&entry.operation, &OperationLimits::NONE);
            match operation.map(|operation| RichText::apply(&mut text, &operation)) {
                Ok(Ok(())) => {}
                // A room that was told nonsense appends what fits that.
                _ if self.hostile => {}
                failed => panic!("version {} cannot be replayed: {failed:?}", entry.version),
            }
            let hash = hash.advance(entry.version, &entry.client, entry.client_seq, &entry.operation);
            self.texts.push((hash, text));
        }
    }

    fn drain(&mut self) {
        let mut outputs = 0;
        while let Some(output) = self.room.poll_output() {
            outputs += 1;
            assert!(outputs < 1_000, "there is no end to what it asks for: {output:?}");
            if let RoomOutput::Log(ticket, request) = output {
                self.asked.push_back((ticket, request));
            }
        }
        // What nobody answers does not pile up for ever.
        self.asked.truncate(1_000);
    }

    fn check(&self) {
        let (head, document) = (self.room.sequencer().head(), self.room.sequencer().document());
        if self.hostile {
            return;
        }
        let Some((hash, text)) = self.texts.get(head.version.get() as usize) else {
            panic!("it stands at {}, the log at {}", head.version, self.texts.len() - 1);
        };
        assert_eq!(head.hash, *hash, "it holds another history at {}", head.version);
        assert_eq!(document, text, "it holds another text at {}", head.version);
    }
}

fn abbreviated(choices: &mut Choices<'_>, near: u64) -> Abbreviated {
    match choices.below(8) {
        0 => Abbreviated::of(choices.u64(), near),
        _ => Abbreviated::of(near, near.saturating_sub(u64::from(choices.byte() % 3))),
    }
}

fn seq(choices: &mut Choices<'_>) -> ClientSeq {
    ClientSeq::new(u64::from(choices.byte() % 6)).unwrap_or_default()
}

fn cursor(choices: &mut Choices<'_>) -> Cursor {
    Cursor::caret(Utf16Offset(if choices.one_in(8) { choices.u32() } else { u32::from(choices.byte() % 16) }))
}
