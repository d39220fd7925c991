//! Real editing traces, one operation a patch: engine → server → second engine.

use std::io::Read;

use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::Pipe;
use serde_json::Value;

#[expect(clippy::unwrap_used, reason = "a trace that does not read is a failed test")]
fn replay(name: &str) {
    let path = format!("{}/traces/{name}.json.gz", env!("CARGO_MANIFEST_DIR"));
    let packed = std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"));
    let mut json = String::new();
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut json).unwrap();
    let trace: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(trace["startContent"], "");
    let mut pipe = Pipe::new(RoomSettings::default());
    let (writer, reader) = (pipe.join(), pipe.join());
    let mut patches = 0;
    for transaction in trace["txns"].as_array().unwrap() {
        for patch in transaction["patches"].as_array().unwrap() {
            // The traces hold no character beyond the basic plane: positions are UTF-16.
            let number = |index: usize| Utf16Length(u32::try_from(patch[index].as_u64().unwrap()).unwrap());
            let mut operation = Operation::builder();
            operation.retain(number(0)).delete(number(1)).insert(patch[2].as_str().unwrap());
            pipe.edit(writer, &operation.build());
            patches += 1;
        }
    }
    let end = trace["endContent"].as_str().unwrap();
    assert!(pipe.text(writer) == end, "{name}: the writer's text is another");
    assert!(pipe.text(reader) == end, "{name}: the reader's text is another");
    assert_eq!(pipe.room().sequencer().head().version.get(), patches, "{name}: one entry a patch");
    println!("{name}: {patches} patches, {} units at the end", end.len());
}

#[test]
fn the_automerge_paper_ends_as_it_was_written() {
    replay("automerge-paper");
}

#[test]
fn the_rust_code_ends_as_it_was_written() {
    replay("rustcode");
}

#[test]
fn the_svelte_component_ends_as_it_was_written() {
    replay("sveltecomponent");
}
