//! The run: one queue of events, and everything that happens in it.

use std::collections::BTreeMap;
use std::time::Duration;

use cowrite_client::{Engine, Output, ProposalKind};
use cowrite_protocol::operation::Component;
use cowrite_protocol::{Channel, DocumentId, Limits, Millis, OperationLimits, RichText, Version};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{AppendOutcome, Entry, FeedBatch, LogError, WallClock};
use cowrite_server::room::{ConnectionId, LogAnswer, LogRequest, LogTicket, RoomCommand, RoomOutput};

use super::chance::Chance;
use super::client::Client;
use super::link::{Link, LinkId};
use super::oracle::Oracle;
use super::scenario::Scenario;
use super::server::Server;

/// A run under way.
pub struct World {
    scenario: Scenario,
    chance: Chance,
    now: Millis,
    queue: BTreeMap<(Millis, u64), Happening>,
    order: u64,
    log: MemoryLog,
    document: DocumentId,
    servers: Vec<Server>,
    clients: Vec<Client>,
    links: BTreeMap<LinkId, Link>,
    oracle: Oracle,
    entries: Vec<Entry>,
    next_id: u64,
    next_token: u32,
    calm: bool,
    rollbacks_left: u64,
    /// Tokens that were lost before their author heard that they were accepted.
    unheard: Vec<char>,
    report: Report,
    /// What happened last, for a run that does not end.
    last: &'static str,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Events that happened.
    pub steps: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Messages that were delivered.
    pub messages: u64,
    /// Links that were cut.
    pub cuts: u64,
    /// Servers that were killed.
    pub kills: u64,
    /// Appends whose answer was lost, late or a refusal.
    pub log_faults: u64,
    /// Composed catch-ups that were received.
    pub composed: u64,
}

enum Happening {
    /// A user does something.
    User(usize),
    /// A message arrives at the server, or at the client.
    Up(LinkId, Vec<u8>),
    Down(LinkId, Vec<u8>),
    /// The client's socket is open.
    Connected(usize, LinkId),
    /// A side learns that the link is gone.
    ClientGone(usize, LinkId),
    ServerGone(usize, ConnectionId),
    /// The server's socket takes bytes again.
    Write(LinkId),
    /// A question reaches the log; its answer reaches the room.
    Ask {
        to: RoomName,
        ticket: LogTicket,
        request: LogRequest,
        answered: bool,
    },
    Answer {
        to: RoomName,
        ticket: LogTicket,
        answer: LogAnswer,
    },
    Feed {
        to: RoomName,
        batch: FeedBatch,
    },
    /// The slow periodic look at the log.
    Look(RoomName),
    Restart(usize),
}

impl Happening {
    fn name(&self) -> &'static str {
        match self {
            Happening::User(_) => "a user",
            Happening::Up(..) => "a message up",
            Happening::Down(..) => "a message down",
            Happening::Connected(..) => "a connection",
            Happening::ClientGone(..) | Happening::ServerGone(..) => "a lost link",
            Happening::Write(_) => "a write",
            Happening::Ask { .. } | Happening::Answer { .. } => "the log",
            Happening::Feed { .. } | Happening::Look(_) => "the feed",
            Happening::Restart(_) => "a restart",
        }
    }
}

/// A room in one life of one server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct RoomName {
    server: usize,
    life: u64,
    channel: Channel,
    room_life: u64,
}

const DOCUMENT: &str = "simulated";
/// Virtual time after which the storm ends, and within which the calm must converge.
const STORM_MS: u64 = 120_000;
const CALM_MS: u64 = 900_000;
const LOOK_MS: u64 = 5_000;
/// A run of a thousand edits takes some 20,000 steps.
const MOST_STEPS: u64 = 500_000;

impl World {
    /// Runs a scenario to its end.
    ///
    /// # Errors
    /// What was found to be false, with the seed that replays it.
    pub fn run(scenario: Scenario) -> Result<Report, String> {
        let seed = scenario.seed;
        let mut world = World::new(scenario);
        world
            .storm_and_calm()
            .map_err(|fault| format!("seed {seed} at {} ms: {fault}\n{:?}", world.now.0, world.scenario))?;
        Ok(world.report)
    }

    fn new(scenario: Scenario) -> World {
        let document: DocumentId = match DOCUMENT.parse() {
            Ok(document) => document,
            Err(error) => unreachable!("the name of the simulated document is one: {error}"),
        };
        let operation = OperationLimits { components: 40, bytes: 4_000, ..OperationLimits::default() };
        let part_bytes = if scenario.seed.is_multiple_of(3) { 64 } else { 4_096 };
        let limits = Limits { operation, part_bytes, ..Limits::default() };
        let mut world = World {
            chance: Chance::new(scenario.seed),
            now: Millis(1_000),
            queue: BTreeMap::new(),
            order: 0,
            log: MemoryLog::with_clock(WallClock::from_fn(|| 0)),
            oracle: Oracle::new(document.clone()),
            servers: (0..scenario.servers).map(|_| Server::new(&scenario, limits)).collect(),
            clients: Vec::new(),
            links: BTreeMap::new(),
            entries: Vec::new(),
            next_id: 1,
            next_token: 0x4e00,
            calm: false,
            rollbacks_left: scenario.rollbacks,
            unheard: Vec::new(),
            report: Report::default(),
            last: "",
            document,
            scenario,
        };
        for _ in 0..world.scenario.clients {
            let seed = world.chance.bits();
            let mut client = Client::new(seed, world.document.clone(), world.now);
            client.left = world.scenario.edits;
            world.clients.push(client);
            world.later(1, Happening::User(world.clients.len() - 1));
        }
        world
    }

    fn storm_and_calm(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            self.pump_client(client)?;
        }
        let storm_end = self.now + STORM_MS;
        while self.now < storm_end && !self.is_done() {
            self.step()?;
        }
        self.calm = true;
        for server in 0..self.servers.len() {
            self.later(0, Happening::Restart(server));
        }
        let calm_end = self.now + CALM_MS;
        loop {
            if self.is_quiet() {
                if self.clients.iter().all(|client| client.proposals.is_empty()) {
                    break;
                }
                self.decide()?;
            }
            if self.now > calm_end {
                let status: Vec<_> = self
                    .clients
                    .iter()
                    .map(|client| {
                        let engine = client.session.engine(client.handle);
                        (
                            client.session.link_state(self.now),
                            engine.map(cowrite_client::Engine::status),
                            client.closed,
                            &client.proposals,
                        )
                    })
                    .collect();
                return Err(format!("no rest within {CALM_MS} ms, log at {}: {status:?}", self.oracle.head()));
            }
            self.step()?;
        }
        self.report.entries = self.oracle.head().get();
        self.oracle.check_end(&self.clients, self.scenario.rollbacks > 0, self.scenario.mixed, &self.unheard)
    }

    /// The next thing happens, or the next timer runs out.
    fn step(&mut self) -> Result<(), String> {
        self.report.steps += 1;
        if self.report.steps > MOST_STEPS {
            return Err(format!("no end in sight: something happens again and again, last {}", self.last));
        }
        let timer = self.next_timer();
        let happening = self.queue.keys().next().map(|(at, _)| *at);
        match (happening, timer) {
            (Some(at), timer) if timer.is_none_or(|timer| at <= timer) => {
                self.now = self.now.max(at);
                if let Some((_, happening)) = self.queue.pop_first() {
                    self.last = happening.name();
                    self.happen(happening)?;
                }
            }
            (_, Some(timer)) => {
                self.now = self.now.max(timer);
                self.last = "a timer";
                self.timers()?;
            }
            _ => return Err("nothing will ever happen again".to_owned()),
        }
        self.check()
    }

    fn happen(&mut self, happening: Happening) -> Result<(), String> {
        match happening {
            Happening::User(client) => self.user(client),
            Happening::Up(link, message) => {
                let Some(known) = self.links.get(&link).filter(|known| !known.hole).cloned() else { return Ok(()) };
                self.report.messages += 1;
                if std::env::var_os("COWRITE_TRACE").is_some() {
                    eprintln!(
                        "{} up {} {:?}",
                        self.now.0,
                        known.client,
                        cowrite_protocol::codec::decode_client(&message, 1 << 20).collect::<Vec<_>>()
                    );
                }
                let server = &mut self.servers[known.server];
                if let Some(running) = server.connections.get_mut(&known.connection) {
                    running.connection.handle_message(&message, self.now);
                    server.pump_connection(known.connection, &mut self.chance, &mut self.next_id, self.now);
                }
                self.maybe_cut(link);
                self.pump_server(known.server)
            }
            Happening::Down(link, message) => {
                let Some(known) = self.links.get(&link).filter(|known| !known.hole).cloned() else { return Ok(()) };
                self.report.messages += 1;
                if std::env::var_os("COWRITE_TRACE").is_some() {
                    eprintln!(
                        "{} down {} {:?}",
                        self.now.0,
                        known.client,
                        cowrite_protocol::codec::decode_server(&message, 1 << 20).collect::<Vec<_>>()
                    );
                }
                let composed = |frame| matches!(frame, Ok(cowrite_protocol::frame::ServerFrame::Composed { .. }));
                self.report.composed +=
                    u64::from(cowrite_protocol::codec::decode_server(&message, 1 << 20).any(composed));
                let client = &mut self.clients[known.client];
                if client.link == Some(link) {
                    client.dirty = true;
                    client.session.handle_message(&message, self.now);
                }
                self.maybe_cut(link);
                self.pump_client(known.client)
            }
            Happening::Connected(client, link) => {
                if self.clients[client].link == Some(link) {
                    self.clients[client].session.handle_connected(self.now);
                }
                self.pump_client(client)
            }
            Happening::ClientGone(client, link) => {
                let client_state = &mut self.clients[client];
                if client_state.link == Some(link) {
                    client_state.link = None;
                    client_state.session.handle_disconnected(self.now);
                }
                self.pump_client(client)
            }
            Happening::ServerGone(server, connection) => {
                self.servers[server].disconnect(connection, self.now);
                self.pump_server(server)
            }
            Happening::Write(link) => self.write(link),
            Happening::Ask { to, ticket, request, answered } => self.ask(to, ticket, request, answered),
            Happening::Answer { to, ticket, answer } => {
                if let Some(running) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&running) {
                        running.room.handle_log(ticket, answer, now);
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Feed { to, batch } => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.handle_feed(batch, now);
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Look(to) => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.look(now);
                        let idle = running.room.is_unloadable();
                        if idle && self.chance.percent(50) {
                            self.servers[to.server].rooms.remove(&channel);
                        } else {
                            self.later(LOOK_MS, Happening::Look(to));
                        }
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Restart(server) => {
                self.servers[server].up = true;
                Ok(())
            }
        }
    }

    /// A user edits, waits, wakes the device, or pulls a plug.
    fn user(&mut self, client: usize) -> Result<(), String> {
        let (mixed, crashes) = (self.scenario.mixed, if self.calm { 0 } else { self.scenario.crashes });
        let token = char::from_u32(self.next_token).unwrap_or('x');
        self.next_token += 1;
        let now = self.now;
        self.clients[client].edit(&mut self.chance, mixed, token, now);
        if !self.calm && self.chance.percent(2) {
            self.clients[client].session.handle_wake(now);
        }
        if self.chance.percent(crashes) {
            let server = self.chance.below(self.servers.len() as u64) as usize;
            self.kill(server);
        }
        if !self.calm && self.rollbacks_left > 0 && self.oracle.head().get() > 4 && self.chance.percent(3) {
            self.roll_back()?;
        }
        // Bursts of typing, pauses, and now and then a long absence.
        let wait = match self.chance.below(100) {
            0..=97 if self.scenario.hot && client.is_multiple_of(2) => self.chance.between(1, 60),
            0..=59 => self.chance.between(1, 30),
            60..=94 => self.chance.between(30, 800),
            _ => self.chance.between(800, 20_000),
        };
        if self.clients[client].left > 0 {
            self.later(wait, Happening::User(client));
        }
        self.pump_client(client)
    }

    fn kill(&mut self, server: usize) {
        if !self.servers[server].up {
            return;
        }
        self.report.kills += 1;
        let gone: Vec<LinkId> =
            self.links.iter().filter(|(_, link)| link.server == server).map(|(id, _)| *id).collect();
        self.servers[server].kill();
        for link in gone {
            self.cut(link, false);
        }
        let back = self.chance.between(100, 10_000);
        self.later(back, Happening::Restart(server));
    }

    /// The log comes back from an older copy, under the same epoch, and tells nobody.
    fn roll_back(&mut self) -> Result<(), String> {
        self.rollbacks_left -= 1;
        let head = self.oracle.head().get();
        let version = Version::new(head - self.chance.between(1, 4.min(head - 1))).unwrap_or_default();
        let hash = self.oracle.history[version.get() as usize].0;
        // An edit that the log had taken, whose author never heard of it, is honestly sent
        // again, and may also be in what somebody else restores.
        for entry in self.entries.iter().filter(|entry| entry.version > version) {
            let author = self.clients.iter().find_map(|client| {
                let engine = client.session.engine(client.handle)?;
                (engine.client() == Some(entry.client)).then(|| (client, engine.status().accepted))
            });
            if let Some((client, accepted)) = author {
                self.unheard.extend(client.tokens.range(accepted + 1..).map(|(_, token)| *token));
            }
        }
        self.entries.retain(|entry| entry.version <= version);
        self.oracle.roll_back(&self.entries, version)?;
        self.log.truncate_to(&self.document, version, hash);
        // Only processes that start anew meet such a log: a room that lives on notices.
        self.clients.iter_mut().for_each(|client| client.dirty = false);
        Ok(())
    }

    /// In the calm the users answer what they were asked.
    fn decide(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            let open: Vec<(u32, ProposalKind)> = self.clients[client].proposals.clone();
            for (id, kind) in open {
                let (handle, now) = (self.clients[client].handle, self.now);
                let session = &mut self.clients[client].session;
                let holds = session.engine(handle).is_some_and(|engine| is_in_text(engine, id));
                match kind {
                    ProposalKind::LostAccepted => {
                        let _ = session.accept_proposal(handle, id, now);
                    }
                    // A person looks whether the words are there already.
                    ProposalKind::UnknownOutcome if !holds => {
                        let again = session.engine(handle).map(|engine| inserted(engine, id)).unwrap_or_default();
                        let _ = session.accept_proposal(handle, id, now);
                        // What it held is an edit of now, under a new number.
                        let edit = session.engine(handle).map_or(0, |engine| engine.status().local);
                        self.clients[client].tokens.retain(|_, token| !again.contains(*token));
                        self.clients[client].tokens.extend(again.chars().next().map(|token| (edit, token)));
                    }
                    _ => session.discard_proposal(handle, id, now),
                }
                self.clients[client].dirty = true;
                self.pump_client(client)?;
            }
        }
        Ok(())
    }

    fn pump_client(&mut self, index: usize) -> Result<(), String> {
        while let Some(output) = self.clients[index].poll() {
            match output {
                Output::NeedToken => {
                    let now = self.now;
                    self.clients[index].session.provide_token(&format!("dev:user{}", index % 3), now);
                }
                Output::Connect => self.connect(index),
                Output::Disconnect => {
                    if let Some(link) = self.clients[index].link.take() {
                        self.cut(link, false);
                    }
                }
                Output::Send(message) => {
                    if let Some(id) = self.clients[index].link {
                        let delay = self.chance.between(1, self.scenario.latency_ms);
                        if let Some(link) = self.links.get_mut(&id) {
                            link.up_until = link.up_until.max(self.now + delay);
                            let at = link.up_until;
                            self.at(at, Happening::Up(id, message));
                        }
                    }
                }
                Output::Event(event) => {
                    self.clients[index].hear(event).map_err(|fault| format!("client {index}: {fault}"))?
                }
            }
        }
        Ok(())
    }

    fn connect(&mut self, client: usize) {
        let up: Vec<usize> = (0..self.servers.len()).filter(|server| self.servers[*server].up).collect();
        let id = LinkId(self.fresh());
        self.clients[client].link = Some(id);
        let Some(&server) = self.chance.pick(&up) else {
            return self.later(10, Happening::ClientGone(client, id));
        };
        let connection = ConnectionId(self.fresh());
        self.servers[server].accept(connection, id, self.now);
        let delay = self.chance.between(1, self.scenario.latency_ms);
        let (up_until, down_until) = (self.now + delay, self.now + delay);
        self.links.insert(id, Link { client, server, connection, hole: false, up_until, down_until, writing: false });
        self.later(delay, Happening::Connected(client, id));
    }

    fn maybe_cut(&mut self, link: LinkId) {
        if !self.calm && self.chance.percent(self.scenario.cuts) {
            self.report.cuts += 1;
            let half_open = self.chance.percent(self.scenario.half_open);
            self.cut(link, half_open);
        }
    }

    /// What is under way is lost. Both sides learn of it some time, or by silence only.
    fn cut(&mut self, id: LinkId, half_open: bool) {
        let Some(link) = self.links.get_mut(&id) else { return };
        if half_open {
            link.hole = true;
            return;
        }
        let link = link.clone();
        self.links.remove(&id);
        let (to_client, to_server) = (self.chance.between(1, 500), self.chance.between(1, 5_000));
        self.later(to_client, Happening::ClientGone(link.client, id));
        self.later(to_server, Happening::ServerGone(link.server, link.connection));
    }

    /// A socket takes what its reader has made room for.
    fn write(&mut self, id: LinkId) -> Result<(), String> {
        let Some(link) = self.links.get_mut(&id) else { return Ok(()) };
        link.writing = false;
        let (server, connection) = (link.server, link.connection);
        let Some(running) = self.servers[server].connections.get_mut(&connection) else { return Ok(()) };
        let taken = running.outbox.take(64);
        for channel in taken.closed {
            running.connection.handle_channel_closed(channel);
        }
        let mut message: Vec<u8> = taken.frames.concat();
        if let Some((code, retry)) = taken.end {
            message.extend_from_slice(&cowrite_server::connection::Connection::farewell(code, retry));
        }
        for channel in taken.drained {
            if let Some(running) = self.servers[server].rooms.get_mut(&channel) {
                running.room.handle_command(RoomCommand::Drained { connection }, self.now);
            }
        }
        if !message.is_empty() {
            let bytes = message.len() as u64;
            let delay = self.chance.between(1, self.scenario.latency_ms) + bytes * 1_000 / self.scenario.reader_bytes;
            if let Some(link) = self.links.get_mut(&id) {
                link.down_until = link.down_until.max(self.now + delay);
                let at = link.down_until;
                self.at(at, Happening::Down(id, message));
                // The next write waits until the reader has taken this one.
                if let Some(link) = self.links.get_mut(&id) {
                    link.writing = true;
                }
                self.later(1 + bytes * 1_000 / self.scenario.reader_bytes, Happening::Write(id));
            }
        }
        if taken.end.is_some() {
            self.servers[server].disconnect(connection, self.now);
        }
        self.pump_server(server)
    }

    fn pump_server(&mut self, index: usize) -> Result<(), String> {
        let life = self.servers[index].life;
        let channels: Vec<Channel> = self.servers[index].rooms.keys().copied().collect();
        for channel in channels {
            let Some(running) = self.servers[index].rooms.get_mut(&channel) else { continue };
            let to = RoomName { server: index, life, channel, room_life: running.life };
            let mut requests = Vec::new();
            while let Some(RoomOutput::Log(ticket, request)) = running.room.poll_output() {
                requests.push((ticket, request));
            }
            for (ticket, request) in requests {
                let delay = self.chance.between(1, 20);
                self.later(delay, Happening::Ask { to, ticket, request, answered: true });
            }
        }
        let connections = self.servers[index].connections.values();
        let waiting: Vec<LinkId> =
            connections.filter(|running| running.outbox.has_work()).map(|running| running.link).collect();
        for id in waiting {
            if let Some(link) = self.links.get_mut(&id)
                && !link.writing
            {
                link.writing = true;
                self.later(0, Happening::Write(id));
            }
        }
        Ok(())
    }

    /// The log is asked. Its answer may be lost, late, or a refusal, and what was asked
    /// may be done long after its asker has given up.
    fn ask(&mut self, to: RoomName, ticket: LogTicket, request: LogRequest, answered: bool) -> Result<(), String> {
        let faulty = !self.calm && answered && self.chance.percent(self.scenario.log_faults);
        self.report.log_faults += u64::from(faulty);
        let document = self.document.clone();
        if faulty && let LogRequest::Append(batch) = &request {
            let outcome = match self.chance.below(4) {
                // Nothing was done.
                0 => AppendOutcome::Unavailable { retry_after: Duration::from_millis(self.chance.between(1, 900)) },
                // It was never received.
                1 => AppendOutcome::OutcomeUnknown,
                // It was done, and the answer was lost.
                2 => {
                    self.log.append_now(&document, batch.clone());
                    AppendOutcome::OutcomeUnknown
                }
                // It will be done when nobody waits for it any more.
                _ => {
                    let late = LogRequest::Append(batch.clone());
                    let delay = self.chance.between(50, 15_000);
                    self.later(delay, Happening::Ask { to, ticket, request: late, answered: false });
                    AppendOutcome::OutcomeUnknown
                }
            };
            let delay = self.chance.between(1, 3_000);
            self.later(delay, Happening::Answer { to, ticket, answer: LogAnswer::Append(outcome) });
            return self.publish();
        }
        if faulty {
            let error =
                || LogError::Unavailable { reason: "a bad day".to_owned(), retry_after: Duration::from_millis(10) };
            let answer = match &request {
                LogRequest::Subscribe => LogAnswer::Subscribed(Err(error())),
                LogRequest::Open(_) => LogAnswer::Opened(Err(error().into())),
                LogRequest::Read { .. } => LogAnswer::Read(Err(error())),
                LogRequest::LoadSnapshot => LogAnswer::Snapshot(Err(error())),
                LogRequest::AdvanceEpoch { .. } => LogAnswer::Advanced(Err(error())),
                _ => LogAnswer::Stored(Err(error())),
            };
            self.later(20, Happening::Answer { to, ticket, answer });
            return Ok(());
        }
        let answer = match request {
            LogRequest::Subscribe => {
                let feed = self.log.subscribe_now(&document);
                if let Some(channel) = self.room(to)
                    && let Some(running) = self.servers[to.server].rooms.get_mut(&channel)
                {
                    let first = running.feed.replace(feed).is_none();
                    if first {
                        self.later(LOOK_MS, Happening::Look(to));
                    }
                }
                LogAnswer::Subscribed(Ok(()))
            }
            LogRequest::Open(client) => LogAnswer::Opened(self.log.open_now(&document, client)),
            LogRequest::Append(batch) => LogAnswer::Append(self.log.append_now(&document, batch)),
            LogRequest::Read { after, max_bytes } => {
                LogAnswer::Read(Ok(self.log.read_now(&document, after, max_bytes)))
            }
            LogRequest::LoadSnapshot => LogAnswer::Snapshot(Ok(self.log.load_snapshot_now(&document))),
            LogRequest::StoreSnapshot(snapshot) => {
                self.log.store_snapshot_now(&document, snapshot);
                LogAnswer::Stored(Ok(()))
            }
            LogRequest::Trim(before) => {
                self.log.trim_now(&document, before);
                LogAnswer::Stored(Ok(()))
            }
            LogRequest::AdvanceEpoch { old, new } => {
                LogAnswer::Advanced(Ok(self.log.advance_epoch_now(&document, old, new)))
            }
        };
        if answered {
            let delay = self.chance.between(1, 20);
            self.later(delay, Happening::Answer { to, ticket, answer });
        }
        self.publish()
    }

    /// What was committed goes to the oracle, and to the rooms that subscribed; some of
    /// it is lost on the way, some comes twice.
    fn publish(&mut self) -> Result<(), String> {
        let entries = self.oracle.follow(&self.log)?;
        self.entries.extend(entries);
        let mut batches = Vec::new();
        for (index, server) in self.servers.iter_mut().enumerate() {
            for (channel, running) in &mut server.rooms {
                let to = RoomName { server: index, life: server.life, channel: *channel, room_life: running.life };
                while let Some(batch) = running.feed.as_mut().and_then(|feed| feed.try_recv().ok()) {
                    batches.push((to, batch));
                }
            }
        }
        for (to, batch) in batches {
            let copies = match self.chance.percent(self.scenario.feed_faults) && !self.calm {
                false => 1,
                true => 2 * self.chance.below(2),
            };
            for _ in 0..copies {
                let delay = self.chance.between(1, 200);
                self.later(delay, Happening::Feed { to, batch: batch.clone() });
            }
        }
        Ok(())
    }

    fn next_timer(&self) -> Option<Millis> {
        let clients = self.clients.iter().filter_map(|client| client.session.poll_timeout());
        let servers = self.servers.iter().flat_map(|server| {
            let rooms = server.rooms.values().filter_map(|running| running.room.poll_timeout());
            rooms.chain(server.connections.values().filter_map(|running| running.connection.poll_timeout()))
        });
        clients.chain(servers).min()
    }

    fn timers(&mut self) -> Result<(), String> {
        let now = self.now;
        for client in 0..self.clients.len() {
            if self.clients[client].session.poll_timeout().is_some_and(|at| at <= now) {
                self.clients[client].dirty = true;
                self.clients[client].session.handle_timeout(now, 0);
                self.pump_client(client)?;
            }
        }
        for server in 0..self.servers.len() {
            for running in self.servers[server].rooms.values_mut() {
                if running.room.poll_timeout().is_some_and(|at| at <= now) {
                    running.room.handle_timeout(now);
                }
            }
            for running in self.servers[server].connections.values_mut() {
                running.connection.handle_timeout(now);
            }
            self.pump_server(server)?;
        }
        Ok(())
    }

    /// After every step: what changed is still the truth.
    fn check(&mut self) -> Result<(), String> {
        for (index, client) in self.clients.iter_mut().enumerate() {
            if !std::mem::take(&mut client.dirty) || self.scenario.rollbacks > self.rollbacks_left {
                continue;
            }
            let who = format!("client {index}");
            if let Some(engine) = client.session.engine(client.handle)
                && let Some(position) = engine.position()
            {
                self.oracle.check_replica(&who, position.version, position.hash, engine.accepted_document())?;
            }
            self.oracle.check_status(&who, client, self.scenario.mixed)?;
        }
        if self.scenario.rollbacks == self.rollbacks_left && self.report.steps.is_multiple_of(8) {
            for (index, server) in self.servers.iter().enumerate() {
                for running in server.rooms.values() {
                    let (head, document) = (running.room.sequencer().head(), running.room.sequencer().document());
                    self.oracle.check_replica(&format!("server {index}"), head.version, head.hash, document)?;
                }
            }
        }
        Ok(())
    }

    /// Nobody has anything left to type.
    fn is_done(&self) -> bool {
        self.clients.iter().all(|client| client.left == 0)
    }

    /// Everybody is in step with the log, and nothing is pending but decisions.
    fn is_quiet(&self) -> bool {
        self.is_done()
            && self.clients.iter().all(|client| {
                client.session.engine(client.handle).is_some_and(|engine| {
                    let status = engine.status();
                    status.state == cowrite_client::engine::StatusState::Online
                        && status.version == self.oracle.head()
                        && engine.position().map(|position| position.hash) == self.oracle.head_hash()
                        && (status.pending == 0 || !client.proposals.is_empty())
                        && self.sees_who_is_here(client)
                })
            })
    }

    /// A client shows those who have the document open at its server, and nobody else.
    fn sees_who_is_here(&self, client: &Client) -> bool {
        let Some(link) = client.link.and_then(|link| self.links.get(&link)) else { return false };
        let mut rooms = self.servers[link.server].rooms.values();
        let here = rooms.next().map(|running| running.room.channels());
        let shown = client.session.engine(client.handle).map(|engine| engine.members().count());
        here == shown
    }

    fn room(&self, name: RoomName) -> Option<Channel> {
        let server = &self.servers[name.server];
        let running = server.rooms.get(&name.channel)?;
        (server.life == name.life && running.life == name.room_life).then_some(name.channel)
    }

    fn later(&mut self, delay_ms: u64, happening: Happening) {
        self.at(self.now + delay_ms, happening);
    }

    fn at(&mut self, at: Millis, happening: Happening) {
        self.order += 1;
        self.queue.insert((at, self.order), happening);
    }

    fn fresh(&mut self) -> u64 {
        self.next_id += 1;
        self.next_id
    }
}

/// Whether anything that a proposal would insert is in the text already.
fn is_in_text(engine: &Engine<RichText>, id: u32) -> bool {
    inserted(engine, id).chars().any(|token| engine.document().text().chars().any(|unit| unit == token))
}

/// What a proposal would insert.
fn inserted(engine: &Engine<RichText>, id: u32) -> String {
    let proposal = engine.proposals().iter().find(|proposal| proposal.id == id);
    let components = proposal.map_or(&[][..], |proposal| proposal.operation.components());
    let texts = components.iter().filter_map(|component| match component {
        Component::Insert { text, .. } => Some(text.as_str()),
        _ => None,
    });
    texts.collect()
}
