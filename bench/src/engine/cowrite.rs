//! Our own: from the text alone to two engines and a sequencer.

use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::text::{Text, Utf16Length, Utf16Offset};
use cowrite_protocol::{DocumentType, RichText};
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::Pipe;

use super::{Library, Pair};

/// The text alone, without an operation: the limit.
#[derive(Default)]
pub(super) struct TextAlone(Text);

impl Library for TextAlone {
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str) {
        let at = Utf16Offset(at as u32);
        if deleted > 0 {
            self.0.delete(at, Utf16Length(deleted as u32)).expect("in range");
        }
        if !inserted.is_empty() {
            self.0.insert(at, inserted).expect("in range");
        }
    }

    fn text(&self) -> String {
        self.0.chars().collect()
    }
}

/// A document that operations are applied to, and nothing else.
#[derive(Default)]
pub(super) struct Applied(Document);

impl Library for Applied {
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str) {
        self.0.apply(&operation(at, deleted, inserted)).expect("it fits");
    }

    fn text(&self) -> String {
        self.0.text().chars().collect()
    }
}

/// A client's engine without a connection: edits are applied, made undoable and gathered.
pub(super) struct Offline {
    pipe: Pipe,
    client: usize,
}

impl Offline {
    pub(super) fn new() -> Offline {
        let mut pipe = Pipe::new(RoomSettings::default());
        let client = pipe.join();
        pipe.disconnect(client);
        Offline { pipe, client }
    }
}

impl Library for Offline {
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str) {
        self.pipe.edit(self.client, &operation(at, deleted, inserted));
    }

    fn text(&self) -> String {
        self.pipe.text(self.client)
    }
}

/// A client's engine, frames, a room with its sequencer and a log in memory: each edit is accepted
/// before the next is made.
pub(super) struct Sequenced {
    pub(super) pipe: Pipe,
    client: usize,
    edits: usize,
    packed: usize,
    scratch: Vec<u8>,
}

impl Sequenced {
    pub(super) fn new() -> Sequenced {
        let mut pipe = Pipe::new(RoomSettings::default());
        let client = pipe.join();
        Sequenced { pipe, client, edits: 0, packed: 0, scratch: Vec::new() }
    }

    /// Another room on the same log, which loads the document for its first client.
    pub(super) fn again(&self) -> Sequenced {
        let mut pipe = Pipe::on_log(self.pipe.log().clone(), RoomSettings::default(), 1 << 20);
        let client = pipe.join();
        Sequenced { pipe, client, edits: 0, packed: 0, scratch: Vec::new() }
    }
}

impl Library for Sequenced {
    fn splice(&mut self, at: usize, deleted: usize, inserted: &str) {
        let operation = operation(at, deleted, inserted);
        self.scratch.clear();
        RichText::encode(&operation, &mut self.scratch);
        self.packed += self.scratch.len();
        self.pipe.edit(self.client, &operation);
        self.edits += 1;
        if self.edits.is_multiple_of(1_000) {
            // The pipe remembers every frame, which no server does.
            let client = self.pipe.client(self.client);
            client.up.frames.clear();
            client.down.frames.clear();
            // Its clients may send a million frames a second, so some time has to pass.
            self.pipe.pass(10);
        }
    }

    fn text(&self) -> String {
        self.pipe.text(self.client)
    }

    /// What the entries' operations weigh, packed; a log adds who, when and in which order.
    fn bytes(&self) -> Option<usize> {
        assert_eq!(self.pipe.room().sequencer().head().version.get(), self.edits as u64, "one entry an edit");
        Some(self.packed)
    }
}

/// Two engines that lose their connection, and come back.
pub(super) struct Branches {
    pipe: Pipe,
}

impl Branches {
    pub(super) fn new() -> Branches {
        let mut pipe = Pipe::new(RoomSettings::default());
        pipe.join();
        pipe.join();
        Branches { pipe }
    }
}

impl Pair for Branches {
    fn begin(&mut self, text: &str) {
        self.pipe.edit(0, &operation(0, 0, text));
        self.pipe.disconnect(0);
        self.pipe.disconnect(1);
    }

    fn splice(&mut self, side: usize, at: usize, deleted: usize, inserted: &str) {
        self.pipe.edit(side, &operation(at, deleted, inserted));
    }

    fn join(&mut self) -> usize {
        self.pipe.connect(0);
        self.pipe.connect(1);
        [0, 1].into_iter().map(|side| self.pipe.client(side).up.bytes() + self.pipe.client(side).down.bytes()).sum()
    }

    fn text(&self, side: usize) -> String {
        self.pipe.text(side)
    }
}

fn operation(at: usize, deleted: usize, inserted: &str) -> Operation {
    cowrite_bench_wasm::splice(at as u32, deleted as u32, inserted)
}
