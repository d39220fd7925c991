//! The connection: when to connect, when to give it up, when to come back.

use alloc::vec::Vec;

use cowrite_protocol::DocumentType;
use cowrite_protocol::codec::encode_client;
use cowrite_protocol::frame::{ClientFrame, Code, ProtocolVersion, Remedy, Terms, Welcome};

use super::{OpenDocument, Output, Pace, Session, SessionEvent};
use cowrite_protocol::Millis;

/// The connection as the application shows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LinkState {
    /// Not asked to connect.
    Idle,
    /// Connecting or greeting.
    Connecting,
    /// Greeted.
    Online,
    /// Waiting to connect again.
    Offline {
        /// When, in milliseconds from the call.
        retry_in_ms: u64,
        /// Why there is no connection, where that is known.
        loss: Option<Loss>,
    },
    /// Ended, until [`Session::refresh_token`]. With [`Code::ForeignClient`]: the token is
    /// another user's than the one whose work is pending, which is kept for that one.
    Stopped(Code),
}

/// Why a connection was lost or refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// The server said so.
    Code(Code),
    /// The host had no token.
    NoToken,
}

impl Loss {
    /// The stable name by which applications know the reason.
    pub const fn name(self) -> &'static str {
        match self {
            Loss::Code(code) => code.name(),
            Loss::NoToken => "token_failed",
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Idle,
    /// Waiting for the host's token.
    AwaitingToken {
        until: Millis,
    },
    /// The socket is opening, or the server has not greeted yet.
    Greeting {
        connected: bool,
        until: Millis,
    },
    Online {
        since: Millis,
        leave_at: Option<Millis>,
    },
    Waiting {
        until: Millis,
        loss: Option<Loss>,
    },
    Stopped(Code),
}

impl Link {
    /// Whether there is a socket that carries frames.
    pub(super) fn is_connected(self) -> bool {
        matches!(self, Link::Greeting { connected: true, .. } | Link::Online { .. })
    }

    pub(super) fn state(self, now: Millis) -> LinkState {
        match self {
            Link::Idle => LinkState::Idle,
            Link::AwaitingToken { .. } | Link::Greeting { .. } => LinkState::Connecting,
            Link::Online { .. } => LinkState::Online,
            Link::Waiting { until, loss } => LinkState::Offline { retry_in_ms: until - now, loss },
            Link::Stopped(code) => LinkState::Stopped(code),
        }
    }
}

/// When the server was last heard. Any message is a sign of life.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Liveness {
    heard: Millis,
    pinged: Option<Millis>,
    /// Since when an answer is awaited, if one is: who has asked for nothing is answered
    /// nothing, however long it was quiet before.
    awaiting: Option<Millis>,
    /// The link is in doubt since a wake-up: an answer is due by then.
    doubt: Option<Millis>,
    /// When the device woke up, until a link that is lost for it was replaced.
    woke: Option<Millis>,
    /// Bytes that waited in the socket when they were last looked at.
    buffered: usize,
    /// How often in a row silence has ended a link before its documents were in step:
    /// on a slow link one message may take longer than our patience.
    failures: u32,
}

impl Liveness {
    /// A wait, doubled by every failure in a row, up to two minutes.
    pub(super) fn patient(&self, wait_ms: u64) -> u64 {
        (wait_ms << self.failures.min(4)).min(MOST_PATIENT_MS)
    }

    pub(super) fn failed(&mut self) {
        self.failures = self.failures.saturating_add(1);
    }

    /// Whether what ends now has ended while the device slept. Once for a wake-up.
    pub(super) fn ended_asleep(&mut self, now: Millis) -> bool {
        self.woke.take().is_some_and(|woke| now - woke <= WAKE_MS)
    }
}

/// A dead link is noticed after this silence with work pending, and idle; a ping is
/// sent well before.
const SILENCE_PENDING_MS: u64 = 10_000;
const PING_PENDING_MS: u64 = 4_000;
const SILENCE_IDLE_MS: u64 = 25_000;
const PING_IDLE_MS: u64 = 15_000;
const MOST_PATIENT_MS: u64 = 120_000;
/// After a wake-up the server must answer within this time.
const WAKE_MS: u64 = 2_000;
/// A connection, or a channel, that held this long makes the next failure a first one.
pub(super) const STABLE_MS: u64 = 10_000;

impl<D: DocumentType> Session<D> {
    /// Begins to connect, or does so at once if it waits to.
    pub fn connect(&mut self, now: Millis) {
        if matches!(self.link, Link::Idle | Link::Waiting { .. }) {
            self.start(now);
        }
    }

    /// The socket is open.
    pub fn handle_connected(&mut self, now: Millis) {
        let Link::Greeting { until, .. } = self.link else { return };
        self.link = Link::Greeting { connected: true, until };
        self.liveness = Liveness { heard: now, failures: self.liveness.failures, ..Liveness::default() };
        let mut hello = Vec::new();
        encode_client(
            &ClientFrame::Hello {
                oldest: ProtocolVersion::OLDEST,
                newest: ProtocolVersion::NEWEST,
                token: &self.credentials.token,
            },
            &mut hello,
        );
        self.messages.push_back(hello);
        self.credentials.sent(now);
    }

    /// The socket closed, or could not be opened.
    pub fn handle_disconnected(&mut self, now: Millis) {
        if matches!(self.link, Link::Greeting { .. } | Link::Online { .. }) {
            self.drop_link();
            let asleep = self.liveness.ended_asleep(now);
            // Whoever looks at the page is told in any case that it was offline.
            self.retry(0, None, now);
            if asleep {
                // Nobody else has lost theirs at this moment.
                self.start(now);
            }
        }
    }

    /// The device woke up, or the network or the page came back: the link may be dead
    /// without anybody knowing, and the token may have ended. A waiting session tries at once.
    pub fn handle_wake(&mut self, now: Millis) {
        match self.link {
            // Several signs of one wake-up do not put the moment off.
            Link::Online { .. } if self.liveness.doubt.is_none_or(|doubt| doubt <= now) => {
                self.wake_token(now);
                self.liveness.woke = Some(now);
                self.liveness.doubt = Some(now + WAKE_MS);
                self.ping(now);
            }
            Link::Waiting { .. } => self.connect(now),
            _ => {}
        }
    }

    /// The earliest moment at which [`Session::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Millis> {
        [self.link_timeout(), self.store_timeout()].into_iter().flatten().min()
    }

    fn link_timeout(&self) -> Option<Millis> {
        let link = match self.link {
            Link::Idle | Link::Stopped(_) => return None,
            Link::Waiting { until, .. } | Link::AwaitingToken { until } | Link::Greeting { until, .. } => {
                return Some(until);
            }
            Link::Online { leave_at, .. } => {
                let (ping, silence) = self.patience();
                let alive = if self.liveness.pinged.is_some() { silence } else { ping };
                let alive = self.credentials.poll_timeout(alive);
                [leave_at, self.liveness.doubt, self.pace.due].into_iter().flatten().fold(alive, Millis::min)
            }
        };
        // What is not opened any more on a server that goes away waits for the next one, and
        // what is held back for a fresh token waits for that.
        let leaving = matches!(self.link, Link::Online { leave_at: Some(_), .. }) || self.credentials.is_holding();
        let documents = self.documents.iter().flat_map(|open| {
            let opening = open.request.map(|(_, until)| until);
            let abandoned = self.abandoned.iter().any(|(_, document)| document == open.engine.document_id());
            let open_at = open.open_at.filter(|_| !leaving && !abandoned && open.is_ready());
            [open.engine.poll_timeout(), open_at, opening].into_iter().flatten()
        });
        documents.min().map_or(Some(link), |document| Some(document.min(link)))
    }

    /// Time has passed. `buffered` is the number of bytes that the socket has not sent
    /// yet (0 where the host cannot know): a slow link that moves is not a dead one.
    pub fn handle_timeout(&mut self, now: Millis, buffered: usize) {
        self.link_timed_out(now, buffered);
        self.pump_store(now);
    }

    fn link_timed_out(&mut self, now: Millis, buffered: usize) {
        match self.link {
            Link::Waiting { until, .. } if until <= now => self.connect(now),
            // It may still come, for the next attempt.
            Link::AwaitingToken { until } if until <= now => self.handle_token_failure(now),
            Link::Greeting { until, .. } if until <= now => {
                self.liveness.failed();
                self.give_up(now);
            }
            Link::Idle
            | Link::AwaitingToken { .. }
            | Link::Waiting { .. }
            | Link::Greeting { .. }
            | Link::Stopped(_) => {}
            Link::Online { since, leave_at } => {
                if buffered < self.liveness.buffered {
                    self.liveness.heard = now;
                }
                self.liveness.buffered = buffered;
                let (ping, silence) = self.patience();
                let doubtful = self.liveness.doubt.is_some_and(|doubt| doubt <= now);
                if silence <= now || doubtful {
                    self.liveness.failed();
                    return self.give_up(now);
                }
                if leave_at.is_some_and(|at| at <= now) {
                    self.outputs.push_back(Output::Disconnect);
                    self.drop_link();
                    return self.start(now);
                }
                if ping <= now && self.liveness.pinged.is_none() {
                    self.ping(now);
                }
                if now - since >= STABLE_MS {
                    self.backoff.reset();
                    // What is being loaded is not there yet: one part of it may take longer than the
                    // patience that a link begins with, each time anew.
                    let settled = |open: &OpenDocument<D>| {
                        !open.engine.wants_channel() && !open.engine.is_catching_up() && open.request.is_none()
                    };
                    if self.documents.iter().all(settled) {
                        self.liveness.failures = 0;
                    }
                }
                self.documents_timeout(now, buffered);
                self.pump(now);
            }
        }
    }

    pub(super) fn heard(&mut self, now: Millis) {
        self.liveness.heard = now;
        self.liveness.pinged = None;
        self.liveness.doubt = None;
    }

    pub(super) fn handle_welcome(&mut self, welcome: Welcome, now: Millis) {
        let Link::Greeting { connected: true, .. } = self.link else { return };
        // Work of one user is never sent by another.
        let foreign = |open: &OpenDocument<D>| open.owner.as_ref().is_some_and(|owner| *owner != welcome.user);
        if self.documents.iter().any(|open| foreign(open) && open.engine.holds_work() && !open.is_kept()) {
            self.stop(Code::ForeignClient);
            return self.link_changed(now);
        }
        self.link = Link::Online { since: now, leave_at: None };
        self.credentials.accepted();
        self.note_user(&welcome.user, now);
        for open in &mut self.documents {
            open.engine.handle_welcome(welcome.limits, welcome.durability);
            open.open_at = Some(now);
            if open.state.len() > welcome.limits.presence_bytes as usize {
                // The limit was not known when the document was opened. What others see of
                // us is no reason to give up a text that is there.
                open.state.clear();
                if open.engine.position().is_none() && !open.engine.is_closed() {
                    open.engine.close(Code::TooLarge);
                }
            }
        }
        self.welcome = Some(welcome);
        self.link_changed(now);
    }

    /// The server ends the connection.
    pub(super) fn handle_error(&mut self, code: Code, retry_after_ms: u32, now: Millis) {
        match code.remedy() {
            Remedy::Stop | Remedy::NewClientId => {
                self.stop(code);
                self.link_changed(now);
            }
            Remedy::RefreshToken => self.token_refused(code, retry_after_ms, now),
            Remedy::Retry => {
                self.outputs.push_back(Output::Disconnect);
                self.drop_link();
                self.retry(u64::from(retry_after_ms), Some(Loss::Code(code)), now);
            }
        }
    }

    /// What holds on this connection from here on.
    pub(super) fn handle_terms(&mut self, terms: &Terms, now: Millis) {
        self.pace = Pace::of(terms, now);
        self.note_token(terms.token_ms, now);
    }

    /// The server is going down: move, but not all at one instant.
    pub(super) fn handle_go_away(&mut self, spread_ms: u32, now: Millis) {
        if let Link::Online { leave_at, .. } = &mut self.link {
            *leave_at = Some(now + self.random.below(u64::from(spread_ms)));
        }
    }

    /// The socket is no use any more.
    pub(super) fn give_up(&mut self, now: Millis) {
        self.outputs.push_back(Output::Disconnect);
        self.drop_link();
        self.retry(0, None, now);
    }

    pub(super) fn drop_link(&mut self) {
        self.messages.clear();
        self.credentials.detach();
        self.pace = Pace::default();
        self.abandoned.clear();
        for open in &mut self.documents {
            open.channel = None;
            open.request = None;
            open.open_at = None;
            open.open_backoff.reset();
            open.engine.detach();
        }
    }

    pub(super) fn retry(&mut self, at_least_ms: u64, loss: Option<Loss>, now: Millis) {
        let wait = self.backoff.next_wait(&mut self.random, at_least_ms);
        self.link = Link::Waiting { until: now + wait, loss };
        self.link_changed(now);
    }

    fn ping(&mut self, now: Millis) {
        self.liveness.pinged = Some(now);
        let mut ping = Vec::new();
        encode_client(&ClientFrame::Ping, &mut ping);
        self.messages.push_back(ping);
    }

    /// When to ping, and when to give up, if nothing is heard until then. Every failure
    /// doubles the time to the second, up to two minutes.
    fn patience(&self) -> (Millis, Millis) {
        let heard = self.liveness.heard;
        let idle = (heard + PING_IDLE_MS, heard + self.liveness.patient(SILENCE_IDLE_MS));
        let Some(awaiting) = self.liveness.awaiting else { return idle };
        let since = awaiting.max(heard);
        let (ping, silence) = (since + PING_PENDING_MS, since + self.liveness.patient(SILENCE_PENDING_MS));
        (idle.0.min(ping), idle.1.min(silence))
    }

    /// Whether an answer is awaited, and since when.
    pub(super) fn note_awaiting(&mut self, now: Millis) {
        let awaits = |open: &super::OpenDocument<D>| open.engine.in_flight().is_some() || open.request.is_some();
        let awaits = self.documents.iter().any(awaits);
        self.liveness.awaiting = awaits.then(|| self.liveness.awaiting.unwrap_or(now));
    }

    pub(super) fn link_changed(&mut self, now: Millis) {
        let state = self.link.state(now);
        self.outputs.push_back(Output::Event(SessionEvent::Link(state)));
        self.pump(now);
    }
}
