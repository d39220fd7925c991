//! What one client tells its application, checked while it happens.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cowrite_client::engine::{Engine, StatusState};
use cowrite_client::native::DocumentClient;
use cowrite_client::{Event, ProposalKind};
use cowrite_protocol::frame::Remedy;
use cowrite_protocol::operation::Document;
use cowrite_protocol::{DocumentType, RichText};
use tokio::sync::mpsc;

use super::account::{Account, Outcome, What, Written};
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
    opened: bool,
    stalled: bool,
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

    /// An edit that was made.
    pub(super) fn wrote(&self, number: u64, what: What) {
        self.lock().account.edits.insert(number, Written { what, outcome: Outcome::Pending });
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
            Event::Change { operation, .. } => {
                if let Err(error) = RichText::apply(&mut seen.from_events, &operation) {
                    drop(seen);
                    self.complain(format!("an event does not fit what was told before: {error}"));
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

/// Whether an operation is in flight and edits wait behind it.
pub(super) fn is_loaded(engine: &Engine<RichText>) -> bool {
    engine.in_flight().is_some() && engine.pending().count() > 1
}
