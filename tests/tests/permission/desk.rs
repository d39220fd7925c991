//! A room over a log in memory, and people at it whose permits the test holds.

use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Abbreviated, Code, Role, ServerFrame};
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{Channel, ClientId, DocumentId, Limits, Millis, RichText, Version};
use cowrite_server::auth::Permit;
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::outbox::Outbox;
use cowrite_server::room::{
    ChannelFrame, ConnectionId, ExportCommand, Exported, LogAnswer, LogRequest, LogTicket, OpenCommand, Room,
    RoomCommand, RoomOutput, RoomSettings,
};
use cowrite_server::sequencer::SubmittedCaret;
use tokio::sync::oneshot;

const LATER: Millis = Millis(1_000_000);

/// The room, and what the log was asked and has not answered.
pub(crate) struct Desk {
    pub(crate) log: MemoryLog,
    pub(crate) room: Room<RichText>,
    pub(crate) now: Millis,
    document: DocumentId,
    held: Vec<(LogTicket, LogRequest)>,
    /// The log answers nothing more.
    pub(crate) holding: bool,
}

/// Somebody at the room.
pub(crate) struct Guest {
    pub(crate) permit: Permit,
    outbox: Arc<Outbox>,
    connection: ConnectionId,
    seq: u64,
}

impl Desk {
    pub(crate) fn new() -> Desk {
        let document: DocumentId = "desk".parse().unwrap();
        let mut names = 0;
        let entropy = Box::new(move || {
            names += 1;
            names
        });
        let room = Room::new(document.clone(), Channel(0), Limits::default(), RoomSettings::default(), entropy);
        let log = MemoryLog::new();
        let mut desk = Desk { log, room, now: Millis(1), document, held: Vec::new(), holding: false };
        desk.pump();
        desk
    }

    /// Somebody opens the document in this role; stands at the head if the log answers.
    pub(crate) fn open(&mut self, number: u8, role: Role) -> Guest {
        self.open_with(number, role, 1 << 20)
    }

    /// A viewer for whom hardly anything may wait.
    pub(crate) fn open_slow(&mut self, number: u8) -> Guest {
        self.open_with(number, Role::Viewer, 8)
    }

    fn open_with(&mut self, number: u8, role: Role, queue_bytes: usize) -> Guest {
        let guest = Guest {
            permit: Permit::new(role, LATER),
            outbox: Arc::new(Outbox::new(queue_bytes, 1 << 14)),
            connection: ConnectionId(u64::from(number)),
            seq: 0,
        };
        let command = OpenCommand {
            connection: guest.connection,
            outbox: Arc::clone(&guest.outbox),
            request: 1,
            client: ClientId::from_bytes([number; 16]),
            user: format!("user{number}").parse().unwrap(),
            name: format!("User {number}"),
            permit: guest.permit.clone(),
            position: None,
            whole: false,
            in_flight: None,
            state: String::new(),
        };
        self.command(RoomCommand::Open(Box::new(command)));
        guest
    }

    /// The guest types at the start of what is there.
    pub(crate) fn types(&mut self, guest: &mut Guest, text: &str) {
        guest.seq += 1;
        let operation = operation(text);
        let base = self.room.sequencer().head().version;
        let frame = ChannelFrame::Submit {
            seq: whole(guest.seq),
            base: whole(base.get()),
            operation,
            caret: SubmittedCaret::Implied,
            busy_ms: None,
            trail: Default::default(),
        };
        self.frame(guest, frame);
    }

    pub(crate) fn frame(&mut self, guest: &Guest, frame: ChannelFrame) {
        self.command(RoomCommand::Frame { connection: guest.connection, frame });
    }

    /// The guest's socket has taken everything: the room may lead the guest on.
    pub(crate) fn drained(&mut self, guest: &Guest) {
        self.command(RoomCommand::Drained { connection: guest.connection });
    }

    /// The document over HTTP.
    pub(crate) fn export(&mut self, permit: Permit) -> Result<Exported, Code> {
        let (answer, mut answered) = oneshot::channel();
        self.command(RoomCommand::Export(Box::new(ExportCommand { permit, answer })));
        answered.try_recv().expect("it is answered at once")
    }

    /// Time passes.
    pub(crate) fn pass(&mut self, ms: u64) {
        self.now = self.now + ms;
        self.room.handle_timeout(self.now);
        self.pump();
    }

    pub(crate) fn command(&mut self, command: RoomCommand) {
        self.room.handle_command(command, self.now);
        self.pump();
    }

    /// The log answers what it was asked, and goes on to.
    pub(crate) fn let_go(&mut self) {
        self.holding = false;
        self.pump();
    }

    /// The text in the log's last word.
    pub(crate) fn text(&self) -> String {
        self.room.sequencer().document().text().chars().collect()
    }

    fn pump(&mut self) {
        loop {
            while let Some(output) = self.room.poll_output() {
                if let RoomOutput::Log(ticket, request) = output {
                    self.held.push((ticket, request));
                }
            }
            if self.holding || self.held.is_empty() {
                return;
            }
            let (ticket, request) = self.held.remove(0);
            let answer = self.answer(request);
            self.room.handle_log(ticket, answer, self.now);
        }
    }

    fn answer(&self, request: LogRequest) -> LogAnswer {
        let (log, document) = (&self.log, &self.document);
        match request {
            LogRequest::Subscribe => LogAnswer::Subscribed(Ok(())),
            LogRequest::Open(client) => LogAnswer::Opened(log.open_now(document, client)),
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
        }
    }
}

impl Guest {
    /// The frames that reached the guest since the last call, by name.
    pub(crate) fn hears(&self) -> Vec<String> {
        let bytes: Vec<u8> = self.outbox.take(usize::MAX).frames.concat();
        decode_server(&bytes, bytes.len())
            .map(|frame| {
                let frame = frame.unwrap();
                match &frame {
                    ServerFrame::Reject { code, .. } => format!("Reject {}", code.name()),
                    ServerFrame::OpenRefused { code, .. } => format!("OpenRefused {}", code.name()),
                    ServerFrame::Closed { code, .. } => format!("Closed {}", code.name()),
                    ServerFrame::Restored { refused, .. } => format!("Restored {}", refused.map_or("", Code::name)),
                    other => format!("{other:?}").split(['(', ' ']).next().unwrap().to_owned(),
                }
            })
            .collect()
    }
}

/// An insertion at the start, packed.
pub(crate) fn operation(text: &str) -> Bytes {
    let mut packed = Vec::new();
    Operation::builder().insert(text).build().encode(&mut packed);
    Bytes::from(packed)
}

/// The beginning of every history.
pub(crate) const NOWHERE: Version = Version::ZERO;

/// A number in its widest form, which can be read whatever was carried before.
pub(crate) fn whole(number: u64) -> Abbreviated {
    Abbreviated::of(number, u64::MAX)
}
