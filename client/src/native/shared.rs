//! What a client's task and its handles share.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use cowrite_protocol::RichText;
use cowrite_protocol::frame::{Code, Remedy};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use super::token::TokenSource;
use crate::engine::{Event, ProposalKind, Status};
use crate::session::{DocumentHandle, LinkState, Output, Session, SessionEvent, SessionSettings};
use cowrite_protocol::Millis;

/// What the task does next.
pub(super) enum Job {
    NeedToken,
    Connect,
    Send(Vec<u8>),
    Disconnect,
}

/// How edits that were settled without being accepted ended.
#[derive(Clone, Copy, Debug)]
pub(super) enum Ending {
    Refused(Code),
    Unknown,
}

/// A session under a lock, and the ways to wait for it.
pub(super) struct Shared {
    state: Mutex<State>,
    start: Instant,
    /// The task has something to look at.
    pub(super) wake: Notify,
    pub(super) link: watch::Sender<LinkState>,
}

/// What the lock guards.
pub(super) struct State {
    pub(super) session: Session<RichText>,
    /// Where tokens come from, and the how manieth source that is.
    pub(super) tokens: (u64, TokenSource),
    pub(super) closed: bool,
    documents: Vec<Open>,
    jobs: VecDeque<Job>,
}

/// One open document.
pub(super) struct Open {
    handle: DocumentHandle,
    status: watch::Sender<Status>,
    changed: bool,
    listeners: Vec<mpsc::UnboundedSender<Event<RichText>>>,
    /// From which edit to which, for the last refusals.
    endings: VecDeque<(u64, u64, Ending)>,
    pub(super) closed: Option<Code>,
}

/// As many refusals are remembered for whoever asks later.
const ENDINGS: usize = 256;

impl Shared {
    pub(super) fn new(settings: SessionSettings, tokens: TokenSource) -> Shared {
        let state = State {
            session: Session::new(settings),
            tokens: (0, tokens),
            closed: false,
            documents: Vec::new(),
            jobs: VecDeque::new(),
        };
        let link = watch::Sender::new(LinkState::Idle);
        Shared { state: Mutex::new(state), start: Instant::now(), wake: Notify::new(), link }
    }

    /// Lets the session do something, and tells what happened. For the task itself.
    pub(super) fn act<T>(&self, act: impl FnOnce(&mut State, Millis) -> T) -> T {
        let now = self.now();
        let mut state = self.lock();
        let result = act(&mut state, now);
        state.drain(&self.link);
        result
    }

    /// The same for handles: the task looks at what came of it.
    pub(super) fn act_and_wake<T>(&self, act: impl FnOnce(&mut State, Millis) -> T) -> T {
        let result = self.act(act);
        self.wake.notify_one();
        result
    }

    /// Looks without changing anything.
    pub(super) fn read<T>(&self, read: impl FnOnce(&State) -> T) -> T {
        read(&self.lock())
    }

    /// What the task has to do; and when it has to wake the session.
    pub(super) fn take_jobs(&self) -> (VecDeque<Job>, Option<Instant>) {
        let mut state = self.lock();
        let at = |due: Millis| self.start + std::time::Duration::from_millis(due.0);
        (std::mem::take(&mut state.jobs), state.session.poll_timeout().map(at))
    }

    fn now(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// A call that panicked has left its own client in doubt; others go on.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// A document that the session has just opened.
    #[expect(clippy::expect_used, reason = "the session gave the handle of the engine that it has just made")]
    pub(super) fn add(&mut self, handle: DocumentHandle) -> watch::Receiver<Status> {
        let engine = self.session.engine(handle).expect("an opened document has an engine");
        let (sender, receiver) = watch::channel(engine.status());
        self.documents.push(Open {
            handle,
            status: sender,
            changed: false,
            listeners: Vec::new(),
            endings: VecDeque::new(),
            closed: None,
        });
        receiver
    }

    /// A document that was closed here.
    pub(super) fn remove(&mut self, handle: DocumentHandle) {
        self.documents.retain(|open| open.handle != handle);
    }

    pub(super) fn document(&self, handle: DocumentHandle) -> Option<&Open> {
        self.documents.iter().find(|open| open.handle == handle)
    }

    /// Sends all events of a document from now on to the receiver that is given.
    pub(super) fn listen(&mut self, handle: DocumentHandle) -> mpsc::UnboundedReceiver<Event<RichText>> {
        let (sender, receiver) = mpsc::unbounded_channel();
        if let Some(open) = self.documents.iter_mut().find(|open| open.handle == handle) {
            open.listeners.push(sender);
        }
        receiver
    }

    fn drain(&mut self, link: &watch::Sender<LinkState>) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::NeedToken => self.jobs.push_back(Job::NeedToken),
                Output::Connect => self.jobs.push_back(Job::Connect),
                Output::Send(message) => self.jobs.push_back(Job::Send(message)),
                Output::Disconnect => self.jobs.push_back(Job::Disconnect),
                // No document of this host is kept.
                Output::Load { .. } | Output::Store { .. } => {}
                Output::Event(SessionEvent::Link(state)) => drop(link.send_replace(state)),
                Output::Event(SessionEvent::Document(handle, event)) => {
                    let Some(open) = self.documents.iter_mut().find(|open| open.handle == handle) else { continue };
                    let accepted = self.session.engine(handle).map_or(0, |engine| engine.status().accepted);
                    open.take(event, accepted);
                }
            }
        }
        // Once all is known that led to it: who waits for a watermark then asks how it was reached.
        for open in &mut self.documents {
            if !std::mem::take(&mut open.changed) {
                continue;
            }
            let Some(engine) = self.session.engine(open.handle) else { continue };
            let status = engine.status();
            open.status.send_if_modified(|known| std::mem::replace(known, status) != status);
        }
    }
}

impl Open {
    /// How this edit ended, if it was settled without being accepted.
    pub(super) fn ending(&self, edit: u64) -> Option<Ending> {
        let holds = |&&(from, to, _): &&(u64, u64, Ending)| (from..=to).contains(&edit);
        self.endings.iter().find(holds).map(|&(_, _, ending)| ending)
    }

    fn take(&mut self, event: Event<RichText>, accepted: u64) {
        match &event {
            Event::Status | Event::Change { .. } => self.changed = true,
            Event::Rejected { from, to, code, .. } => self.end(*from, *to, Ending::Refused(*code)),
            // All between what was settled before and now was set aside.
            Event::Proposal { kind: kind @ (ProposalKind::UnknownOutcome | ProposalKind::NotAllowed), .. } => {
                let before = self.status.borrow().accepted;
                let withheld = *kind == ProposalKind::NotAllowed;
                let ending = if withheld { Ending::Refused(Code::ReadOnly) } else { Ending::Unknown };
                self.end(before + 1, accepted, ending);
            }
            Event::Closed { code, remedy: Remedy::Stop } => self.closed = Some(*code),
            _ => {}
        }
        if !self.listeners.is_empty() {
            self.listeners.retain(|listener| listener.send(event.clone()).is_ok());
        }
    }

    fn end(&mut self, from: u64, to: u64, ending: Ending) {
        if self.endings.len() == ENDINGS {
            self.endings.pop_front();
        }
        self.endings.push_back((from, to, ending));
    }
}
