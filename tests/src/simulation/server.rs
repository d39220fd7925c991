//! One server process: its rooms and connections, without sockets and tasks.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use cowrite_protocol::frame::DurabilityClass;
use cowrite_protocol::{Channel, ClientId, DocumentId, Limits, Millis, RichText};
use cowrite_server::connection::{Connection, ConnectionOutput, ConnectionSettings};
use cowrite_server::oplog::Feed;
use cowrite_server::outbox::Outbox;
use cowrite_server::room::{ConnectionId, ExistenceCommand, OpenCommand, Room, RoomCommand, RoomSettings};

use super::application::Application;
use super::chance::Chance;
use super::link::LinkId;
use super::scenario::Scenario;

/// A process that may be killed; `life` tells its answers from those of an earlier one.
pub(super) struct Server {
    pub(super) life: u64,
    pub(super) up: bool,
    pub(super) rooms: BTreeMap<Channel, RunningRoom>,
    pub(super) connections: BTreeMap<ConnectionId, RunningConnection>,
    limits: Limits,
    room_settings: RoomSettings,
    queue_bytes: usize,
    durability: DurabilityClass,
}

pub(super) struct RunningRoom {
    pub(super) room: Room<RichText>,
    /// Tells answers to this room from those to one that was unloaded.
    pub(super) life: u64,
    pub(super) feed: Option<Feed>,
    /// Whether it listens to the presence of others.
    pub(super) listens: bool,
    /// What connections have told it that it has not heard yet, in order.
    inbox: VecDeque<RoomCommand>,
    deaf_until: Millis,
}

impl RunningRoom {
    /// A connection tells it something; it may hear that later.
    pub(super) fn tell(&mut self, command: RoomCommand, now: Millis) {
        self.inbox.push_back(command);
        self.hear(now);
    }

    /// Until then it hears nothing from connections, while it goes on with the log and all else.
    pub(super) fn deafen(&mut self, until: Millis) {
        self.deaf_until = self.deaf_until.max(until);
    }

    /// Hears what it was told, unless it is deaf.
    pub(super) fn hear(&mut self, now: Millis) {
        while self.deaf_until <= now
            && let Some(command) = self.inbox.pop_front()
        {
            self.room.handle_command(command, now);
        }
    }

    /// Whether nobody misses it.
    pub(super) fn is_unloadable(&self) -> bool {
        self.inbox.is_empty() && self.room.is_unloadable()
    }
}

pub(super) struct RunningConnection {
    pub(super) connection: Connection,
    pub(super) outbox: Arc<Outbox>,
    pub(super) link: LinkId,
    /// It gets no turn before: it neither reads nor writes, and its timers are late.
    pub(super) late_until: Millis,
}

impl Server {
    pub(super) fn new(scenario: &Scenario, limits: Limits) -> Server {
        Server {
            life: 0,
            up: true,
            rooms: BTreeMap::new(),
            connections: BTreeMap::new(),
            limits,
            room_settings: RoomSettings {
                tail_entries: scenario.tail_entries,
                tail_bytes: 1 << 20,
                snapshot_entries: scenario.snapshot_entries,
                retained_entries: scenario.retained_entries,
                compose_from: 2 + scenario.seed % 4,
                stall_ms: 500,
                read_bytes: 64,
                ..RoomSettings::default()
            },
            queue_bytes: scenario.queue_bytes,
            durability: if scenario.watermarks { DurabilityClass::Fsynced } else { DurabilityClass::Disk },
        }
    }

    /// The process dies: all that it held is gone.
    pub(super) fn kill(&mut self) {
        self.up = false;
        self.life += 1;
        self.rooms.clear();
        self.connections.clear();
    }

    pub(super) fn accept(&mut self, id: ConnectionId, link: LinkId, now: Millis) {
        let outbox = Arc::new(Outbox::new(self.queue_bytes, self.limits.part_bytes as usize));
        let settings = ConnectionSettings::default();
        let connection = Connection::new(outbox.clone(), self.limits, settings, self.durability, now);
        self.connections.insert(id, RunningConnection { connection, outbox, link, late_until: now });
    }

    /// Carries out what a connection asks for.
    pub(super) fn pump_connection(
        &mut self,
        id: ConnectionId,
        application: &Application,
        chance: &mut Chance,
        next_life: &mut u64,
        now: Millis,
    ) {
        while let Some(output) = self.connections.get_mut(&id).and_then(|running| running.connection.poll_output()) {
            match output {
                ConnectionOutput::Authenticate { token } => {
                    let identity = application.identify(&token, now).map_err(Into::into);
                    if let Some(running) = self.connections.get_mut(&id) {
                        running.connection.handle_identity(identity, now);
                    }
                }
                ConnectionOutput::Open(open) => {
                    let channel = self.room(&open.document, chance, next_life);
                    let Some(running) = self.connections.get_mut(&id) else { return };
                    let Some(identity) = running.connection.identity().cloned() else { return };
                    let mut fresh = [0; 16];
                    fresh[..8].copy_from_slice(&chance.bits().to_be_bytes());
                    fresh[8..].copy_from_slice(&chance.bits().to_be_bytes());
                    let granted = match application.role(identity.user.as_str()) {
                        Ok(granted) => granted,
                        Err(code) => {
                            running.connection.refuse(open.request, code, 0);
                            continue;
                        }
                    };
                    let permit = running.connection.handle_opening(channel, &open.document, granted, now);
                    let command = OpenCommand {
                        connection: id,
                        outbox: running.outbox.clone(),
                        request: open.request,
                        client: open.client.unwrap_or(ClientId::from_bytes(fresh)),
                        user: identity.user,
                        name: identity.name,
                        permit,
                        position: open.position,
                        whole: open.whole,
                        in_flight: open.in_flight,
                        state: open.state,
                    };
                    if let Some(running) = self.rooms.get_mut(&channel) {
                        running.tell(RoomCommand::Open(Box::new(command)), now);
                    }
                }
                ConnectionOutput::AskRole { channel, .. } => {
                    let Some(running) = self.connections.get_mut(&id) else { return };
                    let Some(identity) = running.connection.identity() else { return };
                    let granted = application.role(identity.user.as_str()).map_err(Into::into);
                    running.connection.handle_role(channel, granted, now);
                }
                ConnectionOutput::Expel { channel, code, retry_after_ms } => {
                    if let Some(running) = self.rooms.get_mut(&channel) {
                        let expel = RoomCommand::Expel { connection: id, code, retry_after_ms };
                        running.tell(expel, now);
                    }
                }
                ConnectionOutput::Room { channel, frame } => {
                    if let Some(running) = self.rooms.get_mut(&channel) {
                        running.tell(RoomCommand::Frame { connection: id, frame }, now);
                    }
                }
            }
        }
    }

    /// The application asks that the document be there, or not, as it does over HTTP.
    pub(super) fn wish(
        &mut self,
        document: &DocumentId,
        command: ExistenceCommand,
        chance: &mut Chance,
        next_life: &mut u64,
        now: Millis,
    ) {
        let channel = self.room(document, chance, next_life);
        if let Some(running) = self.rooms.get_mut(&channel) {
            running.tell(RoomCommand::Existence(Box::new(command)), now);
        }
    }

    /// The socket of a connection is gone.
    pub(super) fn disconnect(&mut self, id: ConnectionId, now: Millis) {
        if let Some(running) = self.connections.remove(&id) {
            running.outbox.abandon();
            for running in self.rooms.values_mut() {
                running.tell(RoomCommand::Disconnected { connection: id }, now);
            }
        }
    }

    fn room(&mut self, document: &DocumentId, chance: &mut Chance, next_life: &mut u64) -> Channel {
        if let Some((channel, _)) = self.rooms.iter().find(|(_, running)| running.room.document_id() == document) {
            return *channel;
        }
        let number = (0..).map(Channel).find(|number| !self.rooms.contains_key(number)).unwrap_or(Channel(0));
        let mut names = Chance::new(chance.bits());
        let entropy = Box::new(move || names.bits());
        let room = Room::new(document.clone(), number, self.limits, self.room_settings, entropy);
        *next_life += 1;
        self.rooms.insert(
            number,
            RunningRoom {
                room,
                life: *next_life,
                feed: None,
                listens: false,
                inbox: VecDeque::new(),
                deaf_until: Millis(0),
            },
        );
        number
    }
}
