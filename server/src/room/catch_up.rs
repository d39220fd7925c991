//! What a channel that has missed entries is given: those up to its own last one by
//! one, then all the rest as one operation.

use cowrite_protocol::frame::{Code, Packed, ServerFrame};
use cowrite_protocol::{DocumentType, Version};

use super::channel::Flow;
use super::submit::ack;
use super::{ConnectionId, Room, encode};
use crate::metrics::CatchUp;
use crate::sequencer::SubmissionId;

impl<D: DocumentType> Room<D> {
    /// Leads every channel on that has drained, unless something of it is under way: what
    /// the room has taken from a connection is settled before a catch-up is composed. One whose
    /// right was renewed after it had ended opens anew.
    pub(super) fn catch_up_all(&mut self) {
        let (mut lacking, mut ready) = (Vec::new(), Vec::new());
        for (connection, channel) in &self.channels {
            if channel.gate.lacks(self.now) {
                lacking.push(*connection);
            } else if channel.flow == (Flow::Lagging { drained: true })
                && !self.sequencer.holds(SubmissionId(channel.stay))
            {
                ready.push(*connection);
            }
        }
        for connection in lacking {
            self.close_channel(connection, Code::Behind, 0);
        }
        for connection in ready {
            self.catch_up(connection);
        }
        let unaware: Vec<ConnectionId> = self
            .channels
            .iter()
            .filter(|(_, channel)| channel.presence_missing && channel.is_in_step() && channel.gate.has_room())
            .map(|(connection, _)| *connection)
            .collect();
        for connection in unaware {
            self.introduce(connection);
        }
    }

    fn catch_up(&mut self, connection: ConnectionId) {
        let Some(channel) = self.channels.get_mut(&connection) else { return };
        // All documents of a connection hear at once that it has drained; the first one fills it again.
        if !channel.gate.has_room() {
            channel.flow = Flow::Lagging { drained: false };
            return channel.gate.await_drain();
        }
        let Some(channel) = self.channels.get(&connection) else { return };
        let (client, gate, mut sent) = (channel.client, &channel.gate, channel.sent);
        let authors_missing = channel.authors_missing;
        let head = self.sequencer.head();
        let Some(missed) = self.sequencer.tail().after(sent) else {
            return self.close_channel(connection, Code::Behind, 0);
        };
        let own = missed.filter(|entry| entry.client == client).last().map(|entry| entry.version);
        let rest = head.version.since(own.unwrap_or(sent));
        let singly_to = if rest < self.settings.compose_from { head.version } else { own.unwrap_or(sent) };
        let (mut blocked, mut bytes) = (false, 0);
        if let Some(missed) = self.sequencer.tail().after(sent) {
            for entry in missed.take_while(|entry| entry.version <= singly_to) {
                let fits = if entry.client == client {
                    gate.push(ack(self.number, entry.client_seq, entry.version, entry.hash.byte()), self.now);
                    true
                } else {
                    let frame = encode(&ServerFrame::Entry {
                        channel: self.number,
                        version: entry.version,
                        client: entry.client,
                        seq: entry.client_seq,
                        user: entry.user.clone(),
                        operation: Packed(&entry.packed),
                    });
                    let size = frame.len();
                    let fits = gate.offer(frame, self.now);
                    bytes += if fits { size } else { 0 };
                    fits
                };
                if !fits {
                    blocked = true;
                    break;
                }
                sent = entry.version;
            }
        }
        if bytes > 0 {
            self.meter.caught_up(CatchUp::Single, bytes);
        }
        if !blocked && sent < head.version {
            if !self.compose_to_head(connection, sent) {
                return self.close_channel(connection, Code::Behind, 0);
            }
            sent = head.version;
        } else if !blocked && authors_missing {
            // Numbers may have been given anew while the channel was not told.
            for author in self.roster.authors() {
                gate.push(encode(&ServerFrame::Author { channel: self.number, author }), self.now);
            }
        }
        let Some(channel) = self.channels.get_mut(&connection) else { return };
        channel.sent = sent;
        if blocked {
            channel.flow = Flow::Lagging { drained: false };
            channel.gate.await_drain();
        } else {
            channel.flow = Flow::InStep;
            channel.presence_missing = true;
            channel.authors_missing = false;
            // Who is here, it is told when there is room.
            channel.gate.await_drain();
        }
    }

    /// Queues all entries after `sent` as one operation; what the client had in flight on
    /// an older base is void from here on. Returns whether the entries were there.
    fn compose_to_head(&mut self, connection: ConnectionId, sent: Version) -> bool {
        let Some(composed) = self.sequencer.tail_mut().compose_after(sent) else { return false };
        let (head, checksum) = (self.sequencer.head(), self.checksum());
        let mut packed = Vec::new();
        D::encode(&composed, &mut packed);
        let frame = encode(&ServerFrame::Composed {
            channel: self.number,
            version: head.version,
            hash: head.hash,
            checksum,
            authors: self.roster.authors(),
            operation: Packed(&packed),
        });
        if let Some(channel) = self.channels.get_mut(&connection) {
            channel.void_below = head.version;
            self.meter.caught_up(CatchUp::Composed, frame.len());
            channel.gate.lead_on(frame, self.now);
        }
        true
    }
}
