//! One user at a real session and engine, to whom frames are told as a server tells them.

use cowrite_client::{DocumentHandle, Event, Origin, Output, Session, SessionEvent, SessionSettings};
use cowrite_protocol::codec::{decode_client, encode_server};
use cowrite_protocol::frame::{
    Abbreviated, Author, ClientFrame, Commit, DurabilityClass, Opened, Outcome, Packed, Position, ProtocolVersion,
    Role, ServerFrame, Settlement, SnapshotFrame, Welcome,
};
use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::{AuthorNumber, Channel, Checksum, ClientId, ClientSeq, Epoch, Limits, Millis, RichText};

use super::Finding;
use super::pending::composed;

const NOW: Millis = Millis(1_000_000);
const CHANNEL: Channel = Channel(1);
/// The user at the desk is author 1, everybody else is author 2.
const OWN: (AuthorNumber, ClientId) = (AuthorNumber(1), ClientId::from_bytes([1; 16]));
const OTHER: (AuthorNumber, ClientId) = (AuthorNumber(2), ClientId::from_bytes([2; 16]));

/// A user with one open document.
pub(super) struct Desk {
    session: Session<RichText>,
    handle: DocumentHandle,
    /// The number of the last `Open`.
    request: u32,
    /// Where the log stands.
    position: Position,
    own_seq: ClientSeq,
    other_seq: ClientSeq,
    /// What others did to the text that is shown, since it was last asked.
    changes: Vec<Operation>,
}

impl Desk {
    /// A user who has opened this document, which is all that the log holds.
    ///
    /// # Errors
    /// If the session does not come so far.
    pub(super) fn open(document: &Document) -> Result<Desk, Finding> {
        let mut session = Session::new(SessionSettings::new(42));
        let id = "vector".parse().map_err(Finding::failed)?;
        let handle = session.open(id, "", NOW).map_err(Finding::failed)?;
        let (own_seq, other_seq) = (ClientSeq::NONE, ClientSeq::NONE);
        let position = Position { epoch: Some(Epoch::from_random(7)), ..Position::default() };
        let mut desk = Desk { session, handle, request: 0, position, own_seq, other_seq, changes: Vec::new() };
        desk.session.connect(NOW);
        desk.drain()?;
        desk.session.provide_token("token", NOW);
        desk.drain()?;
        desk.session.handle_connected(NOW);
        desk.drain()?;
        desk.tell(&ServerFrame::Welcome(Welcome {
            version: ProtocolVersion::NEWEST,
            user: "ann".parse().map_err(Finding::failed)?,
            limits: Limits::default(),
            durability: DurabilityClass::None,
            silence_ms: 90_000,
        }))?;
        desk.session.handle_timeout(NOW, 0);
        desk.drain()?;

        let content = packed(&document.to_operation());
        desk.advance(OTHER.1, desk.other_seq.next(), &content);
        desk.other_seq = desk.other_seq.next();
        desk.tell(&ServerFrame::Opened(Opened {
            request: desk.request,
            channel: CHANNEL,
            client: OWN.1,
            last_seq: ClientSeq::NONE,
            number: OWN.0,
            role: Role::Editor,
            settlement: Settlement::Nothing,
            epoch: desk.position.epoch,
            outcome: Outcome::Snapshot,
        }))?;
        let author = |(number, client), user: &str, seq| {
            user.parse().map(|user| Author { number, client, user, seq }).map_err(Finding::failed)
        };
        desk.tell(&ServerFrame::Snapshot(SnapshotFrame {
            channel: CHANNEL,
            epoch: desk.position.epoch,
            version: desk.position.version,
            hash: desk.position.hash,
            checksum: Checksum(document.checksum().0),
            authors: vec![author(OWN, "ann", ClientSeq::NONE)?, author(OTHER, "bob", desk.other_seq)?],
            content: Packed(&content),
        }))?;
        desk.changes.clear();
        Finding::same("the document as opened", &desk.document(), document)?;
        Ok(desk)
    }

    /// The user edits.
    ///
    /// # Errors
    /// If the engine refuses it.
    pub(super) fn edit(&mut self, operation: &Operation) -> Result<(), Finding> {
        let edited = self.session.edit(self.handle, operation, NOW);
        edited.ok_or_else(|| Finding::failed("the document is closed"))?.map_err(Finding::failed)?;
        self.drain()
    }

    /// Somebody else's operation is committed.
    ///
    /// # Errors
    /// If the engine ends up elsewhere than in step.
    pub(super) fn commit(&mut self, operation: &Operation) -> Result<(), Finding> {
        let content = packed(operation);
        self.other_seq = self.other_seq.next();
        self.advance(OTHER.1, self.other_seq, &content);
        let seq = self.other_seq.get();
        self.tell(&ServerFrame::Commit(Commit {
            channel: CHANNEL,
            author: OTHER.0,
            version: low_byte(self.position.version.get()),
            seq: Abbreviated::of(seq, seq),
            operation: Packed(&content),
        }))
    }

    /// What the user has in flight is committed, in this form.
    ///
    /// # Errors
    /// If the engine ends up elsewhere than in step.
    pub(super) fn ack(&mut self, operation: &Operation) -> Result<(), Finding> {
        self.own_seq = self.own_seq.next();
        self.advance(OWN.1, self.own_seq, &packed(operation));
        self.tell(&ServerFrame::Ack {
            channel: CHANNEL,
            seq: low_byte(self.own_seq.get()),
            version: low_byte(self.position.version.get()),
            hash: self.position.hash.byte(),
        })
    }

    /// The document as the user sees it.
    pub(super) fn document(&self) -> Document {
        self.session.engine(self.handle).map(|engine| engine.document().clone()).unwrap_or_default()
    }

    /// What is in flight, and what waits behind it, as the one operation that it will be.
    pub(super) fn pending(&self) -> Result<Vec<Operation>, Finding> {
        let Some(engine) = self.session.engine(self.handle) else { return Ok(Vec::new()) };
        let mut operations = engine.pending().cloned();
        let mut pending = Vec::from_iter(engine.in_flight().and_then(|_| operations.next()));
        let waiting = operations.collect::<Vec<_>>();
        if !waiting.is_empty() {
            pending.push(composed(&waiting)?);
        }
        Ok(pending)
    }

    /// What is in flight, as it would be committed now.
    pub(super) fn in_flight(&self) -> Option<Operation> {
        let engine = self.session.engine(self.handle)?;
        engine.in_flight().and_then(|_| engine.pending().next().cloned())
    }

    /// What others did to the text that is shown, since this was last asked.
    pub(super) fn take_changes(&mut self) -> Vec<Operation> {
        std::mem::take(&mut self.changes)
    }

    fn advance(&mut self, client: ClientId, seq: ClientSeq, content: &[u8]) {
        self.position.version = self.position.version.next();
        self.position.hash = self.position.hash.advance(self.position.version, &client, seq, content);
    }

    fn tell(&mut self, frame: &ServerFrame<'_>) -> Result<(), Finding> {
        let mut bytes = Vec::new();
        encode_server(frame, &mut bytes);
        self.session.handle_message(&bytes, NOW);
        self.drain()
    }

    fn drain(&mut self) -> Result<(), Finding> {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::Send(message) => {
                    for frame in decode_client(&message, usize::MAX) {
                        if let ClientFrame::Open { request, .. } = frame.map_err(Finding::failed)? {
                            self.request = request;
                        }
                    }
                }
                Output::Disconnect => return Err(Finding::failed("the session gave the connection up")),
                Output::Event(SessionEvent::Document(_, event)) => match event {
                    Event::Change { operation, origin: Origin::Remote, .. } => self.changes.push(operation),
                    Event::Diverged => return Err(Finding::failed("the engine found itself out of step")),
                    Event::Closed { code, .. } => return Err(Finding::Failed(format!("the channel ended: {code:?}"))),
                    _ => {}
                },
                _ => {}
            }
        }
        Ok(())
    }
}

fn packed(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    operation.encode(&mut bytes);
    bytes
}

fn low_byte(number: u64) -> u8 {
    number.to_le_bytes()[0]
}
