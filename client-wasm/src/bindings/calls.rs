//! What the module exports: a method for each kind of arguments, not for each method of a client, of which
//! each costs a quarter of a kilobyte of glue. Which method is meant is said by a number. The same numbers
//! are in `npm/src/wasm/cowrite.ts`, which makes a class with all methods of it; a test compares them.

use alloc::string::String;
use alloc::vec::Vec;

use wasm_bindgen::prelude::*;

use super::browser::{Guard, Host};
use super::client::WasmClient;
use crate::face::Refusal;

/// What needs no text.
mod act {
    pub(super) const CONNECT: u32 = 0;
    pub(super) const REFRESH_TOKEN: u32 = 1;
    pub(super) const TOKEN_FAILED: u32 = 2;
    pub(super) const WAKE: u32 = 3;
    pub(super) const CLOSE: u32 = 4;
    pub(super) const UNKEPT: u32 = 5;
    pub(super) const STORED: u32 = 6;
    pub(super) const CLOSE_DOCUMENT: u32 = 7;
    pub(super) const LENGTH: u32 = 8;
    pub(super) const DELETE: u32 = 9;
    pub(super) const UNDO: u32 = 10;
    pub(super) const STOP_CAPTURING: u32 = 11;
    pub(super) const RECORD: u32 = 12;
    pub(super) const SET_CURSOR: u32 = 13;
    pub(super) const CLEAR_CURSOR: u32 = 14;
    pub(super) const ACCEPT_PROPOSAL: u32 = 15;
    pub(super) const DISCARD_PROPOSAL: u32 = 16;
    pub(super) const STATUS: u32 = 17;
}

/// What brings a text, and perhaps another one.
mod write {
    pub(super) const TOKEN: u32 = 0;
    pub(super) const OPEN: u32 = 1;
    pub(super) const OPEN_KEPT: u32 = 2;
    pub(super) const INSERT: u32 = 3;
    pub(super) const FORMAT: u32 = 4;
    pub(super) const APPLY: u32 = 5;
    pub(super) const SET_PRESENCE: u32 = 6;
    pub(super) const ANSWER_REVIEW: u32 = 7;
}

/// What gives a text.
mod read {
    pub(super) const TEXT: u32 = 0;
    pub(super) const CONTENTS: u32 = 1;
    pub(super) const MEMBERS: u32 = 2;
    pub(super) const PENDING: u32 = 3;
    pub(super) const PROPOSALS: u32 = 4;
    pub(super) const REVIEW: u32 = 5;
}

#[wasm_bindgen(js_class = Calls)]
impl WasmClient {
    /// A client that is not connected yet; see `WasmClient`.
    #[wasm_bindgen(constructor)]
    pub fn made(url: String, host: Host, guard: &Guard) -> WasmClient {
        WasmClient::new(url, host, guard)
    }

    /// Does what needs no text.
    pub fn act(&self, what: u32, doc: u32, a: u32, b: u32) -> Result<u32, Refusal> {
        match what {
            act::CONNECT => self.connect(),
            act::REFRESH_TOKEN => self.refresh_token(),
            act::TOKEN_FAILED => self.token_failed(),
            act::WAKE => self.wake(),
            act::CLOSE => {
                self.close();
                Ok(())
            }
            act::UNKEPT => self.unkept(doc),
            act::STORED => self.stored(doc, a, b),
            act::CLOSE_DOCUMENT => self.close_document(doc),
            act::LENGTH => return self.length(doc),
            act::DELETE => self.delete(doc, a, b),
            act::UNDO => return self.undo(doc, a != 0).map(u32::from),
            act::STOP_CAPTURING => self.stop_capturing(doc),
            act::RECORD => return Ok(u32::from(self.record(a != 0))),
            act::SET_CURSOR => self.set_cursor(doc, a, b),
            act::CLEAR_CURSOR => self.clear_cursor(doc),
            act::ACCEPT_PROPOSAL => self.accept_proposal(doc, a),
            act::DISCARD_PROPOSAL => self.discard_proposal(doc, a),
            act::STATUS => self.status(doc),
            _ => Err(Refusal::CLOSED),
        }?;
        Ok(0)
    }

    /// Does what brings a text.
    pub fn write(&self, what: u32, doc: u32, a: u32, b: u32, text: &str, more: Option<String>) -> Result<u32, Refusal> {
        match what {
            write::TOKEN => self.token(text, a != 0),
            write::OPEN => return self.open(text, &more.unwrap_or_default()),
            write::OPEN_KEPT => return self.open_kept(text, &more.unwrap_or_default()),
            write::INSERT => self.insert(doc, a, text, more),
            write::FORMAT => self.format(doc, a, b, text),
            write::APPLY => self.apply(doc, text),
            write::SET_PRESENCE => self.set_presence(doc, text),
            write::ANSWER_REVIEW => self.answer_review(doc, a != 0, more),
            _ => Err(Refusal::CLOSED),
        }?;
        Ok(0)
    }

    /// Gives a text.
    pub fn read(&self, what: u32, doc: u32) -> Result<String, Refusal> {
        match what {
            read::TEXT => self.text(doc),
            read::CONTENTS => self.contents(doc),
            read::MEMBERS => self.members(doc),
            read::PENDING => self.pending(doc),
            read::PROPOSALS => self.proposals(doc),
            read::REVIEW => self.review(doc),
            _ => Err(Refusal::CLOSED),
        }
    }

    /// The carets; see `WasmClient::carets`.
    #[wasm_bindgen(js_name = carets)]
    pub fn carets_of(&self, doc: u32) -> Result<Vec<u32>, Refusal> {
        self.carets(doc)
    }

    /// What the device keeps; see `WasmClient::loaded`.
    #[wasm_bindgen(js_name = loaded)]
    pub fn found(
        &self,
        doc: u32,
        base: Option<Vec<u8>>,
        work: Option<Vec<u8>>,
        age_ms: f64,
    ) -> Result<String, Refusal> {
        self.loaded(doc, base, work, age_ms)
    }

    /// The base of the record that is told of, or else its work.
    pub fn take(&self, base: bool) -> Option<Vec<u8>> {
        if base { self.take_base() } else { self.take_work() }
    }

    /// Asks about merges; see `WasmClient::set_review_rule`.
    #[wasm_bindgen(js_name = set_review_rule)]
    pub fn review_rule(&self, doc: u32, waited_ms: f64, deleted_percent: u32) -> Result<(), Refusal> {
        self.set_review_rule(doc, waited_ms, deleted_percent)
    }
}

impl From<Refusal> for JsValue {
    fn from(refusal: Refusal) -> JsValue {
        JsValue::from_str(refusal.0)
    }
}

#[cfg(test)]
mod tests {
    use crate::face::State;

    #[test]
    fn the_package_calls_by_the_same_numbers() {
        let here: Vec<_> = include_str!("calls.rs")
            .lines()
            .filter_map(|line| line.trim().strip_prefix("pub(super) const ")?.strip_suffix(';'))
            .map(|constant| constant.replace('_', "").replace(": u32", "").to_lowercase())
            .collect();
        let there: Vec<_> = include_str!("../../../npm/src/wasm/cowrite.ts")
            .lines()
            .skip_while(|line| !line.starts_with("const enum"))
            .take_while(|line| !line.starts_with("export"))
            .filter_map(|line| line.strip_prefix("  ")?.strip_suffix(','))
            .map(str::to_lowercase)
            .collect();
        assert_eq!(here, there);
        assert_eq!(here.len(), 32);
    }

    #[test]
    fn the_package_knows_the_states_by_the_same_numbers() {
        let package = include_str!("../../../npm/src/wasm/cowrite.ts");
        let names =
            package.lines().find_map(|line| line.strip_prefix("const STATES: readonly SyncState[] = ")).unwrap();
        let states = [State::Connecting, State::Online, State::Stalled, State::Offline, State::Closed];
        let here = states.map(|state| format!("{state:?}").to_lowercase());
        assert_eq!(names, format!("{here:?};"));
        assert_eq!(states.map(|state| state as u32), [0, 1, 2, 3, 4]);
    }
}
