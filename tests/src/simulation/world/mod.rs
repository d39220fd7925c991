//! The run: one queue of events, and everything that happens in it.

mod bans;
mod devices;
mod epilogue;
mod existence;
mod garbling;
mod happening;
mod hardship;
mod log;
mod losses;
mod network;
mod presence;
mod report;
mod step;
mod timers;
mod truth;
mod users;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use cowrite_client::{Engine, Output, ProposalKind};
use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::Component;
use cowrite_protocol::{
    Channel, ClientId, ClientSeq, DocumentId, Epoch, Limits, Millis, OperationLimits, RichText, RunningHash, Version,
};
use cowrite_server::oplog::memory::{DocumentCopy, MemoryLog};
use cowrite_server::oplog::{AppendOutcome, Entry, FeedEvent, LogError, NewLife, WallClock};
use cowrite_server::room::{ConnectionId, LogAnswer, LogRequest, LogTicket, RoomCommand, RoomOutput};

use super::application::Application;
use super::chance::Chance;
use super::client::Client;
use super::link::{Link, LinkId};
use super::oracle::Oracle;
use super::scenario::Scenario;
use super::server::Server;
pub(super) use bans::inserted_by;
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
    deletion_chance: Chance,
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
    /// Whether the document is to be there, and who wants what.
    existence: existence::Wishes,
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
            deletion_chance: Chance::new(scenario.seed ^ 0x00de_1e7e),
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
            existence: existence::Wishes::default(),
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
            self.last_wish()?;
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
        self.check_last_wish()?;
        let lossless = self.scenario.rollbacks == 0 && self.scenario.undos == 0;
        let typed = self.typed.iter().filter(|(client, ..)| lossless && !self.clients[*client].moved);
        self.report.typed = self.oracle.check_typing(typed.copied(), &self.written)?;
        self.undo_yields()?;
        self.report.entries = self.oracle.head().get();
        let rejected = self.clients.iter().flat_map(|client| &client.rejected);
        let of_deleted = rejected.filter(|(.., code)| *code == Code::Deleted);
        self.report.refused_deleted = of_deleted.map(|(from, to, _)| to - from + 1).sum();
        self.report.undone = self.clients.iter().map(|client| client.undone).sum();
        let (lossy, garbled) = (self.scenario.rollbacks > 0, self.scenario.garbled > 0);
        self.oracle.check_end(&self.clients, lossy, garbled, self.scenario.mixed, &self.unheard)?;
        let scenario = &self.scenario;
        let all_live = [scenario.keeping, scenario.bans, scenario.garbled, scenario.deletions] == [0; 4];
        if lossy && all_live && !self.scenario.mixed {
            self.oracle.check_kept(&self.clients)?;
        }
        self.all_leave()
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
            && self.is_existence_settled()
            // Nobody's former connection is believed to live.
            && channels == self.clients.len()
            // Nor anybody's that carries nothing any more, of which neither side has heard.
            && self.links.values().all(|link| !link.hole)
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
