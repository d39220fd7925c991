//! How engine and application name things: error codes, words in events, edits.

use cowrite_client::{EditError, LinkState, OpenError, Origin, ProposalKind};
use cowrite_protocol::error::{ApplyError, ComposeError};
use cowrite_protocol::frame::{Activity, Role};
use cowrite_protocol::operation::{Attributes, DeltaError, JsonError, OperationBuilder};
use cowrite_protocol::{Operation, Utf16Length};

/// A call that was refused, by the stable code that JavaScript is thrown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refusal(pub &'static str);

impl Refusal {
    /// The client or the document is closed, or there is no such document.
    pub(crate) const CLOSED: Refusal = Refusal("closed");
    /// The module failed; only what is pending can be read.
    pub(crate) const PANICKED: Refusal = Refusal("panicked");
    /// The document's id is none.
    pub(crate) const BAD_DOCUMENT_ID: Refusal = Refusal("bad_document_id");
    /// More than the server takes.
    pub(crate) const TOO_LARGE: Refusal = Refusal("too_large");
    const OUT_OF_RANGE: Refusal = Refusal("out_of_range");
    const SPLITS_PAIR: Refusal = Refusal("splits_pair");
    const BAD_DELTA: Refusal = Refusal("bad_delta");
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Refusal {
        match error {
            OpenError::PresenceTooLarge { .. } => Refusal::TOO_LARGE,
            _ => Refusal("already_open"),
        }
    }
}

impl From<EditError> for Refusal {
    fn from(error: EditError) -> Refusal {
        match error {
            EditError::NotLoaded => Refusal("not_loaded"),
            EditError::ReadOnly => Refusal("read_only"),
            EditError::DoesNotFit(ApplyError::PastEnd { .. }) => Refusal::OUT_OF_RANGE,
            EditError::DoesNotFit(ApplyError::SplitsPair { .. })
            | EditError::DoesNotCompose(ComposeError::SplitsPair) => Refusal::SPLITS_PAIR,
            EditError::DoesNotFit(_)
            | EditError::DoesNotCompose(_)
            | EditError::DocumentTooLarge { .. }
            | EditError::OperationTooLarge { .. } => Refusal::TOO_LARGE,
            EditError::Closed(code) => Refusal(code.name()),
            _ => Refusal::CLOSED,
        }
    }
}

impl From<JsonError> for Refusal {
    fn from(error: JsonError) -> Refusal {
        match error {
            JsonError::LoneSurrogate { .. } => Refusal::SPLITS_PAIR,
            _ => Refusal::BAD_DELTA,
        }
    }
}

impl From<DeltaError> for Refusal {
    fn from(error: DeltaError) -> Refusal {
        match error {
            DeltaError::Json(error) => error.into(),
            DeltaError::TooLong => Refusal::OUT_OF_RANGE,
            _ => Refusal::BAD_DELTA,
        }
    }
}

/// The attributes that JavaScript gave as a JSON object, or none.
///
/// # Errors
/// If the text is no JSON object.
pub(crate) fn attributes(json: Option<&str>) -> Result<Attributes, Refusal> {
    Ok(json.map_or(Ok(Attributes::NONE), Attributes::parse)?)
}

/// The edit that does something at `offset`.
pub(crate) fn edit_at(offset: u32, act: impl FnOnce(&mut OperationBuilder) -> &mut OperationBuilder) -> Operation {
    let mut builder = Operation::builder();
    act(builder.retain(Utf16Length(offset))).build()
}

pub(crate) fn link_name(state: LinkState) -> &'static str {
    match state {
        LinkState::Idle | LinkState::Connecting => "connecting",
        LinkState::Online => "online",
        LinkState::Offline { .. } => "offline",
        LinkState::Stopped(_) => "stopped",
    }
}

/// The state of a document as the application sees it; it travels as its number, and the npm package has the names.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    Connecting,
    Online,
    Stalled,
    Offline,
    Closed,
}

pub(crate) fn origin_name(origin: Origin) -> &'static str {
    match origin {
        Origin::Local => "local",
        Origin::Undo => "undo",
        Origin::Remote => "remote",
        Origin::Resync => "resync",
        Origin::Reject => "reject",
    }
}

pub(crate) fn role_name(role: Role) -> &'static str {
    match role {
        Role::Viewer => "viewer",
        Role::Commenter => "commenter",
        Role::Editor => "editor",
        Role::Owner => "owner",
    }
}

pub(crate) fn activity_name(activity: Activity) -> &'static str {
    match activity {
        Activity::Active => "active",
        Activity::Typing => "typing",
        Activity::Away => "away",
    }
}

pub(crate) fn proposal_name(kind: ProposalKind) -> &'static str {
    match kind {
        ProposalKind::Declined => "declined",
        ProposalKind::UnknownOutcome => "unknown_outcome",
        ProposalKind::NotAllowed => "not_allowed",
        ProposalKind::LostAccepted => "lost_accepted",
        ProposalKind::Remaining => "remaining",
    }
}
