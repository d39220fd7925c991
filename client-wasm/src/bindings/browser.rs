//! What is asked of the browser: a clock, a timer, a random seed, a socket, and news of
//! the page. All of it is global, so a Worker and Node.js serve as well as a window.
//!
//! These few lines are declared here rather than taken from `web-sys` and `js-sys`, which
//! bring 10 kB of their own into the module.

use alloc::string::String;
use alloc::vec::Vec;

use cowrite_client::{DocumentHandle, Millis, Status};
use wasm_bindgen::prelude::*;

use crate::face::State;

#[wasm_bindgen]
extern "C" {
    #[wasm_bindgen(js_namespace = performance, js_name = now)]
    fn performance_now() -> f64;
    #[wasm_bindgen(js_namespace = crypto, js_name = getRandomValues, catch)]
    fn get_random_values(into: &mut [u8]) -> Result<JsValue, JsValue>;
    #[wasm_bindgen(js_name = setTimeout)]
    fn set_timeout(callback: &JsValue, milliseconds: f64) -> JsValue;
    #[wasm_bindgen(js_name = clearTimeout)]
    fn clear_timeout(timer: &JsValue);
    #[wasm_bindgen(js_name = addEventListener, catch)]
    fn add_event_listener(name: &str, callback: &JsValue, capture: bool) -> Result<(), JsValue>;
    #[wasm_bindgen(js_name = removeEventListener, catch)]
    fn remove_event_listener(name: &str, callback: &JsValue, capture: bool) -> Result<(), JsValue>;

    /// The host's function for events, each as JSON. What each keystroke brings with it has functions of its own,
    /// as its properties, and so has a socket that is to be opened.
    #[wasm_bindgen(
        typescript_type = "((event: string) => void) & { socket(url: string, protocol: string): WebSocket; edited(doc: number, at: number, deleted: number, inserted: string): void; status(doc: number, state: number, flags: number, ...watermarks: number[]): void }"
    )]
    pub type Host;
    #[wasm_bindgen(method, catch)]
    fn call(this: &Host, receiver: &JsValue, event: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn edited(this: &Host, document: u32, at: u32, deleted: u32, inserted: &str) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn status(
        this: &Host,
        document: u32,
        state: u32,
        flags: u32,
        local: f64,
        accepted: f64,
        durable: f64,
        pending: f64,
        stored: f64,
        in_flight: f64,
        version: f64,
    ) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn socket(this: &Host, url: &str, protocol: &str) -> Result<WebSocket, JsValue>;

    /// The host's function that puts something around a callback of the module: what is
    /// thrown out of the module there would reach nobody.
    #[wasm_bindgen(typescript_type = "(callback: (event: unknown) => void) => (event: unknown) => void")]
    pub type Guard;
    #[wasm_bindgen(method, js_name = call)]
    fn put_around(this: &Guard, receiver: &JsValue, callback: &JsValue) -> JsValue;

    /// An array of them.
    #[wasm_bindgen(js_name = Array)]
    pub(crate) type Hosts;
    #[wasm_bindgen(constructor, js_class = "Array")]
    pub(crate) fn new() -> Hosts;
    /// Adds one.
    #[wasm_bindgen(method, js_class = "Array")]
    pub(crate) fn push(this: &Hosts, host: &Host);
    /// Takes the last one out.
    #[wasm_bindgen(method, js_class = "Array")]
    pub(crate) fn pop(this: &Hosts) -> Option<Host>;
    #[wasm_bindgen(method, js_class = "Array", js_name = indexOf)]
    fn index_of(this: &Hosts, host: &Host) -> i32;
    #[wasm_bindgen(method, js_class = "Array")]
    fn splice(this: &Hosts, start: u32, count: u32);

    type Event;
    #[wasm_bindgen(method, getter, js_name = type)]
    fn kind(this: &Event) -> String;
    #[wasm_bindgen(method, getter)]
    fn data(this: &Event) -> JsValue;
    #[wasm_bindgen(method, getter)]
    fn target(this: &Event) -> Target;

    type Target;
    #[wasm_bindgen(method, getter, js_name = visibilityState)]
    fn visibility_state(this: &Target) -> JsValue;

    #[wasm_bindgen(js_name = Uint8Array)]
    type Bytes;
    #[wasm_bindgen(constructor, js_class = "Uint8Array")]
    fn new(buffer: &JsValue) -> Bytes;
    #[wasm_bindgen(method, js_class = "Uint8Array")]
    fn subarray(this: &Bytes) -> Vec<u8>;

    type WebSocket;
    #[wasm_bindgen(method, setter, js_name = binaryType)]
    fn set_binary_type(this: &WebSocket, kind: &str);
    #[wasm_bindgen(method, setter)]
    fn set_onopen(this: &WebSocket, callback: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_onmessage(this: &WebSocket, callback: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_onclose(this: &WebSocket, callback: &JsValue);
    #[wasm_bindgen(method, setter)]
    fn set_onerror(this: &WebSocket, callback: &JsValue);
    #[wasm_bindgen(method, getter, js_name = bufferedAmount)]
    fn buffered_amount(this: &WebSocket) -> f64;
    #[wasm_bindgen(method, catch)]
    fn send(this: &WebSocket, message: &[u8]) -> Result<(), JsValue>;
    #[wasm_bindgen(method, catch)]
    fn close(this: &WebSocket) -> Result<(), JsValue>;
}

/// The page's clock: it never goes back. It may stand still while the device sleeps,
/// which is why a wake-up puts the link in doubt.
pub(crate) fn now() -> Millis {
    Millis(performance_now() as u64)
}

/// A seed for the jitter of retries; it names nothing and guards nothing.
pub(crate) fn seed() -> u64 {
    let mut bytes = [0; 8];
    match get_random_values(&mut bytes) {
        Ok(_) => u64::from_le_bytes(bytes),
        // The moment that the page has lived is no secret, but few pages share it.
        Err(_) => performance_now().to_bits(),
    }
}

impl Host {
    /// Tells one event. What the host throws is its own business.
    pub(crate) fn tell(&self, event: &str) {
        let _ = self.call(&JsValue::UNDEFINED, event);
    }

    /// Tells an edit made here of one place of plain text.
    pub(crate) fn tell_edit(&self, document: DocumentHandle, at: u32, deleted: u32, inserted: &str) {
        let _ = self.edited(document.0, at, deleted, inserted);
    }

    /// Tells a status; `state` is how the link makes it look.
    pub(crate) fn tell_status(&self, document: DocumentHandle, state: State, status: &Status) {
        // All of them are below 2^53.
        let number = |edits: u64| edits as f64;
        let or_none = |edits: Option<u64>| edits.map_or(-1.0, number);
        let flags = u32::from(status.reviewing) | u32::from(status.can_undo) << 1 | u32::from(status.can_redo) << 2;
        let _ = self.status(
            document.0,
            state as u32,
            flags,
            number(status.local),
            number(status.accepted),
            or_none(status.durable),
            number(status.pending),
            or_none(status.stored),
            number(status.in_flight),
            number(status.version.get()),
        );
    }
}

impl Hosts {
    /// Takes one out, if it is there.
    pub(crate) fn remove(&self, host: &Host) {
        if let Ok(at) = u32::try_from(self.index_of(host)) {
            self.splice(at, 1);
        }
    }
}

/// Something that happened outside.
pub(crate) enum Signal {
    /// The timer ran out.
    Timeout,
    /// The socket is open.
    Opened,
    /// The socket brought a message.
    Message(Vec<u8>),
    /// The socket is closed, or could not be opened; or the page is left, and is kept for
    /// a quick return only if it has no socket.
    Closed,
    /// The page went out of sight.
    Hidden,
    /// The page is in sight again.
    Visible,
    /// The network or the page came back, or something is said of it that may not be true.
    Awake,
}

/// The one function by which a client hears of everything outside. Timers call it with
/// nothing, sockets and the page with their event.
pub(crate) struct Callback {
    /// What is called, with the host's guard around it.
    guarded: JsValue,
    /// What it leads to; when this is dropped, a call leads nowhere.
    _inner: Closure<dyn Fn(JsValue)>,
}

impl Callback {
    pub(crate) fn new(guard: &Guard, handle: impl Fn(Signal) + 'static) -> Callback {
        let inner: Closure<dyn Fn(JsValue)> = Closure::new(move |event| handle(read(event)));
        Callback { guarded: guard.put_around(&JsValue::UNDEFINED, inner.as_ref()), _inner: inner }
    }
}

fn read(event: JsValue) -> Signal {
    if !event.is_object() {
        return Signal::Timeout;
    }
    let event: Event = event.unchecked_into();
    match event.kind().as_str() {
        "open" => Signal::Opened,
        "message" => {
            let data = event.data();
            // A text is no message of ours; the empty message says nothing.
            Signal::Message(if data.is_object() { Bytes::new(&data).subarray() } else { Vec::new() })
        }
        "close" | "error" | "pagehide" => Signal::Closed,
        "visibilitychange" => {
            if event.target().visibility_state() == "hidden" {
                Signal::Hidden
            } else {
                Signal::Visible
            }
        }
        _ => Signal::Awake,
    }
}

/// What the page says when it or the network goes or comes back. It is heard on its way down
/// to the page, since not all of it bubbles, and before the application hears it. Of the network it may lie both ways, so either makes the link only look.
const NEWS: [&str; 6] = ["offline", "online", "pagehide", "pageshow", "resume", "visibilitychange"];

/// Begins to hear the page's news. Where there are none, as in Node.js, nothing comes.
pub(crate) fn listen(callback: &Callback) {
    for name in NEWS {
        let _ = add_event_listener(name, &callback.guarded, true);
    }
}

/// Hears no more of the page.
pub(crate) fn unlisten(callback: &Callback) {
    for name in NEWS {
        let _ = remove_event_listener(name, &callback.guarded, true);
    }
}

/// A timer that runs until it is dropped.
pub(crate) struct Timer {
    /// When it runs out.
    pub(crate) at: Millis,
    timer: JsValue,
}

impl Timer {
    /// Calls back at `at`; no sooner than in 4 ms, so that no fault makes it spin.
    pub(crate) fn start(at: Millis, callback: &Callback) -> Timer {
        let wait = (at - now()).max(4);
        Timer { at, timer: set_timeout(&callback.guarded, wait as f64) }
    }
}

impl Drop for Timer {
    fn drop(&mut self) {
        clear_timeout(&self.timer);
    }
}

/// A WebSocket that is heard until it is dropped, and closed then.
pub(crate) struct Socket(WebSocket);

impl Socket {
    /// Begins to connect; `None` if the host refuses or has no WebSocket.
    pub(crate) fn open(host: &Host, url: &str, protocol: &str, callback: &Callback) -> Option<Socket> {
        let socket = Socket(opened(host, url, protocol).ok()?);
        socket.0.set_binary_type("arraybuffer");
        socket.hear(&callback.guarded);
        Some(socket)
    }

    /// Sends one message. A socket that is closing swallows it, which the session
    /// notices by the missing answer.
    pub(crate) fn send(&self, message: &[u8]) {
        let _ = self.0.send(message);
    }

    /// How many bytes it has not sent yet.
    pub(crate) fn buffered(&self) -> usize {
        self.0.buffered_amount() as usize
    }

    fn hear(&self, callback: &JsValue) {
        self.0.set_onopen(callback);
        self.0.set_onmessage(callback);
        self.0.set_onclose(callback);
        // A browser says `close` after it; some sockets for Node.js throw if nobody hears it.
        self.0.set_onerror(callback);
    }
}

#[cfg(not(feature = "front"))]
fn opened(host: &Host, url: &str, protocol: &str) -> Result<WebSocket, JsValue> {
    host.socket(url, protocol)
}

/// A program in Rust is no host in JavaScript, and has the page's own sockets.
#[cfg(feature = "front")]
fn opened(host: &Host, url: &str, protocol: &str) -> Result<WebSocket, JsValue> {
    if !host.is_undefined() {
        return host.socket(url, protocol);
    }
    #[wasm_bindgen]
    extern "C" {
        #[wasm_bindgen(js_name = WebSocket)]
        type PageSocket;
        #[wasm_bindgen(constructor, js_class = "WebSocket", catch)]
        fn new(url: &str, protocol: &str) -> Result<PageSocket, JsValue>;
    }
    PageSocket::new(url, protocol).map(JsCast::unchecked_into)
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.hear(&JsValue::NULL);
        let _ = self.0.close();
    }
}
