//! A document as signals.

use std::ops::Range;

use cowrite_client_wasm::front::{Document, DocumentEvent, EditError, Member, Status, Subscription, TextareaBinding};
use leptos::html::Textarea;
use leptos::prelude::*;

use crate::connection::use_cowrite;

/// A document as signals: a handle, which can be copied into closures. What nobody reads costs
/// nothing: text and members are looked up when they are asked for, and once for each change.
#[derive(Clone, Copy, Debug)]
pub struct DocumentSignals {
    held: StoredValue<Held, LocalStorage>,
    /// The text, with U+FFFC for each embed; empty until it is loaded.
    pub text: Signal<String>,
    /// How the document is connected, what is accepted and what is pending, whether it can be
    /// edited, undone, redone.
    pub status: Signal<Status>,
    /// Everybody who has the document open, this page too, with their selections.
    pub members: Signal<Vec<Member>>,
}

#[derive(Debug)]
struct Held {
    document: Document,
    _subscription: Subscription,
}

/// Opens a document for the component that calls it; the same id twice is one document. It is
/// closed when the last such component is gone and nothing is pending. Of an id that is none
/// the status is closed from the start.
///
/// # Panics
/// If no component above has called [`provide_cowrite`](crate::provide_cowrite), or the one that did is gone, as
/// only a task that outlives it can see.
pub fn use_document(id: &str) -> DocumentSignals {
    let connection = use_cowrite();
    // No component outlives those above it, one of which keeps the connection.
    let client = connection.client().unwrap_or_else(|| panic!("the connection has ended"));
    let document = client.open(id);
    let (text, status, members) = (Trigger::new(), RwSignal::new(document.status()), Trigger::new());
    let seen = document.clone();
    let subscription = document.subscribe(move |event| {
        match event {
            // Carets move with the text.
            DocumentEvent::Change { .. } | DocumentEvent::Opened { .. } => {
                text.notify();
                members.notify();
            }
            DocumentEvent::Presence => return members.notify(),
            _ => {}
        }
        let now = seen.status();
        if status.try_get_untracked().is_some_and(|before| before != now) {
            status.set(now);
        }
    });
    let held = StoredValue::new_local(Held { document, _subscription: subscription });
    let text = Memo::new(move |_| {
        text.track();
        held.try_with_value(|held| held.document.text()).unwrap_or_default()
    });
    let members = Memo::new(move |_| {
        members.track();
        held.try_with_value(|held| held.document.members()).unwrap_or_default()
    });
    DocumentSignals { held, text: text.into(), status: status.into(), members: members.into() }
}

impl DocumentSignals {
    /// The document itself, for what has no signal: its events, proposals, any operation.
    /// `None` once the component is gone.
    pub fn document(&self) -> Option<Document> {
        self.held.try_with_value(|held| held.document.clone())
    }

    /// Inserts text. Offsets are UTF-16 code units.
    ///
    /// # Errors
    /// If the document is not loaded, closed or read-only, or the edit does not fit or is too
    /// large; then nothing has changed.
    pub fn insert(&self, at: u32, text: &str) -> Result<u64, EditError> {
        self.with(|document| document.insert(at, text))
    }

    /// Deletes text.
    ///
    /// # Errors
    /// As [`DocumentSignals::insert`].
    pub fn delete(&self, range: Range<u32>) -> Result<u64, EditError> {
        self.with(|document| document.delete(range))
    }

    /// Puts text in the place of other text.
    ///
    /// # Errors
    /// As [`DocumentSignals::insert`].
    pub fn replace(&self, range: Range<u32>, text: &str) -> Result<u64, EditError> {
        self.with(|document| document.replace(range, text))
    }

    /// Makes the document's text this one, by one edit of what differs; `None` if nothing does.
    ///
    /// # Errors
    /// As [`DocumentSignals::insert`].
    pub fn apply_text(&self, text: &str) -> Result<Option<u64>, EditError> {
        self.with(|document| document.apply_text(text))
    }

    /// Takes back the last group of edits made here, and nothing that others wrote. Returns
    /// whether there was one.
    ///
    /// # Errors
    /// As [`DocumentSignals::insert`].
    pub fn undo(&self) -> Result<bool, EditError> {
        self.with(Document::undo)
    }

    /// Does again what was undone last. Returns whether there was something.
    ///
    /// # Errors
    /// As [`DocumentSignals::insert`].
    pub fn redo(&self) -> Result<bool, EditError> {
        self.with(Document::redo)
    }

    /// Shows the own caret or selection to the others. A bound text area does so by itself.
    pub fn set_selection(&self, anchor: u32, head: u32) {
        self.held.try_with_value(|held| held.document.set_selection(anchor, head));
    }

    /// Changes what the others see of this member: JSON. Returns whether it was taken: what is
    /// larger than the server's limit changes nothing.
    pub fn set_presence(&self, state: &str) -> bool {
        self.held.try_with_value(|held| held.document.set_presence(state)).unwrap_or_default()
    }

    /// The node reference of a text area that shows the document: edits of either appear in the
    /// other, and caret, selection and scroll position stay where they are in the text. Undo and
    /// redo, by key or menu, take back only what was edited here.
    pub fn textarea(&self) -> NodeRef<Textarea> {
        let (node, held) = (NodeRef::<Textarea>::new(), self.held);
        let binding: StoredValue<Option<TextareaBinding>, LocalStorage> = StoredValue::new_local(None);
        Effect::new(move |_| {
            let bound =
                node.get().and_then(|element| held.try_with_value(|held| held.document.bind_textarea(&element)));
            // The former one's end comes first, or it would end the new one's selection.
            binding.try_update_value(Option::take);
            binding.try_set_value(bound);
        });
        node
    }

    fn with<T>(&self, act: impl FnOnce(&Document) -> Result<T, EditError>) -> Result<T, EditError> {
        self.held.try_with_value(|held| act(&held.document)).unwrap_or(Err(EditError::NotLoaded))
    }
}
