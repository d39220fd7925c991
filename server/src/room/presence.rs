//! Who is here and where their cursors stand, to the channels.

use cowrite_protocol::frame::{Abbreviated, Activity, Code, ServerFrame};
use cowrite_protocol::{Checksum, Cursor, DocumentType, Version};

use super::{ConnectionId, Room, encode};
use crate::auth::Action;
use crate::logging::LoggedUser;
use crate::metrics::Offered;

/// Cursors in one room beyond which the tick grows.
const CROWD: usize = 50;

impl<D: DocumentType> Room<D> {
    pub(super) fn cursor(&mut self, connection: ConnectionId, version: Abbreviated, cursor: Cursor) {
        let Some(channel) = self.channels.get_mut(&connection) else { return };
        let allowed = channel.gate.allows(Action::Appear, self.now).is_ok();
        let Some(version) = version.resolve(channel.carried_base).and_then(Version::new) else {
            return channel.gate.end(Code::Malformed);
        };
        channel.carried_base = version.get();
        let tail = self.sequencer.tail();
        // One of a version that does not exist yet is nonsense; one below the tail is stale.
        let exists =
            version <= tail.head() && version >= tail.start() && cursor.0.len() <= self.limits.selections as usize;
        if exists && allowed && self.roster.set_cursor(channel.number, version, cursor) {
            self.meter.coalesced(Offered::Cursor);
        }
    }

    pub(super) fn presence(&mut self, connection: ConnectionId, activity: Activity, state: Option<String>) {
        let Some(channel) = self.channels.get(&connection) else { return };
        if channel.gate.allows(Action::Appear, self.now).is_err() {
            return self.meter.denied(Action::Appear);
        }
        let state = state.filter(|state| state.len() <= self.limits.presence_bytes as usize);
        if self.roster.set_state(channel.number, activity, state) {
            self.meter.coalesced(Offered::Presence);
        }
    }

    /// Sends what has changed since the last tick: members, then cursors, each one frame
    /// for all who are in step.
    pub(super) fn send_presence(&mut self) {
        let head = self.sequencer.head().version;
        let changes = self.roster.take_changes();
        let cursors = self.roster.take_cursors::<D>(self.sequencer.tail());
        let mut frames = Vec::new();
        if !changes.is_empty() {
            frames.push(encode(&ServerFrame::Members { channel: self.number, changes }));
        }
        if !cursors.is_empty() {
            let version = head.get().to_le_bytes()[0];
            frames.push(encode(&ServerFrame::Cursors { channel: self.number, version, cursors }));
        }
        for channel in self.channels.values_mut() {
            let told = channel.is_in_step()
                && !channel.presence_missing
                && frames.iter().all(|frame| channel.gate.offer(frame.clone(), self.now));
            if !told && !frames.is_empty() {
                self.meter.dropped(Offered::Presence);
                channel.presence_missing = true;
                channel.gate.await_drain();
            }
        }
    }

    /// Tells a channel everything of everybody.
    pub(super) fn introduce(&mut self, connection: ConnectionId) {
        let head = self.sequencer.head().version;
        let members = encode(&ServerFrame::Members { channel: self.number, changes: self.roster.everybody() });
        let cursors = self.roster.all_cursors::<D>(self.sequencer.tail());
        let version = head.get().to_le_bytes()[0];
        let cursors =
            (!cursors.is_empty()).then(|| encode(&ServerFrame::Cursors { channel: self.number, version, cursors }));
        let Some(channel) = self.channels.get_mut(&connection) else { return };
        channel.presence_missing = false;
        for frame in std::iter::once(members).chain(cursors) {
            channel.gate.push(frame, self.now);
        }
    }

    /// Compares what a client at rest believes. Only a client that stands at the head can
    /// be compared in text; others are in history.
    pub(super) fn verify(&mut self, connection: ConnectionId, version: Version, hash: u64, checksum: Checksum) {
        let head = self.sequencer.head();
        let known = self.sequencer.tail().hash_at(version);
        let agrees = known.is_none_or(|known| known.short() == hash)
            && version <= head.version
            && (version != head.version || self.checksum() == checksum);
        if agrees {
            if let Some(channel) = self.channels.get(&connection) {
                // All up to there is before this frame: whoever has less has missed something.
                let version = channel.sent.max(version);
                channel.gate.push(encode(&ServerFrame::Verified { channel: self.number, version }), self.now);
            }
        } else {
            self.meter.diverged();
            let user = self.channels.get(&connection).map(|channel| LoggedUser(&channel.user).to_string());
            let user = user.unwrap_or_default();
            tracing::error!(document = %self.document, connection = connection.0, user, %version, "a client holds another text or history than the log");
            self.close_channel(connection, Code::Diverged, 0);
        }
    }

    /// 100 ms up to 50 moving cursors, then longer: what a crowd costs stays bounded.
    pub(super) fn presence_tick(&self) -> u64 {
        let moving = self.roster.moving();
        self.settings.presence_ms * (1 + moving.saturating_sub(1) as u64 / CROWD as u64)
    }
}
