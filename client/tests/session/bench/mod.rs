//! A session on a bench: frames made by hand go in, what it sends is decoded, and time
//! is a number. After every step the text that the events tell, the text that is shown
//! and the accepted text with what is pending are one and the same.

mod device;
mod log;
mod notation;
mod sent;

use std::collections::{BTreeMap, VecDeque};

use cowrite_client::{
    DocumentHandle, Event, LinkState, Output, Record, Session, SessionEvent, SessionSettings, Status,
};
use cowrite_protocol::codec::encode_server;
use cowrite_protocol::frame::{
    Code, DurabilityClass, Opened, Outcome, PartReader, ProtocolVersion, Rate, Role, ServerFrame, Settlement, Terms,
    Welcome,
};
use cowrite_protocol::operation::Document;
use cowrite_protocol::{AuthorNumber, Channel, ClientSeq, DocumentId, Limits, Millis, RichText, Version};

pub(crate) use device::Device;
pub(crate) use log::{BOB, EVE, Log, OWN};
pub(crate) use notation::{caret, op};
pub(crate) use sent::{Opening, Sent, SentCaret, Submitted};

/// One session with one document, and the server's end of it.
pub(crate) struct Bench {
    pub(crate) session: Session<RichText>,
    pub(crate) handle: DocumentHandle,
    pub(crate) now: Millis,
    pub(crate) log: Log,
    pub(crate) limits: Limits,
    pub(crate) durability: DurabilityClass,
    /// The channel that the server gave last.
    pub(crate) channel: u32,
    /// Bytes that the host says still wait in the socket.
    pub(crate) buffered: usize,
    /// Whether the server answers pings.
    pub(crate) answers_pings: bool,
    pub(crate) events: Vec<Event<RichText>>,
    pub(crate) links: Vec<LinkState>,
    /// Sizes of the messages that were sent, in bytes.
    pub(crate) messages: Vec<usize>,
    pub(crate) connects: usize,
    pub(crate) disconnects: usize,
    pub(crate) tokens: usize,
    /// How often the session was woken.
    pub(crate) woken: usize,
    /// The requests that were not answered yet.
    sent: VecDeque<Sent>,
    /// How often the host was asked what it has, and what it was asked to store.
    pub(crate) loads: usize,
    pub(crate) stores: VecDeque<(u32, Record)>,
    pub(crate) device: Device,
    /// How long ago the record was stored, as the host says.
    pub(crate) age_ms: u64,
    from_events: Document,
    /// The last client_seq and base that each channel carried.
    carried: BTreeMap<u32, (u64, u64)>,
    parts: PartReader,
}

impl Bench {
    /// A session that was asked to connect and to open one document, before its token.
    pub(crate) fn idle() -> Bench {
        let now = Millis(1_000_000);
        let mut session = Session::new(SessionSettings::new(42));
        let handle = session.open("page".parse::<DocumentId>().unwrap(), "", now).unwrap();
        session.connect(now);
        let mut bench = Bench {
            session,
            handle,
            now,
            log: Log::with_text(""),
            limits: Limits::default(),
            durability: DurabilityClass::None,
            channel: 0,
            buffered: 0,
            answers_pings: true,
            events: Vec::new(),
            links: Vec::new(),
            messages: Vec::new(),
            connects: 0,
            disconnects: 0,
            tokens: 0,
            woken: 0,
            sent: VecDeque::new(),
            loads: 0,
            stores: VecDeque::new(),
            device: Device::default(),
            age_ms: 0,
            from_events: Document::default(),
            carried: BTreeMap::new(),
            parts: PartReader::default(),
        };
        bench.drain();
        bench
    }

    /// A session in step with a document that holds `text`, and nothing else to say.
    pub(crate) fn open(text: &str) -> Bench {
        Bench::open_with(text, |_| {})
    }

    /// As [`Bench::open`], with other promises of the server.
    pub(crate) fn open_with(text: &str, change: impl FnOnce(&mut Bench)) -> Bench {
        let mut bench = Bench::idle();
        change(&mut bench);
        bench.log = Log::with_text(text);
        bench.greet();
        bench.expect_open();
        bench.opened(Settlement::Nothing, Outcome::Snapshot);
        bench.snapshot();
        bench.events.clear();
        bench.nothing_sent();
        bench
    }

    /// Token, socket, `Hello` and `Welcome`.
    pub(crate) fn greet(&mut self) {
        self.greet_as("token", "ann");
    }

    /// As [`Bench::greet`], with this token, which is this user's.
    pub(crate) fn greet_as(&mut self, token: &str, user: &str) {
        self.session.provide_token(token, self.now);
        self.hello(token);
        self.welcome(user);
    }

    /// The socket opens, and the client says hello.
    pub(crate) fn hello(&mut self, token: &str) {
        self.drain();
        self.session.handle_connected(self.now);
        self.drain();
        assert_eq!(self.next(), Sent::Hello { token: token.into() });
    }

    /// The server greets.
    pub(crate) fn welcome(&mut self, user: &str) {
        let (limits, durability) = (self.limits, self.durability);
        self.server(&ServerFrame::Welcome(Welcome {
            version: ProtocolVersion::NEWEST,
            user: user.parse().unwrap(),
            limits,
            durability,
            silence_ms: 90_000,
        }));
    }

    /// The server says how often what may be sent, and how long the token is good.
    pub(crate) fn terms(&mut self, submits: (u32, u32), presence: (u32, u32), token_ms: Option<u32>) {
        let rate = |(per_second, burst)| Rate { per_second, burst };
        let (submits, presence) = (rate(submits), rate(presence));
        self.server(&ServerFrame::Terms(Terms { submits, presence, connections: 10, token_ms }));
    }

    /// The server ends the connection.
    pub(crate) fn end(&mut self, code: Code, retry_after_ms: u32) {
        let speaks = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        self.server(&ServerFrame::Error { code, retry_after_ms, speaks });
    }

    /// The socket is cut, and the session is back as soon as it wants to be; gives what it asks for.
    pub(crate) fn reconnect(&mut self) -> Opening {
        self.cut();
        self.come_back()
    }

    /// The socket is cut.
    pub(crate) fn cut(&mut self) {
        self.session.handle_disconnected(self.now);
        self.drain();
        self.sent.clear();
    }

    /// Waits until the session asks for a socket, and greets it.
    pub(crate) fn come_back(&mut self) -> Opening {
        let connects = self.tokens;
        let until = self.now + 31_000;
        while self.tokens == connects && self.now < until {
            self.pass(10);
        }
        self.sent.clear();
        self.greet();
        self.expect_open()
    }

    /// Answers the last `Open`.
    pub(crate) fn opened(&mut self, settlement: Settlement, outcome: Outcome) {
        self.opened_as(settlement, outcome, |_| {});
    }

    /// Answers the last `Open`, changed at will.
    pub(crate) fn opened_as(&mut self, settlement: Settlement, outcome: Outcome, change: impl FnOnce(&mut Opened)) {
        self.channel += 1;
        let mut opened = Opened {
            request: self.log.request,
            channel: Channel(self.channel),
            client: OWN,
            last_seq: ClientSeq::new(self.log.own_seq).unwrap(),
            number: AuthorNumber(1),
            role: Role::Editor,
            settlement,
            epoch: self.log.position.epoch,
            outcome,
        };
        change(&mut opened);
        self.log.own = opened.client;
        self.carried.insert(self.channel, (opened.last_seq.get(), self.log.asked_at));
        self.server(&ServerFrame::Opened(opened));
    }

    /// Answers with a tail that leads to the log's head, and says that nothing is missing.
    pub(crate) fn in_step(&mut self, settlement: Settlement) {
        self.opened(settlement, Outcome::Tail { head: self.log.position.version });
    }

    /// The document whole.
    pub(crate) fn snapshot(&mut self) {
        self.carried.entry(self.channel).or_default().1 = self.log.position.version.get();
        let frame = self.log.snapshot(Channel(self.channel), 0);
        self.bytes(&frame);
    }

    /// The document whole, with a checksum that is not its own.
    pub(crate) fn wrong_snapshot(&mut self) {
        self.carried.entry(self.channel).or_default().1 = self.log.position.version.get();
        let frame = self.log.snapshot(Channel(self.channel), 1);
        self.bytes(&frame);
    }

    /// Bob commits, and we are told.
    pub(crate) fn commit(&mut self, operation: &str) {
        let frame = self.log.commit(Channel(self.channel), &op(operation));
        self.bytes(&frame);
    }

    /// Bob commits, and we are told as in a catch-up.
    pub(crate) fn entry(&mut self, operation: &str) {
        let frame = self.log.entry(Channel(self.channel), BOB, &op(operation));
        self.bytes(&frame);
    }

    /// Lost work is restored, by us or somebody else.
    pub(crate) fn restored(&mut self, operation: &str) {
        let client = self.log.restoration();
        let frame = self.log.entry(Channel(self.channel), client, &op(operation));
        self.bytes(&frame);
    }

    /// The log takes the submit, transformed over what was committed since its base,
    /// and we get its ack.
    pub(crate) fn ack(&mut self, submit: &Submitted) {
        let frame = self.log.ack(Channel(self.channel), submit);
        self.bytes(&frame);
    }

    /// All that the log holds after the version, as one operation.
    pub(crate) fn composed(&mut self, after: u64) {
        let frame = self.log.composed(Channel(self.channel), after, 0);
        self.bytes(&frame);
    }

    /// As [`Bench::composed`], with a checksum that is not the text's.
    pub(crate) fn wrong_composed(&mut self, after: u64) {
        let frame = self.log.composed(Channel(self.channel), after, 1);
        self.bytes(&frame);
    }

    /// The room refuses an operation for good.
    pub(crate) fn reject(&mut self, seq: u64, code: Code) {
        let (channel, seq) = (Channel(self.channel), ClientSeq::new(seq).unwrap());
        self.server(&ServerFrame::Reject { channel, seq, code });
    }

    /// What we compared is right, and all up to this version was told.
    pub(crate) fn verified(&mut self, at: u64) {
        self.server(&ServerFrame::Verified { channel: Channel(self.channel), version: version(at) });
    }

    /// The room ends the channel.
    pub(crate) fn closed(&mut self, code: Code) {
        self.server(&ServerFrame::Closed { channel: Channel(self.channel), code, retry_after_ms: 0 });
    }

    /// One frame of the server's arrives.
    pub(crate) fn server(&mut self, frame: &ServerFrame<'_>) {
        let mut bytes = Vec::new();
        encode_server(frame, &mut bytes);
        self.bytes(&bytes);
    }

    /// One message of the server's arrives.
    pub(crate) fn bytes(&mut self, message: &[u8]) {
        self.session.handle_message(message, self.now);
        self.drain();
    }

    /// The user edits; gives the edit's number.
    pub(crate) fn edit(&mut self, operation: &str) -> u64 {
        let edit = self.session.edit(self.handle, &op(operation), self.now).unwrap().unwrap();
        self.drain();
        edit
    }

    /// The user's caret is shown.
    pub(crate) fn set_caret(&mut self, at: u32) {
        self.session.set_cursor(self.handle, caret(at), self.now);
        self.drain();
    }

    /// Time passes; the session is woken whenever it asks to be.
    pub(crate) fn pass(&mut self, milliseconds: u64) {
        let until = self.now + milliseconds;
        let mut turns = 0;
        while let Some(at) = self.session.poll_timeout().filter(|at| *at <= until) {
            turns = if at > self.now { 0 } else { turns + 1 };
            assert!(turns < 100, "the session asks to be woken at {at:?}, again and again");
            self.now = self.now.max(at);
            self.woken += 1;
            self.session.handle_timeout(self.now, self.buffered);
            self.drain();
        }
        self.now = until;
    }

    /// The next thing that was sent.
    pub(crate) fn next(&mut self) -> Sent {
        self.sent.pop_front().expect("something was sent")
    }

    /// The next thing that was sent is a submit.
    pub(crate) fn expect_submit(&mut self) -> Submitted {
        match self.next() {
            Sent::Submit(submit) => submit,
            other => panic!("no submit, but {other:?}"),
        }
    }

    /// The next thing that is sent at once is an `Open`.
    pub(crate) fn expect_open(&mut self) -> Opening {
        self.pass(0);
        match self.next() {
            Sent::Open(opening) => opening,
            other => panic!("no Open, but {other:?}"),
        }
    }

    /// The channel is given up, and asked for again.
    pub(crate) fn expect_reopen(&mut self) -> Opening {
        assert_eq!(self.next(), Sent::Close { channel: self.channel });
        self.expect_open()
    }

    /// Nothing was sent that was not looked at.
    pub(crate) fn nothing_sent(&mut self) {
        assert_eq!(self.sent, [], "more was sent than expected");
    }

    /// What was sent and not looked at.
    pub(crate) fn take_sent(&mut self) -> Vec<Sent> {
        self.sent.drain(..).collect()
    }

    /// The text that the user sees.
    pub(crate) fn text(&self) -> String {
        self.engine().document().text().to_string()
    }

    /// The status of the document.
    pub(crate) fn status(&self) -> Status {
        self.engine().status()
    }

    /// The engine of the document.
    pub(crate) fn engine(&self) -> &cowrite_client::Engine<RichText> {
        self.session.engine(self.handle).expect("the document is open")
    }

    /// The refusals that were told, as first edit, last edit and reason.
    pub(crate) fn rejections(&self) -> Vec<(u64, u64, Code)> {
        let told = |event: &Event<RichText>| match event {
            Event::Rejected { from, to, code, .. } => Some((*from, *to, *code)),
            _ => None,
        };
        self.events.iter().filter_map(told).collect()
    }

    /// Takes all outputs, and checks what must be true between any two of them.
    pub(crate) fn drain(&mut self) {
        while let Some(output) = self.session.poll_output() {
            match output {
                Output::NeedToken => self.tokens += 1,
                Output::Connect => self.connects += 1,
                Output::Disconnect => self.disconnects += 1,
                Output::Event(SessionEvent::Link(state)) => self.links.push(state),
                Output::Event(SessionEvent::Document(handle, _)) if handle != self.handle => {}
                Output::Event(SessionEvent::Document(_, event)) => {
                    if let Event::Change { operation, .. } = &event {
                        self.from_events.apply(operation).expect("a change fits the text before");
                    }
                    self.events.push(event);
                }
                Output::Load { .. } => self.loads += 1,
                Output::Store { ticket, record, .. } => self.stores.push_back((ticket, record)),
                Output::Send(message) => self.receive(&message),
            }
            self.check_status();
        }
        self.check_text();
        if self.answers_pings && self.sent.contains(&Sent::Ping) {
            self.sent.retain(|sent| *sent != Sent::Ping);
            self.server(&ServerFrame::Pong);
        }
    }

    fn check_status(&self) {
        let Some(engine) = self.session.engine(self.handle) else { return };
        let status = engine.status();
        assert!(status.local >= status.accepted, "{status:?}");
        assert!(status.durable.is_none_or(|durable| durable <= status.accepted), "{status:?}");
        assert!(status.pending >= status.local - status.accepted, "{status:?}");
    }

    fn check_text(&self) {
        let Some(engine) = self.session.engine(self.handle) else { return };
        assert_eq!(engine.document(), &self.from_events, "the events tell another text than the engine shows");
        let mut text = engine.accepted_document().clone();
        for pending in engine.pending() {
            text.apply(pending).expect("what is pending fits");
        }
        assert_eq!(engine.document(), &text, "the text is not the accepted one with what is pending");
    }
}

/// The version with this number.
pub(crate) fn version(number: u64) -> Version {
    Version::new(number).expect("a version")
}
