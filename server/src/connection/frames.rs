//! What each frame of a client is for.

use bytes::Bytes;
use cowrite_protocol::codec::decode_client;
use cowrite_protocol::frame::{ClientFrame, Code, PartError, ProtocolVersion, ServerFrame, Submit};
use cowrite_protocol::{Channel, Millis};

use super::{Connection, ConnectionOutput, OpenRequest, Phase};
use crate::metrics::{Rate, Trail};
use crate::room::ChannelFrame;
use crate::sequencer::SubmittedCaret;

/// What a transfer up may have beside its operation.
const TRANSFER_SLACK: u32 = 1 << 10;

/// What a frame costs that makes the server ask the log, walk through a document, or verify a token; and one of
/// presence more that is above its rate.
const DEAR: u32 = 10;

impl Connection {
    pub(super) fn handle_frame(&mut self, frame: ClientFrame<'_>, pinged: &mut bool, now: Millis) {
        match (&self.phase, frame) {
            (Phase::AwaitingHello { .. }, ClientFrame::Hello { oldest, newest, token }) => {
                match ProtocolVersion::agree(oldest, newest) {
                    Some(version) => {
                        self.version = version;
                        self.phase = Phase::Authenticating;
                        self.outputs.push_back(ConnectionOutput::Authenticate { token: token.to_owned() });
                    }
                    None => self.end(Code::VersionNotSpoken),
                }
            }
            (Phase::Open(_), frame) => {
                let dear =
                    matches!(frame, ClientFrame::Open { .. } | ClientFrame::Verify { .. } | ClientFrame::Token { .. });
                self.pace(if dear { DEAR } else { 1 }, now);
                match frame {
                    ClientFrame::Ping => *pinged = true,
                    frame => self.handle_open_frame(frame, now),
                }
            }
            _ => self.end(Code::HelloExpected),
        }
    }

    fn handle_open_frame(&mut self, frame: ClientFrame<'_>, now: Millis) {
        match frame {
            ClientFrame::Hello { .. } => self.end(Code::HelloExpected),
            ClientFrame::Ping => {}
            ClientFrame::Token { token } => {
                self.outputs.push_back(ConnectionOutput::Authenticate { token: token.to_owned() });
            }
            ClientFrame::Open { request, document, client, position, whole, in_flight, state } => {
                if self.channels.len() + self.opening >= self.limits.channels as usize {
                    return self.refuse_at_once(request, Code::TooManyChannels, 0);
                }
                let Ok(document) = document.parse() else {
                    return self.refuse_at_once(request, Code::BadDocumentId, 0);
                };
                if state.len() > self.limits.presence_bytes as usize {
                    return self.end(Code::TooLarge);
                }
                if client.is_some_and(|client| client.is_reserved()) {
                    return self.refuse_at_once(request, Code::ForeignClient, 0);
                }
                self.opening += 1;
                let state = state.to_owned();
                let open = OpenRequest { request, document, client, position, whole, in_flight, state };
                self.outputs.push_back(ConnectionOutput::Open(Box::new(open)));
            }
            ClientFrame::Submit(submit) => self.submit(&submit, SubmittedCaret::Implied, now),
            ClientFrame::SubmitStill(submit) => self.submit(&submit, SubmittedCaret::Still, now),
            ClientFrame::SubmitCursor { cursor, submit } => {
                if cursor.0.len() > self.limits.selections as usize {
                    return self.end(Code::TooLarge);
                }
                self.submit(&submit, SubmittedCaret::At(cursor), now);
            }
            ClientFrame::Cursor { cursor, .. } if cursor.0.len() > self.limits.selections as usize => {
                self.end(Code::TooLarge);
            }
            ClientFrame::Presence { state: Some(state), .. } if state.len() > self.limits.presence_bytes as usize => {
                self.end(Code::TooLarge);
            }
            ClientFrame::Cursor { channel, version, cursor } => {
                self.pace_presence(now);
                self.for_room(channel, ChannelFrame::Cursor { version, cursor });
            }
            ClientFrame::Presence { channel, activity, state } => {
                self.pace_presence(now);
                let state = state.map(str::to_owned);
                self.for_room(channel, ChannelFrame::Presence { activity, state });
            }
            ClientFrame::Verify { channel, version, hash, checksum } => {
                self.for_room(channel, ChannelFrame::Verify { version, hash, checksum });
            }
            ClientFrame::Restore { channel, base, operation } => {
                let operation = Bytes::copy_from_slice(operation.0);
                self.for_room(channel, ChannelFrame::Restore { base, operation });
            }
            ClientFrame::Close { channel } => {
                self.for_room(channel, ChannelFrame::Close);
                self.channels.remove(channel);
            }
            ClientFrame::Part { channel, total, bytes } => {
                let limit = self.limits.operation.bytes.saturating_add(TRANSFER_SLACK);
                // Transfers may run beside each other, but not hold as much each as one alone may.
                let held: usize = self.channels.values().map(|open| open.parts.held()).sum();
                if held + bytes.0.len() > limit as usize {
                    return self.end(Code::TooLarge);
                }
                let Some(open) = self.channels.get_mut(channel) else { return self.unknown(channel) };
                match open.parts.take(channel, total, bytes.0, limit) {
                    Ok(None) => {}
                    Ok(Some(whole)) => self.handle_transfer(channel, &whole, now),
                    Err(PartError::TooLarge { .. }) => self.end(Code::TooLarge),
                    Err(_) => self.end(Code::Malformed),
                }
            }
        }
    }

    /// A frame that came in parts: exactly one, one that may be large, and of the channel
    /// whose parts they were.
    fn handle_transfer(&mut self, of: Channel, whole: &[u8], now: Millis) {
        let mut frames = decode_client(whole, whole.len());
        match (frames.next(), frames.next()) {
            (Some(Ok(frame)), None) => match &frame {
                ClientFrame::Submit(Submit { channel, .. })
                | ClientFrame::SubmitStill(Submit { channel, .. })
                | ClientFrame::SubmitCursor { submit: Submit { channel, .. }, .. }
                | ClientFrame::Restore { channel, .. }
                    if *channel == of =>
                {
                    self.handle_open_frame(frame, now);
                }
                _ => self.end(Code::Malformed),
            },
            _ => self.end(Code::Malformed),
        }
    }

    fn submit(&mut self, submit: &Submit<'_>, caret: SubmittedCaret, now: Millis) {
        // Above the rate the room still hears of it, since numbers travel over those before.
        let busy_ms = self.submits.take(1, now).err();
        if busy_ms.is_some() {
            self.metrics.front.rate_limited(Rate::Submits);
        }
        let operation = if busy_ms.is_some() { Bytes::new() } else { Bytes::copy_from_slice(submit.operation.0) };
        self.for_room(
            submit.channel,
            ChannelFrame::Submit {
                seq: submit.seq,
                base: submit.base,
                operation,
                caret,
                busy_ms,
                trail: Trail::default(),
            },
        );
    }

    fn pace_presence(&mut self, now: Millis) {
        // The room shows the newest with its next tick, however many there are; whoever sends far too
        // many is read more slowly.
        if self.presence.take(1, now).is_err() {
            self.metrics.front.rate_limited(Rate::Presence);
            self.pace(DEAR, now);
        }
    }

    fn for_room(&mut self, channel: Channel, frame: ChannelFrame) {
        if self.channels.contains(channel) {
            self.outputs.push_back(ConnectionOutput::Room { channel, frame });
        } else {
            self.unknown(channel);
        }
    }

    /// A frame on a channel that is not open, perhaps not any more: ignored, and told unless the room
    /// is about to say why the channel ends. Its reason may be one to come back from, ours is not.
    fn unknown(&mut self, channel: Channel) {
        if self.ending.contains_key(&channel) {
            return;
        }
        self.push(&ServerFrame::Closed { channel, code: Code::UnknownChannel, retry_after_ms: 0 });
    }
}
