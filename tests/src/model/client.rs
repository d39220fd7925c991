//! A real session with one document, as a machine.

use std::sync::Arc;

use bytes::Bytes;
use cowrite_client::engine::StatusState;
use cowrite_client::{DocumentHandle, Event, Output, ProposalKind, Session, SessionEvent, SessionSettings};
use cowrite_protocol::frame::{Code, Position};
use cowrite_protocol::operation::{Document, Operation, RichText};
use cowrite_protocol::{DocumentType, Millis, UserId, Utf16Length};

use super::bounds::Edit;
use super::log::document;
use super::machine::Machine;

/// What a client may be given.
#[derive(Clone, Debug, Hash)]
pub(super) enum ToClient {
    /// Its user makes the next edit.
    Edit,
    /// It gets a socket; if it waits to try again, it does so at once.
    Join,
    Message(Bytes),
    /// Its socket is gone.
    Gone,
    /// Time passes until it has something to do.
    Tick,
}

/// What comes out of a client.
#[derive(Clone, Debug)]
pub(super) enum FromClient {
    Send(Bytes),
    /// It closes its socket.
    Hang,
}

/// What a client looks like from outside.
#[derive(Debug)]
pub(super) struct ClientShown {
    /// How many of its edits its user has made.
    pub(super) made: usize,
    pub(super) editable: bool,
    pub(super) online: bool,
    pub(super) pending: u64,
    pub(super) position: Option<Position>,
    /// The text of that position.
    pub(super) text: Arc<Document>,
    pub(super) shown: Arc<Document>,
    /// What edits that are told as accepted have inserted.
    pub(super) accepted: Vec<char>,
    /// It was told another history than the log's, and noticed.
    pub(super) differs: bool,
    /// Something was refused, set aside or closed.
    pub(super) trouble: Option<String>,
    /// Something was refused since the document was deleted, or nobody knows whether it was in time.
    pub(super) refused: bool,
    pub(super) waits: bool,
}

/// A session, and what its application was told.
pub(super) struct ClientMachine {
    session: Session<RichText>,
    handle: DocumentHandle,
    edits: &'static [Edit],
    user: usize,
    made: usize,
    /// What each edit inserts, by its number.
    tokens: Vec<(u64, char)>,
    from_events: Document,
    differs: bool,
    trouble: Option<String>,
    wants_link: bool,
    refused: bool,
    now: Millis,
}

/// Whose, and what the user does.
pub(super) type ClientName = (usize, &'static [Edit]);

/// The user of a number.
pub(super) fn user(number: usize) -> UserId {
    match format!("user{number}").parse() {
        Ok(user) => user,
        Err(error) => unreachable!("it is a user's name: {error}"),
    }
}

impl Machine for ClientMachine {
    type Name = ClientName;
    type Input = ToClient;
    type Output = FromClient;
    type Shown = ClientShown;

    fn new(&(user, edits): &ClientName) -> ClientMachine {
        let mut session = Session::new(SessionSettings::new(user as u64));
        let now = Millis(1_000);
        // A session that was just made has nothing open.
        let handle = session.open(document(), "", now).unwrap_or(DocumentHandle(0));
        session.connect(now);
        let mut machine = ClientMachine {
            session,
            handle,
            edits,
            user,
            made: 0,
            tokens: Vec::new(),
            from_events: Document::new(),
            differs: false,
            trouble: None,
            wants_link: false,
            refused: false,
            now,
        };
        machine.drain();
        machine
    }

    fn take(&mut self, input: &ToClient) -> Vec<FromClient> {
        let now = self.now;
        match input {
            ToClient::Edit => self.edit(),
            ToClient::Join => {
                self.session.connect(now);
                self.drain();
                if std::mem::take(&mut self.wants_link) {
                    self.session.handle_connected(now);
                }
            }
            ToClient::Message(message) => self.session.handle_message(message, now),
            ToClient::Gone => self.session.handle_disconnected(now),
            ToClient::Tick => {
                self.now = self.session.poll_timeout().map_or(now, |at| at.max(now));
                self.session.handle_timeout(self.now, 0);
            }
        }
        self.drain()
    }

    fn show(&self) -> ClientShown {
        let engine = self.session.engine(self.handle);
        let status = engine.map(|engine| engine.status());
        let mut trouble = self.trouble.clone();
        let mut shown = Document::new();
        if let Some(engine) = engine {
            shown = engine.accepted_document().clone();
            let fits = engine.pending().all(|operation| RichText::apply(&mut shown, operation).is_ok());
            if !fits || shown != *engine.document() || self.from_events != *engine.document() {
                trouble.get_or_insert("it shows something else than it holds".to_owned());
            }
        }
        let accepted = status.map_or(0, |status| status.accepted);
        let told = self.tokens.iter().filter(|(edit, _)| *edit <= accepted).map(|(_, token)| *token);
        ClientShown {
            made: self.made,
            editable: self.made < self.edits.len() && engine.is_some_and(|engine| engine.editable().is_ok()),
            online: status.is_some_and(|status| status.state == StatusState::Online),
            // What waits for a person's decision is counted as pending, and nobody decides here.
            pending: engine.map_or(0, |engine| match engine.proposals().is_empty() {
                true => engine.status().pending,
                false => engine.pending().count() as u64,
            }),
            position: engine.and_then(|engine| engine.position()),
            text: Arc::new(engine.map(|engine| engine.accepted_document().clone()).unwrap_or_default()),
            shown: Arc::new(shown),
            accepted: told.collect(),
            differs: self.differs,
            trouble,
            refused: self.refused,
            waits: self.session.poll_timeout().is_some(),
        }
    }

    fn only_asks(_: &ToClient) -> bool {
        false
    }
}

impl ClientMachine {
    fn edit(&mut self) {
        let (Some(edit), Some(engine)) = (self.edits.get(self.made), self.session.engine(self.handle)) else { return };
        let text: Vec<char> = engine.document().text().chars().collect();
        let place = |of: char| text.iter().position(|unit| *unit == of);
        let units = |until: usize| Utf16Length::of(&text[..until].iter().collect::<String>());
        let mut builder = Operation::builder();
        match *edit {
            Edit::Before(of, token) => {
                builder.retain(units(place(of).unwrap_or(0))).insert(&token.to_string());
            }
            Edit::Behind(of, token) => {
                builder.retain(units(place(of).map_or(text.len(), |at| at + 1))).insert(&token.to_string());
            }
            Edit::Delete(of) => {
                if let Some(at) = place(of) {
                    builder.retain(units(at)).delete(Utf16Length::of(&of.to_string()));
                }
            }
        }
        match self.session.edit(self.handle, &builder.build(), self.now) {
            Some(Ok(number)) => self.tokens.extend(edit.token().map(|token| (number, token))),
            refused => {
                self.trouble.get_or_insert(format!("an edit is not made: {refused:?}"));
            }
        }
        self.made += 1;
    }

    fn drain(&mut self) -> Vec<FromClient> {
        let mut outputs = Vec::new();
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::NeedToken => self.session.provide_token(&format!("dev:user{}", self.user), self.now),
                Output::Connect => self.wants_link = true,
                Output::Disconnect => outputs.push(FromClient::Hang),
                Output::Send(message) => outputs.push(FromClient::Send(message.into())),
                Output::Load { .. } | Output::Store { .. } => {}
                Output::Event(SessionEvent::Document(_, event)) => self.hear(event),
                Output::Event(SessionEvent::Link(_)) => {}
            }
        }
        outputs
    }

    fn hear(&mut self, event: Event<RichText>) {
        let trouble = match event {
            Event::Change { operation, .. } => {
                let applied = RichText::apply(&mut self.from_events, &operation);
                applied.err().map(|error| format!("an event does not fit: {error}"))
            }
            Event::Rejected { from, to, code, .. } => {
                self.tokens.retain(|(edit, _)| !(from..=to).contains(edit));
                self.refused = true;
                (code != Code::Deleted).then(|| format!("an edit was rejected: {}", code.name()))
            }
            Event::Proposal { kind, .. } => {
                // Nobody decides here; whether it is in the log, nobody tells.
                self.tokens.clear();
                self.refused = true;
                (kind != ProposalKind::UnknownOutcome).then(|| format!("work was set aside: {kind:?}"))
            }
            Event::Diverged => {
                self.differs = true;
                None
            }
            Event::Closed { code: Code::EpochChanged, .. } => None,
            Event::Closed { code, .. } => Some(format!("the document was closed: {}", code.name())),
            _ => None,
        };
        self.trouble = self.trouble.take().or(trouble);
    }
}
