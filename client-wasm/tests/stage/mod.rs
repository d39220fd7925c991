//! A browser of the test's own: its sockets, timers and clock do nothing by themselves.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test ends where it goes wrong")]

use std::cell::{OnceCell, RefCell};
use std::rc::Rc;

use cowrite_client_wasm::WasmClient;
use cowrite_protocol::codec::{decode_client, encode_server};
use cowrite_protocol::frame::{
    ClientFrame, DurabilityClass, Opened, Outcome, Packed, ProtocolVersion, Role, ServerFrame, Settlement,
    SnapshotFrame, Welcome,
};
use cowrite_protocol::operation::Document;
use cowrite_protocol::{
    AuthorNumber, Channel, ClientId, ClientSeq, DocumentType, Epoch, Limits, RichText, RunningHash, Version,
};
use wasm_bindgen::prelude::*;

#[wasm_bindgen(inline_js = r#"
export class Stage {
  constructor() {
    this.sockets = [];
    this.timers = new Map();
    this.now = 1000;
    const stage = this, real = [globalThis.WebSocket, globalThis.setTimeout, globalThis.clearTimeout];
    let timer = 0;
    globalThis.WebSocket = class {
      constructor(url, protocol) {
        if (stage.refusing) throw new SyntaxError("refused");
        Object.assign(this, { url, protocol, sent: [], bufferedAmount: 0, closed: false });
        stage.sockets.push(this);
      }
      send(bytes) { this.sent.push(bytes.slice()); }
      close() { this.closed = true; }
    };
    globalThis.setTimeout = (call, wait) => (stage.timers.set(++timer, { call, at: stage.now + wait }), timer);
    globalThis.clearTimeout = (timer) => stage.timers.delete(timer);
    performance.now = () => stage.now;
    // A test runs in one go: when it has ended, however it did, the real browser is back.
    queueMicrotask(() => {
      [globalThis.WebSocket, globalThis.setTimeout, globalThis.clearTimeout] = real;
      delete performance.now;
    });
  }
  // What is told otherwise is JSON to the test, too.
  host(told) {
    const states = ["connecting", "online", "stalled", "offline", "closed"];
    const watermark = (edit) => (edit < 0 ? null : edit);
    return Object.assign(told, {
      socket: (url, protocol) => new WebSocket(url, protocol),
      edited: (doc, at, deleted, inserted) => told(JSON.stringify({ type: "edited", doc, at, deleted, inserted })),
      status: (doc, state, flags, local, accepted, durable, pending, stored, in_flight, version) => told(JSON.stringify({
        type: "status", doc, state: states[state], local, accepted, durable: watermark(durable), pending, stored: watermark(stored),
        reviewing: !!(flags & 1), in_flight, version, can_undo: !!(flags & 2), can_redo: !!(flags & 4),
      })),
    });
  }
  refuse() { this.refusing = true; }
  count() { return this.sockets.length; }
  address() { const { url, protocol, binaryType } = this.sockets.at(-1); return `${url} ${protocol} ${binaryType}`; }
  is_closed() { return this.sockets.at(-1).closed; }
  is_heard() { return !!this.sockets.at(-1).onmessage; }
  sent() { return this.sockets.at(-1).sent.shift(); }
  event(type) { this.sockets.at(-1)["on" + type]?.({ type }); }
  message(bytes) { this.sockets.at(-1).onmessage({ type: "message", data: bytes.slice().buffer }); }
  page_event(type) { globalThis.dispatchEvent(new Event(type)); }
  timer_count() { return this.timers.size; }
  advance(wait) {
    this.now += wait;
    for (const [timer, { call, at }] of [...this.timers]) if (at <= this.now) { this.timers.delete(timer); call(); }
  }
}
"#)]
extern "C" {
    /// The browser.
    pub(crate) type Stage;
    #[wasm_bindgen(constructor)]
    fn new() -> Stage;
    #[wasm_bindgen(method)]
    fn host(this: &Stage, told: JsValue) -> JsValue;
    #[wasm_bindgen(method)]
    pub(crate) fn refuse(this: &Stage);
    #[wasm_bindgen(method)]
    pub(crate) fn count(this: &Stage) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn address(this: &Stage) -> String;
    #[wasm_bindgen(method)]
    pub(crate) fn is_closed(this: &Stage) -> bool;
    #[wasm_bindgen(method)]
    pub(crate) fn is_heard(this: &Stage) -> bool;
    #[wasm_bindgen(method)]
    fn sent(this: &Stage) -> Option<Vec<u8>>;
    #[wasm_bindgen(method)]
    pub(crate) fn event(this: &Stage, kind: &str);
    #[wasm_bindgen(method)]
    fn message(this: &Stage, bytes: &[u8]);
    #[wasm_bindgen(method)]
    pub(crate) fn page_event(this: &Stage, kind: &str);
    #[wasm_bindgen(method)]
    pub(crate) fn timer_count(this: &Stage) -> u32;
    #[wasm_bindgen(method)]
    pub(crate) fn advance(this: &Stage, milliseconds: u32);
}

/// A client on the stage, and the server that the test plays.
pub(crate) struct Play {
    pub(crate) stage: Stage,
    pub(crate) client: Rc<OnceCell<WasmClient>>,
    events: Rc<RefCell<Vec<String>>>,
}

pub(crate) const CHANNEL: Channel = Channel(7);
pub(crate) const CLIENT: ClientId = ClientId::from_bytes([3; 16]);

impl Play {
    pub(crate) fn new() -> Play {
        Play::with(|_, _| {})
    }

    /// A client whose host also does `react` at each event.
    pub(crate) fn with(react: impl Fn(&WasmClient, &str) + 'static) -> Play {
        let (events, client) = (Rc::new(RefCell::new(Vec::new())), Rc::new(OnceCell::<WasmClient>::new()));
        let host = {
            let (events, client) = (events.clone(), client.clone());
            Closure::<dyn Fn(String)>::new(move |event: String| {
                events.borrow_mut().push(event.clone());
                if let Some(client) = client.get() {
                    react(client, &event);
                }
            })
        };
        let stage = Stage::new();
        // What the module throws is the test's to see.
        let guard = Closure::<dyn Fn(JsValue) -> JsValue>::new(|callback| callback).into_js_value();
        let host = stage.host(host.into_js_value());
        let made = WasmClient::new("ws://host/socket".into(), host.unchecked_into(), guard.unchecked_ref());
        assert!(client.set(made).is_ok());
        Play { stage, client, events }
    }

    pub(crate) fn client(&self) -> &WasmClient {
        self.client.get().unwrap()
    }

    /// All events since the last time.
    pub(crate) fn events(&self) -> Vec<String> {
        self.events.take()
    }

    /// The server says these frames in one message.
    pub(crate) fn say(&self, frames: &[ServerFrame<'_>]) {
        let mut message = Vec::new();
        frames.iter().for_each(|frame| encode_server(frame, &mut message));
        self.stage.message(&message);
    }

    /// The next message of the client, which must be one frame.
    pub(crate) fn hear(&self, check: impl FnOnce(ClientFrame<'_>)) {
        let message = self.stage.sent().expect("nothing was sent");
        let frames: Vec<_> = decode_client(&message, 1 << 20).collect();
        assert_eq!(frames.len(), 1, "{frames:?}");
        check(frames.into_iter().next().unwrap().unwrap());
    }

    pub(crate) fn hears_nothing(&self) {
        assert_eq!(self.stage.sent(), None);
    }

    /// Connects and greets.
    pub(crate) fn connect(&self) {
        self.client().connect().unwrap();
        self.client().token("secret", false).unwrap();
        self.stage.event("open");
        self.hear(|frame| assert!(matches!(frame, ClientFrame::Hello { token: "secret", .. })));
        self.say(&[ServerFrame::Welcome(Welcome {
            version: ProtocolVersion::NEWEST,
            user: "ada".parse().unwrap(),
            limits: Limits::default(),
            durability: DurabilityClass::Disk,
            silence_ms: 90_000,
        })]);
    }

    /// Opens `notes` with a text, after [`Play::connect`]; gives its handle.
    pub(crate) fn open(&self, text: &str, role: Role) -> u32 {
        let doc = self.client().open("notes", "{\"name\":\"Ada\"}").unwrap();
        let mut asked = None;
        self.hear(|frame| match frame {
            ClientFrame::Open { request, document: "notes", state, .. } => {
                assert_eq!(state, "{\"name\":\"Ada\"}");
                asked = Some(request);
            }
            frame => panic!("{frame:?}"),
        });
        let mut content = Vec::new();
        let document = Document::from_delta(&format!("[{{\"insert\":\"{text}\"}}]")).unwrap();
        RichText::encode(&RichText::to_operation(&document), &mut content);
        self.say(&[
            ServerFrame::Opened(Opened {
                request: asked.unwrap(),
                epoch: Epoch::new(9),
                channel: CHANNEL,
                client: CLIENT,
                last_seq: ClientSeq::NONE,
                number: AuthorNumber(4),
                role,
                settlement: Settlement::Nothing,
                outcome: Outcome::Snapshot,
            }),
            ServerFrame::Snapshot(SnapshotFrame {
                channel: CHANNEL,
                epoch: Epoch::new(9),
                version: Version::new(5).unwrap(),
                hash: RunningHash::ZERO,
                checksum: RichText::checksum(&document),
                authors: Vec::new(),
                content: Packed(&content),
            }),
        ]);
        doc
    }
}
