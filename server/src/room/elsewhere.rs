//! The rooms of the same document at other servers: what they are told of who is here, and
//! what is believed of what they tell.

use cowrite_protocol::{DocumentType, Millis};

use super::{Room, RoomOutput};
use crate::presence::{Asks, Ignored, MessageError, PresenceEvent, PresenceMessage, SenderName, Untold, Woken};

/// About how many bytes of members and cursors one message bears; the rest has its turn a
/// tick later.
const MESSAGE_BYTES: usize = 64 << 10;

impl<D: DocumentType> Room<D> {
    /// Takes what the presence bus brings. Whatever it is, and whatever is missing, nobody's
    /// work is touched by it.
    pub fn handle_presence(&mut self, event: PresenceEvent, now: Millis) {
        self.now = now;
        match event {
            PresenceEvent::Subscribed => self.exchange.ask_everybody(),
            PresenceEvent::Message(bytes) if PresenceMessage::is_from(&bytes, self.exchange.name()) => return,
            PresenceEvent::Message(bytes) => match PresenceMessage::decode(&bytes, &self.limits) {
                Ok(message) => self.take_message(message, now),
                Err(error) => {
                    tracing::debug!(document = %self.document, %error, "a presence message is ignored");
                    self.meter.presence_garbage();
                    let ignored = self.exchange.ignored_mut();
                    match error {
                        MessageError::Format { .. } => ignored.formats += 1,
                        _ => ignored.malformed += 1,
                    }
                }
            },
        }
        self.advance(now);
    }

    /// Presence messages that were not used.
    pub fn presence_ignored(&self) -> Ignored {
        self.exchange.ignored()
    }

    /// How many members the room shows, at this server and at others.
    pub fn members(&self) -> usize {
        self.roster.present()
    }

    fn take_message(&mut self, message: PresenceMessage, now: Millis) {
        let sender = message.sender;
        if !self.exchange.hear(sender, message.sequence, now) {
            return;
        }
        self.exchange.hear_asks(&message.asks, now, (self.entropy)());
        // Who came first, so that a member with a new stay is not gone in between.
        for member in message.here {
            if !self.roster.hear_member(member, sender, now) {
                self.exchange.ignored_mut().crowd += 1;
            }
        }
        for stay in message.left {
            self.roster.hear_left(stay, sender);
        }
        if let Some(all) = &message.all
            && self.roster.hear_summary(all, sender, now)
        {
            self.exchange.ask(sender);
        }
        // Cursors of another life of the log stand nowhere in this one.
        let ours = self.sequencer.head().epoch;
        if message.epoch == ours || message.epoch.is_none() || ours.is_none() {
            for cursor in message.cursors {
                self.roster.hear_cursor(cursor, message.version, sender, self.sequencer.tail());
            }
        }
        self.roster.plan_expiry(now, self.settings.expiry_ms);
    }

    /// Whether there is anything to tell, and somebody to tell it to.
    pub(super) fn owes_others(&self) -> bool {
        (self.exchange.has_peers() && self.roster.is_untold())
            || (self.exchange.wants_to_speak() && self.roster.here() > 0)
    }

    /// One message with all that is new: nothing if nothing is.
    pub(super) fn tell_others(&mut self) {
        let anybody = self.roster.here() > 0;
        let (asks, summary) = if anybody { self.exchange.take_wishes() } else { Default::default() };
        let mut untold = Untold::default();
        // As long as nobody listens there is nothing to tell but that we are here.
        if self.exchange.has_peers() || asks == Asks::Everybody {
            untold = self.roster.take_untold(self.sequencer.tail(), MESSAGE_BYTES);
        }
        let is_last = !anybody && !untold.left.is_empty();
        let all = (summary || is_last).then(|| self.roster.summary());
        let Untold { here, left, cursors } = untold;
        if asks == Asks::Nobody && all.is_none() && here.is_empty() && left.is_empty() && cursors.is_empty() {
            return;
        }
        let head = self.sequencer.head();
        let message = PresenceMessage {
            sender: self.exchange.name(),
            sequence: self.exchange.next_sequence(),
            asks,
            here,
            left,
            all,
            epoch: head.epoch,
            version: head.version,
            cursors,
        };
        self.outputs.push_back(RoomOutput::Presence(message.encode()));
    }

    /// When the last member has left, the others hear of it at once: the room may be
    /// forgotten before the next tick.
    pub(super) fn tell_end(&mut self) {
        if !self.exchange.has_peers() {
            self.roster.forget_ended();
        } else if self.channels.is_empty() && self.roster.has_ended() {
            self.tell_others();
        }
    }

    /// Timers of the exchange, and of those who are not heard of any more.
    pub(super) fn wake_exchange(&mut self, now: Millis) {
        let (summary_ms, expiry_ms) = (self.settings.summary_ms, self.settings.expiry_ms);
        if self.exchange.poll_timeout().is_some_and(|due| due <= now) {
            match self.exchange.wake(now, summary_ms, expiry_ms, (self.entropy)()) {
                Woken::Nothing => {}
                Woken::Summary => self.roster.tell_cursors(),
                Woken::Answer => {
                    self.roster.tell_members();
                    self.roster.tell_cursors();
                }
                Woken::Slept => {
                    // They have one summary's time to be heard of.
                    self.roster.grant(Millis((now.0 + summary_ms).saturating_sub(expiry_ms)));
                    self.roster.plan_expiry(now, expiry_ms);
                }
            }
        }
        self.roster.expire(now, expiry_ms);
    }
}

/// The name of a room in this life of this server.
pub(super) fn random_name(entropy: &mut dyn FnMut() -> u64) -> SenderName {
    let mut name = [0; 16];
    name[..8].copy_from_slice(&entropy().to_be_bytes());
    name[8..].copy_from_slice(&entropy().to_be_bytes());
    SenderName(name)
}
