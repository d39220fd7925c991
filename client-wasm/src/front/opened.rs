//! What the handles of one open document share.

use std::cell::Cell;

use cowrite_client::{DocumentHandle, Engine};
use cowrite_protocol::RichText;
use cowrite_protocol::frame::{Code, Remedy};

use super::client::Connection;
use super::document::DocumentEvent;
use super::listeners::Listeners;
use super::status::Status;

/// One open document.
pub(super) struct Opened {
    pub(super) id: Box<str>,
    /// Its name within the session; 0 names none.
    pub(super) handle: DocumentHandle,
    pub(super) listeners: Listeners<DocumentEvent>,
    error: Cell<Option<Code>>,
    handles: Cell<usize>,
}

impl Opened {
    pub(super) fn new(id: &str, handle: DocumentHandle, error: Option<Code>) -> Opened {
        let (error, handles) = (Cell::new(error), Cell::new(0));
        Opened { id: id.into(), handle, listeners: Listeners::new(), error, handles }
    }

    pub(super) fn use_once_more(&self) {
        self.handles.set(self.handles.get() + 1);
    }

    /// Returns whether that was the last handle.
    pub(super) fn use_no_more(&self) -> bool {
        self.handles.set(self.handles.get() - 1);
        self.handles.get() == 0
    }

    pub(super) fn is_used(&self) -> bool {
        self.handles.get() > 0
    }

    pub(super) fn error(&self) -> Option<Code> {
        self.error.get()
    }

    /// Remembers why the document is closed, until it is open again.
    pub(super) fn note(&self, event: &DocumentEvent) {
        match event {
            DocumentEvent::Closed { code, remedy: Remedy::Stop } => self.error.set(Some(*code)),
            DocumentEvent::Opened { .. } => self.error.set(None),
            _ => {}
        }
    }

    pub(super) fn status(&self, connection: &Connection) -> Status {
        let status = |engine: &Engine<RichText>| Status::of(engine, connection.link(), self.error());
        let engine = connection.driver().and_then(|driver| driver.look(self.handle, status));
        engine.unwrap_or_else(|| self.error().map_or_else(Status::default, Status::closed))
    }
}
