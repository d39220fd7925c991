//! What one client tells its application, checked while it happens.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cowrite_client::engine::{Engine, Origin, StatusState};
use cowrite_client::native::DocumentClient;
use cowrite_client::{Event, ProposalKind};
use cowrite_protocol::frame::Remedy;
use cowrite_protocol::operation::Document;
use cowrite_protocol::{DocumentType, RichText};
use tokio::sync::mpsc;

use super::account::{Account, Outcome, What, Written};
use super::token::count;
use super::verdict::Report;

/// What was seen, shared with who watches.
#[derive(Clone, Debug)]
pub(super) struct Witness(Arc<Mutex<Seen>>);

/// All that was seen of one client.
#[derive(Debug, Default)]
pub(super) struct Seen {
    pub(super) account: Account,
    /// Built from events alone.
    pub(super) from_events: Document,
    /// Edits that were refused: from, to.
    pub(super) refused: Vec<(u64, u64)>,
    pub(super) report: Report,
    pub(super) wrong: Vec<String>,
    /// Edits under way that are not written down yet.
    pub(super) unwritten: usize,
    /// Undos by their number, and what events told of them, until the two meet.
    travels: VecDeque<u64>,
    travelled: VecDeque<What>,
    opened: bool,
    stalled: bool,
    /// It was told of a loss since its status was looked at.
    losing: bool,
    shown_local: u64,
}

impl Witness {
    pub(super) fn of(person: usize) -> Witness {
        let seen = Seen { account: Account { person, ..Account::default() }, ..Seen::default() };
        Witness(Arc::new(Mutex::new(seen)))
    }

    /// Watches until the document is closed.
    pub(super) async fn watch(
        self,
        document: Arc<DocumentClient>,
        mut events: mpsc::UnboundedReceiver<Event<RichText>>,
    ) {
        while let Some(event) = events.recv().await {
            self.hear(event);
            while let Ok(event) = events.try_recv() {
                self.hear(event);
            }
            self.look(&document);
        }
    }

    /// An edit is made now; what it is follows.
    pub(super) fn writes(&self) {
        self.lock().unwritten += 1;
    }

    /// The edit was made.
    pub(super) fn wrote(&self, number: u64, what: What) {
        self.lock().write_down(number, what);
    }

    /// It was not.
    pub(super) fn wrote_nothing(&self) {
        self.lock().unwritten -= 1;
    }

    /// An undo or redo that was done as this edit; what it did is told by its event.
    pub(super) fn travelled(&self, number: u64) {
        let mut seen = self.lock();
        seen.travels.push_back(number);
        seen.meet();
    }

    /// Something that must not be.
    pub(super) fn complain(&self, what: String) {
        let mut seen = self.lock();
        let who = seen.account.person;
        seen.wrong.push(format!("client {who}: {what}"));
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn hear(&self, event: Event<RichText>) {
        let mut seen = self.lock();
        match event {
            Event::Opened { .. } => {
                seen.report.reopened += u64::from(seen.opened);
                seen.opened = true;
            }
            Event::Change { operation, origin, .. } => {
                let before = (origin == Origin::Undo).then(|| seen.from_events.text().to_string());
                if let Err(error) = RichText::apply(&mut seen.from_events, &operation) {
                    drop(seen);
                    self.complain(format!("an event does not fit what was told before: {error}"));
                    return;
                }
                let Some(before) = before else { return };
                match came_or_went(&before, &seen.from_events.text().to_string()) {
                    Some(what) => {
                        seen.travelled.push_back(what);
                        seen.meet();
                    }
                    None => {
                        drop(seen);
                        self.complain(format!("an undo did more than one edit had done: {operation:?}"));
                    }
                }
            }
            Event::Rejected { from, to, .. } => seen.refused.push((from, to)),
            Event::Merged { .. } => seen.report.merged += 1,
            Event::Diverged => seen.report.diverged += 1,
            Event::Proposal { kind: ProposalKind::LostAccepted | ProposalKind::Remaining, .. } => {
                if !seen.account.told_of_loss {
                    // What is shown later says nothing of what was told to be lost.
                    seen.account.durable_at_loss = seen.account.shown_durable;
                    seen.account.told_of_loss = true;
                }
                seen.losing = true;
                seen.report.losses_told += 1;
            }
            Event::Closed { code, remedy: Remedy::Stop } => {
                drop(seen);
                self.complain(format!("its document was closed for good: {}", code.name()));
            }
            _ => {}
        }
    }

    /// The status says no more than is true.
    fn look(&self, document: &DocumentClient) {
        let Some((status, unsent)) = document.read(|engine| (engine.status(), engine.pending().count())) else {
            return;
        };
        let mut seen = self.lock();
        let durable = status.durable.unwrap_or_default();
        let honest = status.accepted <= status.local
            && durable <= status.accepted
            && status.pending >= status.local - status.accepted
            && (status.pending > 0 || unsent == 0)
            && status.accepted >= seen.account.shown_accepted
            && durable >= seen.account.shown_durable
            && status.local >= seen.shown_local;
        seen.account.shown_accepted = status.accepted.max(seen.account.shown_accepted);
        seen.account.shown_durable = durable.max(seen.account.shown_durable);
        if std::mem::take(&mut seen.losing) {
            seen.account.accepted_at_loss = seen.account.shown_accepted;
        }
        seen.shown_local = status.local;
        let stalled = status.state == StatusState::Stalled;
        seen.report.stalls += u64::from(stalled && !seen.stalled);
        seen.stalled = stalled;
        if !honest {
            drop(seen);
            self.complain(format!("its status says more than is true: {status:?} with {unsent} operations unsent"));
        }
    }
}

impl Seen {
    /// Gives each undo what its event told.
    fn meet(&mut self) {
        while !self.travels.is_empty() && !self.travelled.is_empty() {
            if let (Some(number), Some(what)) = (self.travels.pop_front(), self.travelled.pop_front()) {
                self.write_down(number, what);
            }
        }
    }

    fn write_down(&mut self, number: u64, what: What) {
        self.account.edits.insert(number, Written { what, outcome: Outcome::Pending });
        self.unwritten -= 1;
    }
}

/// What became of the tokens: one came or went, or none did.
fn came_or_went(before: &str, after: &str) -> Option<What> {
    let ((before, _), (after, _)) = (count(before), count(after));
    let came: Vec<&str> = after.keys().filter(|token| !before.contains_key(*token)).copied().collect();
    let went: Vec<&str> = before.keys().filter(|token| !after.contains_key(*token)).copied().collect();
    match (&came[..], &went[..]) {
        ([], []) => Some(What::Revert),
        ([token], []) => Some(What::Bring((*token).to_owned())),
        ([], [token]) => Some(What::Delete((*token).to_owned())),
        _ => None,
    }
}

/// Whether an operation is in flight and edits wait behind it.
pub(super) fn is_loaded(engine: &Engine<RichText>) -> bool {
    engine.in_flight().is_some() && engine.pending().count() > 1
}
