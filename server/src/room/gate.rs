//! The way to one channel, and the right to use it.

use std::cell::Cell;
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::frame::{Code, ServerFrame};
use cowrite_protocol::{Channel, Millis};

use super::encode;
use crate::auth::{Action, Permit};
use crate::outbox::Outbox;

/// Everything that a room tells a channel, and everything that it does for one, goes through here:
/// what the channel's permit does not allow (any more) is not told and not done. Only that the
/// channel ends is always told.
#[derive(Debug)]
pub(super) struct Gate {
    outbox: Arc<Outbox>,
    permit: Permit,
    channel: Channel,
    /// Something was not told, or not done. Nothing is told behind it: the right may be renewed before the channel has
    /// ended, and the receiver would never know what it lacks.
    withheld: Cell<bool>,
}

impl Gate {
    pub(super) fn new(outbox: Arc<Outbox>, permit: Permit, channel: Channel) -> Gate {
        Gate { outbox, permit, channel, withheld: Cell::new(false) }
    }

    /// Whether the channel may do this now.
    ///
    /// # Errors
    /// As [`Permit::allows`].
    pub(super) fn allows(&self, action: Action, now: Millis) -> Result<(), Code> {
        self.permit.allows(action, now)
    }

    /// The right itself, for what outlives the channel.
    pub(super) fn permit(&self) -> Permit {
        self.permit.clone()
    }

    /// Whether the channel may read, and lacks what it was not told, or not answered, while it might not: it has to
    /// begin anew. To be asked whenever something was done.
    pub(super) fn lacks(&self, now: Millis) -> bool {
        if self.permit.has_lapsed(now) {
            self.withheld.set(true);
        }
        self.withheld.get() && self.allows(Action::Read, now).is_ok()
    }

    /// Queues a frame, whatever waits already.
    pub(super) fn push(&self, frame: Bytes, now: Millis) {
        if self.tells(now) {
            self.outbox.push(self.channel, frame);
        }
    }

    /// Queues what the channel has missed, whatever waits already.
    pub(super) fn lead_on(&self, frame: Bytes, now: Millis) {
        if self.tells(now) {
            self.outbox.lead_on(self.channel, frame);
        }
    }

    /// Queues a frame unless too much waits; returns whether the receiver lacks nothing by it.
    pub(super) fn offer(&self, frame: Bytes, now: Millis) -> bool {
        // Who may not be told is owed nothing; its channel is about to end, or to begin anew.
        !self.tells(now) || self.outbox.offer(self.channel, frame)
    }

    /// The room wants to hear when there is room again.
    pub(super) fn await_drain(&self) {
        self.outbox.await_drain(self.channel);
    }

    /// Whether so little waits that the channel may be led on.
    pub(super) fn has_room(&self) -> bool {
        self.outbox.has_room()
    }

    /// Drops what of the channel was not begun to be sent.
    pub(super) fn cancel(&self) {
        self.outbox.cancel(self.channel);
    }

    /// Tells that the channel has ended, after what is queued.
    pub(super) fn close(&self, code: Code, retry_after_ms: u32) {
        self.cancel();
        let closed = ServerFrame::Closed { channel: self.channel, code, retry_after_ms };
        self.outbox.push(self.channel, encode(&closed));
        self.outbox.channel_closed(self.channel, self.permit());
    }

    /// Ends the whole connection.
    pub(super) fn end(&self, code: Code) {
        self.outbox.end(code, 0);
    }

    /// Whether this is the way to the same connection.
    pub(super) fn leads_to(&self, outbox: &Arc<Outbox>) -> bool {
        Arc::ptr_eq(&self.outbox, outbox)
    }

    fn tells(&self, now: Millis) -> bool {
        if self.allows(Action::Read, now).is_err() {
            self.withheld.set(true);
        }
        !self.withheld.get()
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::frame::Role;

    use super::*;

    #[test]
    fn nothing_is_told_behind_what_was_withheld_though_the_right_is_renewed() {
        let outbox = Arc::new(Outbox::new(1_000, 1_000));
        let gate = Gate::new(Arc::clone(&outbox), Permit::new(Role::Editor, Millis(10)), Channel(1));
        let frame = Bytes::from_static(b"frame");
        assert!(gate.offer(frame.clone(), Millis(9)) && outbox.take(1_000).frames.len() == 1);
        assert!(gate.offer(frame.clone(), Millis(10)), "it is owed nothing");
        assert!(!gate.lacks(Millis(10)));
        gate.permit().renew(Role::Editor, Millis(20));
        assert!(gate.lacks(Millis(11)));
        gate.push(frame.clone(), Millis(11));
        gate.lead_on(frame.clone(), Millis(11));
        assert!(gate.offer(frame, Millis(11)) && outbox.take(1_000).frames.is_empty());
        // What it asked for was not done, either.
        let gate = Gate::new(outbox, Permit::new(Role::Editor, Millis(10)), Channel(1));
        assert!(!gate.lacks(Millis(9)) && !gate.lacks(Millis(10)));
        gate.permit().renew(Role::Editor, Millis(20));
        assert!(gate.lacks(Millis(11)));
    }
}
