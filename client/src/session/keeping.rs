//! Documents that the host keeps on the device: what it is asked to read and to write, and whose
//! work it is.

use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentId, DocumentType, Millis, UserId};

use super::{DocumentHandle, OpenDocument, OpenError, Output, Session};
use crate::engine::{Engine, RecordError, Written};

/// What the host found on the device; the answer to [`Output::Load`].
#[derive(Clone, Copy, Debug)]
pub enum Found<'a> {
    /// Both parts of the record, as they were given to be stored.
    Record {
        /// The base that was stored last.
        base: &'a [u8],
        /// The work that was stored last.
        work: &'a [u8],
        /// How long ago that was, in milliseconds, by the clock on the wall; 0 if nobody knows.
        age_ms: u64,
    },
    /// Nothing; the document is kept from now on.
    Nothing,
    /// Nothing can be kept. The document works without.
    Unavailable,
}

/// How far a document's record has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keeping {
    /// The host keeps nothing of it.
    Not,
    /// The host was asked what it has, and has not answered.
    Loading,
    /// The host keeps it.
    Kept,
}

impl<D: DocumentType> Session<D> {
    /// As [`Session::open`], for a document that the host keeps on the device. It is asked for
    /// the record by [`Output::Load`], which it answers by [`Session::handle_loaded`]; until then
    /// nothing is asked of the server. From then on each [`Output::Store`] is to be answered by
    /// [`Session::handle_stored`]: an operation is sent only once the store knows of it.
    ///
    /// # Errors
    /// As [`Session::open`].
    pub fn open_kept(&mut self, document: DocumentId, state: &str, now: Millis) -> Result<DocumentHandle, OpenError> {
        let user = self.user().cloned();
        let handle = self.add(document, state, now)?;
        if let Some(open) = self.documents.last_mut() {
            (open.keeping, open.open_at, open.owner, open.asked) = (Keeping::Loading, None, user.clone(), user.clone());
        }
        self.outputs.push_back(Output::Load { handle, user });
        self.pump(now);
        Ok(handle)
    }

    /// The host has looked. A record makes the document readable, and where its user may write,
    /// editable, without a connection.
    ///
    /// # Errors
    /// If the record cannot be used. Then the document is opened without it; one of another
    /// [format](RecordError::Format) is to be left as it is, so nothing of the document is kept.
    pub fn handle_loaded(&mut self, handle: DocumentHandle, found: Found<'_>, now: Millis) -> Result<(), RecordError> {
        let user = self.user().cloned();
        let welcome = self.welcome.as_ref().map(|welcome| (welcome.limits, welcome.durability));
        let Some(open) = self.documents.iter_mut().find(|open| open.handle == handle) else { return Ok(()) };
        if open.keeping != Keeping::Loading {
            return Ok(());
        }
        let asked_for_another = user.is_some() && open.asked != user;
        open.keeping = Keeping::Kept;
        let mut result = Ok(());
        match found {
            Found::Record { base, work, age_ms } => match open.take_record(base, work, user.as_ref()) {
                Ok(()) => {
                    open.engine.add_waited(age_ms);
                    if let Some((limits, durability)) = welcome {
                        open.engine.handle_welcome(limits, durability);
                    }
                }
                // The host looked before anybody knew who the user is: it is asked again.
                Err(RecordError::Foreign) if asked_for_another => return self.ask_again(handle),
                Err(error) => result = Err(error),
            },
            Found::Nothing if asked_for_another => return self.ask_again(handle),
            Found::Nothing => {}
            Found::Unavailable => open.keeping = Keeping::Not,
        }
        if let Err(RecordError::Format { .. }) = result {
            open.keeping = Keeping::Not;
        }
        if open.keeping == Keeping::Kept {
            open.engine.store();
        }
        open.open_at = Some(now);
        self.pump(now);
        result
    }

    /// What [`Output::Store`] asked for under this number was done, or could not be. After a
    /// failure the document goes on without the store, which is tried again later.
    pub fn handle_stored(&mut self, handle: DocumentHandle, ticket: u32, written: Written, now: Millis) {
        self.with_engine(handle, now, |engine| engine.handle_stored(ticket, written));
    }

    /// The page may be gone at any moment: what the store does not know yet is to be stored at once.
    pub fn store_now(&mut self, now: Millis) {
        for at in 0..self.documents.len() {
            self.store_last(at, now);
        }
    }

    /// Whose work a document holds, once that is known.
    pub fn owner(&self, handle: DocumentHandle) -> Option<&UserId> {
        self.documents.iter().find(|open| open.handle == handle)?.owner.as_ref()
    }

    fn ask_again(&mut self, handle: DocumentHandle) -> Result<(), RecordError> {
        let user = self.user().cloned();
        if let Some(open) = self.documents.iter_mut().find(|open| open.handle == handle) {
            (open.keeping, open.asked) = (Keeping::Loading, user.clone());
            self.outputs.push_back(Output::Load { handle, user });
        }
        Ok(())
    }

    /// Asks for what is to be stored now.
    pub(super) fn pump_store(&mut self, now: Millis) {
        for open in &mut self.documents {
            if let Some(user) = &open.owner
                && open.keeping == Keeping::Kept
                && let Some((ticket, record)) = open.engine.poll_store(user, now)
            {
                self.outputs.push_back(Output::Store { handle: open.handle, ticket, record });
            }
        }
    }

    /// When something is to be stored next.
    pub(super) fn store_timeout(&self) -> Option<Millis> {
        self.documents.iter().filter_map(|open| open.engine.store_timeout()).min()
    }

    /// The server says who we are. Kept work of somebody else stays in the store for that one,
    /// and what is kept of this user is asked for.
    pub(super) fn note_user(&mut self, user: &UserId, now: Millis) {
        for open in &mut self.documents {
            let other = open.owner.as_ref().filter(|owner| *owner != user).cloned();
            if open.keeping == Keeping::Kept
                && let Some(other) = other
            {
                if let Some((ticket, record)) = open.engine.last_record(&other, now) {
                    self.outputs.push_back(Output::Store { handle: open.handle, ticket, record });
                }
                open.engine.change_user(Code::ForeignClient);
                (open.keeping, open.asked) = (Keeping::Loading, Some(user.clone()));
                self.outputs.push_back(Output::Load { handle: open.handle, user: Some(user.clone()) });
            }
            open.owner = Some(user.clone());
        }
    }

    /// Before a document is closed, what the store does not know yet.
    pub(super) fn store_last(&mut self, at: usize, now: Millis) {
        let open = &mut self.documents[at];
        if let Some(user) = &open.owner
            && open.keeping == Keeping::Kept
            && let Some((ticket, record)) = open.engine.last_record(user, now)
        {
            self.outputs.push_back(Output::Store { handle: open.handle, ticket, record });
        }
    }
}

impl<D: DocumentType> OpenDocument<D> {
    /// Whether the server may be asked for the document.
    pub(super) fn is_ready(&self) -> bool {
        self.keeping != Keeping::Loading
    }

    /// Whether work that is pending is safe on the device, if its user changes.
    pub(super) fn is_kept(&self) -> bool {
        self.keeping == Keeping::Kept && self.engine.is_stored()
    }

    fn take_record(&mut self, base: &[u8], work: &[u8], user: Option<&UserId>) -> Result<(), RecordError> {
        let (restored, owner) = Engine::restore(self.engine.document_id().clone(), base, work)?;
        if user.is_some_and(|user| *user != owner) {
            return Err(RecordError::Foreign);
        }
        self.engine.become_restored(restored);
        self.owner = Some(owner);
        Ok(())
    }
}
