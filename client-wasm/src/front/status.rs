//! A document's status, as an application shows it.

use core::fmt;

use cowrite_client::engine::{self, StatusState};
use cowrite_client::{Engine, LinkState};
use cowrite_protocol::RichText;
use cowrite_protocol::frame::Code;

/// How a document is connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// On the way to the server, or loading what was missed.
    #[default]
    Connecting,
    /// In step with the server.
    Online,
    /// In step, but the server's log does not answer: nothing is accepted for now.
    Stalled,
    /// No connection; another attempt follows, but where the client was stopped.
    Offline,
    /// Ended for good; [`Status::error`] says why.
    Closed,
}

impl State {
    /// The state in one word, as JavaScript knows it.
    pub const fn name(self) -> &'static str {
        match self {
            State::Connecting => "connecting",
            State::Online => "online",
            State::Stalled => "stalled",
            State::Offline => "offline",
            State::Closed => "closed",
        }
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What is where. Never says more than is known. Edits are numbered from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// How the document is connected.
    pub state: State,
    /// Edits made here.
    pub local: u64,
    /// All edits up to this one are accepted, or were refused and reported.
    pub accepted: u64,
    /// All edits up to this one are durable; `None` where the server promises nothing.
    pub durable: Option<u64>,
    /// Edits made here that are not known to be accepted, with those set aside.
    pub pending: u64,
    /// The version of the accepted text.
    pub version: u64,
    /// Whether there is something to undo.
    pub can_undo: bool,
    /// Whether there is something to redo.
    pub can_redo: bool,
    /// Whether the document cannot be edited: not loaded yet, closed, or not this user's to write.
    pub read_only: bool,
    /// Why the document is closed.
    pub error: Option<Code>,
}

impl Default for Status {
    /// Of a document that is not loaded yet.
    fn default() -> Status {
        Status {
            state: State::Connecting,
            local: 0,
            accepted: 0,
            durable: None,
            pending: 0,
            version: 0,
            can_undo: false,
            can_redo: false,
            read_only: true,
            error: None,
        }
    }
}

impl Status {
    pub(super) fn closed(error: Code) -> Status {
        Status { state: State::Closed, error: Some(error), ..Status::default() }
    }

    pub(super) fn of(engine: &Engine<RichText>, link: LinkState, error: Option<Code>) -> Status {
        let engine::Status { state, local, accepted, durable, pending, version, can_undo, can_redo, .. } =
            engine.status();
        Status {
            state: match state {
                StatusState::Online => State::Online,
                StatusState::Stalled => State::Stalled,
                StatusState::Closed => State::Closed,
                StatusState::CatchingUp => State::Connecting,
                StatusState::Detached => match link {
                    LinkState::Offline { .. } | LinkState::Stopped(_) => State::Offline,
                    _ => State::Connecting,
                },
            },
            local,
            accepted,
            durable,
            pending,
            version: version.get(),
            can_undo,
            can_redo,
            read_only: engine.editable().is_err(),
            error,
        }
    }
}
