//! An open document.

use std::fmt;
use std::ops::Range;
use std::rc::Rc;

use cowrite_client::{DocumentHandle, EditError, Engine, Event, Millis, ProposalKind, Session};
use cowrite_protocol::frame::Activity;
use cowrite_protocol::operation::Document as Content;
use cowrite_protocol::{Cursor, Operation, RichText, Selection, Utf16Offset};

use super::client::Connection;
use super::difference::{difference, replacement};
use super::listeners::Subscription;
use super::member::Member;
use super::opened::Opened;
use super::status::Status;
use super::textarea::TextareaBinding;

/// Something that happened to a document. What it leads to can be read when it is told.
pub type DocumentEvent = Event<RichText>;

/// Work that was set aside, and waits for a person.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// Its name.
    pub id: u32,
    /// Why it was set aside.
    pub kind: ProposalKind,
    /// What it would do to the text that is shown.
    pub operation: Operation,
}

/// An open document: a handle, which is cheap to clone. When the last one is gone the document
/// is closed, as soon as nothing of it is pending. Offsets and lengths are UTF-16 code units.
pub struct Document {
    connection: Rc<Connection>,
    opened: Rc<Opened>,
}

impl Document {
    pub(super) fn new(connection: Rc<Connection>, opened: Rc<Opened>) -> Document {
        opened.use_once_more();
        Document { connection, opened }
    }

    /// The id that it was opened by.
    pub fn id(&self) -> &str {
        &self.opened.id
    }

    /// The text, with U+FFFC for each embed; empty until it is loaded. Copies it.
    pub fn text(&self) -> String {
        self.look(|engine| engine.document().text().to_string()).unwrap_or_default()
    }

    /// The status now.
    pub fn status(&self) -> Status {
        self.opened.status(&self.connection)
    }

    /// Everybody who has the document open, this page too.
    pub fn members(&self) -> Vec<Member> {
        self.look(|engine| engine.members().map(Member::of).collect()).unwrap_or_default()
    }

    /// Work that was set aside and waits for a person.
    pub fn proposals(&self) -> Vec<Proposal> {
        let all = self.look(|engine| {
            let all = engine.proposals().iter();
            all.map(|found| Proposal { id: found.id, kind: found.kind, operation: found.operation.clone() }).collect()
        });
        all.unwrap_or_default()
    }

    /// Calls the listener for all that happens to the document, until the subscription is
    /// dropped. A change of the connection counts as one of the status.
    pub fn subscribe(&self, listener: impl Fn(&DocumentEvent) + 'static) -> Subscription {
        self.opened.listeners.add(listener)
    }

    /// Makes an edit; gives its number, counted from 1. It is applied at once, and sent when
    /// it can be.
    ///
    /// # Errors
    /// If the document is not loaded, closed or read-only, or the edit does not fit or is too
    /// large; then nothing has changed.
    pub fn edit(&self, operation: &Operation) -> Result<u64, EditError> {
        self.act(|session, handle, now| session.edit(handle, operation, now))
    }

    /// Inserts text.
    ///
    /// # Errors
    /// As [`Document::edit`].
    pub fn insert(&self, at: u32, text: &str) -> Result<u64, EditError> {
        self.replace(at..at, text)
    }

    /// Deletes text.
    ///
    /// # Errors
    /// As [`Document::edit`].
    pub fn delete(&self, range: Range<u32>) -> Result<u64, EditError> {
        self.replace(range, "")
    }

    /// Puts text in the place of other text.
    ///
    /// # Errors
    /// As [`Document::edit`].
    pub fn replace(&self, range: Range<u32>, text: &str) -> Result<u64, EditError> {
        self.edit(&replacement(range, text))
    }

    /// Makes the document's text this one, by one edit of what lies between the first and the
    /// last difference: what an input's new value asks for. `None` if there is no difference.
    /// Linear in the text.
    ///
    /// # Errors
    /// As [`Document::edit`].
    pub fn apply_text(&self, text: &str) -> Result<Option<u64>, EditError> {
        let after: Vec<u16> = text.encode_utf16().collect();
        self.act(|session, handle, now| {
            let engine = session.engine(handle)?;
            if let Err(error) = engine.editable() {
                return Some(Err(error));
            }
            let Some(found) = difference(&units(engine.document()), &after, after.len()) else { return Some(Ok(None)) };
            // Both ends lie within texts whose lengths are counted by a `u32`.
            let range = found.range.start as u32..found.range.end as u32;
            let edit = replacement(range, &String::from_utf16_lossy(&after[found.insert]));
            session.edit(handle, &edit, now).map(|edit| edit.map(Some))
        })
    }

    /// Takes back the last group of edits made here, and nothing that others wrote. Returns
    /// whether there was one.
    ///
    /// # Errors
    /// As [`Document::edit`].
    pub fn undo(&self) -> Result<bool, EditError> {
        self.act(|session, handle, now| session.undo(handle, now)).map(|undone| undone.is_some())
    }

    /// Does again what was undone last. Returns whether there was something.
    ///
    /// # Errors
    /// As [`Document::edit`].
    pub fn redo(&self) -> Result<bool, EditError> {
        self.act(|session, handle, now| session.redo(handle, now)).map(|redone| redone.is_some())
    }

    /// The next edit is undone apart from those before it.
    pub fn stop_capturing(&self) {
        self.connection.act(&mut |session, _| session.stop_capturing(self.opened.handle));
    }

    /// Shows the own caret or selection to the others; at most ten a second are sent.
    pub fn set_selection(&self, anchor: u32, head: u32) {
        self.show(Some(Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) }));
    }

    /// Shows no caret to the others.
    pub fn clear_selection(&self) {
        self.show(None);
    }

    /// Changes what the others see of this member: JSON. Returns whether it was taken: what is
    /// larger than the server's limit changes nothing.
    pub fn set_presence(&self, state: &str) -> bool {
        let mut taken = false;
        self.connection.act(&mut |session, now| {
            taken = session.set_presence(self.opened.handle, Some(state), Activity::Active, now);
        });
        taken
    }

    /// Does what a proposal asks for.
    ///
    /// # Errors
    /// As [`Document::edit`]; the proposal then stays.
    pub fn accept_proposal(&self, id: u32) -> Result<(), EditError> {
        self.act(|session, handle, now| session.accept_proposal(handle, id, now))
    }

    /// Drops a proposal for good.
    pub fn discard_proposal(&self, id: u32) {
        self.connection.act(&mut |session, now| session.discard_proposal(self.opened.handle, id, now));
    }

    /// Binds a text area: it shows the document's text, edits of either appear in the other, and
    /// caret, selection and scroll position stay where they are in the text. What it held is
    /// replaced. It ends when the binding is dropped.
    pub fn bind_textarea(&self, element: &web_sys::HtmlTextAreaElement) -> TextareaBinding {
        TextareaBinding::new(element.clone(), self.clone())
    }

    /// The text as UTF-16 code units; `None` until it is loaded.
    pub(super) fn units(&self) -> Option<Vec<u16>> {
        self.look(|engine| engine.position().map(|_| units(engine.document()))).flatten()
    }

    fn show(&self, selection: Option<Selection>) {
        let mut cursor = Cursor(selection.into_iter().collect());
        let handle = self.opened.handle;
        self.connection.act(&mut |session, now| session.set_cursor(handle, core::mem::take(&mut cursor), now));
    }

    fn look<T>(&self, look: impl FnOnce(&Engine<RichText>) -> T) -> Option<T> {
        self.connection.driver().and_then(|driver| driver.look(self.opened.handle, look))
    }

    fn act<T>(
        &self,
        mut act: impl FnMut(&mut Session<RichText>, DocumentHandle, Millis) -> Option<Result<T, EditError>>,
    ) -> Result<T, EditError> {
        let mut done = None;
        self.connection.act(&mut |session, now| done = act(session, self.opened.handle, now));
        done.unwrap_or_else(|| Err(self.opened.error().map_or(EditError::NotLoaded, EditError::Closed)))
    }
}

impl Clone for Document {
    fn clone(&self) -> Document {
        Document::new(self.connection.clone(), self.opened.clone())
    }
}

impl Drop for Document {
    fn drop(&mut self) {
        if self.opened.use_no_more() {
            self.connection.left(&self.opened);
        }
    }
}

impl PartialEq for Document {
    /// Whether they are handles of one open document.
    fn eq(&self, other: &Document) -> bool {
        Rc::ptr_eq(&self.opened, &other.opened)
    }
}

impl fmt::Debug for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Document").field(&self.opened.id).finish()
    }
}

fn units(content: &Content) -> Vec<u16> {
    let (start, end) = content.text().parts();
    [start, end].concat()
}
