//! Undo and redo: what they do to the document.

mod history;
mod kind;
mod stack;
mod step;

use cowrite_protocol::{Cursor, DocumentType, Millis};

use super::{EditError, Engine, Origin};
pub(super) use history::History;
pub use history::UndoSettings;
use kind::Kind;
use step::Step;

/// What an undo or a redo did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Undone {
    /// The number of the edit that it was.
    pub edit: u64,
    /// The selection that stood there; the place of the change where none was shown.
    pub cursor: Option<Cursor>,
}

/// Which way the history is walked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Direction {
    Back,
    Forth,
}

impl<D: DocumentType> Engine<D> {
    /// Takes back the user's last group of edits, and nothing of what others did. It is an
    /// edit like any other, and can be redone. `None` if there is nothing to undo.
    ///
    /// Text that the user deleted comes back as it was then, left of what others inserted
    /// in its place; text that the user inserted goes, and what others put into it stays;
    /// of an attribute that others have written since, theirs stays.
    ///
    /// # Errors
    /// As [`Engine::edit`]; then it can be tried again.
    pub fn undo(&mut self) -> Result<Option<Undone>, EditError> {
        self.travel(Direction::Back)
    }

    /// Does again what [`Engine::undo`] took back last. `None` if there is nothing to redo:
    /// any edit that can be undone ends that.
    ///
    /// # Errors
    /// As [`Engine::edit`]; then it can be tried again.
    pub fn redo(&mut self) -> Result<Option<Undone>, EditError> {
        self.travel(Direction::Forth)
    }

    /// The next edit begins a group of its own, however soon it comes.
    pub fn stop_capturing(&mut self) {
        self.history.stop_capturing();
    }

    /// As [`Engine::edit`], for what the user did not do and must not undo: it is carried
    /// along like the edits of others.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn edit_unrecorded(&mut self, operation: &D::Operation) -> Result<u64, EditError> {
        let (edit, _) = self.perform(operation, Origin::Local, None)?;
        self.history.carry(operation);
        Ok(edit)
    }

    /// How edits are grouped, and how many are kept. Groups over a new bound go at the next edit.
    pub fn set_undo_settings(&mut self, settings: UndoSettings) {
        self.history.settings = settings;
    }

    /// Makes an edit that can be undone; without a moment it is a group of its own.
    pub(super) fn edit_recorded(&mut self, operation: &D::Operation, now: Option<Millis>) -> Result<u64, EditError> {
        let from = self.caret.own().cloned();
        let (edit, inverse) = self.perform(operation, Origin::Local, None)?;
        let step = Step::new(inverse, self.caret.own().cloned(), from, edit);
        self.history.record(step, Kind::of::<D>(operation), now);
        Ok(edit)
    }

    fn travel(&mut self, direction: Direction) -> Result<Option<Undone>, EditError> {
        self.editable()?;
        let Some(step) = self.history.take(direction) else { return Ok(None) };
        let cursor = step.to.clone().or_else(|| D::implied_caret(&step.operation).map(Cursor::caret));
        match self.perform(&step.operation, Origin::Undo, cursor.clone()) {
            Ok((edit, inverse)) => {
                if let Some(cursor) = &cursor {
                    self.caret.restore(cursor);
                }
                self.history.put(direction, step.reversed(inverse, edit));
                Ok(Some(Undone { edit, cursor }))
            }
            Err(error) => {
                self.history.put_back(direction, step);
                Err(error)
            }
        }
    }
}
