//! What the daily frames cost, in bytes of a message's payload.

use cowrite_protocol::frame::{Abbreviated, ClientFrame, Packed, ServerFrame, Submit};
use cowrite_protocol::operation::{Component, Operation};
use cowrite_protocol::{AuthorNumber, Channel};

use crate::golden::{client_bytes, server_bytes};
use crate::samples::{caret, commit};

/// A document of 100 kB at version 10^6, a client at client_seq 10^4, a channel below 128.
const CHANNEL: Channel = Channel(127);
const VERSION: u64 = 1_000_000;
const SEQ: u64 = 10_000;
const OFFSET: u32 = 100_000;

#[test]
fn bytes_on_the_wire() {
    let mut typed = Vec::new();
    Operation::from_components([Component::retain(OFFSET), Component::insert("a")]).encode(&mut typed);
    let operation = Packed(&typed);
    let (seq, base) = (Abbreviated::of(SEQ + 1, SEQ), Abbreviated::of(VERSION, VERSION - 1));
    let submit = Submit { channel: CHANNEL, seq, base, operation };
    let version = VERSION.to_le_bytes()[0];
    let seq_over_next = Abbreviated::of(SEQ + 1, SEQ + 1);
    let commit = cowrite_protocol::frame::Commit {
        channel: CHANNEL,
        author: AuthorNumber(1),
        version,
        seq: seq_over_next,
        ..commit()
    };
    let cursor = caret(OFFSET);

    let up = client_bytes(&ClientFrame::Submit(submit)).len();
    let down = server_bytes(&ServerFrame::Commit(commit)).len();
    // A caret that stands where the edit implies, or where it stood, travels in the kind.
    let caret_up = client_bytes(&ClientFrame::SubmitStill(submit)).len() - up;
    let caret_down = server_bytes(&ServerFrame::CommitStill(commit)).len() - down;
    let rows = [
        ("a typed character, up", up, 10),
        ("its ack", server_bytes(&ServerFrame::Ack { channel: CHANNEL, seq: 0x11, version, hash: 0xff }).len(), 5),
        ("the same character, down", down, 12),
        (
            "a cursor move, up",
            client_bytes(&ClientFrame::Cursor { channel: CHANNEL, version: base, cursor: cursor.clone() }).len(),
            10,
        ),
        (
            "a cursor move, down",
            server_bytes(&ServerFrame::Cursors { channel: CHANNEL, version, cursors: vec![(AuthorNumber(1), cursor)] })
                .len(),
            12,
        ),
        ("the caret while typing, up", caret_up, 0),
        ("the caret while typing, down", caret_down, 0),
    ];
    println!("bytes of payload, document of 100 kB, version 10^6, client_seq 10^4, channel 127:");
    for (what, bytes, most) in rows {
        println!("{what:<29} {bytes:>2}  (at most {most})");
        assert!(bytes <= most, "{what}: {bytes} bytes, at most {most}");
    }
}
