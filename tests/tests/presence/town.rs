//! Rooms of one document on several servers, over one log and one bus, on virtual time.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Abbreviated, Activity, MemberChange, Role, ServerFrame};
use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;
use cowrite_protocol::{
    AuthorNumber, Channel, ClientId, Cursor, DocumentId, DocumentType, Limits, Millis, RichText, Utf16Offset,
};
use cowrite_server::metrics::{Metrics, RoomMeter, Sampled};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{Feed, FeedEvent};
use cowrite_server::outbox::Outbox;
use cowrite_server::presence::{PresenceBus, PresenceEvent, PresenceFeed, PresenceMessage, SharedBus};
use cowrite_server::room::{
    ChannelFrame, ConnectionId, LogAnswer, LogRequest, OpenCommand, Room, RoomCommand, RoomOutput, RoomSettings,
};
use cowrite_server::sequencer::SubmittedCaret;

pub(crate) struct Town {
    log: MemoryLog,
    bus: SharedBus,
    document: DocumentId,
    pub(crate) now: Millis,
    servers: Vec<Option<Server>>,
    guests: Vec<Guest>,
    /// What was published: when, by which server, what.
    pub(crate) published: Vec<(Millis, usize, PresenceMessage)>,
    names: u64,
    connections: u64,
}

struct Server {
    room: Room<RichText>,
    metrics: Metrics,
    feed: Option<Feed>,
    presence: PresenceFeed,
    /// Batches of the log do not arrive, until they are let through.
    feed_held: Option<VecDeque<FeedEvent>>,
    /// Presence of others does not arrive.
    deaf: bool,
}

/// Somebody on a channel, without a client: what the frames alone show.
struct Guest {
    server: usize,
    connection: ConnectionId,
    client: ClientId,
    outbox: Arc<Outbox>,
    version: u64,
    seq: u64,
    shown: BTreeMap<AuthorNumber, (String, String)>,
    cursors: BTreeMap<AuthorNumber, Cursor>,
    /// Members and cursor frames so far.
    frames: usize,
}

/// What the frames show of a guest.
pub(crate) fn caret(at: u32) -> Cursor {
    Cursor::caret(Utf16Offset(at))
}

impl Town {
    pub(crate) fn new(servers: usize) -> Town {
        let mut town = Town {
            log: MemoryLog::new(),
            bus: SharedBus::default(),
            document: "town".parse().unwrap(),
            now: Millis(1_000),
            servers: Vec::new(),
            guests: Vec::new(),
            published: Vec::new(),
            names: 0,
            connections: 0,
        };
        for _ in 0..servers {
            town.servers.push(None);
        }
        town
    }

    /// A guest with this name, and a client id of the name, opens the document at a server.
    pub(crate) fn open(&mut self, server: usize, name: &str) -> usize {
        if self.servers[server].is_none() {
            self.start(server);
        }
        self.connections += 1;
        let mut client = [0; 16];
        client[..name.len()].copy_from_slice(name.as_bytes());
        let guest = Guest {
            server,
            connection: ConnectionId(self.connections),
            client: ClientId::from_bytes(client),
            // No frame is cut into parts, so that each can be read by itself.
            outbox: Arc::new(Outbox::new(1 << 20, 64 << 20)),
            version: 0,
            seq: 0,
            shown: BTreeMap::new(),
            cursors: BTreeMap::new(),
            frames: 0,
        };
        let command = OpenCommand {
            connection: guest.connection,
            outbox: Arc::clone(&guest.outbox),
            request: 1,
            client: guest.client,
            user: name.parse().unwrap(),
            name: name.to_owned(),
            permit: cowrite_server::auth::Permit::new(Role::Editor, cowrite_protocol::Millis(u64::MAX)),
            position: None,
            whole: false,
            in_flight: None,
            state: String::new(),
        };
        self.guests.push(guest);
        self.command(server, RoomCommand::Open(Box::new(command)));
        self.guests.len() - 1
    }

    fn start(&mut self, server: usize) {
        self.names += 1;
        let mut names = self.names << 32;
        let entropy = Box::new(move || {
            names += 1;
            // Spread over all bits, as chance would.
            names.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        let room = Room::new(self.document.clone(), Channel(7), Limits::default(), RoomSettings::default(), entropy);
        let metrics = Metrics::default();
        let room = room.with_meter(RoomMeter::new(Arc::clone(&metrics.rooms)));
        let presence = self.bus.subscribe(&self.document);
        self.servers[server] = Some(Server { room, metrics, feed: None, presence, feed_held: None, deaf: false });
        self.pump();
    }

    pub(crate) fn leave(&mut self, guest: usize) {
        let (server, connection) = (self.guests[guest].server, self.guests[guest].connection);
        self.command(server, RoomCommand::Disconnected { connection });
    }

    /// The process is gone, without a word.
    pub(crate) fn kill(&mut self, server: usize) {
        self.servers[server] = None;
    }

    pub(crate) fn set_deaf(&mut self, server: usize, deaf: bool) {
        self.servers[server].as_mut().unwrap().deaf = deaf;
    }

    pub(crate) fn hold_feed(&mut self, server: usize) {
        self.servers[server].as_mut().unwrap().feed_held = Some(VecDeque::new());
    }

    pub(crate) fn release_feed(&mut self, server: usize) {
        let running = self.servers[server].as_mut().unwrap();
        for event in running.feed_held.take().unwrap() {
            running.room.handle_feed(event, self.now);
        }
        self.pump();
    }

    pub(crate) fn state(&mut self, guest: usize, state: &str) {
        self.frame(guest, ChannelFrame::Presence { activity: Activity::Active, state: Some(state.to_owned()) });
    }

    pub(crate) fn cursor(&mut self, guest: usize, cursor: Cursor) {
        let version = Abbreviated::of(self.guests[guest].version, self.guests[guest].version);
        self.frame(guest, ChannelFrame::Cursor { version, cursor });
    }

    /// The guest types at the start of the text, on the version that it was told last.
    pub(crate) fn type_text(&mut self, guest: usize, text: &str, caret: SubmittedCaret) {
        let mut builder = Operation::builder();
        builder.retain(Utf16Length(0)).insert(text);
        let mut operation = Vec::new();
        RichText::encode(&builder.build(), &mut operation);
        let known = &mut self.guests[guest];
        let seq = Abbreviated::of(known.seq + 1, known.seq);
        known.seq += 1;
        let base = Abbreviated::of(known.version, known.version);
        self.frame(
            guest,
            ChannelFrame::Submit {
                seq,
                base,
                operation: Bytes::from(operation),
                caret,
                busy_ms: None,
                trail: Default::default(),
            },
        );
    }

    /// What a guest sends, or what its connection says of it.
    pub(crate) fn frame(&mut self, guest: usize, frame: ChannelFrame) {
        let (server, connection) = (self.guests[guest].server, self.guests[guest].connection);
        self.command(server, RoomCommand::Frame { connection, frame });
    }

    fn command(&mut self, server: usize, command: RoomCommand) {
        if let Some(running) = &mut self.servers[server] {
            running.room.handle_command(command, self.now);
        }
        self.pump();
    }

    /// A message that no room has sent.
    pub(crate) fn publish(&mut self, message: Bytes) {
        self.bus.publish(&self.document, message);
        self.pump();
    }

    pub(crate) fn room(&self, server: usize) -> &Room<RichText> {
        &self.servers[server].as_ref().unwrap().room
    }

    /// Whether a server's page of numbers has this line.
    pub(crate) fn page_shows(&self, server: usize, line: &str) -> bool {
        let page = self.servers[server].as_ref().unwrap().metrics.page(Sampled::default());
        page.lines().any(|shown| shown == line)
    }

    /// Time passes; all timers run out when they are due.
    pub(crate) fn pass(&mut self, ms: u64) {
        let until = self.now + ms;
        self.pump();
        loop {
            let timers = self.servers.iter().flatten().filter_map(|running| running.room.poll_timeout());
            let Some(next) = timers.min().filter(|next| *next <= until) else { break };
            self.now = self.now.max(next);
            for running in self.servers.iter_mut().flatten() {
                if running.room.poll_timeout().is_some_and(|due| due <= self.now) {
                    running.room.handle_timeout(self.now);
                }
            }
            self.pump();
        }
        self.now = until;
    }

    /// Time passes for all but one server, whose process is stopped and then goes on.
    pub(crate) fn pass_without(&mut self, frozen: usize, ms: u64) {
        let stopped = self.servers[frozen].take();
        self.pass(ms);
        self.servers[frozen] = stopped;
        let running = self.servers[frozen].as_mut().unwrap();
        // The worst order: its timers run out before it has heard anything.
        running.room.handle_timeout(self.now);
        self.pump();
    }

    /// The names that a guest is shown, sorted.
    pub(crate) fn shown(&self, guest: usize) -> Vec<&str> {
        let mut names: Vec<_> = self.guests[guest].shown.values().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        names
    }

    /// The state that a guest is shown of a member.
    pub(crate) fn state_of(&self, guest: usize, name: &str) -> Option<&str> {
        let mut members = self.guests[guest].shown.values();
        members.find(|(shown, _)| shown == name).map(|(_, state)| state.as_str())
    }

    /// The cursor that the last frames show a guest of a member.
    pub(crate) fn cursor_of(&self, guest: usize, name: &str) -> Option<&Cursor> {
        let guest = &self.guests[guest];
        let (number, _) = guest.shown.iter().find(|(_, (shown, _))| shown == name)?;
        guest.cursors.get(number)
    }

    /// How many frames of presence a guest was sent.
    pub(crate) fn frames(&self, guest: usize) -> usize {
        self.guests[guest].frames
    }

    fn pump(&mut self) {
        let mut moved = true;
        while std::mem::take(&mut moved) {
            for index in 0..self.servers.len() {
                moved |= self.pump_room(index);
            }
        }
        for guest in &mut self.guests {
            guest.read();
        }
    }

    fn pump_room(&mut self, index: usize) -> bool {
        let Some(running) = &mut self.servers[index] else { return false };
        let mut moved = false;
        while let Some(output) = running.room.poll_output() {
            moved = true;
            match output {
                RoomOutput::Presence(message) => {
                    let decoded = PresenceMessage::decode(&message, &Limits::default()).unwrap();
                    self.published.push((self.now, index, decoded));
                    self.bus.publish(&self.document, message);
                }
                RoomOutput::Log(ticket, request) => {
                    let answer = ask(&self.log, &self.document, request, &mut running.feed);
                    running.room.handle_log(ticket, answer, self.now);
                }
            }
        }
        while let Ok(event) = running.presence.try_recv() {
            moved = true;
            if !running.deaf {
                running.room.handle_presence(event, self.now);
            }
        }
        while let Some(event) = running.feed.as_mut().and_then(|feed| feed.try_recv().ok()) {
            moved = true;
            match &mut running.feed_held {
                Some(held) => held.push_back(event),
                None => running.room.handle_feed(event, self.now),
            }
        }
        moved
    }

    /// What the bus brings that is not a message, as after a connection that was lost.
    pub(crate) fn subscribed_again(&mut self, server: usize) {
        let running = self.servers[server].as_mut().unwrap();
        running.room.handle_presence(PresenceEvent::Subscribed, self.now);
        self.pump();
    }
}

fn ask(log: &MemoryLog, document: &DocumentId, request: LogRequest, feed: &mut Option<Feed>) -> LogAnswer {
    match request {
        LogRequest::Subscribe => {
            *feed = Some(log.subscribe_now(document));
            LogAnswer::Subscribed(Ok(()))
        }
        LogRequest::Open(client) => LogAnswer::Opened(log.open_now(document, client)),
        LogRequest::Append(batch) => LogAnswer::Append(log.append_now(document, batch)),
        LogRequest::Read { after, max_bytes } => LogAnswer::Read(Ok(log.read_now(document, after, max_bytes))),
        LogRequest::LoadSnapshot => LogAnswer::Snapshot(Ok(log.load_snapshot_now(document))),
        LogRequest::StoreSnapshot(_) | LogRequest::Trim(_) | LogRequest::Erase(_) => LogAnswer::Stored(Ok(())),
        LogRequest::AdvanceEpoch(life) => LogAnswer::Advanced(Ok(log.advance_epoch_now(document, life))),
    }
}

impl Guest {
    fn read(&mut self) {
        let taken = self.outbox.take(1 << 20);
        for bytes in taken.frames {
            for frame in decode_server(&bytes, usize::MAX) {
                match frame.unwrap() {
                    ServerFrame::Members { changes, .. } => {
                        self.frames += 1;
                        changes.into_iter().for_each(|change| self.change(change));
                    }
                    ServerFrame::Cursors { cursors, .. } => {
                        self.frames += 1;
                        self.cursors.extend(cursors);
                    }
                    ServerFrame::Snapshot(snapshot) => self.version = snapshot.version.get(),
                    ServerFrame::Commit(_)
                    | ServerFrame::CommitStill(_)
                    | ServerFrame::CommitCursor { .. }
                    | ServerFrame::Ack { .. } => self.version += 1,
                    _ => {}
                }
            }
        }
    }

    fn change(&mut self, change: MemberChange) {
        match change {
            MemberChange::Here(member) => {
                let former = self.shown.insert(member.number, (member.name.clone(), member.state));
                if former.is_some_and(|(name, _)| name != member.name) {
                    self.cursors.remove(&member.number);
                }
            }
            MemberChange::Left(number) => {
                self.shown.remove(&number);
                self.cursors.remove(&number);
            }
        }
    }
}
