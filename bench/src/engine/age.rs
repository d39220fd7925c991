//! A document with many past edits: what its age costs who opens it, and who comes back.

use std::time::Instant;

use cowrite_protocol::{DocumentType, Operation, RichText};
use serde_json::{Value, json};

use super::cowrite::Sequenced;
use super::library::Library;
#[cfg(feature = "peers")]
use super::library::Stored;

/// The text that is edited, in units; it stays about as long.
const UNITS: usize = 100_000;

/// How many edits somebody misses.
const MISSED: [usize; 3] = [10, 1_000, 100_000];

/// What brings who comes back what it has missed; the rest says that it is connected, and who is here. Parts are
/// of one of these.
const CATCH_UP: [&str; 6] = ["Entry", "Ack", "Composed", "Snapshot", "Author", "Part"];

/// By turns a letter is inserted and one deleted, at places all over.
fn edit(number: usize, length: usize) -> (usize, usize, &'static str) {
    let at = (number * 7919) % (length - 1);
    if number.is_multiple_of(2) { (at, 0, "x") } else { (at, 1, "") }
}

fn grow(library: &mut dyn Library, from: usize, edits: usize) {
    for number in from..from + edits {
        let (at, deleted, inserted) = edit(number, UNITS);
        library.splice(at, deleted, inserted);
    }
}

/// The bytes of one operation that is all of these edits together.
fn net_bytes(from: usize, edits: usize) -> usize {
    let mut operations: Vec<Operation> = (from..from + edits)
        .map(|number| {
            let (at, deleted, inserted) = edit(number, UNITS);
            cowrite_bench_wasm::splice(at as u32, deleted as u32, inserted)
        })
        .collect();
    // Neighbours in pairs, so that what is composed stays as short as what came of it.
    while operations.len() > 1 {
        operations = operations
            .chunks(2)
            .map(|pair| match pair {
                [one, next] => Operation::compose(one, next).expect("one after the other"),
                alone => alone[0].clone(),
            })
            .collect();
    }
    let mut packed = Vec::new();
    RichText::encode(&operations[0], &mut packed);
    packed.len()
}

fn ms(since: Instant) -> f64 {
    since.elapsed().as_secs_f64() * 1e3
}

/// Our own, without sockets: a room that loads the document and one that has it, each with a client who opens
/// it; and a client who comes back.
pub(super) fn ours(edits: usize) -> Value {
    let mut aged = Sequenced::new();
    aged.splice(0, 0, &"Lorem ipsum. ".repeat(UNITS / 13 + 1));
    grow(&mut aged, 0, edits);
    let since = Instant::now();
    let late = aged.pipe.join();
    let open = ms(since);
    let bytes = aged.pipe.client(late).down.bytes();
    assert!(aged.pipe.text(late) == aged.text(), "who comes late has another text");
    let since = Instant::now();
    let cold = aged.again();
    let cold_ms = ms(since);
    assert!(cold.text() == aged.text(), "a room that loads it has another text");
    let mut from = edits;
    let resumes = MISSED.map(|missed| {
        aged.pipe.disconnect(late);
        grow(&mut aged, from, missed);
        let net = net_bytes(from, missed);
        from += missed;
        let since = Instant::now();
        aged.pipe.connect(late);
        let took = ms(since);
        assert!(aged.pipe.text(late) == aged.text(), "who comes back has another text");
        let down = &aged.pipe.client(late).down;
        let catch_up = down.bytes_of(&CATCH_UP);
        json!({ "missed": missed, "ms": took, "bytes": down.bytes(), "catchUpBytes": catch_up, "netBytes": net })
    });
    json!({ "openMs": open, "coldMs": cold_ms, "bytes": bytes, "resumes": resumes })
}

/// A library that stores its document as bytes, and reads them.
#[cfg(feature = "peers")]
pub(super) fn stored<L: Stored>(mut library: L, edits: usize) -> Value {
    library.splice(0, 0, &"Lorem ipsum. ".repeat(UNITS / 13 + 1));
    grow(&mut library, 0, edits);
    let bytes = library.store();
    let since = Instant::now();
    let read = L::read(&bytes);
    let took = ms(since);
    assert!(read.text() == library.text(), "it reads another text");
    json!({ "coldMs": took, "bytes": bytes.len() })
}
