//! Libraries beside ours, used as their documentation shows.

use diamond_types::list::ListCRDT;
use diamond_types::list::encoding::{ENCODE_FULL, ENCODE_PATCH};
use jumprope::JumpRope;
use yrs::updates::decoder::Decode;
use yrs::{ClientID, Doc, GetString, OffsetKind, Options, ReadTxn, StateVector, Text, TextRef, Transact, Update};

use super::library::Stored;
use super::{Library, Pair};

/// A rope alone, the one that diamond-types uses.
#[derive(Default)]
pub(super) struct Rope(JumpRope);

impl Library for Rope {
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str) {
        if deleted > 0 {
            self.0.remove(at..at + deleted);
        }
        if !inserted.is_empty() {
            self.0.insert(at, inserted);
        }
    }

    fn text(&self) -> String {
        self.0.to_string()
    }
}

/// diamond-types as crates.io has it.
pub(super) struct Diamond {
    list: ListCRDT,
    agent: u32,
}

impl Diamond {
    pub(super) fn new(agent: &str) -> Diamond {
        let mut list = ListCRDT::new();
        let agent = list.get_or_create_agent_id(agent);
        Diamond { list, agent }
    }
}

impl Library for Diamond {
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str) {
        if deleted > 0 {
            self.list.delete(self.agent, at..at + deleted);
        }
        if !inserted.is_empty() {
            self.list.insert(self.agent, at, inserted);
        }
    }

    fn text(&self) -> String {
        self.list.branch.content().to_string()
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.store().len())
    }
}

impl Stored for Diamond {
    fn store(&self) -> Vec<u8> {
        self.list.oplog.encode(ENCODE_FULL)
    }

    fn read(bytes: &[u8]) -> Diamond {
        Diamond { list: ListCRDT::load_from(bytes).expect("it reads what it wrote"), agent: 0 }
    }
}

/// Two copies of diamond-types' list.
pub(super) struct DiamondPair {
    sides: [Diamond; 2],
    parted: Vec<usize>,
}

impl DiamondPair {
    pub(super) fn new() -> DiamondPair {
        DiamondPair { sides: [Diamond::new("ann"), Diamond::new("bob")], parted: Vec::new() }
    }
}

impl Pair for DiamondPair {
    fn begin(&mut self, text: &str) {
        self.sides[0].splice(0, 0, text);
        let whole = self.sides[0].store();
        self.sides[1].list.merge_data_and_ff(&whole).expect("it reads what it wrote");
        self.parted = self.sides[0].list.oplog.local_version().to_vec();
    }

    fn splice(&mut self, side: usize, at: usize, deleted: usize, inserted: &str) {
        self.sides[side].splice(at, deleted, inserted);
    }

    fn join(&mut self) -> usize {
        // Both have the text's own history under the same numbers.
        let patches: Vec<_> =
            self.sides.iter().map(|side| side.list.oplog.encode_from(ENCODE_PATCH, &self.parted)).collect();
        self.sides[0].list.merge_data_and_ff(&patches[1]).expect("it reads what it wrote");
        self.sides[1].list.merge_data_and_ff(&patches[0]).expect("it reads what it wrote");
        patches.iter().map(Vec::len).sum()
    }

    fn text(&self, side: usize) -> String {
        self.sides[side].text()
    }
}

/// Yjs in Rust, one transaction an edit.
pub(super) struct Yrs {
    doc: Doc,
    text: TextRef,
}

impl Yrs {
    pub(super) fn new(client: u64) -> Yrs {
        let options = Options { offset_kind: OffsetKind::Utf16, ..Options::with_client_id(ClientID::new(client)) };
        let doc = Doc::with_options(options);
        let text = doc.get_or_insert_text("content");
        Yrs { doc, text }
    }

    fn update_for(&self, other: &StateVector) -> Vec<u8> {
        self.doc.transact().encode_state_as_update_v1(other)
    }

    fn take(&self, update: &[u8]) {
        let update = Update::decode_v1(update).expect("it reads what it wrote");
        self.doc.transact_mut().apply_update(update).expect("it applies");
    }
}

impl Library for Yrs {
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str) {
        let mut transaction = self.doc.transact_mut();
        if deleted > 0 {
            self.text.remove_range(&mut transaction, at as u32, deleted as u32);
        }
        if !inserted.is_empty() {
            self.text.insert(&mut transaction, at as u32, inserted);
        }
    }

    fn text(&self) -> String {
        self.text.get_string(&self.doc.transact())
    }

    fn bytes(&self) -> Option<usize> {
        Some(self.store().len())
    }
}

impl Stored for Yrs {
    fn store(&self) -> Vec<u8> {
        self.update_for(&StateVector::default())
    }

    fn read(bytes: &[u8]) -> Yrs {
        let read = Yrs::new(2);
        read.take(bytes);
        read
    }
}

/// Two copies of a document of yrs.
pub(super) struct YrsPair([Yrs; 2]);

impl YrsPair {
    pub(super) fn new() -> YrsPair {
        YrsPair([Yrs::new(1), Yrs::new(2)])
    }
}

impl Pair for YrsPair {
    fn begin(&mut self, text: &str) {
        self.0[0].splice(0, 0, text);
        self.0[1].take(&self.0[0].store());
    }

    fn splice(&mut self, side: usize, at: usize, deleted: usize, inserted: &str) {
        self.0[side].splice(at, deleted, inserted);
    }

    fn join(&mut self) -> usize {
        let versions = [0, 1].map(|side: usize| self.0[side].doc.transact().state_vector());
        let updates = [self.0[0].update_for(&versions[1]), self.0[1].update_for(&versions[0])];
        self.0[0].take(&updates[1]);
        self.0[1].take(&updates[0]);
        updates.iter().map(Vec::len).sum()
    }

    fn text(&self, side: usize) -> String {
        self.0[side].text()
    }
}
