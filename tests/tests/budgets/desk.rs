//! A room, somebody who types, somebody who reads, and many sockets that are only filled: what each does is
//! counted apart, and what a test needs besides is not.

use std::sync::Arc;

use bytes::Bytes;
use cowrite_client::{DocumentHandle, Output, Session, SessionSettings};
use cowrite_protocol::frame::{DurabilityClass, Rate, Role};
use cowrite_protocol::operation::{Operation, RichText};
use cowrite_protocol::{Channel, ClientId, DocumentId, Limits, Millis};
use cowrite_server::auth::{DeveloperAccess, Granted, Permit};
use cowrite_server::connection::{Connection, ConnectionOutput, ConnectionSettings, OpenRequest};
use cowrite_server::oplog::Feed;
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::outbox::Outbox;
use cowrite_server::room::{
    ConnectionId, LogAnswer, LogRequest, OpenCommand, Room, RoomCommand, RoomOutput, RoomSettings,
};

use super::row::Row;

/// Sockets that a commit goes to, beside its author's.
const READERS: usize = 100;

/// When everything happens: no timer is ever due.
const NOW: Millis = Millis(1_000);

/// What is counted, in the order of one keystroke.
const PARTS: [&str; 6] = [
    "client: an edit, until it is sent",
    "server: a submit, until the log is asked",
    "server: a commit, until it waits for 100 sockets and the ack for one",
    "server: a commit, taken for 100 sockets",
    "client: the ack of an edit",
    "client: the edit of somebody else",
];
const EDIT: usize = 0;
const SUBMIT: usize = 1;
const COMMIT: usize = 2;
const TAKE: usize = 3;
const ACK: usize = 4;
const HEAR: usize = 5;

pub(crate) struct Desk {
    log: MemoryLog,
    document: DocumentId,
    room: Room<RichText>,
    feed: Option<Feed>,
    author: Person,
    reader: Person,
    /// Who also reads; what they are sent is taken and dropped.
    others: Vec<Arc<Outbox>>,
    counts: [Row; PARTS.len()],
}

struct Person {
    session: Session<RichText>,
    handle: DocumentHandle,
    id: ConnectionId,
    connection: Connection,
    outbox: Arc<Outbox>,
    /// What the session wants to send.
    sent: Vec<Vec<u8>>,
}

impl Desk {
    /// An empty document that all of them have open.
    pub(crate) fn new() -> Desk {
        let document: DocumentId = "counted".parse().expect("it is an id");
        let mut names = 0;
        let entropy = Box::new(move || {
            names += 1;
            names
        });
        let room = Room::new(document.clone(), Channel(0), Limits::default(), RoomSettings::default(), entropy);
        let person = |number| Person::new(number, &document);
        let (author, reader) = (person(1), person(2));
        let others = (1..READERS).map(|_| Arc::new(Outbox::new(1 << 20, 16 << 10))).collect();
        let (log, feed, counts) = (MemoryLog::new(), None, counts_of_nothing());
        let mut desk = Desk { log, document, room, feed, author, reader, others, counts };
        desk.settle();
        for (number, outbox) in (3..).zip(desk.others.clone()) {
            let open = open_command(ConnectionId(number), outbox);
            desk.room.handle_command(RoomCommand::Open(Box::new(open)), NOW);
            desk.settle();
        }
        desk
    }

    pub(crate) fn forget_counts(&mut self) {
        self.counts = counts_of_nothing();
    }

    pub(crate) fn counts(&self) -> Vec<Row> {
        self.counts.to_vec()
    }

    /// What the two clients show.
    pub(crate) fn texts(&self) -> [String; 2] {
        [&self.author, &self.reader].map(|person| {
            let engine = person.session.engine(person.handle).expect("it is open");
            engine.document().text().chars().collect()
        })
    }

    /// The author makes an edit, and nobody hears what is sent.
    pub(crate) fn gathers(&mut self, operation: &Operation) {
        self.author.session.edit(self.author.handle, operation, NOW).expect("it is open").expect("it is possible");
        self.author.drain();
    }

    /// The author makes an edit, and everything follows from it.
    pub(crate) fn types(&mut self, operation: &Operation) {
        let Desk { author, reader, room, counts, .. } = self;
        let mut count = |part: usize, call: &mut dyn FnMut()| counts[part] = counts[part].and(call);
        count(EDIT, &mut || {
            author.session.edit(author.handle, operation, NOW).expect("it is open").expect("it is possible");
            author.drain();
        });
        let mut asked = None;
        count(SUBMIT, &mut || {
            for message in &author.sent {
                author.connection.handle_message(message, NOW);
                while let Some(output) = author.connection.poll_output() {
                    let ConnectionOutput::Room { frame, .. } = output else { panic!("an edit is for the room") };
                    room.handle_command(RoomCommand::Frame { connection: author.id, frame }, NOW);
                }
            }
            while let Some(RoomOutput::Log(ticket, request)) = room.poll_output() {
                assert!(asked.replace((ticket, request)).is_none(), "one edit is one request");
            }
        });
        author.sent.clear();
        let Some((ticket, LogRequest::Append(batch))) = asked else { panic!("an edit is appended") };
        let mut answer = Some(LogAnswer::Append(self.log.append_now(&self.document, batch)));
        let feed = self.feed.as_mut().expect("the room has asked for it");
        let mut heard: Vec<_> = std::iter::from_fn(|| feed.try_recv().ok()).collect();
        count(COMMIT, &mut || {
            room.handle_log(ticket, answer.take().expect("once"), NOW);
            heard.drain(..).for_each(|event| room.handle_feed(event, NOW));
            assert!(room.poll_output().is_none(), "nothing else is asked of the log");
        });
        let outboxes = || std::iter::once(&reader.outbox).chain(&self.others);
        let mut taken = Vec::with_capacity(READERS);
        count(TAKE, &mut || taken.extend(outboxes().map(|outbox| outbox.take(1 << 16))));
        assert!(taken.iter().all(|taken| !taken.frames.is_empty()), "a commit goes to all of them");
        let ack = author.outbox.take(1 << 16).frames;
        count(ACK, &mut || author.hears(&ack));
        count(HEAR, &mut || reader.hears(&taken[0].frames));
    }

    /// Everything that is asked for is answered; nothing of it is counted.
    fn settle(&mut self) {
        loop {
            let mut moved = false;
            for person in [&mut self.author, &mut self.reader] {
                person.drain();
                for message in std::mem::take(&mut person.sent) {
                    person.connection.handle_message(&message, NOW);
                }
                while let Some(output) = person.connection.poll_output() {
                    moved = true;
                    let command = person.command(output);
                    command.into_iter().for_each(|command| self.room.handle_command(command, NOW));
                }
                for frame in person.outbox.take(1 << 20).frames {
                    moved = true;
                    person.session.handle_message(&frame, NOW);
                }
            }
            while let Some(output) = self.room.poll_output() {
                moved = true;
                let RoomOutput::Log(ticket, request) = output else { continue };
                let answer = self.answer(request);
                self.room.handle_log(ticket, answer, NOW);
            }
            self.others.iter().for_each(|outbox| drop(outbox.take(1 << 20)));
            if !moved {
                return;
            }
        }
    }

    fn answer(&mut self, request: LogRequest) -> LogAnswer {
        let (log, document) = (&self.log, &self.document);
        match request {
            LogRequest::Subscribe => {
                self.feed = Some(log.subscribe_now(document));
                LogAnswer::Subscribed(Ok(()))
            }
            LogRequest::Open(client) => LogAnswer::Opened(log.open_now(document, client)),
            LogRequest::Read { after, max_bytes } => LogAnswer::Read(Ok(log.read_now(document, after, max_bytes))),
            LogRequest::LoadSnapshot => LogAnswer::Snapshot(Ok(log.load_snapshot_now(document))),
            other => panic!("a document that is opened needs no {other:?}"),
        }
    }
}

impl Person {
    fn new(number: u64, document: &DocumentId) -> Person {
        let mut session = Session::new(SessionSettings::new(number));
        let handle = session.open(document.clone(), "", NOW).expect("nothing is open yet");
        let outbox = Arc::new(Outbox::new(1 << 20, 16 << 10));
        // What is counted is not how fast somebody may type.
        let fast = Rate { per_second: 1_000_000, burst: 1_000_000 };
        let settings = ConnectionSettings { submits: fast, frames: fast, ..ConnectionSettings::default() };
        let connection = Connection::new(Arc::clone(&outbox), Limits::default(), settings, DurabilityClass::None, NOW);
        session.connect(NOW);
        Person { session, handle, id: ConnectionId(number), connection, outbox, sent: Vec::with_capacity(8) }
    }

    fn hears(&mut self, frames: &[Bytes]) {
        frames.iter().for_each(|frame| self.session.handle_message(frame, NOW));
        self.drain();
    }

    fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::NeedToken => self.session.provide_token("dev:counted", NOW),
                Output::Connect => self.session.handle_connected(NOW),
                Output::Send(message) => self.sent.push(message),
                _ => {}
            }
        }
    }

    /// What a connection wants to be done, if it is not done at once.
    fn command(&mut self, output: ConnectionOutput) -> Option<RoomCommand> {
        match output {
            ConnectionOutput::Authenticate { token } => {
                self.connection.handle_identity(DeveloperAccess::identity(&token).map_err(Into::into), NOW);
                None
            }
            ConnectionOutput::Open(open) => {
                let granted = Granted { role: Role::Editor, for_ms: None };
                let permit = self.connection.handle_opening(Channel(0), &open.document, granted, NOW);
                let OpenCommand { client, user, name, .. } = open_command(self.id, Arc::clone(&self.outbox));
                let OpenRequest { request, position, whole, in_flight, state, .. } = *open;
                let (connection, outbox) = (self.id, Arc::clone(&self.outbox));
                Some(RoomCommand::Open(Box::new(OpenCommand {
                    connection,
                    outbox,
                    request,
                    client,
                    user,
                    name,
                    permit,
                    position,
                    whole,
                    in_flight,
                    state,
                })))
            }
            ConnectionOutput::Room { frame, .. } => Some(RoomCommand::Frame { connection: self.id, frame }),
            other => panic!("nothing else is asked for: {other:?}"),
        }
    }
}

/// Somebody opens the document who was never there.
fn open_command(connection: ConnectionId, outbox: Arc<Outbox>) -> OpenCommand {
    OpenCommand {
        connection,
        outbox,
        request: 1,
        client: ClientId::from_bytes([connection.0 as u8; 16]),
        user: "counted".parse().expect("it is a user's name"),
        name: String::new(),
        permit: Permit::new(Role::Editor, Millis(u64::MAX)),
        position: None,
        whole: false,
        in_flight: None,
        state: String::new(),
    }
}

fn counts_of_nothing() -> [Row; PARTS.len()] {
    PARTS.map(|name| Row { name, allocations: 0, bytes: 0 })
}
