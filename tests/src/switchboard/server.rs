//! A server process: one room, without sockets and tasks.

use std::collections::VecDeque;

use cowrite_protocol::frame::Role;
use cowrite_protocol::{Channel, ClientId, DocumentId, Millis, RichText};
use cowrite_server::auth::{DeveloperAccess, Granted};
use cowrite_server::connection::ConnectionOutput;
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{AppendOutcome, Batch, Feed};
use cowrite_server::room::{
    ConnectionId, LogAnswer, LogRequest, LogTicket, OpenCommand, Room, RoomCommand, RoomOutput,
};

use super::BoardSettings;
use super::line::Line;

/// A process that may be killed.
pub(super) struct Server {
    number: usize,
    /// Tells its answers from those to an earlier process.
    life: u64,
    room: Option<Room<RichText>>,
    feed: Option<Feed>,
    pub(super) deaf: bool,
    pub(super) holds_appends: bool,
    /// Appends on their way to the log, which may outlive who sent them.
    pub(super) appends: VecDeque<(u64, LogTicket, Batch)>,
    names: u64,
}

impl Server {
    pub(super) fn new(number: usize) -> Server {
        Server {
            number,
            life: 0,
            room: None,
            feed: None,
            deaf: false,
            holds_appends: false,
            appends: VecDeque::new(),
            names: number as u64 + 1,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.room.is_some()
    }

    pub(super) fn room(&self) -> Option<&Room<RichText>> {
        self.room.as_ref()
    }

    pub(super) fn start(&mut self, document: &DocumentId, settings: &BoardSettings) {
        self.life += 1;
        let mut names = (self.number as u64 + 1) << 48 | self.life << 32;
        let entropy = Box::new(move || {
            names += 1;
            // Spread over all bits, as chance would.
            names.wrapping_mul(0x9e37_79b9_7f4a_7c15)
        });
        self.room = Some(Room::new(document.clone(), self.channel(), settings.limits, settings.room, entropy));
    }

    pub(super) fn kill(&mut self) {
        self.life += 1;
        (self.room, self.feed) = (None, None);
    }

    pub(super) fn due(&self) -> Option<Millis> {
        self.room.as_ref().and_then(Room::poll_timeout)
    }

    pub(super) fn wake(&mut self, now: Millis) {
        if let Some(room) = &mut self.room {
            room.handle_timeout(now);
        }
    }

    pub(super) fn look(&mut self, now: Millis) {
        if let Some(room) = &mut self.room {
            room.look(now);
        }
    }

    pub(super) fn command(&mut self, command: RoomCommand, now: Millis) {
        if let Some(room) = &mut self.room {
            room.handle_command(command, now);
        }
    }

    pub(super) fn disconnected(&mut self, connection: ConnectionId, now: Millis) {
        self.command(RoomCommand::Disconnected { connection }, now);
    }

    /// The log has answered an append of the process that had this life.
    pub(super) fn appended(&mut self, life: u64, ticket: LogTicket, outcome: AppendOutcome, now: Millis) {
        if let (true, Some(room)) = (life == self.life, &mut self.room) {
            room.handle_log(ticket, LogAnswer::Append(outcome), now);
        }
    }

    /// Carries out what the room asks of the log, and gives it what the feed brings.
    pub(super) fn pump(&mut self, log: &MemoryLog, document: &DocumentId, now: Millis) -> bool {
        let mut moved = false;
        while let Some(output) = self.room.as_mut().and_then(Room::poll_output) {
            moved = true;
            // Who is here is not what is tested here.
            let RoomOutput::Log(ticket, request) = output else { continue };
            let answer = match request {
                LogRequest::Subscribe => {
                    self.feed = Some(log.subscribe_now(document));
                    LogAnswer::Subscribed(Ok(()))
                }
                LogRequest::Open(client) => LogAnswer::Opened(log.open_now(document, client)),
                LogRequest::Append(batch) if self.holds_appends => {
                    self.appends.push_back((self.life, ticket, batch));
                    continue;
                }
                LogRequest::Append(batch) => LogAnswer::Append(log.append_now(document, batch)),
                LogRequest::Read { after, max_bytes } => LogAnswer::Read(Ok(log.read_now(document, after, max_bytes))),
                LogRequest::LoadSnapshot => LogAnswer::Snapshot(Ok(log.load_snapshot_now(document))),
                LogRequest::StoreSnapshot(snapshot) => {
                    log.store_snapshot_now(document, snapshot);
                    LogAnswer::Stored(Ok(()))
                }
                LogRequest::Trim(before) | LogRequest::Erase(before) => {
                    log.trim_now(document, before);
                    LogAnswer::Stored(Ok(()))
                }
                LogRequest::AdvanceEpoch(life) => LogAnswer::Advanced(Ok(log.advance_epoch_now(document, life))),
            };
            if let Some(room) = &mut self.room {
                room.handle_log(ticket, answer, now);
            }
        }
        while let Some(event) = self.feed.as_mut().and_then(|feed| feed.try_recv().ok()) {
            moved = true;
            if let (false, Some(room)) = (self.deaf, &mut self.room) {
                room.handle_feed(event, now);
            }
        }
        moved
    }

    /// Carries out what a connection asks for.
    pub(super) fn pump_connection(&mut self, line: &mut Line, now: Millis) {
        while let Some(output) = line.connection.poll_output() {
            match output {
                ConnectionOutput::Authenticate { token } => {
                    let identity = DeveloperAccess::identity(&token).map_err(Into::into);
                    line.connection.handle_identity(identity, now);
                }
                ConnectionOutput::Open(open) => {
                    let Some(identity) = line.connection.identity().cloned() else { continue };
                    let granted = Granted { role: Role::Editor, for_ms: None };
                    let permit = line.connection.handle_opening(self.channel(), &open.document, granted, now);
                    let command = OpenCommand {
                        connection: line.id,
                        outbox: line.outbox.clone(),
                        request: open.request,
                        client: open.client.unwrap_or_else(|| self.fresh()),
                        user: identity.user,
                        name: identity.name,
                        permit,
                        position: open.position,
                        whole: open.whole,
                        in_flight: open.in_flight,
                        state: open.state,
                    };
                    self.command(RoomCommand::Open(Box::new(command)), now);
                }
                ConnectionOutput::AskRole { .. } | ConnectionOutput::Expel { .. } => {
                    unreachable!("a developer's role does not change")
                }
                ConnectionOutput::Room { frame, .. } => {
                    self.command(RoomCommand::Frame { connection: line.id, frame }, now);
                }
            }
        }
    }

    /// A number of its own for the room, so that nobody takes one server's frames for another's.
    fn channel(&self) -> Channel {
        Channel(u32::try_from(self.number).unwrap_or(0) + 1)
    }

    fn fresh(&mut self) -> ClientId {
        self.names += 1 << 8;
        let mut fresh = [7; 16];
        fresh[..8].copy_from_slice(&self.names.to_be_bytes());
        ClientId::from_bytes(fresh)
    }
}
