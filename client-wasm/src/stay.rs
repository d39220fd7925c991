//! The session and what the application was last told of it.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use cowrite_client::engine::StatusState;
use cowrite_client::{
    DocumentHandle, Event, LinkState, Millis, Origin, Output, Record, Session, SessionEvent, SessionSettings, Status,
};
use cowrite_protocol::{Operation, RichText};

use crate::events::{self, Object};
use crate::face::State;

/// What the driver does next.
pub(crate) enum Deed {
    /// Hand this event to the host.
    Tell(String),
    /// Tell the host of this edit, made here at one place.
    TellEdit(DocumentHandle, Operation),
    /// Tell the host how a document stands.
    TellStatus(DocumentHandle),
    /// Tell this to the program.
    #[cfg(feature = "front")]
    Happened(crate::front::Happening),
    /// Open a socket.
    Connect,
    /// Send this message.
    Send(Vec<u8>),
    /// Close the socket.
    Disconnect,
    /// Hand this event to the host, which takes the record's two parts while it is told.
    Store(String, Record),
    /// Keep what a document has pending where a failing engine cannot harm it.
    Keep(DocumentHandle, Vec<Arc<Operation>>),
}

/// A session, and one entry for each of its documents.
pub(crate) struct Stay {
    pub(crate) session: Session<RichText>,
    /// Whether a program in Rust is told, and not the host.
    #[cfg(feature = "front")]
    pub(crate) has_program: bool,
    shown: Vec<Shown>,
    /// What comes before the session's next output.
    first: VecDeque<Deed>,
}

/// What the application knows of a document.
struct Shown {
    handle: DocumentHandle,
    status: Option<(State, Status)>,
    status_changed: bool,
    presence_changed: bool,
}

impl Stay {
    pub(crate) fn new(seed: u64) -> Stay {
        let session = Session::new(SessionSettings::new(seed));
        Stay {
            session,
            #[cfg(feature = "front")]
            has_program: false,
            shown: Vec::new(),
            first: VecDeque::new(),
        }
    }

    /// The next thing to do, until there is nothing left.
    ///
    /// Many events say only that something changed; status and presence are told once,
    /// after all that led to them.
    pub(crate) fn next(&mut self, now: Millis) -> Option<Deed> {
        loop {
            if let Some(deed) = self.first.pop_front() {
                return Some(deed);
            }
            let Some(output) = self.session.poll_output() else { return self.next_change(now) };
            #[cfg(feature = "front")]
            let output = if self.has_program {
                match crate::front::Happening::of(output) {
                    Ok(happening) => return Some(Deed::Happened(happening)),
                    Err(output) => output,
                }
            } else {
                output
            };
            return Some(match output {
                Output::NeedToken => Deed::Tell(Object::event("need_token").finish()),
                Output::Connect => Deed::Connect,
                Output::Send(message) => Deed::Send(message),
                Output::Disconnect => Deed::Disconnect,
                Output::Load { handle, user } => Deed::Tell(events::load(handle, user.as_ref())),
                Output::Store { handle, ticket, record } => Deed::Store(events::store(handle, ticket, &record), record),
                Output::Event(SessionEvent::Link(state)) => {
                    self.shown.iter_mut().for_each(|shown| shown.status_changed = true);
                    Deed::Tell(events::link(state))
                }
                Output::Event(SessionEvent::Document(handle, event)) => match self.document_event(handle, event) {
                    Some(deed) => deed,
                    None => continue,
                },
            });
        }
    }

    /// How a document stands, if it is open.
    pub(crate) fn status(&self, handle: DocumentHandle, now: Millis) -> Option<(State, Status)> {
        let status = self.session.engine(handle)?.status();
        Some((self.state(&status, now), status))
    }

    fn document_event(&mut self, handle: DocumentHandle, event: Event<RichText>) -> Option<Deed> {
        if let Some(shown) = self.shown.iter_mut().find(|shown| shown.handle == handle) {
            shown.presence_changed |= matches!(event, Event::Presence);
            // A change brings another version with it.
            shown.status_changed |= matches!(event, Event::Status | Event::Change { .. });
        }
        let engine = self.session.engine(handle)?;
        match event {
            Event::Change { operation, origin: Origin::Local, .. } if events::one_place(&operation).is_some() => {
                Some(Deed::TellEdit(handle, operation))
            }
            event => events::document(handle, &event, engine, self.session.owner(handle)).map(Deed::Tell),
        }
    }

    /// A document that was opened: its status is told even if nothing happens to it.
    pub(crate) fn add(&mut self, handle: DocumentHandle) {
        self.shown.push(Shown { handle, status: None, status_changed: true, presence_changed: false });
    }

    /// A document that was closed.
    pub(crate) fn remove(&mut self, handle: DocumentHandle) {
        self.shown.retain(|shown| shown.handle != handle);
    }

    /// The next document of which something is to be told.
    fn next_change(&mut self, now: Millis) -> Option<Deed> {
        for at in 0..self.shown.len() {
            let handle = self.shown[at].handle;
            if core::mem::take(&mut self.shown[at].presence_changed) {
                return Some(Deed::Tell(events::presence(handle)));
            }
            if !core::mem::take(&mut self.shown[at].status_changed) {
                continue;
            }
            let Some(engine) = self.session.engine(handle) else { continue };
            let pending = engine.shared_pending().collect();
            let status = self.status(handle, now);
            if self.shown[at].status != status {
                self.shown[at].status = status;
                self.first.push_back(Deed::TellStatus(handle));
            }
            return Some(Deed::Keep(handle, pending));
        }
        None
    }

    fn state(&self, status: &Status, now: Millis) -> State {
        match status.state {
            StatusState::Online => State::Online,
            StatusState::Stalled => State::Stalled,
            StatusState::Closed => State::Closed,
            StatusState::CatchingUp => State::Connecting,
            StatusState::Detached => match self.session.link_state(now) {
                LinkState::Offline { .. } | LinkState::Stopped(_) => State::Offline,
                _ => State::Connecting,
            },
        }
    }
}
