//! One client as JavaScript has it. It converts, and nothing more.

use alloc::rc::Rc;
use alloc::string::String;
use alloc::vec::Vec;

use cowrite_client::{DocumentHandle, Found, ReviewRule, Session, Written};
use cowrite_protocol::{Operation, Utf16Length};
use wasm_bindgen::prelude::wasm_bindgen;

use super::browser::{Guard, Host};
use crate::driver::Driver;
use crate::events;
use crate::face::{Refusal, attributes, edit_at};

/// One client of one server: a socket and any number of documents, each by a handle.
///
/// Offsets and lengths are UTF-16 code units. What is thrown is a stable code, as a
/// string. Events go to the function given, each as one JSON text, after the engine has
/// finished and before the call that caused them returns; that function may call back in.
/// Edits made here and the status have functions of their own: they come with each keystroke.
///
/// JavaScript reaches its methods by the few of `calls`, and the npm package gives them their names back.
#[wasm_bindgen(js_name = Calls)]
pub struct WasmClient(Rc<Driver>);

impl WasmClient {
    /// A client that is not connected yet. `guard` gets the function by which timers, the
    /// socket and the page call the module, and answers what they shall call instead: where
    /// the module fails in such a call, it is thrown there.
    pub fn new(url: String, host: Host, guard: &Guard) -> WasmClient {
        WasmClient(Driver::new(url, host, guard))
    }

    /// Begins to connect, and to come back whenever the connection is lost.
    pub fn connect(&self) -> Result<(), Refusal> {
        self.0.act(&mut Session::connect)
    }

    /// The answer to `need_token`; `fixed` says that there is no other.
    pub fn token(&self, value: &str, fixed: bool) -> Result<(), Refusal> {
        self.0.act(&mut |session, now| {
            if fixed { session.provide_fixed_token(value, now) } else { session.provide_token(value, now) }
        })
    }

    /// There is another token than before: it is asked for now. A client that was stopped
    /// starts again.
    pub fn refresh_token(&self) -> Result<(), Refusal> {
        self.0.act(&mut Session::refresh_token)
    }

    /// There is no token now: it is asked for again after a while.
    pub fn token_failed(&self) -> Result<(), Refusal> {
        self.0.act(&mut Session::handle_token_failure)
    }

    /// Looks now whether the connection lives.
    pub fn wake(&self) -> Result<(), Refusal> {
        self.0.act(&mut Session::handle_wake)
    }

    /// Closes everything; no event comes after it.
    pub fn close(&self) {
        self.0.close();
    }

    /// Opens a document; `state` is what others see of this member, as JSON.
    pub fn open(&self, id: &str, state: &str) -> Result<u32, Refusal> {
        self.0.open(id, state, false)
    }

    /// Opens a document that the host keeps on the device. It is told `load`, which it answers
    /// by `loaded`, and from then on `store`, which it answers by `stored`.
    pub fn open_kept(&self, id: &str, state: &str) -> Result<u32, Refusal> {
        self.0.open(id, state, true)
    }

    /// What the device keeps of a document: both parts, or neither where it has nothing. The
    /// answer is `format`, `torn` or `foreign` where they cannot be used, or empty.
    /// `age_ms` is how long ago they were stored.
    pub fn loaded(
        &self,
        doc: u32,
        base: Option<Vec<u8>>,
        work: Option<Vec<u8>>,
        age_ms: f64,
    ) -> Result<String, Refusal> {
        // Out of range it is the nearest that is not.
        let age_ms = age_ms as u64;
        let found = match (&base, &work) {
            (Some(base), Some(work)) => Found::Record { base, work, age_ms },
            _ => Found::Nothing,
        };
        self.0.loaded(doc, found).map(String::from)
    }

    /// Nothing can be kept of the document.
    pub fn unkept(&self, doc: u32) -> Result<(), Refusal> {
        self.0.loaded(doc, Found::Unavailable).map(drop)
    }

    /// While `store` is told, and after `take_base`: the work.
    pub fn take_work(&self) -> Option<Vec<u8>> {
        self.0.kept_record().take().map(|record| record.work)
    }

    /// While `store` is told: the base, where it is another one than was stored last.
    pub fn take_base(&self) -> Option<Vec<u8>> {
        self.0.kept_record().as_mut().and_then(|record| record.base.take())
    }

    /// How the write of that number ended: 0 stored, 1 failed, 2 failed and the
    /// store emptied, 3 what the record stands on is missing.
    pub fn stored(&self, doc: u32, ticket: u32, ending: u32) -> Result<(), Refusal> {
        let written = match ending {
            0 => Written::Stored,
            1 => Written::Failed,
            2 => Written::Emptied,
            _ => Written::Missing,
        };
        self.0.act(&mut |session, now| session.handle_stored(DocumentHandle(doc), ticket, written, now))
    }

    /// Closes a document. What is pending is given up.
    pub fn close_document(&self, doc: u32) -> Result<(), Refusal> {
        self.0.close_document(doc)
    }

    /// The text, with U+FFFC for each embed.
    pub fn text(&self, doc: u32) -> Result<String, Refusal> {
        self.0.read(doc, |engine| events::text(engine.document()))
    }

    /// The length of the text.
    pub fn length(&self, doc: u32) -> Result<u32, Refusal> {
        self.0.length(doc)
    }

    /// The document as a Quill Delta: a JSON array.
    pub fn contents(&self, doc: u32) -> Result<String, Refusal> {
        self.0.read(doc, |engine| events::delta(&engine.document().to_operation()))
    }

    /// Inserts text; `attributes` is a JSON object.
    pub fn insert(&self, doc: u32, offset: u32, text: &str, attributes: Option<String>) -> Result<(), Refusal> {
        let attributes = self::attributes(attributes.as_deref())?;
        self.0.edit(doc, &edit_at(offset, |edit| edit.insert_with(text, &attributes)))
    }

    /// Deletes text.
    pub fn delete(&self, doc: u32, offset: u32, length: u32) -> Result<(), Refusal> {
        self.0.edit(doc, &edit_at(offset, |edit| edit.delete(Utf16Length(length))))
    }

    /// Changes attributes; one that is `null` is taken away.
    pub fn format(&self, doc: u32, offset: u32, length: u32, attributes: &str) -> Result<(), Refusal> {
        let attributes = self::attributes(Some(attributes))?;
        self.0.edit(doc, &edit_at(offset, |edit| edit.retain_with(Utf16Length(length), &attributes)))
    }

    /// Applies a Quill Delta as one edit.
    pub fn apply(&self, doc: u32, delta: &str) -> Result<(), Refusal> {
        self.0.edit(doc, &Operation::from_delta(delta).map_err(Refusal::from)?)
    }

    /// Takes back the last group of own edits, or does again what was taken back last;
    /// returns whether there was one.
    pub fn undo(&self, doc: u32, redo: bool) -> Result<bool, Refusal> {
        self.0.undo(doc, redo)
    }

    /// The next edit is undone apart from those before it.
    pub fn stop_capturing(&self, doc: u32) -> Result<(), Refusal> {
        self.0.act(&mut |session, _| session.stop_capturing(DocumentHandle(doc)))
    }

    /// Whether edits can be undone from now on; returns whether they could before.
    pub fn record(&self, on: bool) -> bool {
        self.0.record(on)
    }

    /// Shows the own selection to the others; at most ten times a second are sent.
    pub fn set_cursor(&self, doc: u32, anchor: u32, head: u32) -> Result<(), Refusal> {
        self.0.set_cursor(doc, Some((anchor, head)))
    }

    /// Shows no caret to the others.
    pub fn clear_cursor(&self, doc: u32) -> Result<(), Refusal> {
        self.0.set_cursor(doc, None)
    }

    /// Replaces what the others see of this member: JSON.
    pub fn set_presence(&self, doc: u32, state: &str) -> Result<(), Refusal> {
        self.0.set_presence(doc, state)
    }

    /// Everybody who has the document open, without carets: a JSON array.
    pub fn members(&self, doc: u32) -> Result<String, Refusal> {
        self.0.read(doc, events::members)
    }

    /// The carets of the members: first a number that is another one whenever `members` gives something else,
    /// and then three numbers for each caret: the member's, its anchor and its head.
    pub fn carets(&self, doc: u32) -> Result<Vec<u32>, Refusal> {
        self.0.read(doc, events::carets)
    }

    /// Tells the status, whether it has changed or not.
    pub fn status(&self, doc: u32) -> Result<(), Refusal> {
        self.0.tell_status(doc)
    }

    /// What the log has not accepted, on the accepted text: a Quill Delta.
    pub fn pending(&self, doc: u32) -> Result<String, Refusal> {
        self.0.pending(doc)
    }

    /// Work that was set aside: a JSON array.
    pub fn proposals(&self, doc: u32) -> Result<String, Refusal> {
        self.0.read(doc, events::proposals)
    }

    /// Does what a proposal asks for.
    pub fn accept_proposal(&self, doc: u32, id: u32) -> Result<(), Refusal> {
        self.0.accept_proposal(doc, id)
    }

    /// Merges are asked about before they are sent: what waited so long, or of which one side deleted
    /// more than so many percent of the text.
    pub fn set_review_rule(&self, doc: u32, waited_ms: f64, deleted_percent: u32) -> Result<(), Refusal> {
        let rule = Some(ReviewRule { waited_ms: waited_ms as u64, deleted_percent });
        self.0.act(&mut |session, now| session.set_review_rule(DocumentHandle(doc), rule, now))
    }

    /// The merge that waits for an answer: `before`, `mine`, `theirs` and `merged` as Deltas, or `null`.
    pub fn review(&self, doc: u32) -> Result<String, Refusal> {
        self.0.read(doc, events::review)
    }

    /// Sends the merge, or not; with a change, it is sent with that.
    pub fn answer_review(&self, doc: u32, send: bool, change: Option<String>) -> Result<(), Refusal> {
        self.0.answer_review(doc, send, change.as_deref())
    }

    /// Drops a proposal for good.
    pub fn discard_proposal(&self, doc: u32, id: u32) -> Result<(), Refusal> {
        self.0.act(&mut |session, now| session.discard_proposal(DocumentHandle(doc), id, now))
    }
}
