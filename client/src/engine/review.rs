//! Work that waited long, or changed much, is shown to the application before it is sent.

use cowrite_protocol::{DocumentType, Millis};

use super::{ChannelState, EditError, Engine, Event, ProposalKind};

/// When a merge is shown before it is sent: others must have changed the text since, and one of
/// these must hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewRule {
    /// The work waited for the server at least this long, in milliseconds, reloads included.
    pub waited_ms: u64,
    /// The others, or the work itself, deleted more than this part of the text that both
    /// started from, in percent.
    pub deleted_percent: u32,
}

impl Default for ReviewRule {
    /// An hour, and a half.
    fn default() -> ReviewRule {
        ReviewRule { waited_ms: 3_600_000, deleted_percent: 50 }
    }
}

/// A merge that waits for an answer: [`Engine::answer_review`].
#[derive(Debug)]
pub struct Review<'a, D: DocumentType> {
    /// The text that both sides started from.
    pub before: &'a D::Document,
    /// That text with the pending work, as it was on coming back.
    pub mine: D::Document,
    /// The text that the server has.
    pub theirs: &'a D::Document,
    /// That text with the pending work, which the user sees.
    pub merged: &'a D::Document,
}

/// What is to become of the pending work.
#[derive(Clone, Debug)]
pub enum Verdict<D: DocumentType> {
    /// It is sent as it was merged.
    Merged,
    /// It is taken out of the text, with what was typed meanwhile, and kept as a proposal of
    /// the kind [`ProposalKind::Declined`].
    Theirs,
    /// It is sent with this change, which was made on the merged text as it was when the
    /// question was [asked](Event::Review).
    Change(D::Operation),
}

/// What an engine knows of merges to be shown.
#[derive(Debug)]
pub(super) struct Reviewing<D: DocumentType> {
    /// Without one, nothing is shown.
    pub(super) rule: Option<ReviewRule>,
    /// Since when there is work that has to wait; `None` in step.
    since: Option<Millis>,
    /// How long it had waited before that, in pages that are gone, in milliseconds.
    waited_ms: u64,
    pub(super) merge: Option<Merge<D>>,
}

/// The two sides of a merge, from coming back until it needs no answer any more.
#[derive(Debug)]
pub(super) struct Merge<D: DocumentType> {
    pub(super) before: D::Document,
    /// The work, on that text.
    pub(super) mine: D::Operation,
    /// It is to be shown; until it is answered nothing is sent.
    pub(super) due: bool,
    /// What has happened to the text that the user sees since the question was asked; `None`
    /// before that.
    since_asked: Option<D::Operation>,
}

impl<D: DocumentType> Merge<D> {
    /// A merge that was stored: it is judged, or asked, anew.
    pub(super) fn restored(before: D::Document, mine: D::Operation, due: bool) -> Merge<D> {
        Merge { before, mine, due, since_asked: None }
    }
}

impl<D: DocumentType> Default for Reviewing<D> {
    fn default() -> Reviewing<D> {
        Reviewing { rule: None, since: None, waited_ms: 0, merge: None }
    }
}

impl<D: DocumentType> Engine<D> {
    /// Merges that fall under this rule are shown before they are sent, by [`Event::Review`];
    /// by default none is. With `None`, one that waits for an answer is sent.
    pub fn set_review_rule(&mut self, rule: Option<ReviewRule>) {
        self.reviewing.rule = rule;
        if rule.is_none() && self.reviewing.merge.take().is_some() {
            self.event(Event::Status);
        }
    }

    /// The merge that waits for an answer. Linear in the text.
    pub fn review(&self) -> Option<Review<'_, D>> {
        let merge = self.reviewing.merge.as_ref().filter(|merge| merge.since_asked.is_some())?;
        let mut mine = merge.before.clone();
        D::apply(&mut mine, &merge.mine).ok()?;
        Some(Review { before: &merge.before, mine, theirs: &self.server, merged: &self.local })
    }

    /// Answers [`Event::Review`]; nothing happens where no question is open.
    ///
    /// # Errors
    /// If the change cannot be made; then the question stays open.
    pub fn answer_review(&mut self, verdict: Verdict<D>, now: Millis) -> Result<(), EditError> {
        let Some(merge) = self.reviewing.merge.take_if(|merge| merge.since_asked.is_some()) else { return Ok(()) };
        match (verdict, &merge.since_asked) {
            (Verdict::Change(change), Some(since)) => {
                let change = D::transform(since, &change).1;
                // A person decided it, so a person can take it back, and it alone.
                if let Err(error) = self.edit_recorded(&change, None) {
                    self.reviewing.merge = Some(merge);
                    return Err(error);
                }
            }
            (Verdict::Theirs, _) => self.withhold_pending(ProposalKind::Declined, now),
            _ => {}
        }
        self.event(Event::Status);
        Ok(())
    }

    /// Whether pending work waits for the answer to a question.
    pub(super) fn awaits_review(&self) -> bool {
        self.reviewing.merge.as_ref().is_some_and(|merge| merge.due)
    }

    /// Time passes, or something was done.
    pub(crate) fn note_waiting(&mut self, now: Millis) {
        if self.channel == ChannelState::Attached || self.pending.operations().next().is_none() {
            (self.reviewing.since, self.reviewing.waited_ms) = (None, 0);
        } else {
            self.reviewing.since.get_or_insert(now);
        }
    }

    /// How long pending work has waited for the server, in milliseconds.
    pub(super) fn waited_ms(&self, now: Millis) -> u64 {
        self.reviewing.waited_ms + self.reviewing.since.map_or(0, |since| now - since)
    }

    /// The work had waited so long before it was read from the store.
    pub(crate) fn add_waited(&mut self, ms: u64) {
        self.reviewing.waited_ms = self.reviewing.waited_ms.saturating_add(ms);
    }

    /// The server is about to tell what was missed. `accepted`: it has the operation in flight.
    pub(super) fn start_merge(&mut self, accepted: bool) {
        if self.reviewing.rule.is_none() || self.reviewing.merge.is_some() || self.position.is_none() {
            return;
        }
        let (mut before, mut mine) = (self.server.clone(), D::identity());
        for (at, operation) in self.pending.operations().enumerate() {
            let fits = if accepted && at == 0 {
                D::apply(&mut before, operation).is_ok()
            } else {
                D::compose(&mine, operation).map(|all| mine = all).is_ok()
            };
            // What is pending follows one another; if it did not, nothing could be shown.
            if !fits {
                return;
            }
        }
        if !D::is_identity(&mine) {
            self.reviewing.merge = Some(Merge { before, mine, due: false, since_asked: None });
        }
    }

    /// All that was missed has come: is what is pending to be shown before it is sent?
    pub(super) fn judge_merge(&mut self, now: Millis) {
        let waited_ms = self.waited_ms(now);
        let (Some(mut merge), Some(rule)) = (self.reviewing.merge.take(), self.reviewing.rule) else { return };
        if self.pending.operations().next().is_none() {
            return self.event(Event::Status);
        }
        if !merge.due {
            let theirs = D::diff(&merge.before, &self.server);
            let of = u64::from(D::length(&merge.before).0) * u64::from(rule.deleted_percent);
            let large = |operation: &D::Operation| D::deleted_units(operation) * 100 > of;
            merge.due =
                !D::is_identity(&theirs) && (waited_ms >= rule.waited_ms || large(&theirs) || large(&merge.mine));
        }
        if merge.due {
            if merge.since_asked.is_none() {
                merge.since_asked = Some(D::identity());
                // It was not accepted and cannot be any more, so whatever the answer is goes as one.
                self.pending.unseal();
                self.event(Event::Review);
                self.event(Event::Status);
            }
            self.reviewing.merge = Some(merge);
        }
    }

    /// The text that the user sees has changed.
    pub(super) fn note_shown(&mut self, change: &D::Operation) {
        let merge = self.reviewing.merge.as_mut();
        if let Some(since) = merge.and_then(|merge| merge.since_asked.as_mut())
            && let Ok(composed) = D::compose(since, change)
        {
            *since = composed;
        }
    }
}
