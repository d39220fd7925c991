//! Somebody with a session, and what they were told.

use cowrite_client::{DocumentHandle, Engine, Event, ProposalKind, Session, SessionEvent, SessionSettings, Status};
use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::{DocumentId, Millis, RichText};

/// One person, with the document open.
pub struct Person {
    pub(super) session: Session<RichText>,
    pub(super) handle: DocumentHandle,
    /// The server that they connect to next.
    pub(super) home: usize,
    pub(super) line: Option<usize>,
    pub(super) in_hole: bool,
    /// The names of the frames that arrived since they connected last, without those of presence and
    /// the like.
    pub told: Vec<&'static str>,
    /// What was refused, as first edit, last edit and reason.
    pub rejected: Vec<(u64, u64, Code)>,
    /// What was set aside for a decision.
    pub proposals: Vec<(u32, ProposalKind)>,
    /// How often pending work was carried over a snapshot, and what of the text that replaced.
    pub merged: Vec<(u64, u32)>,
    /// How often the client and a server disagreed.
    pub diverged: u32,
    /// How often the document was opened again.
    pub reopened: u32,
    /// The document as the events tell it.
    pub(super) from_events: Document,
}

impl Person {
    pub(super) fn new(number: usize, home: usize, document: DocumentId, now: Millis) -> Person {
        let mut session = Session::new(SessionSettings::new(number as u64));
        let handle = session.open(document, "", now).expect("nothing is open yet");
        session.connect(now);
        Person {
            session,
            handle,
            home,
            line: None,
            in_hole: false,
            told: Vec::new(),
            rejected: Vec::new(),
            proposals: Vec::new(),
            merged: Vec::new(),
            diverged: 0,
            reopened: 0,
            from_events: Document::default(),
        }
    }

    /// The engine of the document.
    ///
    /// # Panics
    /// Never: the document stays open.
    pub fn engine(&self) -> &Engine<RichText> {
        self.session.engine(self.handle).expect("the document is open")
    }

    /// The text that they see.
    pub fn text(&self) -> String {
        self.engine().document().text().to_string()
    }

    /// What is where.
    pub fn status(&self) -> Status {
        self.engine().status()
    }

    pub(super) fn edit(&mut self, operation: &Operation, now: Millis) {
        let edited = self.session.edit(self.handle, operation, now);
        assert!(matches!(edited, Some(Ok(_))), "an edit is refused at once: {edited:?}");
    }

    pub(super) fn undo(&mut self, now: Millis) {
        let undone = self.session.undo(self.handle, now);
        assert!(matches!(undone, Some(Ok(_))), "an undo is refused at once: {undone:?}");
    }

    pub(super) fn hear(&mut self, event: SessionEvent<RichText>) {
        let SessionEvent::Document(_, event) = event else { return };
        match event {
            Event::Change { operation, .. } => self.from_events.apply(&operation).expect("a change fits"),
            Event::Rejected { from, to, code, .. } => self.rejected.push((from, to, code)),
            Event::Proposal { id, kind } => self.proposals.push((id, kind)),
            Event::Merged { replaced, of } => self.merged.push((replaced, of)),
            Event::Diverged => self.diverged += 1,
            Event::Opened { first: false } => self.reopened += 1,
            _ => {}
        }
    }
}
