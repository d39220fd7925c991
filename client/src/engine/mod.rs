//! One document at a client: what the log has accepted, what is pending, and the text
//! that the user sees.

use alloc::sync::Arc;
use alloc::vec::Vec;

mod caret;
mod durable;
mod event;
mod layers;
mod loss;
mod lost;
mod members;
mod past;
mod pending;
mod receive;
mod record;
mod resume;
mod review;
mod storing;
mod submit;
mod undo;

use alloc::collections::VecDeque;

use cowrite_protocol::error::{ApplyError, ComposeError};
use cowrite_protocol::frame::{Author, Code, DurabilityClass, Position, Role};
use cowrite_protocol::{
    AuthorNumber, Checksum, ClientId, ClientSeq, Cursor, DocumentId, DocumentType, Limits, Version,
};
use thiserror::Error;

use cowrite_protocol::Millis;

use caret::Caret;
use durable::DurableState;
pub use event::{Event, Origin, Status, StatusState};
pub use lost::{Proposal, ProposalKind};
pub use members::MemberView;
use members::Members;
use past::Past;
use pending::{Carried, Pending};
pub(crate) use receive::AuthorCaret;
pub use record::{Record, RecordError};
use review::Reviewing;
pub use review::{Review, ReviewRule, Verdict};
use storing::Storing;
pub use storing::Written;
pub(crate) use submit::{CaretHint, Outgoing, Submission};
use undo::History;
pub use undo::{UndoSettings, Undone};

/// The engine of one document. It holds no channel number and no socket; the
/// [`Session`](crate::Session) gives it frames and takes what it wants to send.
///
/// Edits are applied at once. At most one operation is in flight; later edits gather
/// behind it and go as one, so a day offline is one operation.
pub struct Engine<D: DocumentType> {
    document: DocumentId,
    client: Option<ClientId>,
    /// The last client_seq that was used.
    last_seq: ClientSeq,
    /// The last client_seq of ours that we know the log to have accepted.
    accepted_seq: ClientSeq,
    /// Where `server` stands; `None` while the document was never loaded.
    position: Option<Position>,
    past: Past,
    /// The text of that version, without what is pending.
    server: D::Document,
    /// The text that the user sees: `server` with all that is pending.
    local: D::Document,
    pending: Pending<D>,
    channel: ChannelState,
    role: Role,
    limits: Limits,
    durability: DurabilityClass,
    watermarks: Watermarks,
    durability_known: DurableState,
    stalled: bool,
    authors: Vec<Author>,
    own_number: Option<AuthorNumber>,
    members: Members,
    caret: Caret,
    history: History<D>,
    proposals: Vec<Proposal<D>>,
    next_proposal: u32,
    /// Lost work waits for a decision, and so does what is pending.
    held: bool,
    /// A restoration was sent and not answered.
    restoring: bool,
    divergence: Option<Millis>,
    /// Whether the next `Open` asks for the document whole.
    resync: bool,
    ack_deadline: Option<Millis>,
    ack_failures: u32,
    /// How often in a row the operation in flight was refused for its size.
    resized: u32,
    retry_at: Option<Millis>,
    verify_at: Option<Millis>,
    /// The checksum of the accepted text, computed once a version.
    compared: Option<(Version, Checksum)>,
    /// What is shown before it is sent.
    reviewing: Reviewing<D>,
    /// What the device's store holds; `None` if nothing is kept there.
    storing: Option<Storing<D>>,
    events: VecDeque<Event<D>>,
    outgoing: VecDeque<Outgoing<D>>,
}

/// How far the engine is attached to a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ChannelState {
    /// No channel; edits wait.
    Detached,
    /// The channel is open, but not all that was missed has come.
    CatchingUp {
        /// The version that is being led to; `None` if a snapshot is.
        head: Option<Version>,
        /// The log holds another history than ours.
        other_history: bool,
        /// The log's last client_seq of ours.
        log_seq: ClientSeq,
        /// The operation in flight is in the log.
        accepted: bool,
    },
    /// In step.
    Attached,
    /// Ended for good.
    Closed(Code),
}

/// Which edits are where; each is the number of an edit, counted from 1.
#[derive(Clone, Copy, Debug, Default)]
struct Watermarks {
    /// Edits made here.
    local: u64,
    /// All edits up to this one are settled: accepted, or refused and reported.
    accepted: u64,
    /// All edits up to this one are durable.
    durable: u64,
}

/// Why an edit was not made. Nothing has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum EditError {
    /// The document was never loaded: there is no text to edit. Wait for `Loaded`.
    #[error("the document has not been loaded yet")]
    NotLoaded,
    /// The channel ended for good; what is pending stays readable.
    #[error("the document is closed: {}", .0.name())]
    Closed(Code),
    /// The user may not write here.
    #[error("the document is read-only for this user")]
    ReadOnly,
    /// The operation does not fit the text.
    #[error(transparent)]
    DoesNotFit(#[from] ApplyError),
    /// The edit cannot join those that wait.
    #[error(transparent)]
    DoesNotCompose(#[from] ComposeError),
    /// The document would exceed the server's limit.
    #[error("the document would have {units} units, the limit is {limit}")]
    DocumentTooLarge {
        /// Its length after the edit, in UTF-16 code units.
        units: u64,
        /// The announced limit.
        limit: u32,
    },
    /// A part of the edit that cannot be divided is larger than the server takes.
    #[error("a part of the edit has {bytes} bytes, the limit is {limit}")]
    OperationTooLarge {
        /// The size of that part in its packed form.
        bytes: usize,
        /// The announced limit.
        limit: u32,
    },
}

impl<D: DocumentType> Engine<D> {
    /// An engine that knows nothing of its document yet.
    pub fn new(document: DocumentId) -> Engine<D> {
        Engine {
            document,
            client: None,
            last_seq: ClientSeq::NONE,
            accepted_seq: ClientSeq::NONE,
            position: None,
            past: Past::default(),
            server: D::Document::default(),
            local: D::Document::default(),
            pending: Pending::Synchronized,
            channel: ChannelState::Detached,
            role: Role::Editor,
            limits: Limits::default(),
            durability: DurabilityClass::None,
            watermarks: Watermarks::default(),
            durability_known: DurableState::default(),
            stalled: false,
            authors: Vec::new(),
            own_number: None,
            members: Members::default(),
            caret: Caret::default(),
            history: History::new(),
            proposals: Vec::new(),
            next_proposal: 1,
            held: false,
            restoring: false,
            divergence: None,
            resync: false,
            ack_deadline: None,
            ack_failures: 0,
            resized: 0,
            retry_at: None,
            verify_at: None,
            compared: None,
            reviewing: Reviewing::default(),
            storing: None,
            events: VecDeque::new(),
            outgoing: VecDeque::new(),
        }
    }

    /// Makes an edit on the text as the user sees it; gives its number, counted from 1. It
    /// can be undone, with what was done shortly before and after.
    /// Cost: linear in the components of the edit and of the group that it is undone with, and
    /// in what it deletes or formats; of n edits that wait, amortised, log n.
    ///
    /// # Errors
    /// If the edit is not possible; then nothing has changed.
    pub fn edit(&mut self, operation: &D::Operation, now: Millis) -> Result<u64, EditError> {
        self.edit_recorded(operation, Some(now))
    }

    /// Makes an edit; gives its number, and the operation that undoes it.
    fn perform(
        &mut self,
        operation: &D::Operation,
        origin: Origin,
        cursor: Option<Cursor>,
    ) -> Result<(u64, D::Operation), EditError> {
        self.editable()?;
        let inverse = D::invert(operation, &self.local)?;
        let units = i64::from(D::length(&self.local).0).saturating_add(D::length_change(operation));
        let (units, limit) = (units.unsigned_abs(), self.limits.document_units);
        if units > u64::from(limit) && D::length_change(operation) > 0 {
            return Err(EditError::DocumentTooLarge { units, limit });
        }
        self.check_pieces(operation)?;
        let edit = self.watermarks.local + 1;
        self.pending.add(operation, edit)?;
        D::apply(&mut self.local, operation)?;
        self.watermarks.local = edit;
        self.caret.follow_own::<D>(operation);
        self.carry_proposals(operation);
        self.note_shown(operation);
        self.events.push_back(Event::Change { operation: operation.clone(), origin, user: None, cursor });
        self.events.push_back(Event::Status);
        Ok((edit, inverse))
    }

    /// An edit that is too large for one submit goes in several; but one embed, or one
    /// attribute, cannot be parted.
    fn check_pieces(&self, operation: &D::Operation) -> Result<(), EditError> {
        let limit = self.limits.operation.bytes;
        if D::packed_bytes(operation) > limit as usize {
            let pieces = D::split(operation, &self.limits.operation);
            let bytes = pieces.iter().map(D::packed_bytes).max().unwrap_or(0);
            if bytes > limit as usize {
                return Err(EditError::OperationTooLarge { bytes, limit });
            }
        }
        Ok(())
    }

    /// Whether the document can be edited now.
    ///
    /// # Errors
    /// Says why not.
    pub fn editable(&self) -> Result<(), EditError> {
        match self.channel {
            ChannelState::Closed(code) => Err(EditError::Closed(code)),
            _ if self.position.is_none() => Err(EditError::NotLoaded),
            _ if self.role < Role::Editor => Err(EditError::ReadOnly),
            _ => Ok(()),
        }
    }

    /// Whether the document has ended for good.
    pub fn is_closed(&self) -> bool {
        matches!(self.channel, ChannelState::Closed(_))
    }

    /// Whether there is work that its user has made and the log has not accepted.
    pub(crate) fn holds_work(&self) -> bool {
        !self.is_closed() && self.holds_pending()
    }

    fn holds_pending(&self) -> bool {
        self.pending.operations().next().is_some() || !self.proposals.is_empty()
    }

    /// The document's id.
    pub fn document_id(&self) -> &DocumentId {
        &self.document
    }

    /// The document as the user sees it.
    pub fn document(&self) -> &D::Document {
        &self.local
    }

    /// The document at [`Engine::version`], without what is pending.
    pub fn accepted_document(&self) -> &D::Document {
        &self.server
    }

    /// The client's id for this document, once the server has given it.
    pub fn client(&self) -> Option<ClientId> {
        self.client
    }

    /// Where the accepted text stands; `None` if the document was never loaded.
    pub fn position(&self) -> Option<Position> {
        self.position
    }

    /// The version of the accepted text.
    pub fn version(&self) -> Version {
        self.position.map_or(Version::ZERO, |position| position.version)
    }

    /// The client_seq of the operation in flight, if there is one.
    pub fn in_flight(&self) -> Option<ClientSeq> {
        self.pending.in_flight().map(|in_flight| in_flight.seq)
    }

    /// The operations that the log has not accepted, in order, each on the text after
    /// the one before; they stay readable whatever happens. What waits behind the one in
    /// flight may be several here, and is sent as one.
    pub fn pending(&self) -> impl Iterator<Item = &D::Operation> {
        self.pending.operations().map(|operation| &**operation)
    }

    /// As [`Engine::pending`], to be kept: the engine goes on without changing what was given, and
    /// nothing is copied.
    pub fn shared_pending(&self) -> impl Iterator<Item = Arc<D::Operation>> {
        self.pending.operations().cloned()
    }

    /// What the user may do.
    pub fn role(&self) -> Role {
        self.role
    }

    /// The room's number for this client, once the document was opened.
    pub fn number(&self) -> Option<AuthorNumber> {
        self.own_number
    }

    /// The status as the application shows it, given whether the session is connected.
    pub fn status(&self) -> Status {
        let state = match self.channel {
            ChannelState::Closed(_) => StatusState::Closed,
            ChannelState::Detached => StatusState::Detached,
            ChannelState::CatchingUp { .. } => StatusState::CatchingUp,
            ChannelState::Attached if self.stalled => StatusState::Stalled,
            ChannelState::Attached => StatusState::Online,
        };
        let durable = match self.durability {
            DurabilityClass::None => None,
            DurabilityClass::Disk => Some(self.watermarks.accepted),
            _ => Some(self.watermarks.durable),
        };
        let (can_undo, can_redo) = self.history.can();
        let unresolved: u64 = self.proposals.iter().map(|proposal| proposal.edits).sum();
        let in_flight =
            self.pending.in_flight().map_or(0, |sent| sent.reaches.saturating_sub(self.watermarks.accepted));
        Status {
            state,
            local: self.watermarks.local,
            accepted: self.watermarks.accepted,
            durable,
            pending: self.watermarks.local - self.watermarks.accepted + unresolved,
            stored: self.stored_edits(),
            reviewing: self.awaits_review(),
            in_flight,
            version: self.version(),
            can_undo,
            can_redo,
        }
    }

    /// The next thing that the application should know, oldest first.
    pub fn poll_event(&mut self) -> Option<Event<D>> {
        self.events.pop_front()
    }

    /// Everybody who has the document open, with cursors in the text that the user sees.
    pub fn members(&self) -> impl Iterator<Item = MemberView<'_>> {
        self.members.views::<D>(self.own_number, &self.pending, D::length(&self.local).0)
    }

    /// Another number whenever somebody has come, gone or shows something else. Cursors move without it.
    pub fn members_revision(&self) -> u32 {
        self.members.revision()
    }

    /// Shows the user's own cursor to others, in the text that the user sees; an empty
    /// one hides it. Sent at most 10 times a second, the first at once, the last always. Of
    /// more selections than the server takes, the first ones are shown.
    pub fn set_cursor(&mut self, mut cursor: Cursor) {
        cursor.clamp(D::length(&self.local).0);
        cursor.0.truncate(self.limits.selections as usize);
        self.caret.set(cursor);
    }

    fn event(&mut self, event: Event<D>) {
        self.events.push_back(event);
    }

    /// Applies an operation that fits the text that the user sees and was not made here.
    fn change(
        &mut self,
        operation: D::Operation,
        origin: Origin,
        user: Option<cowrite_protocol::UserId>,
    ) -> Result<(), ApplyError> {
        D::apply(&mut self.local, &operation)?;
        self.caret.follow::<D>(&operation);
        self.carry_proposals(&operation);
        self.note_shown(&operation);
        self.event(Event::Change { operation, origin, user, cursor: None });
        Ok(())
    }

    /// The document was deleted: an undo would bring parts of it back.
    fn forget_undo(&mut self) {
        if self.history.can() != (false, false) {
            self.history.clear();
            self.event(Event::Status);
        }
    }

    /// Brings what the log, or a difference, did to the accepted text to the one that the
    /// user sees, with all that is pending.
    fn carry_over_pending(
        &mut self,
        committed: &D::Operation,
        origin: Origin,
        user: Option<cowrite_protocol::UserId>,
    ) -> Result<(), ApplyError> {
        let Carried { operation, overridden } = self.pending.carry_over(committed);
        let could = self.history.can();
        self.history.carry(&operation);
        self.history.yield_to(&overridden);
        if self.history.can() != could {
            self.event(Event::Status);
        }
        if origin == Origin::Resync && D::is_identity(&operation) {
            return Ok(());
        }
        self.change(operation, origin, user)
    }
}
