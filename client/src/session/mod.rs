//! One client's stay across sockets: greeting, channels, reconnecting, and the time.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

mod credentials;
mod dispatch;
mod keeping;
mod link;
mod pace;
mod wire;

use alloc::collections::VecDeque;

use cowrite_protocol::frame::{Activity, Code, PartReader, Welcome};
use cowrite_protocol::{Channel, Cursor, DocumentId, DocumentType, Limits, UserId, Version};
use thiserror::Error;

use crate::backoff::Backoff;
use crate::engine::{EditError, Engine, Event, Record, ReviewRule, UndoSettings, Undone, Verdict};
use crate::random::Random;
use cowrite_protocol::Millis;

use credentials::Credentials;
pub use keeping::Found;
use keeping::Keeping;
use link::{Link, Liveness};
pub use link::{LinkState, Loss};
use pace::Pace;

/// The name of an opened document within a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DocumentHandle(pub u32);

/// How a session behaves; the defaults are for people at editors.
#[derive(Clone, Copy, Debug)]
pub struct SessionSettings {
    /// Seeds the jitter of retries. Take it from a random source.
    pub seed: u64,
    /// How long the socket may take to open, and the server to greet, in milliseconds.
    pub greeting_ms: u64,
}

impl SessionSettings {
    /// The defaults: 10 s to connect and greet.
    pub fn new(seed: u64) -> SessionSettings {
        SessionSettings { seed, greeting_ms: 10_000 }
    }
}

/// What the host is asked to do, or to tell the application.
#[derive(Clone, Debug, PartialEq)]
pub enum Output<D: DocumentType> {
    /// Get a token, then call [`Session::provide_token`]: before each attempt to connect, and
    /// before the one in use ends. Asked again, it may answer the last time only.
    NeedToken,
    /// Open a socket, then call [`Session::handle_connected`] or
    /// [`Session::handle_disconnected`].
    Connect,
    /// Send this message.
    Send(Vec<u8>),
    /// Close the socket; there is no need to report that it closed.
    Disconnect,
    /// Look what the device holds of a document that was opened by [`Session::open_kept`], then
    /// call [`Session::handle_loaded`].
    Load {
        /// The document.
        handle: DocumentHandle,
        /// Whose work is asked for; `None` while nobody knows who the user is: the last one's.
        user: Option<UserId>,
    },
    /// Store this, in one transaction and in the order of asking, then call
    /// [`Session::handle_stored`].
    Store {
        /// The document; it may be closed already.
        handle: DocumentHandle,
        /// The number of this write.
        ticket: u32,
        /// What to store.
        record: Record,
    },
    /// Tell the application.
    Event(SessionEvent<D>),
}

/// Something that the application should know.
#[derive(Clone, Debug, PartialEq)]
pub enum SessionEvent<D: DocumentType> {
    /// The connection changed.
    Link(LinkState),
    /// Something happened to a document.
    Document(DocumentHandle, Event<D>),
}

/// Why a document was not opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum OpenError {
    /// This session has the document open; use the handle that was given.
    #[error("the document is open already")]
    AlreadyOpen(DocumentHandle),
    /// The presence state is larger than the server takes; say less.
    #[error("the presence state has {bytes} bytes, the limit is {limit}")]
    PresenceTooLarge {
        /// Its size.
        bytes: usize,
        /// The announced limit.
        limit: u32,
    },
}

/// One client and its documents, over any number of sockets, one at a time.
pub struct Session<D: DocumentType> {
    settings: SessionSettings,
    random: Random,
    backoff: Backoff,
    link: Link,
    liveness: Liveness,
    welcome: Option<Welcome>,
    credentials: Credentials,
    pace: Pace,
    documents: Vec<OpenDocument<D>>,
    /// Opens that nobody waits for any more: what they open is closed, and their document
    /// is opened again only after that.
    abandoned: Vec<(u32, DocumentId)>,
    next_handle: u32,
    next_request: u32,
    /// Messages that wait to be handed to the host.
    messages: VecDeque<Vec<u8>>,
    outputs: VecDeque<Output<D>>,
}

/// A document and what the session knows of its channel.
struct OpenDocument<D: DocumentType> {
    handle: DocumentHandle,
    engine: Engine<D>,
    keeping: Keeping,
    /// Whose work the engine holds, once that is known.
    owner: Option<UserId>,
    /// Whose record the host was asked for last.
    asked: Option<UserId>,
    state: String,
    activity: Activity,
    presence_changed: bool,
    channel: Option<OpenChannel>,
    /// The number of the `Open` that was sent and not answered, and when that is too late.
    request: Option<(u32, Millis)>,
    open_at: Option<Millis>,
    open_backoff: Backoff,
    /// When the channel was opened last, and whether it ended soon after, the last time.
    opened_at: Millis,
    hasty: bool,
}

/// What a channel carried last, so that numbers can travel as their low bits.
#[derive(Debug)]
struct OpenChannel {
    number: Channel,
    last_seq: u64,
    last_base: Version,
    parts: PartReader,
}

impl<D: DocumentType> Session<D> {
    /// A session that is not connected yet; call [`Session::connect`].
    pub fn new(settings: SessionSettings) -> Session<D> {
        Session {
            settings,
            random: Random::new(settings.seed),
            backoff: Backoff::default(),
            link: Link::Idle,
            liveness: Liveness::default(),
            welcome: None,
            credentials: Credentials::default(),
            pace: Pace::default(),
            documents: Vec::new(),
            abandoned: Vec::new(),
            next_handle: 1,
            next_request: 1,
            messages: VecDeque::new(),
            outputs: VecDeque::new(),
        }
    }

    /// Opens a document; it can be read once [`Event::Opened`] has come. `state` is the
    /// member's presence state: JSON of the application's, may be empty.
    ///
    /// # Errors
    /// If it is open already, or the state is too large.
    pub fn open(&mut self, document: DocumentId, state: &str, now: Millis) -> Result<DocumentHandle, OpenError> {
        let handle = self.add(document, state, now)?;
        self.pump(now);
        Ok(handle)
    }

    fn add(&mut self, document: DocumentId, state: &str, now: Millis) -> Result<DocumentHandle, OpenError> {
        let limit = self.presence_limit();
        if state.len() > limit as usize {
            return Err(OpenError::PresenceTooLarge { bytes: state.len(), limit });
        }
        if let Some(open) = self.documents.iter().find(|open| *open.engine.document_id() == document) {
            return Err(OpenError::AlreadyOpen(open.handle));
        }
        let handle = DocumentHandle(self.next_handle);
        self.next_handle += 1;
        let mut engine = Engine::new(document);
        if let Some(welcome) = &self.welcome {
            engine.handle_welcome(welcome.limits, welcome.durability);
        }
        if let Link::Stopped(code) = self.link {
            engine.close(code);
        }
        self.documents.push(OpenDocument {
            handle,
            engine,
            keeping: Keeping::Not,
            owner: self.user().cloned(),
            asked: None,
            state: state.to_owned(),
            activity: Activity::Active,
            presence_changed: false,
            channel: None,
            request: None,
            open_at: Some(now),
            open_backoff: Backoff::default(),
            opened_at: now,
            hasty: false,
        });
        Ok(handle)
    }

    /// Closes a document. Work that is pending is given up: ask its engine before. What the host
    /// keeps comes back when the document is opened again.
    pub fn close(&mut self, handle: DocumentHandle, now: Millis) {
        if let Some(at) = self.documents.iter().position(|open| open.handle == handle) {
            self.store_last(at, now);
            self.send_close(at);
            let closed = self.documents.remove(at);
            if let Some((request, _)) = closed.request {
                self.abandoned.push((request, closed.engine.document_id().clone()));
            }
        }
        self.pump(now);
    }

    /// The engine of an open document.
    pub fn engine(&self, handle: DocumentHandle) -> Option<&Engine<D>> {
        self.documents.iter().find(|open| open.handle == handle).map(|open| &open.engine)
    }

    /// The handles of all open documents.
    pub fn handles(&self) -> impl Iterator<Item = DocumentHandle> {
        self.documents.iter().map(|open| open.handle)
    }

    /// Makes an edit; `None` if there is no such document.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn edit(
        &mut self,
        handle: DocumentHandle,
        operation: &D::Operation,
        now: Millis,
    ) -> Option<Result<u64, EditError>> {
        self.with_engine(handle, now, |engine| engine.edit(operation, now))
    }

    /// As [`Engine::edit_unrecorded`]; `None` if there is no such document.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn edit_unrecorded(
        &mut self,
        handle: DocumentHandle,
        operation: &D::Operation,
        now: Millis,
    ) -> Option<Result<u64, EditError>> {
        self.with_engine(handle, now, |engine| engine.edit_unrecorded(operation))
    }

    /// As [`Engine::undo`]; `None` if there is no such document.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn undo(&mut self, handle: DocumentHandle, now: Millis) -> Option<Result<Option<Undone>, EditError>> {
        self.with_engine(handle, now, Engine::undo)
    }

    /// As [`Engine::redo`]; `None` if there is no such document.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn redo(&mut self, handle: DocumentHandle, now: Millis) -> Option<Result<Option<Undone>, EditError>> {
        self.with_engine(handle, now, Engine::redo)
    }

    /// As [`Engine::stop_capturing`].
    pub fn stop_capturing(&mut self, handle: DocumentHandle) {
        if let Some(open) = self.documents.iter_mut().find(|open| open.handle == handle) {
            open.engine.stop_capturing();
        }
    }

    /// As [`Engine::set_undo_settings`].
    pub fn set_undo_settings(&mut self, handle: DocumentHandle, settings: UndoSettings) {
        if let Some(open) = self.documents.iter_mut().find(|open| open.handle == handle) {
            open.engine.set_undo_settings(settings);
        }
    }

    /// Shows the user's own cursor to others, as [`Engine::set_cursor`].
    pub fn set_cursor(&mut self, handle: DocumentHandle, cursor: Cursor, now: Millis) {
        self.with_engine(handle, now, |engine| engine.set_cursor(cursor));
    }

    /// As [`Engine::accept_proposal`].
    ///
    /// # Errors
    /// If the document cannot be edited.
    pub fn accept_proposal(&mut self, handle: DocumentHandle, id: u32, now: Millis) -> Option<Result<(), EditError>> {
        self.with_engine(handle, now, |engine| engine.accept_proposal(id))
    }

    /// As [`Engine::discard_proposal`].
    pub fn discard_proposal(&mut self, handle: DocumentHandle, id: u32, now: Millis) {
        self.with_engine(handle, now, |engine| engine.discard_proposal(id));
    }

    /// As [`Engine::set_review_rule`].
    pub fn set_review_rule(&mut self, handle: DocumentHandle, rule: Option<ReviewRule>, now: Millis) {
        self.with_engine(handle, now, |engine| engine.set_review_rule(rule));
    }

    /// As [`Engine::answer_review`]; `None` if there is no such document.
    ///
    /// # Errors
    /// If the change cannot be made.
    pub fn answer_review(
        &mut self,
        handle: DocumentHandle,
        verdict: Verdict<D>,
        now: Millis,
    ) -> Option<Result<(), EditError>> {
        self.with_engine(handle, now, |engine| engine.answer_review(verdict, now))
    }

    /// Changes the member's presence state and activity. Returns whether the state was
    /// taken: one that is larger than the server's limit changes nothing.
    pub fn set_presence(
        &mut self,
        handle: DocumentHandle,
        state: Option<&str>,
        activity: Activity,
        now: Millis,
    ) -> bool {
        if state.is_some_and(|state| state.len() > self.presence_limit() as usize) {
            return false;
        }
        if let Some(open) = self.documents.iter_mut().find(|open| open.handle == handle) {
            if let Some(state) = state {
                state.clone_into(&mut open.state);
            }
            open.activity = activity;
            open.presence_changed = true;
        }
        self.pump(now);
        true
    }

    /// The connection as it stands.
    pub fn link_state(&self, now: Millis) -> LinkState {
        self.link.state(now)
    }

    /// The user that the server knows us as, once it has greeted.
    pub fn user(&self) -> Option<&UserId> {
        self.welcome.as_ref().map(|welcome| &welcome.user)
    }

    /// The next thing for the host to do. Drain it to `None` after each call.
    pub fn poll_output(&mut self) -> Option<Output<D>> {
        if let Some(output) = self.outputs.pop_front() {
            return Some(output);
        }
        for open in &mut self.documents {
            if let Some(event) = open.engine.poll_event() {
                return Some(Output::Event(SessionEvent::Document(open.handle, event)));
            }
        }
        self.messages.pop_front().map(Output::Send)
    }

    fn with_engine<T>(
        &mut self,
        handle: DocumentHandle,
        now: Millis,
        act: impl FnOnce(&mut Engine<D>) -> T,
    ) -> Option<T> {
        let open = self.documents.iter_mut().find(|open| open.handle == handle)?;
        let result = act(&mut open.engine);
        self.pump(now);
        Some(result)
    }

    fn presence_limit(&self) -> u32 {
        self.welcome.as_ref().map_or(Limits::default().presence_bytes, |welcome| welcome.limits.presence_bytes)
    }

    fn stop(&mut self, code: Code) {
        self.drop_link();
        self.link = Link::Stopped(code);
        self.outputs.push_back(Output::Disconnect);
        for open in self.documents.iter_mut().filter(|open| !open.engine.is_closed()) {
            open.engine.close(code);
        }
    }
}
