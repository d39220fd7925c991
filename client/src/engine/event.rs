//! What an engine tells the application.

use cowrite_protocol::frame::{Code, Remedy};
use cowrite_protocol::{Cursor, DocumentType, UserId, Version};

use super::ProposalKind;

/// Something that happened to a document, in order.
#[derive(Clone, Debug, PartialEq)]
pub enum Event<D: DocumentType> {
    /// The document can be read (and edited, if the role allows): at first, and again
    /// after each time that the channel was opened anew.
    Opened {
        /// Whether this is the first time that there is a text at all.
        first: bool,
    },
    /// The text changed; the operation fits the text before, and is applied already.
    Change {
        /// What changed.
        operation: D::Operation,
        /// Who or what changed it.
        origin: Origin,
        /// The author's user, where one other author made the change.
        user: Option<UserId>,
        /// Where the user's selection belongs now, in the text after the change; only an
        /// undo or a redo says so.
        cursor: Option<Cursor>,
    },
    /// Something in [`Engine::status`](super::Engine::status) changed.
    Status,
    /// Edits were refused and taken back; a change with [`Origin::Reject`] came before.
    Rejected {
        /// The first of the edits.
        from: u64,
        /// The last of the edits.
        to: u64,
        /// Why.
        code: Code,
        /// What they would do to the text as it is now; nothing else keeps it.
        operation: D::Operation,
    },
    /// Pending work was carried over a snapshot by difference; it is sent after this.
    Merged {
        /// Units of the old text that the new one does not have.
        replaced: u64,
        /// Length of the old text in UTF-16 code units.
        of: u32,
    },
    /// Pending work waits for [`Engine::answer_review`](super::Engine::answer_review); until then
    /// nothing of it is sent. [`Engine::review`](super::Engine::review) tells what to decide.
    Review,
    /// Work was set aside and waits for a decision.
    Proposal {
        /// Its name, for [`Engine::accept_proposal`](super::Engine::accept_proposal).
        id: u32,
        /// Why.
        kind: ProposalKind,
    },
    /// What a proposal asked for was done, or became moot.
    ProposalSettled {
        /// Its name.
        id: u32,
        /// Why it was refused, if it was.
        refused: Option<Code>,
    },
    /// Members or their cursors changed.
    Presence,
    /// Client and server disagreed about history or text; the document is loaded anew,
    /// pending work is kept.
    Diverged,
    /// The channel ended. Pending work stays readable.
    Closed {
        /// Why.
        code: Code,
        /// What happens next; on [`Remedy::Stop`] nothing does.
        remedy: Remedy,
    },
}

/// Who or what changed the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An edit made here.
    Local,
    /// An undo or a redo made here.
    Undo,
    /// Edits made elsewhere.
    Remote,
    /// A document loaded anew, by difference.
    Resync,
    /// A refused edit, taken back.
    Reject,
}

/// The state of an engine's channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StatusState {
    /// Not connected.
    Detached,
    /// Connected, loading what was missed.
    CatchingUp,
    /// In step.
    Online,
    /// In step, but the server's log does not answer.
    Stalled,
    /// Ended for good.
    Closed,
}

/// What is where. Never says more than is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    /// The channel.
    pub state: StatusState,
    /// Edits made here.
    pub local: u64,
    /// All edits up to this one are accepted, or were refused and reported.
    pub accepted: u64,
    /// All edits up to this one are durable; `None` where the server promises nothing.
    pub durable: Option<u64>,
    /// Edits made here that are not known to be accepted, with those set aside.
    pub pending: u64,
    /// All edits up to this one would be found again on this device after a crash; `None` while
    /// nothing is kept there.
    pub stored: Option<u64>,
    /// Whether what is pending is held back until [`Event::Review`] is answered.
    pub reviewing: bool,
    /// Those of the pending edits of which the operation in flight holds all or a part; the
    /// others wait behind it.
    pub in_flight: u64,
    /// The version of the accepted text.
    pub version: Version,
    /// Whether there is something to undo.
    pub can_undo: bool,
    /// Whether there is something to redo.
    pub can_redo: bool,
}
