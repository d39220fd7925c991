//! A real server's connections and its room of the document, as a machine.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::frame::{Code, DurabilityClass, Role};
use cowrite_protocol::operation::{Document, RichText};
use cowrite_protocol::{Channel, ClientId, Limits, Millis, RunningHash, Version};
use cowrite_server::auth::{DeveloperAccess, Granted};
use cowrite_server::connection::{Connection, ConnectionOutput, ConnectionSettings};
use cowrite_server::oplog::FeedEvent;
use cowrite_server::outbox::Outbox;
use cowrite_server::room::{
    ConnectionId, Existence, ExistenceCommand, LogTicket, OpenCommand, Room, RoomCommand, RoomOutput, RoomSettings,
};
use tokio::sync::oneshot::Receiver;

use super::log::{Answer, Marked, Request, document};
use super::machine::Machine;
use super::world::LinkId;

/// What a server may be given.
#[derive(Clone, Debug, Hash)]
pub(super) enum ToServer {
    /// A socket.
    Accept(LinkId),
    Message(LinkId, Bytes),
    /// A socket is gone.
    Gone(LinkId),
    /// The log's answer to the request of this ticket.
    Answer(u64, Marked<Answer>),
    Live(Marked<FeedEvent>),
    /// The application wishes that of the document.
    Wish(bool),
    /// Time passes until its room has something to do, and the room looks where the log stands.
    Tick,
}

/// What comes out of a server.
#[derive(Clone, Debug)]
pub(super) enum FromServer {
    Ask(u64, Request),
    Send(LinkId, Bytes),
    /// It closes the socket.
    Hang(LinkId),
    /// It answers the application: whether it is as it was wished.
    Answered(bool),
}

/// What its room holds.
#[derive(Debug)]
pub(super) struct ServerShown {
    pub(super) version: Version,
    pub(super) hash: RunningHash,
    pub(super) text: Arc<Document>,
}

/// Which server, which life of it, and from how many missed entries on its room composes.
pub(super) type ServerName = (usize, u8, u64);

/// A server and what it has under way.
pub(super) struct ServerMachine {
    name: ServerName,
    limits: Limits,
    room: Option<Room<RichText>>,
    sockets: BTreeMap<LinkId, (Connection, Arc<Outbox>)>,
    now: Millis,
    wish: Option<Receiver<Result<Version, Code>>>,
}

const CHANNEL: Channel = Channel(1);
/// Nothing that is told now and then is told in a model: it would only be one more thing on its way.
const NEVER_MS: u64 = 1 << 40;

impl Machine for ServerMachine {
    type Name = ServerName;
    type Input = ToServer;
    type Output = FromServer;
    type Shown = ServerShown;

    fn new(name: &ServerName) -> ServerMachine {
        let limits = Limits::default();
        ServerMachine { name: *name, limits, room: None, sockets: BTreeMap::new(), now: Millis(1_000), wish: None }
    }

    fn take(&mut self, input: &ToServer) -> Vec<FromServer> {
        let now = self.now;
        match input {
            ToServer::Accept(link) => {
                let settings = ConnectionSettings::default();
                let outbox = Arc::new(Outbox::new(settings.queue_bytes, self.limits.part_bytes as usize));
                let connection = Connection::new(outbox.clone(), self.limits, settings, DurabilityClass::Disk, now);
                self.sockets.insert(*link, (connection, outbox));
            }
            ToServer::Message(link, message) => {
                if let Some((connection, _)) = self.sockets.get_mut(link) {
                    connection.handle_message(message, now);
                }
                self.carry_out(*link);
            }
            ToServer::Gone(link) => self.hang(*link),
            ToServer::Answer(ticket, answer) => {
                if let Some(room) = &mut self.room {
                    room.handle_log(LogTicket(*ticket), answer.of.clone().into(), now);
                }
            }
            ToServer::Live(event) => {
                if let Some(room) = &mut self.room {
                    room.handle_feed(event.of.clone(), now);
                }
            }
            ToServer::Wish(alive) => {
                let wish = if *alive { Existence::Alive } else { Existence::Deleted };
                let (command, answer) = ExistenceCommand::new(wish, super::client::user(9));
                self.wish = Some(answer);
                self.room().handle_command(RoomCommand::Existence(Box::new(command)), now);
            }
            ToServer::Tick => {
                if let Some(room) = &mut self.room {
                    let due = room.poll_timeout().filter(|at| at.0 < now.0 + NEVER_MS / 2);
                    self.now = due.map_or(now, |at| at.max(now));
                    room.handle_timeout(self.now);
                    room.look(self.now);
                }
            }
        }
        self.drain()
    }

    fn show(&self) -> ServerShown {
        let Some(room) = &self.room else {
            return ServerShown { version: Version::ZERO, hash: RunningHash::ZERO, text: Arc::default() };
        };
        let (head, text) = (room.sequencer().head(), room.sequencer().document());
        ServerShown { version: head.version, hash: head.hash, text: Arc::new(text.clone()) }
    }

    fn only_asks(_: &ToServer) -> bool {
        false
    }
}

impl ServerMachine {
    /// Does what a connection asks for.
    fn carry_out(&mut self, link: LinkId) {
        let now = self.now;
        while let Some(output) = self.sockets.get_mut(&link).and_then(|(connection, _)| connection.poll_output()) {
            let Some((connection, outbox)) = self.sockets.get_mut(&link) else { return };
            let connection_id = id(link);
            let command = match output {
                ConnectionOutput::Authenticate { token } => {
                    connection.handle_identity(DeveloperAccess::identity(&token).map_err(Into::into), now);
                    continue;
                }
                ConnectionOutput::Open(open) => {
                    let Some(identity) = connection.identity().cloned() else { return };
                    let granted = Granted { role: Role::Editor, for_ms: None };
                    let permit = connection.handle_opening(CHANNEL, &open.document, granted, now);
                    RoomCommand::Open(Box::new(OpenCommand {
                        connection: connection_id,
                        outbox: outbox.clone(),
                        request: open.request,
                        client: open.client.unwrap_or(fresh(self.name, link)),
                        user: identity.user,
                        name: identity.name,
                        permit,
                        position: open.position,
                        whole: open.whole,
                        in_flight: open.in_flight,
                        state: open.state,
                    }))
                }
                ConnectionOutput::Room { frame, .. } => RoomCommand::Frame { connection: connection_id, frame },
                ConnectionOutput::Expel { code, retry_after_ms, .. } => {
                    RoomCommand::Expel { connection: connection_id, code, retry_after_ms }
                }
                // A developer's role does not change.
                ConnectionOutput::AskRole { .. } => continue,
            };
            self.room().handle_command(command, now);
        }
    }

    fn room(&mut self) -> &mut Room<RichText> {
        let (server, life, compose_from) = self.name;
        let limits = self.limits;
        self.room.get_or_insert_with(|| {
            let settings = RoomSettings {
                compose_from,
                presence_ms: NEVER_MS,
                summary_ms: NEVER_MS,
                expiry_ms: NEVER_MS,
                ..RoomSettings::default()
            };
            let mut bits = 1_000 * (server as u64 + 1) + u64::from(life);
            let entropy = Box::new(move || {
                bits += 1 << 32;
                bits
            });
            Room::new(document(), CHANNEL, limits, settings, entropy)
        })
    }

    fn hang(&mut self, link: LinkId) {
        if let Some((_, outbox)) = self.sockets.remove(&link) {
            outbox.abandon();
            let now = self.now;
            if let Some(room) = &mut self.room {
                room.handle_command(RoomCommand::Disconnected { connection: id(link) }, now);
            }
        }
    }

    fn drain(&mut self) -> Vec<FromServer> {
        let mut outputs = Vec::new();
        let mut ended = Vec::new();
        for (link, (connection, outbox)) in &mut self.sockets {
            while outbox.has_work() {
                let taken = outbox.take(usize::MAX);
                for (channel, permit) in taken.closed {
                    connection.handle_channel_closed(channel, &permit);
                }
                let mut message = taken.frames.concat();
                if let Some((code, retry_after_ms)) = taken.end {
                    message.extend_from_slice(&Connection::farewell(code, retry_after_ms));
                    ended.push(*link);
                }
                if !message.is_empty() {
                    outputs.push(FromServer::Send(*link, message.into()));
                }
                if let (false, Some(room)) = (taken.drained.is_empty(), &mut self.room) {
                    room.handle_command(RoomCommand::Drained { connection: id(*link) }, self.now);
                }
                if ended.last() == Some(link) {
                    break;
                }
            }
        }
        for link in ended {
            self.hang(link);
            outputs.push(FromServer::Hang(link));
        }
        if let Some(answer) = self.wish.as_mut().and_then(|wish| wish.try_recv().ok()) {
            self.wish = None;
            outputs.push(FromServer::Answered(answer.is_ok()));
        }
        while let Some(output) = self.room.as_mut().and_then(Room::poll_output) {
            if let RoomOutput::Log(LogTicket(ticket), request) = output {
                outputs.push(FromServer::Ask(ticket, request.into()));
            }
        }
        outputs
    }
}

fn id(LinkId(client, number): LinkId) -> ConnectionId {
    ConnectionId(u64::from(client) << 8 | u64::from(number))
}

/// A client id that is issued here.
fn fresh((server, life, _): ServerName, LinkId(client, number): LinkId) -> ClientId {
    let mut bytes = [0x40; 16];
    bytes[..4].copy_from_slice(&[server as u8 + 1, life, client, number]);
    ClientId::from_bytes(bytes)
}
