//! The run: one queue of events, and everything that happens in it.

mod bans;
mod devices;
mod epilogue;
mod garbling;
mod happening;
mod hardship;
mod log;
mod losses;
mod network;
mod presence;
mod report;
mod timers;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cowrite_client::{Engine, Output, ProposalKind};
use cowrite_protocol::operation::Component;
use cowrite_protocol::{
    Channel, ClientId, ClientSeq, DocumentId, Epoch, Limits, Millis, OperationLimits, RichText, RunningHash, Version,
};
use cowrite_server::oplog::memory::{DocumentCopy, MemoryLog};
use cowrite_server::oplog::{AppendOutcome, Entry, FeedEvent, LogError, WallClock};
use cowrite_server::room::{ConnectionId, LogAnswer, LogRequest, LogTicket, RoomCommand, RoomOutput};

use super::application::Application;
use super::chance::Chance;
use super::client::Client;
use super::link::{Link, LinkId};
use super::oracle::Oracle;
use super::scenario::Scenario;
use super::server::Server;
use happening::{Happening, RoomName};
pub use report::Report;

/// A run under way.
pub struct World {
    scenario: Scenario,
    chance: Chance,
    presence_chance: Chance,
    chance_of_undo: Chance,
    device_chance: Chance,
    access_chance: Chance,
    garbling_chance: Chance,
    durable_chance: Chance,
    hardship: Chance,
    application: Application,
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
    /// What the log held at earlier versions.
    copies: Vec<(Version, DocumentCopy)>,
    /// Tokens that may honestly be there twice: lost before their author heard that they were
    /// accepted, or brought back by an undo.
    unheard: Vec<char>,
    /// Entries that the log has lost, by client and its client_seq.
    forgotten: BTreeSet<(ClientId, ClientSeq)>,
    /// By token: who wrote it, and when.
    written: BTreeMap<char, (usize, Millis)>,
    /// Whose typing: a token, and the one that was typed right behind it.
    typed: Vec<(usize, char, char)>,
    /// Users who are shut out, since when.
    banned: BTreeMap<String, Millis>,
    /// How often each client has connected.
    connects: Vec<u64>,
    /// What the log will never lose.
    durable: Version,
    report: Report,
    /// What happened last, for a run that does not end.
    last: &'static str,
}

const DOCUMENT: &str = "simulated";
/// Virtual time after which the storm ends, and within which the calm must converge.
const STORM_MS: u64 = 120_000;
const CALM_MS: u64 = 900_000;
/// So much may be on its way to the slowest reader when the calm begins, or be written in it, and is then sent anew.
const CALM_BYTES: u64 = 100_000;
const LOOK_MS: u64 = 5_000;
/// Longer than from one summary to the next: what is seen by then is no coincidence.
const QUIET_MS: u64 = 12_000;
/// Longer than a member elsewhere is believed without a word.
const STAY_MS: u64 = 35_000;
/// What may wait for a socket beyond its bound: what is never dropped, and one catch-up.
const BEYOND_QUEUE_BYTES: usize = 64 << 10;
/// So often a client connects in the calm at most: what was broken before is found out one by one.
const MOST_CONNECTS: u64 = 40;
/// A run of a thousand edits takes some 20,000 steps.
const MOST_STEPS: u64 = 500_000;

impl World {
    /// Runs a scenario to its end.
    ///
    /// # Errors
    /// What was found to be false, and when.
    pub fn run(scenario: Scenario) -> Result<Report, String> {
        let seed = scenario.seed;
        let mut world = World::new(scenario);
        world.storm_and_calm().map_err(|fault| format!("seed {seed} at {} ms: {fault}", world.now.0))?;
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
            presence_chance: Chance::new(scenario.seed ^ 0x9e5e),
            chance_of_undo: Chance::new(scenario.seed ^ 0xd0d0),
            device_chance: Chance::new(scenario.seed ^ 0xde5e),
            access_chance: Chance::new(scenario.seed ^ 0xacce),
            durable_chance: Chance::new(scenario.seed ^ 0xd0_5ab1e),
            hardship: Chance::new(scenario.seed ^ 0x4a2d_5417),
            garbling_chance: Chance::new(scenario.seed ^ 0x9a4b),
            application: Application::new(&scenario),
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
            copies: Vec::new(),
            unheard: Vec::new(),
            forgotten: BTreeSet::new(),
            written: BTreeMap::new(),
            typed: Vec::new(),
            banned: BTreeMap::new(),
            connects: vec![0; scenario.clients],
            durable: Version::ZERO,
            report: Report::default(),
            last: "",
            document,
            scenario,
        };
        for _ in 0..world.scenario.clients {
            let seed = world.chance.bits();
            let keeps = world.device_chance.percent(world.scenario.keeping);
            let mut client = Client::new(seed, world.document.clone(), keeps, world.now);
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
        for client in 0..self.clients.len() {
            let user = presence::user_of(client);
            self.application.let_write(&user, true);
            self.later(0, Happening::Readmission(user));
        }
        let connects = self.connects.clone();
        let calm_ms = CALM_MS + CALM_BYTES * 1_000 / self.scenario.reader_bytes.max(1);
        let calm_end = self.now + calm_ms;
        let mut quiet_since = None;
        loop {
            self.reload_shut_out()?;
            if !self.is_quiet() {
                quiet_since = None;
            } else if !self.clients.iter().all(|client| client.proposals.is_empty()) {
                self.decide()?;
            } else if self.now - *quiet_since.get_or_insert(self.now) >= QUIET_MS {
                break;
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
                            engine.map(|engine| engine.members().count()),
                            client.closed,
                            &client.proposals,
                        )
                    })
                    .collect();
                return Err(format!("no rest within {calm_ms} ms, log at {}: {status:?}", self.oracle.head()));
            }
            self.step()?;
        }
        let again = self.connects.iter().zip(&connects).map(|(now, before)| now - before);
        self.report.calm_connects = again.max().unwrap_or(0);
        if self.report.calm_connects > MOST_CONNECTS {
            return Err(format!("in the calm a client connected {} times", self.report.calm_connects));
        }
        self.stay()?;
        self.oracle.check_snapshot(&self.log)?;
        let lossless = self.scenario.rollbacks == 0 && self.scenario.undos == 0;
        let typed = self.typed.iter().filter(|(client, ..)| lossless && !self.clients[*client].moved);
        self.report.typed = self.oracle.check_typing(typed.copied(), &self.written)?;
        self.undo_yields()?;
        self.report.entries = self.oracle.head().get();
        self.report.undone = self.clients.iter().map(|client| client.undone).sum();
        let (lossy, garbled) = (self.scenario.rollbacks > 0, self.scenario.garbled > 0);
        self.oracle.check_end(&self.clients, lossy, garbled, self.scenario.mixed, &self.unheard)?;
        let all_live = [self.scenario.keeping, self.scenario.bans, self.scenario.garbled] == [0; 3];
        if lossy && all_live && !self.scenario.mixed {
            self.oracle.check_kept(&self.clients)?;
        }
        self.all_leave()
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
                    match self.is_slept_through(&happening) {
                        Some(until) => self.at(until, happening),
                        None => self.happen(happening)?,
                    }
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
                if let Some(until) = known.held_until.filter(|until| *until > self.now) {
                    self.at(until, Happening::Up(link, message));
                    return Ok(());
                }
                let late = self.servers[known.server].connections.get(&known.connection);
                if let Some(until) = late.map(|running| running.late_until).filter(|until| *until > self.now) {
                    self.at(until, Happening::Up(link, message));
                    return Ok(());
                }
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
                    server.pump_connection(
                        known.connection,
                        &self.application,
                        &mut self.chance,
                        &mut self.next_id,
                        self.now,
                    );
                }
                self.maybe_cut(link);
                self.pump_server(known.server)
            }
            Happening::Down(link, mut message) => {
                let heard = |known: &&Link| !known.hole && known.held_until.is_none();
                let Some(known) = self.links.get(&link).filter(heard).cloned() else { return Ok(()) };
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
                self.garble(known.client, &mut message);
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
                self.links.retain(|_, link| link.connection != connection);
                self.pump_server(server)
            }
            Happening::Write(link) => self.write(link),
            Happening::Stored(client, life) => self.stored(client, life),
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
            Happening::Feed { to, event } => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.handle_feed(event, now);
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Presence { to, event } => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.handle_presence(event, now);
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Look(to) => {
                if let Some(channel) = self.room(to) {
                    let now = self.now;
                    if let Some(running) = self.servers[to.server].rooms.get_mut(&channel) {
                        running.room.look(now);
                        let idle = running.is_unloadable();
                        if idle && self.chance.percent(50) {
                            self.servers[to.server].rooms.remove(&channel);
                        } else {
                            self.later(LOOK_MS, Happening::Look(to));
                        }
                    }
                }
                self.pump_server(to.server)
            }
            Happening::Hear(to) => {
                if let Some(channel) = self.room(to)
                    && let Some(running) = self.servers[to.server].rooms.get_mut(&channel)
                {
                    running.hear(self.now);
                }
                self.pump_server(to.server)
            }
            Happening::Restart(server) => {
                self.servers[server].up = true;
                Ok(())
            }
            Happening::Promotion(user) => {
                self.application.let_write(&user, true);
                Ok(())
            }
            Happening::Readmission(user) => self.readmit(&user),
            Happening::Wake(client) => self.wake(client),
            Happening::Cut(link) => {
                self.cut(link, false);
                Ok(())
            }
            Happening::Synced(version, hash) => self.synced(version, hash),
        }
    }

    /// After every step: what changed is still the truth.
    fn check(&mut self) -> Result<(), String> {
        for (index, client) in self.clients.iter_mut().enumerate() {
            if !std::mem::take(&mut client.dirty) {
                continue;
            }
            let who = format!("client {index}");
            // What is lost and was deleted by others meanwhile may be brought back more than once.
            let brought_back = self.scenario.undos > 0 || self.scenario.mixed && self.scenario.rollbacks > 0;
            if !brought_back {
                self.oracle.check_shown(&who, client, &self.unheard)?;
            }
            if self.scenario.watermarks && !self.scenario.mixed {
                self.oracle.check_durable(&who, client)?;
            }
            if self.scenario.rollbacks > self.rollbacks_left {
                if let Some(engine) = client.session.engine(client.handle)
                    && let Some(position) = engine.position()
                {
                    self.oracle.check_history(&who, position.version, position.hash, engine.accepted_document())?;
                }
                continue;
            }
            if let Some(engine) = client.session.engine(client.handle)
                && let Some(position) = engine.position()
            {
                self.oracle.check_replica(&who, position.version, position.hash, engine.accepted_document())?;
            }
            self.oracle.check_status(&who, client, self.scenario.mixed)?;
        }
        if self.report.steps.is_multiple_of(8) {
            for (index, server) in self.servers.iter().enumerate() {
                let most = server.connections.values().map(|running| running.outbox.bytes()).max().unwrap_or(0);
                if most > self.scenario.queue_bytes + BEYOND_QUEUE_BYTES {
                    return Err(format!("server {index}: {most} bytes wait for one socket"));
                }
            }
        }
        if self.report.steps.is_multiple_of(8) {
            for (index, server) in self.servers.iter().enumerate() {
                for running in server.rooms.values() {
                    let (head, document) = (running.room.sequencer().head(), running.room.sequencer().document());
                    let who = format!("server {index}");
                    match self.scenario.rollbacks == self.rollbacks_left {
                        true => self.oracle.check_replica(&who, head.version, head.hash, document)?,
                        false => self.oracle.check_history(&who, head.version, head.hash, document)?,
                    }
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
        let rooms = self.servers.iter().flat_map(|server| server.rooms.values());
        let channels: usize = rooms.map(|running| running.room.channels()).sum();
        self.is_done()
            // Nobody's former connection is believed to live.
            && channels == self.clients.len()
            // Who sleeps through a rest wakes up to a connection that is gone.
            && self.clients.iter().all(|client| client.asleep_until <= self.now)
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
