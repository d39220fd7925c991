//! The user's own cursor: when it travels, and when nothing needs to.

use cowrite_protocol::{Bias, Cursor, DocumentType, Selection, Version};

use super::{ChannelState, Engine, Pending};
use cowrite_protocol::Millis;

/// A cursor frame at most this often.
const INTERVAL_MS: u64 = 100;

/// The own cursor, and what the others believe of it.
#[derive(Debug, Default)]
pub(super) struct Caret {
    /// In the text that the user sees; `None` until the application shows one.
    own: Option<Cursor>,
    /// What the others were told or may infer, carried along like `own`.
    believed: Option<Cursor>,
    last_sent: Option<Millis>,
    pub(super) due: Option<Millis>,
}

impl Caret {
    pub(super) fn set(&mut self, cursor: Cursor) {
        self.own = Some(cursor);
    }

    pub(super) fn own(&self) -> Option<&Cursor> {
        self.own.as_ref()
    }

    /// An undo put the user's selection where it had been; whoever shows no cursor still shows none.
    pub(super) fn restore(&mut self, cursor: &Cursor) {
        if let Some(own) = &mut self.own {
            own.clone_from(cursor);
        }
    }

    /// An own edit: the own cursor moves behind what it inserts.
    pub(super) fn follow_own<D: DocumentType>(&mut self, operation: &D::Operation) {
        for cursor in [&mut self.own, &mut self.believed].into_iter().flatten() {
            for selection in &mut cursor.0 {
                *selection = Selection {
                    anchor: D::map_offset(operation, selection.anchor, Bias::Right),
                    head: D::map_offset(operation, selection.head, Bias::Right),
                };
            }
        }
    }

    /// Somebody else's change.
    pub(super) fn follow<D: DocumentType>(&mut self, operation: &D::Operation) {
        for cursor in [&mut self.own, &mut self.believed].into_iter().flatten() {
            cursor.map::<D>(operation);
        }
    }

    /// What must travel with a submit of `operation`, after which the text is what the
    /// user sees if `complete`. From then on the others know what they are told.
    pub(super) fn ride<D: DocumentType>(&mut self, operation: &D::Operation, complete: bool) -> super::CaretHint {
        let Some(own) = self.own.as_ref().filter(|_| complete) else { return super::CaretHint::Still };
        let implied = D::implied_caret(operation).map(Cursor::caret);
        if implied.as_ref() == Some(own) {
            self.believed = implied;
            return super::CaretHint::Implied;
        }
        if self.believed.as_ref() == Some(own) {
            return super::CaretHint::Still;
        }
        self.believed = self.own.clone();
        super::CaretHint::At(own.clone())
    }

    /// A new channel knows nothing of us.
    pub(super) fn forget_believed(&mut self) {
        self.believed = None;
        self.due = None;
    }
}

impl<D: DocumentType> Engine<D> {
    /// Whether the others believe the own cursor elsewhere, and nothing is pending that would
    /// carry it, and the last one is long enough ago.
    pub(crate) fn wants_cursor(&self) -> bool {
        let settled = matches!(self.pending, Pending::Synchronized) && self.channel == ChannelState::Attached;
        let Caret { own, believed, due, .. } = &self.caret;
        settled && own.is_some() && own != believed && due.is_none()
    }

    /// The own cursor that [`Engine::wants_cursor`] is of; it waits where one was shown just now.
    pub(crate) fn poll_cursor(&mut self, now: Millis) -> Option<(Version, Cursor)> {
        let version = self.version();
        let caret = &mut self.caret;
        if let Some(last) = caret.last_sent
            && now - last < INTERVAL_MS
        {
            caret.due = Some(last + INTERVAL_MS);
            return None;
        }
        caret.last_sent = Some(now);
        caret.believed = caret.own.clone();
        Some((version, caret.own.clone().unwrap_or_default()))
    }
}
