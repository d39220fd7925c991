//! A client of one server.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::rc::{Rc, Weak};

use cowrite_client::{DocumentHandle, LinkState, Millis, Session};
use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentId, RichText};
use wasm_bindgen::JsCast;
use wasm_bindgen::prelude::{Closure, JsValue};
use wasm_bindgen_futures::spawn_local;

use super::document::{Document, DocumentEvent};
use super::listeners::{Listeners, Subscription};
use super::opened::Opened;
use super::settings::Settings;
use super::unload::Unload;
use super::{Happening, Program};
use crate::driver::Driver;

/// A client of one server: one socket, any number of documents. It comes back by itself
/// whenever the connection is lost. When the last handle is gone, its documents' too, it
/// leaves, and gives up what is pending.
#[derive(Clone)]
pub struct Client(Rc<Connection>);

/// What the handles of a client and of its documents share.
pub(super) struct Connection {
    settings: Settings,
    /// None where there is no browser.
    driver: Option<Rc<Driver>>,
    link: Cell<LinkState>,
    link_listeners: Listeners<LinkState>,
    opened: RefCell<Vec<Rc<Opened>>>,
    unload: Unload,
}

impl Client {
    /// A client that begins to connect.
    pub fn connect(settings: &Settings) -> Client {
        let connection = Rc::new_cyclic(|connection: &Weak<Connection>| Connection {
            settings: settings.clone(),
            driver: cfg!(target_family = "wasm").then(|| driver(&settings.url, connection.clone())),
            link: Cell::new(LinkState::Idle),
            link_listeners: Listeners::new(),
            opened: RefCell::default(),
            unload: Unload::default(),
        });
        connection.act(&mut Session::connect);
        Client(connection)
    }

    /// Opens a document, or gives another handle on it where it is open. Of an id that is none
    /// the document is closed from the start, with [`Code::BadDocumentId`].
    pub fn open(&self, id: &str) -> Document {
        let opened = self.0.opened(id).unwrap_or_else(|| self.0.open(id));
        Document::new(self.0.clone(), opened)
    }

    /// The connection as it stands.
    pub fn link(&self) -> LinkState {
        self.0.link.get()
    }

    /// Calls the listener whenever the connection has changed, until the subscription is dropped.
    pub fn on_link(&self, listener: impl Fn(&LinkState) + 'static) -> Subscription {
        self.0.link_listeners.add(listener)
    }

    /// There is another token than before: it is asked for now. A client that was stopped
    /// because its token was refused starts again, with all that is pending.
    pub fn refresh_token(&self) {
        self.0.act(&mut Session::refresh_token);
    }

    /// Looks now whether the connection lives; a client that waits tries at once.
    pub fn wake(&self) {
        self.0.act(&mut Session::handle_wake);
    }

    /// Leaves at once, and gives up what is pending. Nothing is told after this.
    pub fn close(&self) {
        self.0.driver.iter().for_each(|driver| driver.close());
        self.0.unload.arm(false);
    }
}

impl PartialEq for Client {
    /// Whether they are handles of one client.
    fn eq(&self, other: &Client) -> bool {
        Rc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Client").field(&self.0.settings.url).finish()
    }
}

impl Connection {
    /// Lets the session do something; where there is none, nothing happens.
    pub(super) fn act(&self, act: &mut dyn FnMut(&mut Session<RichText>, Millis)) {
        if let Some(driver) = &self.driver {
            // A client that is closed, or whose module has failed, does nothing any more.
            let _ = driver.act(act);
        }
    }

    pub(super) fn driver(&self) -> Option<&Driver> {
        self.driver.as_deref()
    }

    pub(super) fn link(&self) -> LinkState {
        self.link.get()
    }

    /// The last handle of a document is gone. It is closed when nothing of it is pending.
    pub(super) fn left(&self, opened: &Rc<Opened>) {
        let status = opened.status(self);
        if opened.is_used() || (status.pending > 0 && status.error.is_none()) {
            return;
        }
        let at = self.opened.borrow().iter().position(|known| Rc::ptr_eq(known, opened));
        let Some(at) = at else { return };
        drop(self.opened.borrow_mut().remove(at));
        self.act(&mut |session, now| session.close(opened.handle, now));
        self.ask_before_unload();
    }

    fn opened(&self, id: &str) -> Option<Rc<Opened>> {
        self.opened.borrow().iter().find(|opened| &*opened.id == id).cloned()
    }

    fn open(&self, id: &str) -> Rc<Opened> {
        let Ok(document) = id.parse::<DocumentId>() else {
            return Rc::new(Opened::new(id, DocumentHandle(0), Some(Code::BadDocumentId)));
        };
        let mut handle = None;
        // Without a presence state nothing can be too large, and what is open is known above.
        self.act(&mut |session, now| handle = session.open(document.clone(), "", now).ok());
        let opened = Rc::new(Opened::new(id, handle.unwrap_or(DocumentHandle(0)), None));
        self.opened.borrow_mut().push(opened.clone());
        opened
    }

    fn hear(self: &Rc<Connection>, happening: Happening) {
        match happening {
            Happening::NeedToken => self.provide_token(),
            Happening::Link(state) => {
                self.link.set(state);
                self.link_listeners.tell(&state);
                let all = self.opened.borrow().clone();
                all.iter().for_each(|opened| opened.listeners.tell(&DocumentEvent::Status));
            }
            Happening::Document(handle, event) => {
                let found = self.opened.borrow().iter().find(|opened| opened.handle == handle).cloned();
                let Some(opened) = found else { return };
                opened.note(&event);
                opened.listeners.tell(&event);
                if matches!(event, DocumentEvent::Presence) {
                    return;
                }
                self.left(&opened);
                self.ask_before_unload();
            }
        }
    }

    fn provide_token(self: &Rc<Connection>) {
        match self.settings.token.token() {
            Ok(token) => self.act(&mut |session, now| session.provide_fixed_token(&token, now)),
            Err(answer) => {
                let connection = Rc::downgrade(self);
                spawn_local(async move {
                    let token = answer.await;
                    let Some(connection) = connection.upgrade() else { return };
                    connection.act(&mut |session, now| match &token {
                        Some(token) => session.provide_token(token, now),
                        None => session.handle_token_failure(now),
                    });
                });
            }
        }
    }

    fn ask_before_unload(&self) {
        self.unload.arm(self.opened.borrow().iter().any(|opened| opened.status(self).pending > 0));
    }
}

fn driver(url: &str, connection: Weak<Connection>) -> Rc<Driver> {
    let program: Program = Rc::new(move |happening| {
        if let Some(connection) = connection.upgrade() {
            connection.hear(happening);
        }
    });
    // A page in Rust hears of a panic by its own hook, and puts nothing around callbacks.
    let unguarded: Closure<dyn Fn(JsValue) -> JsValue> = Closure::new(|callback| callback);
    // There is no JavaScript to be told anything.
    let nobody = JsValue::UNDEFINED.unchecked_into();
    let driver = Driver::new(address(url), nobody, unguarded.as_ref().unchecked_ref());
    driver.tell_program(program);
    driver
}

/// The address as a WebSocket wants it: browsers that are not quite new refuse one of HTTP, or
/// one without a host.
fn address(url: &str) -> String {
    let base = web_sys::window().and_then(|window| window.location().href().ok());
    let resolved = match base {
        Some(base) => web_sys::Url::new_with_base(url, &base),
        None => web_sys::Url::new(url),
    };
    let Ok(resolved) = resolved else { return url.to_owned() };
    match resolved.protocol().as_str() {
        "http:" => resolved.set_protocol("ws:"),
        "https:" => resolved.set_protocol("wss:"),
        _ => {}
    }
    resolved.href()
}
