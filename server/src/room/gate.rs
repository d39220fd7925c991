//! The way to one channel, and the right to use it.

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
}

impl Gate {
    pub(super) fn new(outbox: Arc<Outbox>, permit: Permit, channel: Channel) -> Gate {
        Gate { outbox, permit, channel }
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

    /// Queues a frame, whatever waits already.
    pub(super) fn push(&self, frame: Bytes, now: Millis) {
        if self.allows(Action::Read, now).is_ok() {
            self.outbox.push(self.channel, frame);
        }
    }

    /// Queues what the channel has missed, whatever waits already.
    pub(super) fn lead_on(&self, frame: Bytes, now: Millis) {
        if self.allows(Action::Read, now).is_ok() {
            self.outbox.lead_on(self.channel, frame);
        }
    }

    /// Queues a frame unless too much waits; returns whether the receiver lacks nothing by it.
    pub(super) fn offer(&self, frame: Bytes, now: Millis) -> bool {
        // Who may not be told is owed nothing; its channel is about to end.
        self.allows(Action::Read, now).is_err() || self.outbox.offer(self.channel, frame)
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
}
