//! Who the connection belongs to, and what they may do, as long as it lasts.

use cowrite_protocol::frame::{Code, ServerFrame, Terms, Welcome};
use cowrite_protocol::{Channel, DocumentId, Millis};

use super::right::{Right, Verdict};
use super::{ChannelUp, Connection, ConnectionOutput, Phase};
use crate::auth::{Action, Denied, Granted, Identity, Permit};
use crate::room::ChannelFrame;

impl Connection {
    /// The answer to [`ConnectionOutput::Authenticate`].
    pub fn handle_identity(&mut self, identity: Result<Identity, Denied>, now: Millis) {
        match (&self.phase, identity) {
            (Phase::Authenticating, Ok(identity)) => {
                let welcome = Welcome {
                    version: self.version,
                    user: identity.user.clone(),
                    limits: self.limits,
                    durability: self.durability,
                    silence_ms: u32::try_from(self.settings.silence_ms).unwrap_or(u32::MAX),
                };
                self.metrics.front.authenticated();
                self.push(&ServerFrame::Welcome(welcome));
                self.take_token(identity, now);
            }
            // A fresh token speaks for the same user, or for nobody.
            (Phase::Open(known), Ok(identity)) if known.user == identity.user => {
                self.metrics.front.token_refreshed();
                self.take_token(identity, now);
                // It may grant other things than the one before.
                self.doubt(now);
            }
            (Phase::Ended, _) => {}
            (_, Ok(_)) => self.end(Code::Unauthorized),
            // Nobody could say whether the fresh one is good. The one that is known holds until it ends.
            (Phase::Open(_), Err(Denied { code: Code::Internal | Code::Unavailable, .. })) => {}
            (_, Err(denied)) => self.end_for(denied.code, denied.retry_after_ms),
        }
    }

    /// An `Open` is passed to the room of this channel; gives the permit to pass with it.
    pub fn handle_opening(&mut self, channel: Channel, document: &DocumentId, granted: Granted, now: Millis) -> Permit {
        self.opening = self.opening.saturating_sub(1);
        let right = Right::new(document.clone(), granted, self.token_until, now);
        let permit = right.permit().clone();
        self.look_at(right.due());
        self.ending.remove(&channel);
        self.channels.insert(channel, ChannelUp { parts: Default::default(), right });
        if self.silent {
            self.outputs.push_back(ConnectionOutput::Room { channel, frame: ChannelFrame::Silent });
        }
        permit
    }

    /// An `Open` is refused before any room has seen it.
    pub fn refuse(&mut self, request: u32, code: Code, retry_after_ms: u32) {
        self.opening = self.opening.saturating_sub(1);
        self.refuse_at_once(request, code, retry_after_ms);
    }

    pub(super) fn refuse_at_once(&mut self, request: u32, code: Code, retry_after_ms: u32) {
        self.metrics.rooms.open_refused(code);
        if code == Code::AccessDenied {
            self.metrics.rooms.denied(Action::Read);
        }
        self.push(&ServerFrame::OpenRefused { request, code, retry_after_ms });
    }

    /// The answer to [`ConnectionOutput::AskRole`].
    pub fn handle_role(&mut self, channel: Channel, role: Result<Granted, Denied>, now: Millis) {
        // It may have closed meanwhile.
        let Some(open) = self.channels.get_mut(channel) else { return };
        let verdict = open.right.answered(role, self.token_until, now);
        let due = open.right.due();
        self.look_at(due);
        self.heed(channel, verdict);
    }

    /// What this user may do may have changed: it is asked for again at once, on every channel.
    pub fn doubt(&mut self, now: Millis) {
        self.channels.iter_mut().for_each(|(_, channel)| channel.right.doubt(now));
        self.look_at_rights(now);
    }

    /// The room has closed the channel that was opened with this permit. Says whether none of that number
    /// is open now: it may have been opened again before the room had heard that it was to end.
    pub fn handle_channel_closed(&mut self, channel: Channel, opened_with: &Permit) -> bool {
        if self.ending.get(&channel).is_some_and(|permit| permit.is(opened_with)) {
            self.ending.remove(&channel);
        }
        if self.channels.get(channel).is_some_and(|open| open.right.permit().is(opened_with)) {
            self.channels.remove(channel);
        }
        !self.channels.contains(channel)
    }

    /// Asks for every right that is due, and ends those that have run out.
    pub(super) fn look_at_rights(&mut self, now: Millis) {
        let mut verdicts = Vec::new();
        for (channel, open) in self.channels.iter_mut() {
            if open.right.wants_to_ask(now) {
                let document = open.right.document().clone();
                self.outputs.push_back(ConnectionOutput::AskRole { channel, document });
            }
            verdicts.push((channel, open.right.lapse(now)));
        }
        for (channel, verdict) in verdicts {
            self.heed(channel, verdict);
        }
        self.rights_due = self.channels.values().filter_map(|channel| channel.right.due()).min();
    }

    fn heed(&mut self, channel: Channel, verdict: Verdict) {
        if let Verdict::Expel(code, retry_after_ms) = verdict {
            // What it still sends belongs nowhere.
            if let Some(open) = self.channels.remove(channel) {
                self.ending.insert(channel, open.right.permit().clone());
            }
            self.outputs.push_back(ConnectionOutput::Expel { channel, code, retry_after_ms });
        }
    }

    fn look_at(&mut self, due: Option<Millis>) {
        self.rights_due = [self.rights_due, due].into_iter().flatten().min();
    }

    fn take_token(&mut self, identity: Identity, now: Millis) {
        self.token_until = identity.lasts_ms.map_or(Millis(u64::MAX), |ms| now + ms);
        let terms = Terms {
            submits: self.settings.submits,
            presence: self.settings.presence,
            connections: self.settings.connections_per_user,
            token_ms: identity.lasts_ms.map(|ms| u32::try_from(ms).unwrap_or(u32::MAX)),
        };
        self.phase = Phase::Open(Box::new(identity));
        self.push(&ServerFrame::Terms(terms));
    }
}
