//! One document of a client.

use std::sync::Arc;

use cowrite_protocol::frame::{Activity, Code, Member};
use cowrite_protocol::operation::Document;
use cowrite_protocol::{Cursor, Operation, RichText};
use thiserror::Error;
use tokio::sync::{mpsc, watch};

use super::shared::{Ending, Shared};
use crate::engine::{EditError, Engine, Event, Status, StatusState, UndoSettings, Undone};
use crate::session::DocumentHandle;

/// Why what was waited for will not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WaitError {
    /// The document was closed for good; what is pending stays readable.
    #[error("the document was closed: {}", .0.name())]
    Closed(Code),
    /// The edit was refused and taken back.
    #[error("edit {edit} was refused: {}", code.name())]
    Refused {
        /// The edit.
        edit: u64,
        /// Why.
        code: Code,
    },
    /// Nobody knows whether the edit was accepted; it was set aside as a proposal.
    #[error("whether edit {edit} was accepted is not known")]
    Unknown {
        /// The edit.
        edit: u64,
    },
    /// The server does not promise durability.
    #[error("the server does not promise durability")]
    NoDurability,
    /// The client has ended.
    #[error("the client has ended")]
    Gone,
}

/// A member of a document, with its cursor in the text as it is seen here.
#[derive(Clone, Debug, PartialEq)]
pub struct PresentMember {
    /// Who.
    pub member: Member,
    /// Whether it is this very client.
    pub own: bool,
    /// Its cursor; `None` if it shows none.
    pub cursor: Option<Cursor>,
}

/// An open document. Dropping it closes the document and gives up what is pending.
pub struct DocumentClient {
    shared: Arc<Shared>,
    handle: DocumentHandle,
    status: watch::Receiver<Status>,
}

impl DocumentClient {
    pub(super) fn new(shared: Arc<Shared>, handle: DocumentHandle, status: watch::Receiver<Status>) -> DocumentClient {
        DocumentClient { shared, handle, status }
    }

    /// Makes an edit; gives its number, counted from 1. It is applied at once, and sent
    /// when it can be.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn edit(&self, operation: &Operation) -> Result<u64, EditError> {
        self.shared.act_and_wake(|state, now| match state.session.edit(self.handle, operation, now) {
            Some(result) => result,
            None => Err(EditError::NotLoaded),
        })
    }

    /// Makes an edit that depends on the text: `make` sees the document as it is, and
    /// nothing comes between it and the edit. Gives the edit's number, or `None` if
    /// `make` does. The client waits for `make`: let it be quick, and not come back here.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn edit_with(&self, make: impl FnOnce(&Document) -> Option<Operation>) -> Result<Option<u64>, EditError> {
        self.shared.act_and_wake(|state, now| {
            let engine = state.session.engine(self.handle).ok_or(EditError::NotLoaded)?;
            engine.editable()?;
            let Some(operation) = make(engine.document()) else { return Ok(None) };
            let edited = state.session.edit(self.handle, &operation, now);
            edited.unwrap_or(Err(EditError::NotLoaded)).map(Some)
        })
    }

    /// As [`DocumentClient::edit`], but no undo takes it back.
    ///
    /// # Errors
    /// As [`Engine::edit`].
    pub fn edit_unrecorded(&self, operation: &Operation) -> Result<u64, EditError> {
        let edited = self.shared.act_and_wake(|state, now| state.session.edit_unrecorded(self.handle, operation, now));
        edited.unwrap_or(Err(EditError::NotLoaded))
    }

    /// Takes back the last group of edits made here, as an edit of its own; `None` if there is none.
    ///
    /// # Errors
    /// As [`Engine::undo`].
    pub fn undo(&self) -> Result<Option<Undone>, EditError> {
        let undone = self.shared.act_and_wake(|state, now| state.session.undo(self.handle, now));
        undone.unwrap_or(Err(EditError::NotLoaded))
    }

    /// Does again what was undone last, as an edit of its own; `None` if there is nothing.
    ///
    /// # Errors
    /// As [`Engine::redo`].
    pub fn redo(&self) -> Result<Option<Undone>, EditError> {
        let redone = self.shared.act_and_wake(|state, now| state.session.redo(self.handle, now));
        redone.unwrap_or(Err(EditError::NotLoaded))
    }

    /// The next edit is undone apart from those before it.
    pub fn stop_capturing(&self) {
        self.shared.act(|state, _| state.session.stop_capturing(self.handle));
    }

    /// How edits are grouped for undo, and how many groups are kept.
    pub fn set_undo_settings(&self, settings: UndoSettings) {
        self.shared.act(|state, _| state.session.set_undo_settings(self.handle, settings));
    }

    /// The text, with U+FFFC for each embed. Copies it.
    pub fn text(&self) -> String {
        self.read(|engine| engine.document().text().to_string()).unwrap_or_default()
    }

    /// The document as the user sees it. Copies it.
    pub fn document(&self) -> Document {
        self.read(|engine| engine.document().clone()).unwrap_or_default()
    }

    /// Reads from the engine, under the client's lock; `None` once the client has ended.
    pub fn read<T>(&self, read: impl FnOnce(&Engine<RichText>) -> T) -> Option<T> {
        self.shared.read(|state| state.session.engine(self.handle).map(read))
    }

    /// The status now.
    pub fn status(&self) -> Status {
        self.read(Engine::status).unwrap_or_else(|| *self.status.borrow())
    }

    /// All events from now on. They are kept until they are read: read them, or drop it.
    pub fn events(&self) -> mpsc::UnboundedReceiver<Event<RichText>> {
        self.shared.act(|state, _| state.listen(self.handle))
    }

    /// Waits for the status to be as `reached` says.
    ///
    /// # Errors
    /// If the document is closed before that.
    pub async fn wait_until(&self, mut reached: impl FnMut(&Status) -> bool) -> Result<Status, WaitError> {
        let mut status = self.status.clone();
        let found = status.wait_for(|status| reached(status) || status.state == StatusState::Closed).await;
        let found = *found.map_err(|_| WaitError::Gone)?;
        if reached(&found) {
            return Ok(found);
        }
        let code = self.shared.read(|state| state.document(self.handle).and_then(|open| open.closed));
        Err(code.map_or(WaitError::Gone, WaitError::Closed))
    }

    /// Waits until the document is loaded and in step.
    ///
    /// # Errors
    /// If it is refused.
    pub async fn opened(&self) -> Result<(), WaitError> {
        self.wait_until(|status| status.state == StatusState::Online).await.map(drop)
    }

    /// Waits until the log has accepted this edit.
    ///
    /// # Errors
    /// If it was refused, or the document is closed before that.
    pub async fn when_accepted(&self, edit: u64) -> Result<(), WaitError> {
        self.wait_until(|status| status.accepted >= edit).await?;
        match self.shared.read(|state| state.document(self.handle).and_then(|open| open.ending(edit))) {
            None => Ok(()),
            Some(Ending::Refused(code)) => Err(WaitError::Refused { edit, code }),
            Some(Ending::Unknown) => Err(WaitError::Unknown { edit }),
        }
    }

    /// Waits until this edit is durable, as the server's class of durability defines it.
    ///
    /// # Errors
    /// As [`DocumentClient::when_accepted`], and if the server promises nothing.
    pub async fn when_durable(&self, edit: u64) -> Result<(), WaitError> {
        self.when_accepted(edit).await?;
        let status = self.wait_until(|status| status.durable.is_none_or(|durable| durable >= edit)).await?;
        status.durable.map(drop).ok_or(WaitError::NoDurability)
    }

    /// Shows the own cursor to the others; an empty one hides it.
    pub fn set_cursor(&self, cursor: Cursor) {
        self.shared.act_and_wake(|state, now| state.session.set_cursor(self.handle, cursor, now));
    }

    /// Changes what the others see of this member. Returns whether it was taken: a state that
    /// is larger than the server's limit changes nothing.
    pub fn set_presence(&self, state: Option<&str>, activity: Activity) -> bool {
        self.shared.act_and_wake(|shared, now| shared.session.set_presence(self.handle, state, activity, now))
    }

    /// Everybody who has the document open.
    pub fn members(&self) -> Vec<PresentMember> {
        let members = self.read(|engine| {
            let members = engine.members().map(|view| PresentMember {
                member: Member {
                    number: view.number,
                    user: view.user.clone(),
                    name: view.name.to_owned(),
                    activity: view.activity,
                    state: view.state.to_owned(),
                },
                own: view.own,
                cursor: view.cursor,
            });
            members.collect()
        });
        members.unwrap_or_default()
    }

    /// Does what a proposal asks for.
    ///
    /// # Errors
    /// If the document cannot be edited.
    pub fn accept_proposal(&self, id: u32) -> Result<(), EditError> {
        self.shared.act_and_wake(|state, now| state.session.accept_proposal(self.handle, id, now)).unwrap_or(Ok(()))
    }

    /// Drops a proposal for good.
    pub fn discard_proposal(&self, id: u32) {
        self.shared.act_and_wake(|state, now| state.session.discard_proposal(self.handle, id, now));
    }

    /// Closes the document. Wait for [`DocumentClient::when_accepted`] before: what is
    /// pending is given up.
    pub fn close(self) {}
}

impl Drop for DocumentClient {
    fn drop(&mut self) {
        self.shared.act_and_wake(|state, now| {
            state.session.close(self.handle, now);
            state.remove(self.handle);
        });
    }
}
