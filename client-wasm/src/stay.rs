//! The session and what the application was last told of it.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;

use cowrite_client::engine::StatusState;
use cowrite_client::{
    DocumentHandle, Engine, Event, LinkState, Millis, Output, Record, Session, SessionEvent, SessionSettings, Status,
};
use cowrite_protocol::{Operation, RichText};

use crate::events::{self, Object};

/// What the driver does next.
pub(crate) enum Deed {
    /// Hand this event to the host.
    Tell(String),
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
    status: Option<(&'static str, Status)>,
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
                Output::Event(SessionEvent::Document(handle, event)) => match self.document_event(handle, &event) {
                    Some(json) => Deed::Tell(json),
                    None => continue,
                },
            });
        }
    }

    /// The status of a document as JSON.
    pub(crate) fn status(&self, engine: &Engine<RichText>, now: Millis) -> String {
        let status = engine.status();
        events::status(Object::new(), self.state_name(&status, now), &status)
    }

    fn document_event(&mut self, handle: DocumentHandle, event: &Event<RichText>) -> Option<String> {
        if let Some(shown) = self.shown.iter_mut().find(|shown| shown.handle == handle) {
            shown.presence_changed |= matches!(event, Event::Presence);
            // A change brings another version with it.
            shown.status_changed |= matches!(event, Event::Status | Event::Change { .. });
        }
        events::document(handle, event, self.session.engine(handle)?, self.session.owner(handle))
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
            let status = engine.status();
            let state = self.state_name(&status, now);
            let pending = engine.shared_pending().collect();
            if self.shown[at].status != Some((state, status)) {
                self.shown[at].status = Some((state, status));
                self.first.push_back(Deed::Tell(events::status(Object::of("status", handle), state, &status)));
            }
            return Some(Deed::Keep(handle, pending));
        }
        None
    }

    fn state_name(&self, status: &Status, now: Millis) -> &'static str {
        match status.state {
            StatusState::Online => "online",
            StatusState::Stalled => "stalled",
            StatusState::Closed => "closed",
            StatusState::CatchingUp => "connecting",
            StatusState::Detached => match self.session.link_state(now) {
                LinkState::Offline { .. } | LinkState::Stopped(_) => "offline",
                _ => "connecting",
            },
        }
    }
}
