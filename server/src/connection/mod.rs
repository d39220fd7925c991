//! One socket: bytes to frames, frames to rooms.
//!
//! [`Connection`] is a machine without I/O; a task drives it.

mod access;
mod channels;
mod frames;
mod rate;
mod registry;
mod right;
mod rooms;
mod settings;
mod socket;
mod stay;
mod writing;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::codec::{DecodeError, decode_client, encode_server};
use cowrite_protocol::frame::{Code, DurabilityClass, PartReader, Position, ProtocolVersion, ServerFrame};
use cowrite_protocol::{Channel, ClientId, ClientSeq, DocumentId, Limits, Millis};

use crate::auth::{Identity, Permit};
use crate::metrics::{Metrics, Rate};
use crate::outbox::Outbox;
use crate::room::ChannelFrame;

use channels::Channels;
use rate::Bucket;
pub use registry::Registry;
use right::Right;
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
    channels: Channels,
    /// Channels whose rooms were told to end them, and have not said so yet.
    ending: BTreeMap<Channel, Permit>,
    /// Opens that were passed on and not decided yet.
    opening: usize,
    heard: Millis,
    /// The rooms were told that it is not heard.
    silent: bool,
    /// The token ends then.
    token_until: Millis,
    /// Some right is to be looked at then, or none is.
    rights_due: Option<Millis>,
    submits: Bucket,
    presence: Bucket,
    frames: Bucket,
    /// Nothing is read before.
    reads_at: Millis,
    metrics: Metrics,
    outputs: VecDeque<ConnectionOutput>,
}

/// What comes up on one channel.
#[derive(Debug)]
struct ChannelUp {
    parts: PartReader,
    right: Right,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Phase {
    AwaitingHello { until: Millis },
    Authenticating,
    Open(Box<Identity>),
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
    /// Find out whether they may open this, and pass it to the document's room, with the permit
    /// that [`Connection::handle_opening`] gives; or call [`Connection::refuse`].
    Open(Box<OpenRequest>),
    /// Find out what they may do with this document by now, beside all else, and call
    /// [`Connection::handle_role`].
    AskRole {
        /// Its channel.
        channel: Channel,
        /// Which document.
        document: DocumentId,
    },
    /// Tell the room of the channel that it is to end, as
    /// [`RoomCommand::Expel`](crate::room::RoomCommand::Expel) does.
    Expel {
        /// Which room.
        channel: Channel,
        /// Why.
        code: Code,
        /// When to come back at the earliest, in milliseconds.
        retry_after_ms: u32,
    },
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
            channels: Channels::default(),
            ending: BTreeMap::new(),
            opening: 0,
            heard: now,
            silent: false,
            token_until: Millis(u64::MAX),
            rights_due: None,
            submits: Bucket::new(settings.submits, now),
            presence: Bucket::new(settings.presence, now),
            frames: Bucket::new(settings.frames, now),
            reads_at: now,
            metrics: Metrics::default(),
            // Mostly one waits at a time, and left to itself a queue begins with four places.
            outputs: VecDeque::with_capacity(1),
        }
    }

    /// The same connection, counting there; else nobody reads what it counts.
    pub fn with_metrics(self, metrics: Metrics) -> Connection {
        Connection { metrics, ..self }
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
        self.channels.numbers()
    }

    /// The documents of these channels.
    pub fn documents(&self) -> impl Iterator<Item = &DocumentId> {
        self.channels.values().map(|open| open.right.document())
    }

    /// The next thing to do. Drain it to `None` after each call.
    pub fn poll_output(&mut self) -> Option<ConnectionOutput> {
        self.outputs.pop_front()
    }

    /// No message is to be read before this moment: the peer is faster than it may be. Nothing is
    /// refused or lost by it but time.
    pub fn reads_at(&self) -> Millis {
        self.reads_at
    }

    /// The socket delivered a message.
    pub fn handle_message(&mut self, message: &[u8], now: Millis) {
        self.hear(now);
        if message.is_empty() {
            // It holds no frame that would be counted.
            self.pace(1, now);
        }
        let mut pinged = false;
        for frame in decode_client(message, self.limits.message_bytes as usize) {
            match frame {
                Ok(frame) => self.handle_frame(frame, &mut pinged, now),
                Err(DecodeError::TooLarge { .. }) => self.end(Code::TooLarge),
                Err(_) => self.end(Code::Malformed),
            }
            if self.phase == Phase::Ended {
                return;
            }
        }
        // One answer does for all pings of a message.
        if pinged {
            self.push(&ServerFrame::Pong);
        }
    }

    /// The socket showed a sign of life that is no message.
    pub fn handle_sign_of_life(&mut self, now: Millis) {
        self.hear(now);
        self.pace(1, now);
    }

    /// The earliest moment at which [`Connection::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Millis> {
        match self.phase {
            Phase::AwaitingHello { until } => Some(until),
            Phase::Authenticating | Phase::Open(_) => {
                let quiet = self.quiet_since();
                let unanswered = (!self.silent).then(|| quiet + self.unanswered_ms());
                let known = [self.token_until, quiet + self.settings.silence_ms];
                known.into_iter().chain(unanswered).chain(self.rights_due).min()
            }
            Phase::Ended => None,
        }
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Millis) {
        match self.phase {
            // Its network may be slow, or this process was frozen: it is to come again.
            Phase::AwaitingHello { until } if until <= now => self.end(Code::Silent),
            Phase::Open(_) if self.token_until <= now => self.end(Code::TokenExpired),
            Phase::Open(_) | Phase::Authenticating if now - self.quiet_since() >= self.settings.silence_ms => {
                self.end(Code::Silent);
            }
            Phase::Open(_) if self.rights_due.is_some_and(|due| due <= now) => self.look_at_rights(now),
            _ => {}
        }
        if !self.silent && self.phase != Phase::Ended && now - self.quiet_since() >= self.unanswered_ms() {
            self.silent = true;
            self.tell_rooms(|| ChannelFrame::Silent);
        }
    }

    /// Ends the connection for a reason, after what is queued for it. What is queued for somebody
    /// whose token is good no longer is dropped.
    pub fn end(&mut self, code: Code) {
        self.end_for(code, 0);
    }

    /// As [`Connection::end`]; the client comes back after so many milliseconds at the earliest.
    fn end_for(&mut self, code: Code, retry_after_ms: u32) {
        self.phase = Phase::Ended;
        if matches!(code, Code::TokenExpired | Code::TokenRevoked | Code::Unauthorized) {
            self.channels.values().for_each(|channel| channel.right.permit().withdraw());
            self.outbox.discard();
        }
        self.outbox.end(code, retry_after_ms);
    }

    /// The frame that tells why the connection ends; the driver sends it last.
    pub fn farewell(code: Code, retry_after_ms: u32) -> Bytes {
        let speaks = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        let mut bytes = Vec::new();
        encode_server(&ServerFrame::Error { code, retry_after_ms, speaks }, &mut bytes);
        Bytes::from(bytes)
    }

    fn hear(&mut self, now: Millis) {
        self.heard = now;
        if std::mem::take(&mut self.silent) {
            self.tell_rooms(|| ChannelFrame::Heard);
        }
    }

    fn tell_rooms(&mut self, frame: impl Fn() -> ChannelFrame) {
        let told = self.channels.numbers().map(|channel| ConnectionOutput::Room { channel, frame: frame() });
        self.outputs.extend(told);
    }

    /// While it is not read, it cannot be heard.
    fn quiet_since(&self) -> Millis {
        self.heard.max(self.reads_at)
    }

    /// How long a peer may be quiet that is asked for a sign of life meanwhile, in milliseconds.
    fn unanswered_ms(&self) -> u64 {
        self.settings.ping_ms.saturating_add(self.settings.answer_ms)
    }

    /// So much was done: above the rate reading pauses.
    fn pace(&mut self, cost: u32, now: Millis) {
        let wait = self.frames.owe(cost, now);
        if wait > 0 {
            self.metrics.front.rate_limited(Rate::Frames);
        }
        self.reads_at = self.reads_at.max(now + u64::from(wait));
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
    use cowrite_protocol::frame::{ClientFrame, Role};

    use super::*;
    use crate::auth::{Denied, DeveloperAccess, Granted};

    const EDITOR: Granted = Granted { role: Role::Editor, for_ms: None };

    fn greeted(limits: Limits) -> (Connection, Arc<Outbox>) {
        let outbox = Arc::new(Outbox::new(1 << 20, 16 << 10));
        let settings = ConnectionSettings::default();
        let mut connection = Connection::new(outbox.clone(), limits, settings, DurabilityClass::Disk, Millis(0));
        let (oldest, newest) = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        say(&mut connection, &[ClientFrame::Hello { oldest, newest, token: "dev:a" }]);
        assert!(matches!(connection.poll_output(), Some(ConnectionOutput::Authenticate { .. })));
        connection.handle_identity(DeveloperAccess::identity("dev:a").map_err(Into::into), Millis(0));
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
        connection.handle_opening(Channel(0), &"a".parse().unwrap(), EDITOR, Millis(1));
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

    /// What the rooms were told, in order: whether the peer is silent.
    fn told(connection: &mut Connection) -> Vec<(u32, bool)> {
        let outputs = std::iter::from_fn(|| connection.poll_output());
        let told = outputs.filter_map(|output| match output {
            ConnectionOutput::Room { channel, frame: ChannelFrame::Silent } => Some((channel.0, true)),
            ConnectionOutput::Room { channel, frame: ChannelFrame::Heard } => Some((channel.0, false)),
            _ => None,
        });
        told.collect()
    }

    #[test]
    fn a4_who_does_not_answer_is_silent_to_every_room_until_heard() {
        let (mut connection, _outbox) = greeted(Limits::default());
        let (ConnectionSettings { ping_ms, answer_ms, silence_ms, .. }, document) =
            (ConnectionSettings::default(), "a".parse().unwrap());
        connection.handle_sign_of_life(Millis(1_000));
        for channel in [Channel(0), Channel(1)] {
            connection.handle_opening(channel, &document, EDITOR, Millis(1_000));
        }
        let due = Millis(1_000) + ping_ms + answer_ms;
        assert!(due.0 - 1_000 < 30_000 && connection.poll_timeout().is_some_and(|at| at <= due));
        connection.handle_timeout(Millis(due.0 - 1));
        assert_eq!(told(&mut connection), []);
        connection.handle_timeout(due);
        assert_eq!(told(&mut connection), [(0, true), (1, true)]);
        assert!(connection.poll_timeout().is_some_and(|at| at > due), "once");
        // One that was asked for before is opened only now.
        connection.handle_opening(Channel(2), &document, EDITOR, due);
        assert_eq!(told(&mut connection), [(2, true)]);
        connection.handle_sign_of_life(due + 10);
        assert_eq!(told(&mut connection), [(0, false), (1, false), (2, false)]);
        connection.handle_timeout(due + 10 + (silence_ms - 1));
        assert_eq!(told(&mut connection).len(), 3);
        assert!(connection.identity().is_some());
        connection.handle_timeout(due + 10 + silence_ms);
        assert!(connection.identity().is_none());
    }

    #[test]
    fn who_sends_on_a_channel_that_is_about_to_end_hears_the_reason_from_the_room_alone() {
        let (mut connection, outbox) = greeted(Limits::default());
        let granted = Granted { role: Role::Editor, for_ms: Some(10) };
        let permit = connection.handle_opening(Channel(0), &"a".parse().unwrap(), granted, Millis(1));
        connection.handle_timeout(Millis(11));
        let mut outputs = std::iter::from_fn(|| connection.poll_output());
        assert!(outputs.any(|output| matches!(output, ConnectionOutput::Expel { channel: Channel(0), .. })));
        say(&mut connection, &[ClientFrame::Close { channel: Channel(0) }]);
        assert!(connection.poll_output().is_none(), "it belongs nowhere");
        assert!(outbox.take(1 << 20).frames.is_empty());
        connection.handle_channel_closed(Channel(0), &permit);
        say(&mut connection, &[ClientFrame::Close { channel: Channel(0) }]);
        assert_eq!(outbox.take(1 << 20).frames.len(), 1, "there is no such channel any more");
    }

    #[test]
    fn the_late_end_of_a_channel_does_not_end_the_one_that_was_opened_since() {
        let (mut connection, outbox) = greeted(Limits::default());
        let document = "a".parse().unwrap();
        let first = connection.handle_opening(Channel(0), &document, EDITOR, Millis(1));
        say(&mut connection, &[ClientFrame::Close { channel: Channel(0) }]);
        let second = connection.handle_opening(Channel(0), &document, EDITOR, Millis(2));
        std::iter::from_fn(|| connection.poll_output()).for_each(drop);
        assert!(!connection.handle_channel_closed(Channel(0), &first));
        say(&mut connection, &[ClientFrame::Close { channel: Channel(0) }]);
        let passed_on = connection.poll_output();
        assert!(matches!(passed_on, Some(ConnectionOutput::Room { frame: ChannelFrame::Close, .. })));
        assert!(outbox.take(1 << 20).frames.is_empty());
        assert!(connection.handle_channel_closed(Channel(0), &second));
    }

    fn identity(lasts_ms: Option<u64>) -> Result<Identity, Denied> {
        let identity = DeveloperAccess::identity("dev:a").unwrap();
        Ok(Identity { lasts_ms, ..identity })
    }

    #[test]
    fn a_token_holds_until_it_ends_though_nobody_can_judge_the_next() {
        let (mut connection, outbox) = greeted(Limits::default());
        connection.handle_identity(identity(Some(1_000)), Millis(0));
        for code in [Code::Internal, Code::Unavailable] {
            connection.handle_identity(Err(code.into()), Millis(500));
        }
        connection.handle_timeout(Millis(999));
        assert!(connection.identity().is_some());
        connection.handle_identity(identity(Some(1_000)), Millis(999));
        connection.handle_timeout(Millis(1_998));
        assert!(connection.identity().is_some(), "a fresh one came in time");
        let permit = connection.handle_opening(Channel(0), &"a".parse().unwrap(), EDITOR, Millis(1_998));
        connection.handle_timeout(Millis(1_999));
        assert!(connection.identity().is_none());
        assert!(permit.allows(crate::auth::Action::Read, Millis(0)).is_err());
        assert_eq!(outbox.take(1 << 20).end, Some((Code::TokenExpired, 0)));
    }

    #[test]
    fn a_fresh_token_of_another_user_or_of_nobody_ends_the_connection() {
        let other = DeveloperAccess::identity("dev:b").map_err(Into::into);
        for (fresh, code) in [(other, Code::Unauthorized), (Err(Code::TokenRevoked.into()), Code::TokenRevoked)] {
            let (mut connection, outbox) = greeted(Limits::default());
            connection.handle_identity(fresh, Millis(1));
            assert_eq!(outbox.take(1 << 20).end, Some((code, 0)));
        }
    }
}
