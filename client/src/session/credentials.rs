//! The token: when a fresh one is asked for, what is sent before it, and what a refusal means.

use alloc::borrow::ToOwned;
use alloc::string::String;

use cowrite_protocol::frame::{ClientFrame, Code};
use cowrite_protocol::{DocumentType, Millis};

use super::link::STABLE_MS;
use super::{Link, Loss, Output, Session};
use crate::backoff::Backoff;

/// The token in use, and the next one.
#[derive(Debug, Default)]
pub(super) struct Credentials {
    pub(super) token: String,
    /// The host has no other token than this one.
    fixed: bool,
    /// A token that came too late for the attempt that it was for, and whether it is fixed.
    spare: Option<(String, bool)>,
    /// When it was sent: its time runs from then at the latest.
    sent_at: Millis,
    /// How long a token is good, in milliseconds, by the server's last word; `None` where none ends.
    span: Option<u64>,
    /// When to ask for a fresh token while this one is still good.
    ask_at: Option<Millis>,
    /// When this one ends.
    ends_at: Option<Millis>,
    /// The host was asked while connected, and has not answered.
    asking: bool,
    /// Until then nothing is sent before the fresh token.
    hold_until: Option<Millis>,
    backoff: Backoff,
    /// A token was refused, and no connection has held since.
    refused: bool,
}

/// A fresh token is asked for when a fifth of its span is left, at most this much.
const MARGIN_MS: u64 = 60_000;
/// However short a token is good, and however often the host fails, it is asked at most once in this time.
const SHORTEST_MS: u64 = 1_000;
/// A host that does not answer is asked again after this time, or sooner where less is left.
const HANGING_MS: u64 = 10_000;
/// While there is no connection a host has this long, since a person may have to sign in.
const PATIENCE_MS: u64 = 30_000;
/// Who comes this much too late to ask has slept.
const SLEPT_MS: u64 = 1_000;
/// So long a fresh token goes before all else; then what waits is sent under the old one.
const HOLD_MS: u64 = 5_000;

impl Credentials {
    /// When the host is asked, or waited for no longer, while connected: at `alive` at the latest.
    pub(super) fn poll_timeout(&self, alive: Millis) -> Millis {
        let asked = self.ask_at.map_or(alive, |at| at.min(alive));
        self.hold_until.map_or(asked, |until| until.min(asked))
    }

    /// Whether nothing is sent before the fresh token.
    pub(super) fn is_holding(&self) -> bool {
        self.hold_until.is_some()
    }

    /// The connection holds.
    pub(super) fn accepted(&mut self) {
        self.refused = false;
    }

    /// The token goes to the server now.
    pub(super) fn sent(&mut self, now: Millis) {
        self.sent_at = now;
    }

    /// The connection is gone, and with it what was asked for its sake.
    pub(super) fn detach(&mut self) {
        self.span = None;
        self.ask_no_more();
    }

    fn ask_no_more(&mut self) {
        (self.ask_at, self.ends_at, self.hold_until, self.asking) = (None, None, None, false);
    }

    fn left(&self, now: Millis) -> u64 {
        self.ends_at.map_or(u64::MAX, |end| end - now)
    }
}

impl<D: DocumentType> Session<D> {
    /// The host has a token: for the connection that is to be made, or, if it was asked for
    /// while there is one, to go on with. It will be asked for a fresh one in time.
    pub fn provide_token(&mut self, token: &str, now: Millis) {
        self.take_token(token, false, now);
    }

    /// As [`Session::provide_token`], of a host that has no other: it is not asked to
    /// refresh this one, and when the server refuses it the session stops.
    pub fn provide_fixed_token(&mut self, token: &str, now: Millis) {
        self.take_token(token, true, now);
    }

    /// The host has no token now; it will be asked again.
    pub fn handle_token_failure(&mut self, now: Millis) {
        match self.link {
            Link::AwaitingToken { .. } => self.retry(0, Some(Loss::NoToken), now),
            Link::Online { .. } if self.credentials.asking => {
                let wait = self.credentials.backoff.next_wait(&mut self.random, SHORTEST_MS);
                let wait = wait.min(self.credentials.left(now) / 2).max(SHORTEST_MS);
                self.credentials.asking = false;
                self.credentials.hold_until = None;
                self.credentials.ask_at = Some(now + wait);
                self.pump(now);
            }
            _ => {}
        }
    }

    /// The host can give another token than before: it is asked for it now. A connection
    /// that holds goes on under it; a session that was stopped starts again, with all that
    /// is pending. It must be the same user's while work is pending.
    pub fn refresh_token(&mut self, now: Millis) {
        self.credentials.spare = None;
        self.credentials.fixed = false;
        self.credentials.refused = false;
        match self.link {
            Link::Idle => {}
            Link::Online { .. } => self.ask(now),
            Link::Greeting { .. } => {
                self.outputs.push_back(Output::Disconnect);
                self.drop_link();
                self.start(now);
            }
            Link::AwaitingToken { .. } | Link::Waiting { .. } => self.start(now),
            Link::Stopped(_) => {
                self.backoff.reset();
                for open in &mut self.documents {
                    open.engine.revive();
                }
                self.start(now);
            }
        }
    }

    /// Begins an attempt to connect, with a token that is there or one to be asked for.
    pub(super) fn start(&mut self, now: Millis) {
        match self.credentials.spare.take() {
            Some((token, fixed)) => self.greet_with(token, fixed, now),
            None => {
                self.link = Link::AwaitingToken { until: now + PATIENCE_MS };
                self.outputs.push_back(Output::NeedToken);
            }
        }
        self.link_changed(now);
    }

    /// How long the token is good, by the server's word.
    pub(super) fn note_token(&mut self, token_ms: Option<u32>, now: Millis) {
        let credentials = &mut self.credentials;
        credentials.span = token_ms.map(u64::from).filter(|_| !credentials.fixed);
        credentials.backoff.reset();
        self.plan_to_ask(now);
    }

    /// The next token is due before this one ends. Its time is counted from when it was sent: the
    /// server's word may have waited long behind other messages.
    fn plan_to_ask(&mut self, now: Millis) {
        let credentials = &mut self.credentials;
        let Some(span) = credentials.span else { return credentials.ask_no_more() };
        let margin = (span / 5).min(MARGIN_MS);
        let early = self.random.below(margin / 2);
        credentials.ends_at = Some(credentials.sent_at + span);
        credentials.ask_at = Some((credentials.sent_at + (span - margin - early)).max(now + SHORTEST_MS));
    }

    /// Asks for a fresh token if it is time. Who sees only now that it was time long ago has
    /// slept, and sends nothing under a token that may have ended meanwhile.
    pub(super) fn check_token(&mut self, now: Millis) {
        self.credentials.hold_until.take_if(|until| *until <= now);
        if let Some(at) = self.credentials.ask_at.filter(|at| *at <= now) {
            if now - at >= SLEPT_MS {
                self.credentials.hold_until = Some(now + HOLD_MS);
            }
            self.ask(now);
        }
    }

    /// The device woke up: a token that is due goes before all else.
    pub(super) fn wake_token(&mut self, now: Millis) {
        if self.credentials.ask_at.is_some_and(|at| at <= now) {
            self.credentials.hold_until = Some(now + HOLD_MS);
            self.ask(now);
        }
    }

    /// The server does not take the token any more, or not at all.
    pub(super) fn token_refused(&mut self, code: Code, retry_after_ms: u32, now: Millis) {
        let hasty = matches!(self.link, Link::Online { since, .. } if now - since < STABLE_MS);
        if self.credentials.fixed || core::mem::replace(&mut self.credentials.refused, true) {
            self.stop(code);
            return self.link_changed(now);
        }
        self.outputs.push_back(Output::Disconnect);
        self.drop_link();
        if retry_after_ms > 0 || hasty && !self.liveness.ended_asleep(now) {
            return self.retry(u64::from(retry_after_ms), Some(Loss::Code(code)), now);
        }
        self.start(now);
    }

    fn take_token(&mut self, token: &str, fixed: bool, now: Millis) {
        match self.link {
            Link::AwaitingToken { .. } => {
                self.greet_with(token.to_owned(), fixed, now);
            }
            Link::Waiting { .. } => self.credentials.spare = Some((token.to_owned(), fixed)),
            Link::Online { .. } if self.credentials.asking => {
                if self.credentials.token == token && !fixed {
                    return self.handle_token_failure(now);
                }
                self.credentials.ask_no_more();
                self.credentials.fixed = fixed;
                if fixed {
                    self.credentials.span = None;
                }
                if self.credentials.token != token {
                    token.clone_into(&mut self.credentials.token);
                    self.send(&ClientFrame::Token { token });
                    self.credentials.sent(now);
                    // Until the server says how long it is good: as long as the one before.
                    self.plan_to_ask(now);
                }
                self.pump(now);
            }
            _ => {}
        }
    }

    fn greet_with(&mut self, token: String, fixed: bool, now: Millis) {
        (self.credentials.token, self.credentials.fixed) = (token, fixed);
        self.link = Link::Greeting { connected: false, until: now + self.liveness.patient(self.settings.greeting_ms) };
        self.outputs.push_back(Output::Connect);
    }

    fn ask(&mut self, now: Millis) {
        let credentials = &mut self.credentials;
        let hanging = (credentials.left(now) / 3).clamp(SHORTEST_MS, HANGING_MS);
        credentials.asking = true;
        credentials.ask_at = Some(now + credentials.backoff.next_wait(&mut self.random, hanging));
        self.outputs.push_back(Output::NeedToken);
    }
}
