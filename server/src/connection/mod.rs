//! One socket: bytes to frames, frames to rooms.
//!
//! [`Connection`] is a machine without I/O; a task drives it.

mod registry;
mod rooms;
mod settings;
mod socket;
mod writing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::codec::{decode_client, encode_server};
use cowrite_protocol::frame::{
    ClientFrame, Code, DurabilityClass, PartReader, Position, ProtocolVersion, ServerFrame, Submit, Welcome,
};
use cowrite_protocol::{Channel, ClientId, ClientSeq, DocumentId, Limits, Millis};

use crate::auth::{Denied, Identity};
use crate::outbox::Outbox;
use crate::room::ChannelFrame;
use crate::sequencer::SubmittedCaret;

pub use registry::Registry;
pub use settings::ConnectionSettings;
pub use socket::{CLOSE_CODE_BASE, SocketContext, close_code, serve_socket};

/// The state of one socket. Nothing of it is applied, queued or shown before its
/// `Hello` is accepted.
pub struct Connection {
    outbox: Arc<Outbox>,
    limits: Limits,
    settings: ConnectionSettings,
    durability: DurabilityClass,
    phase: Phase,
    version: ProtocolVersion,
    channels: BTreeMap<Channel, PartReader>,
    /// Opens that were passed on and not decided yet.
    opening: usize,
    heard: Millis,
    outputs: VecDeque<ConnectionOutput>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    AwaitingHello { until: Millis },
    Authenticating,
    Open(Identity),
    Ended,
}

/// What the connection's driver is to do, in order.
#[derive(Debug)]
pub enum ConnectionOutput {
    /// Find out who this is, and call [`Connection::handle_identity`] before any further message.
    Authenticate {
        /// The token of `Hello`, or a fresh one.
        token: String,
    },
    /// Find out whether they may open this, and pass it to the document's room; then
    /// call [`Connection::handle_opening`], or [`Connection::refuse`].
    Open(Box<OpenRequest>),
    /// Give this to the room of the channel.
    Room {
        /// Which room.
        channel: Channel,
        /// What.
        frame: ChannelFrame,
    },
}

/// An `Open` as it was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct OpenRequest {
    /// The client's number for it.
    pub request: u32,
    /// Which document.
    pub document: DocumentId,
    /// The client id, if one was presented.
    pub client: Option<ClientId>,
    /// Where the client stands.
    pub position: Option<Position>,
    /// The client wants the document whole.
    pub whole: bool,
    /// The operation whose outcome it does not know.
    pub in_flight: Option<ClientSeq>,
    /// The member's presence state.
    pub state: String,
}

/// What a transfer up may have beside its operation.
const TRANSFER_SLACK: u32 = 1 << 10;

impl Connection {
    /// A socket that was just accepted.
    pub fn new(
        outbox: Arc<Outbox>,
        limits: Limits,
        settings: ConnectionSettings,
        durability: DurabilityClass,
        now: Millis,
    ) -> Connection {
        Connection {
            outbox,
            limits,
            settings,
            durability,
            phase: Phase::AwaitingHello { until: now + settings.hello_ms },
            version: ProtocolVersion::NEWEST,
            channels: BTreeMap::new(),
            opening: 0,
            heard: now,
            outputs: VecDeque::new(),
        }
    }

    /// Who this is, once it is known.
    pub fn identity(&self) -> Option<&Identity> {
        match &self.phase {
            Phase::Open(identity) => Some(identity),
            _ => None,
        }
    }

    /// The channels that are open, or being opened.
    pub fn channels(&self) -> impl Iterator<Item = Channel> {
        self.channels.keys().copied()
    }

    /// The next thing to do. Drain it to `None` after each call.
    pub fn poll_output(&mut self) -> Option<ConnectionOutput> {
        self.outputs.pop_front()
    }

    /// The socket delivered a message.
    pub fn handle_message(&mut self, message: &[u8], now: Millis) {
        self.heard = now;
        for frame in decode_client(message, self.limits.message_bytes as usize) {
            match frame {
                Ok(frame) => self.handle_frame(frame),
                Err(cowrite_protocol::codec::DecodeError::TooLarge { .. }) => self.end(Code::TooLarge),
                Err(_) => self.end(Code::Malformed),
            }
            if self.phase == Phase::Ended {
                return;
            }
        }
    }

    /// The socket showed a sign of life that is no message.
    pub fn handle_sign_of_life(&mut self, now: Millis) {
        self.heard = now;
    }

    /// The answer to [`ConnectionOutput::Authenticate`].
    pub fn handle_identity(&mut self, identity: Result<Identity, Denied>) {
        match (&self.phase, identity) {
            (Phase::Authenticating, Ok(identity)) => {
                let welcome = Welcome {
                    version: self.version,
                    user: identity.user.clone(),
                    limits: self.limits,
                    durability: self.durability,
                    silence_ms: u32::try_from(self.settings.silence_ms).unwrap_or(u32::MAX),
                };
                self.phase = Phase::Open(identity);
                self.push(&ServerFrame::Welcome(welcome));
            }
            // A fresh token speaks for the same user, or for nobody.
            (Phase::Open(known), Ok(identity)) if known.user == identity.user => self.phase = Phase::Open(identity),
            (_, Ok(_)) => self.end(Code::Unauthorized),
            (_, Err(denied)) => self.end(denied.code),
        }
    }

    /// An `Open` has been passed to the room of this channel.
    pub fn handle_opening(&mut self, channel: Channel) {
        self.opening = self.opening.saturating_sub(1);
        self.outbox.channel_opening(channel);
        self.channels.insert(channel, PartReader::default());
    }

    /// An `Open` is refused before any room has seen it.
    pub fn refuse(&mut self, request: u32, code: Code, retry_after_ms: u32) {
        self.opening = self.opening.saturating_sub(1);
        self.refuse_at_once(request, code, retry_after_ms);
    }

    fn refuse_at_once(&mut self, request: u32, code: Code, retry_after_ms: u32) {
        self.push(&ServerFrame::OpenRefused { request, code, retry_after_ms });
    }

    /// The room has closed this channel.
    pub fn handle_channel_closed(&mut self, channel: Channel) {
        self.channels.remove(&channel);
    }

    /// The earliest moment at which [`Connection::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Millis> {
        match self.phase {
            Phase::AwaitingHello { until } => Some(until),
            Phase::Authenticating | Phase::Open(_) => Some(self.heard + self.settings.silence_ms),
            Phase::Ended => None,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Millis) {
        match self.phase {
            Phase::AwaitingHello { until } if until <= now => self.end(Code::HelloExpected),
            Phase::Open(_) | Phase::Authenticating if now - self.heard >= self.settings.silence_ms => {
                self.end(Code::Silent);
            }
            _ => {}
        }
    }

    /// Ends the connection for a reason, after what is queued for it.
    pub fn end(&mut self, code: Code) {
        self.phase = Phase::Ended;
        self.outbox.end(code, 0);
    }

    /// The frame that tells why the connection ends; the driver sends it last.
    pub fn farewell(code: Code, retry_after_ms: u32) -> Bytes {
        let speaks = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        let mut bytes = Vec::new();
        encode_server(&ServerFrame::Error { code, retry_after_ms, speaks }, &mut bytes);
        Bytes::from(bytes)
    }

    fn handle_frame(&mut self, frame: ClientFrame<'_>) {
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
            (Phase::Open(_), frame) => self.handle_open_frame(frame),
            _ => self.end(Code::HelloExpected),
        }
    }

    fn handle_open_frame(&mut self, frame: ClientFrame<'_>) {
        match frame {
            ClientFrame::Hello { .. } => self.end(Code::HelloExpected),
            ClientFrame::Ping => self.push(&ServerFrame::Pong),
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
            ClientFrame::Submit(submit) => self.submit(&submit, SubmittedCaret::Implied),
            ClientFrame::SubmitStill(submit) => self.submit(&submit, SubmittedCaret::Still),
            ClientFrame::SubmitCursor { cursor, submit } => {
                if cursor.0.len() > self.limits.selections as usize {
                    return self.end(Code::TooLarge);
                }
                self.submit(&submit, SubmittedCaret::At(cursor));
            }
            ClientFrame::Cursor { channel, version, cursor } => {
                self.for_room(channel, ChannelFrame::Cursor { version, cursor });
            }
            ClientFrame::Presence { channel, activity, state } => {
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
                self.channels.remove(&channel);
            }
            ClientFrame::Part { channel, total, bytes } => {
                let limit = self.limits.operation.bytes.saturating_add(TRANSFER_SLACK);
                let Some(parts) = self.channels.get_mut(&channel) else { return self.unknown(channel) };
                match parts.take(channel, total, bytes.0, limit) {
                    Ok(None) => {}
                    Ok(Some(whole)) => self.handle_transfer(channel, &whole),
                    Err(cowrite_protocol::frame::PartError::TooLarge { .. }) => self.end(Code::TooLarge),
                    Err(_) => self.end(Code::Malformed),
                }
            }
        }
    }

    /// A frame that came in parts: exactly one, one that may be large, and of the channel
    /// whose parts they were.
    fn handle_transfer(&mut self, of: Channel, whole: &[u8]) {
        let mut frames = decode_client(whole, whole.len());
        match (frames.next(), frames.next()) {
            (Some(Ok(frame)), None) => match &frame {
                ClientFrame::Submit(Submit { channel, .. })
                | ClientFrame::SubmitStill(Submit { channel, .. })
                | ClientFrame::SubmitCursor { submit: Submit { channel, .. }, .. }
                | ClientFrame::Restore { channel, .. }
                    if *channel == of =>
                {
                    self.handle_open_frame(frame);
                }
                _ => self.end(Code::Malformed),
            },
            _ => self.end(Code::Malformed),
        }
    }

    fn submit(&mut self, submit: &Submit<'_>, caret: SubmittedCaret) {
        let operation = Bytes::copy_from_slice(submit.operation.0);
        self.for_room(submit.channel, ChannelFrame::Submit { seq: submit.seq, base: submit.base, operation, caret });
    }

    fn for_room(&mut self, channel: Channel, frame: ChannelFrame) {
        if self.channels.contains_key(&channel) {
            self.outputs.push_back(ConnectionOutput::Room { channel, frame });
        } else {
            self.unknown(channel);
        }
    }

    /// A frame on a channel that is not open, perhaps not any more: told, and ignored.
    fn unknown(&mut self, channel: Channel) {
        self.push(&ServerFrame::Closed { channel, code: Code::UnknownChannel, retry_after_ms: 0 });
    }

    fn push(&mut self, frame: &ServerFrame<'_>) {
        let mut bytes = Vec::new();
        encode_server(frame, &mut bytes);
        self.outbox.push_own(Bytes::from(bytes));
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::codec::{decode_server, encode_client};

    use super::*;
    use crate::auth::DeveloperAccess;

    fn greeted(limits: Limits) -> (Connection, Arc<Outbox>) {
        let outbox = Arc::new(Outbox::new(1 << 20, 16 << 10));
        let settings = ConnectionSettings::default();
        let mut connection = Connection::new(outbox.clone(), limits, settings, DurabilityClass::Disk, Millis(0));
        let (oldest, newest) = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        say(&mut connection, &[ClientFrame::Hello { oldest, newest, token: "dev:a" }]);
        assert!(matches!(connection.poll_output(), Some(ConnectionOutput::Authenticate { .. })));
        connection.handle_identity(DeveloperAccess::identity("dev:a").map_err(Into::into));
        outbox.take(1 << 20);
        (connection, outbox)
    }

    fn say(connection: &mut Connection, frames: &[ClientFrame<'_>]) {
        let mut message = Vec::new();
        frames.iter().for_each(|frame| encode_client(frame, &mut message));
        connection.handle_message(&message, Millis(1));
    }

    fn open(request: u32, document: &str) -> ClientFrame<'_> {
        ClientFrame::Open { request, document, client: None, position: None, whole: false, in_flight: None, state: "" }
    }

    fn refusals(outbox: &Outbox) -> Vec<(u32, Code)> {
        let message: Vec<u8> = outbox.take(1 << 20).frames.concat();
        let frames = decode_server(&message, message.len()).flatten();
        let refusals = frames.filter_map(|frame| match frame {
            ServerFrame::OpenRefused { request, code, .. } => Some((request, code)),
            _ => None,
        });
        refusals.collect()
    }

    #[test]
    fn opens_in_one_message_count_before_they_are_answered() {
        let (mut connection, outbox) = greeted(Limits { channels: 2, ..Limits::default() });
        say(&mut connection, &[open(1, "a"), open(2, "b"), open(3, "c")]);
        assert_eq!(refusals(&outbox), [(3, Code::TooManyChannels)]);
        while connection.poll_output().is_some() {}
        connection.handle_opening(Channel(0));
        connection.refuse(2, Code::AccessDenied, 0);
        say(&mut connection, &[open(4, "d"), open(5, "e")]);
        assert_eq!(refusals(&outbox), [(2, Code::AccessDenied), (5, Code::TooManyChannels)]);
    }

    #[test]
    fn a_name_that_is_none_is_refused_and_the_connection_goes_on() {
        let (mut connection, outbox) = greeted(Limits::default());
        say(&mut connection, &[open(1, "../a"), open(2, ""), open(3, "good")]);
        assert_eq!(refusals(&outbox), [(1, Code::BadDocumentId), (2, Code::BadDocumentId)]);
        assert!(matches!(connection.poll_output(), Some(ConnectionOutput::Open(open)) if open.request == 3));
    }
}
