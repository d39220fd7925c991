//! Clients and one room in one thread, with nothing between them: for tests that count
//! frames and bytes, and for replaying long histories fast.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cowrite_client::{DocumentHandle, Event, Output, Session, SessionEvent, SessionSettings};
use cowrite_protocol::codec::{decode_client, decode_server};
use cowrite_protocol::frame::{ClientFrame, Code, DurabilityClass, Rate, Role, ServerFrame};
use cowrite_protocol::{Channel, ClientId, DocumentId, Limits, Millis, RichText};
use cowrite_server::auth::{DeveloperAccess, Granted};
use cowrite_server::connection::{Connection, ConnectionOutput, ConnectionSettings};
use cowrite_server::metrics::{Metrics, RoomMeter, Sampled};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{Feed, LogError};
use cowrite_server::outbox::Outbox;
use cowrite_server::room::{
    ConnectionId, LogAnswer, LogRequest, OpenCommand, Room, RoomCommand, RoomOutput, RoomSettings,
};

/// One room over a log in memory, and clients that are connected to it or not.
pub struct Pipe {
    log: MemoryLog,
    document: DocumentId,
    queue_bytes: usize,
    room: Room<RichText>,
    metrics: Metrics,
    feed: Option<Feed>,
    reads_fail: bool,
    clients: Vec<PipedClient>,
    now: Millis,
    next: u64,
}

/// One client of a [`Pipe`].
pub struct PipedClient {
    /// Its session.
    pub session: Session<RichText>,
    /// Its document.
    pub handle: DocumentHandle,
    /// What the server has sent since it connected last.
    pub down: Traffic,
    /// What it has sent.
    pub up: Traffic,
    socket: Option<(ConnectionId, Connection, Arc<Outbox>)>,
    /// What it is sent is lost from here on, though what it sends still arrives.
    pub deaf: bool,
    /// Its socket takes nothing, so what it is sent waits for it.
    pub stuck: bool,
    /// In commits to it this byte arrives as the other.
    pub garbled: Option<(u8, u8)>,
    /// How often it was told that its text and the server's had parted.
    pub diverged: usize,
    /// Why its document was closed, each time.
    pub closed: Vec<Code>,
}

/// Frames by name, in order, with the size of each.
#[derive(Clone, Debug, Default)]
pub struct Traffic {
    /// Every frame: its name and its bytes.
    pub frames: Vec<(&'static str, usize)>,
}

impl Traffic {
    /// How many frames of this name there were.
    pub fn count(&self, name: &str) -> usize {
        self.frames.iter().filter(|(frame, _)| *frame == name).count()
    }

    /// The bytes of all frames of these names.
    pub fn bytes_of(&self, names: &[&str]) -> usize {
        self.frames.iter().filter(|(frame, _)| names.contains(frame)).map(|(_, bytes)| bytes).sum()
    }

    /// The bytes of all frames.
    pub fn bytes(&self) -> usize {
        self.frames.iter().map(|(_, bytes)| bytes).sum()
    }
}

impl Pipe {
    /// A room for a document that was never written.
    ///
    /// # Panics
    /// If the id of the document is not one.
    pub fn new(settings: RoomSettings) -> Pipe {
        Pipe::with_queue(settings, 1 << 20)
    }

    /// As [`Pipe::new`], with a bound on the bytes that wait for a socket.
    ///
    /// # Panics
    /// If the id of the document is not one.
    pub fn with_queue(settings: RoomSettings, queue_bytes: usize) -> Pipe {
        Pipe::on_log(MemoryLog::new(), settings, queue_bytes)
    }

    /// As [`Pipe::with_queue`], on a log that may hold the document already.
    ///
    /// # Panics
    /// If the id of the document is not one.
    pub fn on_log(log: MemoryLog, settings: RoomSettings, queue_bytes: usize) -> Pipe {
        let Ok(document) = "piped".parse::<DocumentId>() else { panic!("the id of the document is one") };
        let mut names = 0;
        let entropy = Box::new(move || {
            names += 1;
            names
        });
        let metrics = Metrics::default();
        let room = Room::new(document.clone(), Channel(0), Limits::default(), settings, entropy)
            .with_meter(RoomMeter::new(Arc::clone(&metrics.rooms)));
        let mut pipe = Pipe {
            log,
            document,
            queue_bytes,
            room,
            metrics,
            feed: None,
            reads_fail: false,
            clients: Vec::new(),
            now: Millis(1),
            next: 1,
        };
        pipe.pump();
        pipe
    }

    /// A new client, connected and in step.
    pub fn join(&mut self) -> usize {
        let mut session = Session::new(SessionSettings::new(self.clients.len() as u64));
        let Ok(handle) = session.open(self.document.clone(), "", self.now) else { panic!("nothing is open yet") };
        let (down, up) = (Traffic::default(), Traffic::default());
        self.clients.push(PipedClient {
            session,
            handle,
            down,
            up,
            socket: None,
            deaf: false,
            stuck: false,
            garbled: None,
            diverged: 0,
            closed: Vec::new(),
        });
        let client = self.clients.len() - 1;
        self.connect(client);
        client
    }

    /// A client.
    pub fn client(&mut self, client: usize) -> &mut PipedClient {
        &mut self.clients[client]
    }

    /// The text that a client shows.
    ///
    /// # Panics
    /// If there is no such client.
    pub fn text(&self, client: usize) -> String {
        let client = &self.clients[client];
        match client.session.engine(client.handle) {
            Some(engine) => engine.document().text().chars().collect(),
            None => panic!("the client has its document open"),
        }
    }

    /// Bytes that wait for a client's socket.
    pub fn waiting(&self, client: usize) -> usize {
        self.clients[client].socket.as_ref().map_or(0, |(_, _, outbox)| outbox.bytes())
    }

    /// A client's socket takes everything again, or nothing any more.
    pub fn set_stuck(&mut self, client: usize, stuck: bool) {
        self.clients[client].stuck = stuck;
        self.pump();
    }

    /// A stuck client's socket takes about this many bytes after all.
    pub fn take_some(&mut self, client: usize, bytes: usize) {
        self.take(client, bytes);
        self.pump();
    }

    /// The log.
    pub fn log(&self) -> &MemoryLog {
        &self.log
    }

    /// The document.
    pub fn document(&self) -> &DocumentId {
        &self.document
    }

    /// From here on nothing comes by the feed, and the log refuses to be read or no more.
    pub fn lose_feed(&mut self, reads_fail: bool) {
        (self.feed, self.reads_fail) = (None, reads_fail);
    }

    /// Whether what the room has counted shows this line.
    pub fn shows(&self, line: &str) -> bool {
        self.metrics.page(Sampled::default()).lines().any(|shown| shown == line)
    }

    /// What others have published reaches the room, and the room looks where the log stands.
    pub fn look(&mut self) {
        self.take_feed();
        self.room.look(self.now);
        self.pump();
    }

    /// The room.
    pub fn room(&self) -> &Room<RichText> {
        &self.room
    }

    /// A client makes an edit; all that follows from it happens.
    ///
    /// # Panics
    /// If the edit is refused.
    pub fn edit(&mut self, client: usize, operation: &<RichText as cowrite_protocol::DocumentType>::Operation) {
        let now = self.now;
        let piped = &mut self.clients[client];
        match piped.session.edit(piped.handle, operation, now) {
            Some(Ok(_)) => self.pump(),
            refused => panic!("an edit was refused: {refused:?}"),
        }
    }

    /// So much time passes for the room.
    pub fn pass(&mut self, ms: u64) {
        self.now = self.now + ms;
        self.room.handle_timeout(self.now);
        self.pump();
    }

    /// So much time passes for everybody, in steps of a tenth of a second.
    pub fn pass_for_all(&mut self, ms: u64) {
        for _ in 0..ms.div_ceil(100) {
            self.now = self.now + 100;
            self.room.handle_timeout(self.now);
            for client in &mut self.clients {
                client.session.handle_timeout(self.now, 0);
            }
            self.pump();
        }
    }

    /// The client's socket is gone; both sides know.
    pub fn disconnect(&mut self, client: usize) {
        if let Some((id, _, outbox)) = self.clients[client].socket.take() {
            outbox.abandon();
            self.room.handle_command(RoomCommand::Disconnected { connection: id }, self.now);
            self.clients[client].session.handle_disconnected(self.now);
            self.clients[client].deaf = false;
        }
        self.pump();
    }

    /// The client connects (again) at once.
    pub fn connect(&mut self, client: usize) {
        self.now = self.now + 1;
        self.clients[client].down = Traffic::default();
        self.clients[client].up = Traffic::default();
        let now = self.now;
        self.clients[client].session.connect(now);
        self.pump();
    }

    fn pump(&mut self) {
        loop {
            let mut moved = self.pump_room();
            for client in 0..self.clients.len() {
                moved |= self.pump_client(client);
            }
            if !moved {
                return;
            }
        }
    }

    fn pump_client(&mut self, index: usize) -> bool {
        let now = self.now;
        let mut moved = false;
        while let Some(output) = self.clients[index].session.poll_output() {
            moved = true;
            match output {
                Output::NeedToken => self.clients[index].session.provide_token("dev:pipe", now),
                Output::Connect => {
                    self.next += 1;
                    let outbox = Arc::new(Outbox::new(self.queue_bytes, 16 << 10));
                    // Here nobody is too fast: what is counted is frames, not time.
                    let fast = Rate { per_second: 1_000_000, burst: 1_000_000 };
                    let settings = ConnectionSettings { submits: fast, frames: fast, ..ConnectionSettings::default() };
                    let limits = Limits::default();
                    let connection = Connection::new(outbox.clone(), limits, settings, DurabilityClass::None, now);
                    self.clients[index].socket = Some((ConnectionId(self.next), connection, outbox));
                    self.clients[index].session.handle_connected(now);
                }
                Output::Send(message) => {
                    self.up(index, &message);
                }
                Output::Load { .. } | Output::Store { .. } => unreachable!("nothing is kept here"),
                Output::Disconnect => self.disconnect(index),
                Output::Event(SessionEvent::Document(_, Event::Diverged)) => self.clients[index].diverged += 1,
                Output::Event(SessionEvent::Document(_, Event::Closed { code, .. })) => {
                    self.clients[index].closed.push(code);
                }
                Output::Event(SessionEvent::Link(_) | SessionEvent::Document(..)) => {}
            }
        }
        moved | self.down(index)
    }

    fn up(&mut self, index: usize, message: &[u8]) {
        let client = &mut self.clients[index];
        let mut rest = message.len();
        for frame in decode_client(message, message.len()).flatten() {
            let mut bytes = Vec::new();
            cowrite_protocol::codec::encode_client(&frame, &mut bytes);
            rest -= bytes.len();
            client.up.frames.push((client_name(&frame), bytes.len()));
        }
        assert_eq!(rest, 0, "a message is frames to its last byte");
        let Some((id, connection, outbox)) = &mut client.socket else { return };
        connection.handle_message(message, self.now);
        while let Some(output) = connection.poll_output() {
            match output {
                ConnectionOutput::Authenticate { token } => {
                    connection.handle_identity(DeveloperAccess::identity(&token).map_err(Into::into), self.now)
                }
                ConnectionOutput::Open(open) => {
                    self.next += 1;
                    let mut fresh = [7; 16];
                    fresh[..8].copy_from_slice(&self.next.to_be_bytes());
                    let Some(identity) = connection.identity().cloned() else { continue };
                    let granted = Granted { role: Role::Editor, for_ms: None };
                    let permit = connection.handle_opening(Channel(0), &open.document, granted, self.now);
                    let command = OpenCommand {
                        connection: *id,
                        outbox: outbox.clone(),
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
                    self.room.handle_command(RoomCommand::Open(Box::new(command)), self.now);
                }
                ConnectionOutput::AskRole { .. } | ConnectionOutput::Expel { .. } => {
                    unreachable!("a developer's role does not change")
                }
                ConnectionOutput::Room { frame, .. } => {
                    self.room.handle_command(RoomCommand::Frame { connection: *id, frame }, self.now);
                }
            }
        }
    }

    fn down(&mut self, index: usize) -> bool {
        if self.clients[index].stuck { false } else { self.take(index, 1 << 20) }
    }

    /// A client's socket takes about this many bytes, and delivers them.
    fn take(&mut self, index: usize, bytes: usize) -> bool {
        let client = &mut self.clients[index];
        let Some((id, connection, outbox)) = &mut client.socket else { return false };
        let taken = outbox.take(bytes);
        for (channel, permit) in &taken.closed {
            connection.handle_channel_closed(*channel, permit);
        }
        if !taken.drained.is_empty() {
            self.room.handle_command(RoomCommand::Drained { connection: *id }, self.now);
        }
        let moved = !taken.frames.is_empty() || !taken.drained.is_empty();
        if client.deaf {
            return moved;
        }
        for mut frame in taken.frames {
            for decoded in decode_server(&frame, frame.len()).flatten() {
                client.down.frames.push((server_name(&decoded), frame.len()));
            }
            let is_commit = client.down.frames.last().is_some_and(|(name, _)| *name == "Commit");
            if let (Some((byte, other)), true) = (client.garbled, is_commit) {
                frame = frame.iter().map(|at| if *at == byte { other } else { *at }).collect::<Bytes>();
            }
            client.session.handle_message(&frame, self.now);
        }
        moved
    }

    fn pump_room(&mut self) -> bool {
        let mut moved = false;
        while let Some(output) = self.room.poll_output() {
            // Nobody else has the document open.
            let RoomOutput::Log(ticket, request) = output else { continue };
            moved = true;
            let (log, document) = (&self.log, &self.document);
            let answer = match request {
                LogRequest::Subscribe => {
                    self.feed = Some(log.subscribe_now(document));
                    LogAnswer::Subscribed(Ok(()))
                }
                LogRequest::Open(client) => LogAnswer::Opened(log.open_now(document, client)),
                LogRequest::Append(batch) => LogAnswer::Append(log.append_now(document, batch)),
                LogRequest::Read { .. } if self.reads_fail => {
                    let reason = "the test says so".to_owned();
                    LogAnswer::Read(Err(LogError::Unavailable { reason, retry_after: Duration::ZERO }))
                }
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
            self.room.handle_log(ticket, answer, self.now);
            self.take_feed();
        }
        moved
    }

    fn take_feed(&mut self) {
        while let Some(event) = self.feed.as_mut().and_then(|feed| feed.try_recv().ok()) {
            self.room.handle_feed(event, self.now);
        }
    }
}

fn client_name(frame: &ClientFrame<'_>) -> &'static str {
    match frame {
        ClientFrame::Hello { .. } => "Hello",
        ClientFrame::Open { .. } => "Open",
        ClientFrame::Submit(_) | ClientFrame::SubmitStill(_) | ClientFrame::SubmitCursor { .. } => "Submit",
        ClientFrame::Part { .. } => "Part",
        _ => "other",
    }
}

fn server_name(frame: &ServerFrame<'_>) -> &'static str {
    match frame {
        ServerFrame::Welcome(_) => "Welcome",
        ServerFrame::Terms(_) => "Terms",
        ServerFrame::Author { .. } => "Author",
        ServerFrame::Members { .. } => "Members",
        ServerFrame::Cursors { .. } => "Cursors",
        ServerFrame::Opened(_) => "Opened",
        ServerFrame::Snapshot(_) => "Snapshot",
        ServerFrame::Commit(_) | ServerFrame::CommitStill(_) | ServerFrame::CommitCursor { .. } => "Commit",
        ServerFrame::Entry { .. } => "Entry",
        ServerFrame::Ack { .. } => "Ack",
        ServerFrame::Composed { .. } => "Composed",
        ServerFrame::Part { .. } => "Part",
        _ => "other",
    }
}
