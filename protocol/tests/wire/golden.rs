//! The files of `tests/golden/v1`: the bytes that version 1 has on the wire, for ever.

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

use cowrite_protocol::codec::{decode_client, decode_server, encode_client, encode_server};
use cowrite_protocol::frame::{Abbreviated, ClientFrame, ServerFrame};
use cowrite_protocol::operation::{Attributes, Component, Json, Operation};
use cowrite_protocol::text::Utf16Length;
use cowrite_protocol::{OperationLimits, RunningHash};

use crate::samples::{client_frames, seq, server_frames, version};

/// One golden: its name, and what is encoded today.
pub(crate) struct Golden {
    pub(crate) name: &'static str,
    pub(crate) bytes: Vec<u8>,
}

impl Golden {
    /// The bytes as the file and PROTOCOL.md show them.
    pub(crate) fn hex(&self) -> String {
        let bytes: Vec<String> = self.bytes.iter().map(|byte| format!("{byte:02x}")).collect();
        bytes.join(" ")
    }
}

/// All goldens as they are encoded today.
pub(crate) fn goldens() -> Vec<Golden> {
    let mut goldens = Vec::new();
    for (name, frame) in client_frames() {
        goldens.push(Golden { name, bytes: client_bytes(&frame) });
    }
    for (name, frame) in server_frames() {
        goldens.push(Golden { name, bytes: server_bytes(&frame) });
    }
    for (name, operation) in operations() {
        let mut bytes = Vec::new();
        operation.encode(&mut bytes);
        goldens.push(Golden { name, bytes });
    }
    for (name, number, reference) in NUMBERS {
        let bytes = postcard::to_allocvec(&Abbreviated::of(number, reference)).unwrap();
        goldens.push(Golden { name, bytes });
    }
    let (name, hash) = running_hash();
    goldens.push(Golden { name, bytes: hash.as_bytes().to_vec() });
    goldens
}

pub(crate) fn client_bytes(frame: &ClientFrame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_client(frame, &mut bytes);
    bytes
}

pub(crate) fn server_bytes(frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_server(frame, &mut bytes);
    bytes
}

fn bold() -> Attributes {
    Attributes::from_pairs([("bold", Json::yes())])
}

/// Every kind of component, and both ways in which a set of attributes is said.
fn operations() -> Vec<(&'static str, Operation)> {
    let picture = || Json::parse(r#"{"image":"x"}"#).unwrap();
    let retain = |length, attributes| Component::Retain { length: Utf16Length(length), attributes };
    let values = Attributes::from_pairs([("a", Json::null()), ("b", Json::no()), ("c", Json::string("x"))]);
    let of = |components: Vec<Component>| Operation::from_components(components);
    vec![
        ("operation/nothing", Operation::identity()),
        ("operation/typed", of(vec![Component::retain(100_000), Component::insert("a")])),
        ("operation/deleted", of(vec![Component::retain(2), Component::delete(1)])),
        ("operation/replaced", of(vec![Component::insert("é🏆"), Component::delete(3)])),
        ("operation/formatted", of(vec![Component::retain(2), retain(3, values)])),
        (
            "operation/bold-twice",
            of(vec![
                Component::Insert { text: "a".into(), attributes: bold() },
                Component::insert("b"),
                Component::Insert { text: "c".into(), attributes: bold() },
            ]),
        ),
        ("operation/embedded", of(vec![Component::embed(picture())])),
        ("operation/embedded-bold", of(vec![Component::Embed { value: picture(), attributes: bold() }])),
    ]
}

/// Abbreviated numbers: the number, and what it is abbreviated over.
const NUMBERS: [(&str, u64, u64); 5] = [
    ("number/near", 1_000_001, 1_000_000),
    ("number/one-byte", 1_000_063, 1_000_000),
    ("number/two-bytes", 1_000_064, 1_000_000),
    ("number/three-bytes", 1_008_192, 1_000_000),
    ("number/below", 999_999, 1_000_000),
];

fn running_hash() -> (&'static str, RunningHash) {
    let client = "00112233445566778899aabbccddeeff".parse().unwrap();
    ("hash/first-entry", RunningHash::ZERO.advance(version(1), &client, seq(1), b"\x05a"))
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1").join(format!("{name}.hex"))
}

fn stored(name: &str) -> Vec<u8> {
    let path = path(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    text.split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
}

#[test]
fn every_frame_has_the_bytes_of_its_golden() {
    let write = std::env::var_os("COWRITE_WRITE_GOLDENS").is_some();
    for golden in goldens() {
        if write {
            let path = path(golden.name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, golden.hex() + "\n").unwrap();
        }
        assert_eq!(golden.bytes, stored(golden.name), "{}", golden.name);
    }
}

#[test]
fn every_golden_is_read_as_its_value() {
    for (name, frame) in client_frames() {
        let bytes = stored(name);
        let read: Vec<_> = decode_client(&bytes, 1 << 10).collect();
        assert_eq!(read, [Ok(frame)], "{name}");
    }
    for (name, frame) in server_frames() {
        let bytes = stored(name);
        let read: Vec<_> = decode_server(&bytes, 1 << 10).collect();
        assert_eq!(read, [Ok(frame)], "{name}");
    }
    for (name, operation) in operations() {
        assert_eq!(Operation::decode(&stored(name), &OperationLimits::default()), Ok(operation), "{name}");
    }
    for (name, number, reference) in NUMBERS {
        let read: Abbreviated = postcard::from_bytes(&stored(name)).unwrap();
        assert_eq!(read.resolve(reference), Some(number), "{name}");
    }
}

/// A golden that no test encodes any more would prove nothing.
#[test]
fn every_golden_file_is_of_a_frame_that_exists() {
    let known: BTreeSet<PathBuf> = goldens().iter().map(|golden| path(golden.name)).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v1");
    let mut found = BTreeSet::new();
    for folder in fs::read_dir(root).unwrap() {
        for file in fs::read_dir(folder.unwrap().path()).unwrap() {
            found.insert(file.unwrap().path());
        }
    }
    assert_eq!(found, known);
}

/// Kinds are only ever appended: a new one is added here, to the samples and to PROTOCOL.md.
#[test]
fn every_kind_has_a_golden_and_its_number() {
    let kinds = |direction: &str| -> BTreeSet<u8> {
        goldens().iter().filter(|golden| golden.name.starts_with(direction)).map(|golden| golden.bytes[0]).collect()
    };
    assert_eq!(kinds("client/"), (0..13).collect());
    assert_eq!(kinds("server/"), (0..25).collect());
    for (name, frame) in client_frames() {
        assert_eq!(stored(name)[0], client_kind(&frame), "{name}");
    }
    for (name, frame) in server_frames() {
        assert_eq!(stored(name)[0], server_kind(&frame), "{name}");
    }
}

fn client_kind(frame: &ClientFrame<'_>) -> u8 {
    match frame {
        ClientFrame::Hello { .. } => 0,
        ClientFrame::Open { .. } => 1,
        ClientFrame::Submit(_) => 2,
        ClientFrame::SubmitStill(_) => 3,
        ClientFrame::SubmitCursor { .. } => 4,
        ClientFrame::Cursor { .. } => 5,
        ClientFrame::Presence { .. } => 6,
        ClientFrame::Close { .. } => 7,
        ClientFrame::Ping => 8,
        ClientFrame::Token { .. } => 9,
        ClientFrame::Verify { .. } => 10,
        ClientFrame::Part { .. } => 11,
        ClientFrame::Restore { .. } => 12,
    }
}

fn server_kind(frame: &ServerFrame<'_>) -> u8 {
    match frame {
        ServerFrame::Welcome(_) => 0,
        ServerFrame::Error { .. } => 1,
        ServerFrame::Opened(_) => 2,
        ServerFrame::OpenRefused { .. } => 3,
        ServerFrame::Author { .. } => 4,
        ServerFrame::Commit(_) => 5,
        ServerFrame::CommitStill(_) => 6,
        ServerFrame::CommitCursor { .. } => 7,
        ServerFrame::Entry { .. } => 8,
        ServerFrame::Ack { .. } => 9,
        ServerFrame::Reject { .. } => 10,
        ServerFrame::Busy { .. } => 11,
        ServerFrame::Composed { .. } => 12,
        ServerFrame::Snapshot(_) => 13,
        ServerFrame::Durable { .. } => 14,
        ServerFrame::Stalled { .. } => 15,
        ServerFrame::Closed { .. } => 16,
        ServerFrame::Pong => 17,
        ServerFrame::GoAway { .. } => 18,
        ServerFrame::Members { .. } => 19,
        ServerFrame::Cursors { .. } => 20,
        ServerFrame::Verified { .. } => 21,
        ServerFrame::Part { .. } => 22,
        ServerFrame::Restored { .. } => 23,
        ServerFrame::Terms(_) => 24,
    }
}
