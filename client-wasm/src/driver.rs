//! One client in a browser: the session, its socket, its timer, and its host.
//!
//! The session is borrowed only while it works, and never while JavaScript runs: what it
//! asks for is done one by one afterwards, so a host may call back in from any event.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cell::{Cell, RefCell, RefMut};

use cowrite_client::{DocumentHandle, EditError, Engine, Found, Millis, Record, RecordError, Session, Verdict};
use cowrite_protocol::frame::{Activity, ProtocolVersion};
use cowrite_protocol::{Cursor, DocumentId, Operation, RichText, Selection, Utf16Offset};

use crate::bindings::{Callback, Guard, Host, Signal, Socket, Timer, listen, now, seed, unlisten};
use crate::events;
use crate::face::Refusal;
use crate::panic;
use crate::stay::{Deed, Stay};

/// One client; see the module.
pub(crate) struct Driver {
    url: String,
    host: Host,
    #[cfg(feature = "front")]
    program: RefCell<Option<crate::front::Program>>,
    callback: Callback,
    stay: RefCell<Stay>,
    socket: RefCell<Option<Rc<Socket>>>,
    timer: RefCell<Option<Timer>>,
    /// What each document has pending, apart from the session, which a panic would
    /// leave borrowed for ever.
    kept: RefCell<Vec<(DocumentHandle, Vec<Arc<Operation>>)>>,
    /// The record that the host is just told of, until it takes it.
    record: RefCell<Option<Record>>,
    closed: Cell<bool>,
    /// Whether edits can be undone.
    recording: Cell<bool>,
}

impl Driver {
    /// A client that is not connected yet.
    pub(crate) fn new(url: String, host: Host, guard: &Guard) -> Rc<Driver> {
        let driver = Rc::new_cyclic(|driver: &alloc::rc::Weak<Driver>| {
            let driver = driver.clone();
            let callback = Callback::new(guard, move |signal| {
                if let Some(driver) = driver.upgrade() {
                    driver.handle(signal);
                }
            });
            Driver {
                url,
                host,
                #[cfg(feature = "front")]
                program: RefCell::default(),
                callback,
                stay: RefCell::new(Stay::new(seed())),
                socket: RefCell::default(),
                timer: RefCell::default(),
                kept: RefCell::default(),
                record: RefCell::default(),
                closed: Cell::new(false),
                recording: Cell::new(true),
            }
        });
        listen(&driver.callback);
        panic::watch(&driver.host);
        driver
    }

    /// Lets the session do something, then does what it asks for and tells what happened.
    /// What to do comes by reference, so that all around it is compiled once.
    pub(crate) fn act(&self, act: &mut dyn FnMut(&mut Session<RichText>, Millis)) -> Result<(), Refusal> {
        self.act_on(&mut |stay, now| act(&mut stay.session, now))
    }

    /// Opens a document.
    pub(crate) fn open(&self, id: &str, state: &str, keep: bool) -> Result<u32, Refusal> {
        let document: DocumentId = id.parse().map_err(|_| Refusal::BAD_DOCUMENT_ID)?;
        let mut opened = Err(Refusal::CLOSED);
        self.act_on(&mut |stay, now| {
            let open = if keep { Session::open_kept } else { Session::open };
            opened = open(&mut stay.session, document.clone(), state, now).map_err(Refusal::from);
            opened.iter().for_each(|handle| stay.add(*handle));
        })?;
        opened.map(|handle| handle.0)
    }

    /// Closes a document; a handle that names none is passed over.
    pub(crate) fn close_document(&self, document: u32) -> Result<(), Refusal> {
        let handle = DocumentHandle(document);
        self.kept.borrow_mut().retain(|(kept, _)| *kept != handle);
        self.act_on(&mut |stay, now| {
            stay.session.close(handle, now);
            stay.remove(handle);
        })
    }

    /// The host says what the device keeps of a document; gives why it cannot be used, or nothing.
    pub(crate) fn loaded(&self, document: u32, found: Found<'_>) -> Result<&'static str, Refusal> {
        let mut refused = "";
        self.act(&mut |session, now| {
            refused = match session.handle_loaded(DocumentHandle(document), found, now) {
                Ok(()) => "",
                Err(RecordError::Format { .. }) => "format",
                Err(RecordError::Foreign) => "foreign",
                Err(_) => "torn",
            };
        })?;
        Ok(refused)
    }

    /// The record that the host was just told of.
    pub(crate) fn kept_record(&self) -> RefMut<'_, Option<Record>> {
        self.record.borrow_mut()
    }

    /// Makes an edit.
    pub(crate) fn edit(&self, document: u32, operation: &Operation) -> Result<(), Refusal> {
        let mut edited = None;
        let (handle, recording) = (DocumentHandle(document), self.recording.get());
        self.act(&mut |session, now| {
            edited = if recording {
                session.edit(handle, operation, now)
            } else {
                session.edit_unrecorded(handle, operation, now)
            };
        })?;
        settled(edited.map(|edit| edit.map(drop)))
    }

    /// Whether edits can be undone from now on; returns whether they could before.
    pub(crate) fn record(&self, on: bool) -> bool {
        self.recording.replace(on)
    }

    /// Undoes or redoes; returns whether there was something.
    pub(crate) fn undo(&self, document: u32, redo: bool) -> Result<bool, Refusal> {
        let (handle, mut done) = (DocumentHandle(document), None);
        self.act(&mut |session, now| {
            done = if redo { session.redo(handle, now) } else { session.undo(handle, now) };
        })?;
        Ok(done.ok_or(Refusal::CLOSED)??.is_some())
    }

    /// Does what a proposal asks for.
    pub(crate) fn accept_proposal(&self, document: u32, id: u32) -> Result<(), Refusal> {
        let mut accepted = None;
        self.act(&mut |session, now| accepted = session.accept_proposal(DocumentHandle(document), id, now))?;
        settled(accepted)
    }

    /// Answers the question whether a merge is sent: as it is; with a change, given as a Delta; or,
    /// with neither, not at all.
    pub(crate) fn answer_review(&self, document: u32, send: bool, change: Option<&str>) -> Result<(), Refusal> {
        let verdict = match change {
            Some(change) => Verdict::Change(Operation::from_delta(change).map_err(Refusal::from)?),
            None if send => Verdict::Merged,
            None => Verdict::Theirs,
        };
        let mut answered = None;
        self.act(&mut |session, now| {
            answered = session.answer_review(DocumentHandle(document), verdict.clone(), now);
        })?;
        settled(answered)
    }

    /// Shows the own cursor, or none.
    pub(crate) fn set_cursor(&self, document: u32, ends: Option<(u32, u32)>) -> Result<(), Refusal> {
        let selection = ends.map(|(anchor, head)| Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) });
        let mut cursor = Cursor(selection.into_iter().collect());
        self.act(&mut |session, now| session.set_cursor(DocumentHandle(document), core::mem::take(&mut cursor), now))
    }

    /// Changes what the others see of this member.
    pub(crate) fn set_presence(&self, document: u32, state: &str) -> Result<(), Refusal> {
        let mut taken = false;
        self.act(&mut |session, now| {
            taken = session.set_presence(DocumentHandle(document), Some(state), Activity::Active, now);
        })?;
        if taken { Ok(()) } else { Err(Refusal::TOO_LARGE) }
    }

    /// Reads from a document.
    pub(crate) fn read<T>(&self, document: u32, read: fn(&Engine<RichText>) -> T) -> Result<T, Refusal> {
        let stay = self.stay.try_borrow().map_err(|_| Refusal::PANICKED)?;
        stay.session.engine(DocumentHandle(document)).map(read).ok_or(Refusal::CLOSED)
    }

    /// The length of a document.
    pub(crate) fn length(&self, document: u32) -> Result<u32, Refusal> {
        let stay = self.stay.try_borrow().map_err(|_| Refusal::PANICKED)?;
        let engine = stay.session.engine(DocumentHandle(document)).ok_or(Refusal::CLOSED)?;
        Ok(engine.document().length().0)
    }

    /// Tells the host how a document stands.
    pub(crate) fn tell_status(&self, document: u32) -> Result<(), Refusal> {
        let handle = DocumentHandle(document);
        let status = self.stay.try_borrow().map_err(|_| Refusal::PANICKED)?.status(handle, now());
        let (state, status) = status.ok_or(Refusal::CLOSED)?;
        self.host.tell_status(handle, state, &status);
        Ok(())
    }

    /// What the log has not accepted, as a Delta; readable even after a panic.
    pub(crate) fn pending(&self, document: u32) -> Result<String, Refusal> {
        match self.read(document, |engine| events::composed_delta(engine.pending())) {
            Err(Refusal::PANICKED) => {
                let kept = self.kept.try_borrow().map_err(|_| Refusal::PANICKED)?;
                let of = kept.iter().find(|(handle, _)| handle.0 == document);
                of.map(|(_, operations)| events::composed_delta(operations.iter().map(|operation| &**operation)))
                    .ok_or(Refusal::CLOSED)
            }
            read => read,
        }
    }

    /// Closes all documents and the connection. Nothing is told after this.
    pub(crate) fn close(&self) {
        if self.closed.replace(true) {
            return;
        }
        unlisten(&self.callback);
        panic::unwatch(&self.host);
        drop(self.timer.take());
        // A close that the server hears lets the others see at once that we left.
        drop(self.socket.take());
    }

    fn handle(&self, signal: Signal) {
        // Nobody is there to be thrown an error: a client that is closed hears nothing.
        let _ = match signal {
            Signal::Timeout => {
                drop(self.timer.take());
                let buffered = self.socket.borrow().as_ref().map_or(0, |socket| socket.buffered());
                self.act(&mut |session, now| session.handle_timeout(now, buffered))
            }
            Signal::Opened => self.act(&mut Session::handle_connected),
            Signal::Message(message) => self.act(&mut |session, now| session.handle_message(&message, now)),
            Signal::Closed => {
                drop(self.socket.take());
                self.act(&mut Session::handle_disconnected)
            }
            Signal::Hidden => self.act(&mut |session, now| {
                session.store_now(now);
                attend(session, Activity::Away, now);
            }),
            Signal::Visible => self.act(&mut |session, now| {
                attend(session, Activity::Active, now);
                session.handle_wake(now);
            }),
            Signal::Awake => self.act(&mut Session::handle_wake),
        };
    }

    fn act_on(&self, act: &mut dyn FnMut(&mut Stay, Millis)) -> Result<(), Refusal> {
        if panic::has_failed() {
            return Err(Refusal::PANICKED);
        }
        if self.closed.get() {
            return Err(Refusal::CLOSED);
        }
        let now = now();
        let mut stay = self.stay.try_borrow_mut().map_err(|_| Refusal::PANICKED)?;
        act(&mut stay, now);
        drop(stay);
        self.drain(now);
        Ok(())
    }

    /// Does all that the session asks for. A host that calls in from an event runs this
    /// too, inside; the order of events stays.
    fn drain(&self, now: Millis) {
        while !self.closed.get() {
            let Some(deed) = self.stay.borrow_mut().next(now) else { break };
            match deed {
                Deed::Tell(event) => self.host.tell(&event),
                Deed::TellEdit(handle, operation) => {
                    if let Some((at, deleted, inserted)) = events::one_place(&operation) {
                        self.host.tell_edit(handle, at, deleted, inserted);
                    }
                }
                Deed::TellStatus(handle) => drop(self.tell_status(handle.0)),
                #[cfg(feature = "front")]
                Deed::Happened(happening) => {
                    let program = self.program.borrow().clone();
                    if let Some(program) = program {
                        program(happening);
                    }
                }
                Deed::Store(event, record) => {
                    drop(self.record.replace(Some(record)));
                    self.host.tell(&event);
                }
                Deed::Send(message) => {
                    let socket = self.socket.borrow().clone();
                    if let Some(socket) = socket {
                        socket.send(&message);
                    }
                }
                Deed::Disconnect => drop(self.socket.take()),
                Deed::Connect => {
                    let socket = Socket::open(&self.host, &self.url, ProtocolVersion::SUBPROTOCOL, &self.callback);
                    if socket.is_none() {
                        self.stay.borrow_mut().session.handle_disconnected(now);
                    }
                    drop(self.socket.replace(socket.map(Rc::new)));
                }
                Deed::Keep(handle, pending) => {
                    let mut kept = self.kept.borrow_mut();
                    match kept.iter_mut().find(|(of, _)| *of == handle) {
                        Some((_, before)) => *before = pending,
                        None => kept.push((handle, pending)),
                    }
                }
            }
        }
        self.start_timer();
    }

    /// Sees to it that the session is woken in time. A timer that runs out too early is
    /// left alone: it is cheaper to be woken for nothing than to start a new one a keystroke.
    fn start_timer(&self) {
        let due = if self.closed.get() { None } else { self.stay.borrow().session.poll_timeout() };
        let Some(due) = due else { return };
        let mut timer = self.timer.borrow_mut();
        if timer.as_ref().is_none_or(|timer| timer.at > due) {
            *timer = Some(Timer::start(due, &self.callback));
        }
    }
}

#[cfg(feature = "front")]
impl Driver {
    /// From now on it is a program in Rust that is told, and not the host.
    pub(crate) fn tell_program(&self, program: crate::front::Program) {
        self.stay.borrow_mut().has_program = true;
        drop(self.program.replace(Some(program)));
    }

    /// Looks at a document; `None` if there is no such document, or the module has failed.
    pub(crate) fn look<T>(&self, document: DocumentHandle, look: impl FnOnce(&Engine<RichText>) -> T) -> Option<T> {
        self.stay.try_borrow().ok()?.session.engine(document).map(look)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        self.close();
    }
}

fn settled(result: Option<Result<(), EditError>>) -> Result<(), Refusal> {
    Ok(result.ok_or(Refusal::CLOSED)??)
}

fn attend(session: &mut Session<RichText>, activity: Activity, now: Millis) {
    let documents: Vec<_> = session.handles().collect();
    for document in documents {
        session.set_presence(document, None, activity, now);
    }
}
