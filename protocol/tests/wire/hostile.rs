//! What no peer should send: it is refused, without a panic and without much memory.

use allocation_counter::measure;
use cowrite_protocol::codec::{DecodeError, decode_client, decode_server};
use cowrite_protocol::frame::ClientFrame;
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{OperationLimits, Version};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::any::{client_frame, server_frame};
use crate::golden::{client_bytes, server_bytes};
use crate::samples::{client_frames, server_frames};

const LIMIT: usize = 256 << 10;

/// What reading a client's message may allocate: selections take two bytes each on the
/// wire and eight in memory, and room is made for as many as there are bytes left.
fn client_bound(bytes: usize) -> u64 {
    1_024 + 16 * bytes as u64
}

/// What reading a server's message may allocate. A member that left takes two bytes on the
/// wire, and some eighty in memory.
fn server_bound(bytes: usize) -> u64 {
    1_024 + 256 * bytes as u64
}

/// Reads a whole message as a client's and as a server's.
fn read(message: &[u8]) {
    let client = measure(|| decode_client(message, LIMIT).for_each(drop)).bytes_max;
    let server = measure(|| decode_server(message, LIMIT).for_each(drop)).bytes_max;
    for (bytes, most) in [(client, client_bound(message.len())), (server, server_bound(message.len()))] {
        assert!(bytes <= most, "{bytes} bytes for {}, at most {most}: {message:02x?}", message.len());
    }
}

fn is_refused(message: &[u8]) -> bool {
    decode_client(message, LIMIT).any(|frame| frame.is_err())
        && decode_server(message, LIMIT).any(|frame| frame.is_err())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read_without_a_panic_and_without_much_memory(message in vec(any::<u8>(), 0..200)) {
        read(&message);
    }

    /// Bytes that begin as a frame does reach further into the decoder.
    #[test]
    fn bytes_behind_any_kind_are_read_without_a_panic(kind in 0..130_u8, rest in vec(prop_oneof![0..4_u8, any::<u8>()], 0..60)) {
        let mut message = vec![kind];
        message.extend(rest);
        read(&message);
    }

    #[test]
    fn a_damaged_frame_is_read_without_a_panic(frame in client_frame(), at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let mut message = client_bytes(&frame);
        let at = at.index(message.len());
        message[at] ^= 1_u8 << bit;
        read(&message);
    }

    #[test]
    fn every_client_frame_survives_the_wire(frames in vec(client_frame(), 1..4)) {
        let message: Vec<u8> = frames.iter().flat_map(client_bytes).collect();
        let read: Result<Vec<_>, _> = decode_client(&message, LIMIT).collect();
        prop_assert_eq!(read, Ok(frames));
    }

    #[test]
    fn every_server_frame_survives_the_wire(frames in vec(server_frame(), 1..4)) {
        let message: Vec<u8> = frames.iter().flat_map(server_bytes).collect();
        let read: Result<Vec<_>, _> = decode_server(&message, LIMIT).collect();
        prop_assert_eq!(read, Ok(frames));
    }

    #[test]
    fn any_bytes_are_an_operation_or_an_error_and_take_little_memory(bytes in vec(prop_oneof![0..32_u8, any::<u8>()], 0..200)) {
        let limits = OperationLimits::default();
        let allocated = measure(|| drop(Operation::decode(&bytes, &limits)));
        prop_assert!(allocated.bytes_max <= server_bound(bytes.len()), "{} bytes for {}", allocated.bytes_max, bytes.len());
    }
}

#[test]
fn a_golden_cut_at_any_byte_is_an_error() {
    for (name, frame) in client_frames() {
        let bytes = client_bytes(&frame);
        for end in 1..bytes.len() {
            let read: Vec<_> = decode_client(&bytes[..end], LIMIT).collect();
            assert_eq!(read, [Err(DecodeError::Malformed { at: 0 })], "{name} cut at {end}");
        }
    }
    for (name, frame) in server_frames() {
        let bytes = server_bytes(&frame);
        for end in 1..bytes.len() {
            let read: Vec<_> = decode_server(&bytes[..end], LIMIT).collect();
            assert_eq!(read, [Err(DecodeError::Malformed { at: 0 })], "{name} cut at {end}");
        }
    }
}

/// What follows a frame is the next frame: bytes that are none are an error behind it.
#[test]
fn what_follows_a_golden_must_be_a_frame() {
    for (name, frame) in client_frames() {
        let mut bytes = client_bytes(&frame);
        let at = bytes.len();
        bytes.extend([63, 0]);
        let read: Vec<_> = decode_client(&bytes, LIMIT).collect();
        assert_eq!(read, [Ok(frame), Err(DecodeError::Malformed { at })], "{name}");
    }
    for (name, frame) in server_frames() {
        let mut bytes = server_bytes(&frame);
        let at = bytes.len();
        bytes.push(0x80);
        let read: Vec<_> = decode_server(&bytes, LIMIT).collect();
        assert_eq!(read, [Ok(frame), Err(DecodeError::Malformed { at })], "{name}");
    }
}

#[test]
fn ignorable_kinds_are_skipped_and_others_are_not() {
    let ping = client_bytes(&ClientFrame::Ping);
    for kind in 64..128_u8 {
        let message = [&[kind, 3, 1, 2, 3][..], &ping, &[kind, 0], &ping].concat();
        let read: Vec<_> = decode_client(&message, LIMIT).collect();
        assert_eq!(read, [Ok(ClientFrame::Ping), Ok(ClientFrame::Ping)], "{kind}");
        assert!(is_refused(&[kind]), "{kind} without a length");
        assert!(is_refused(&[kind, 2, 0]), "{kind} without its content");
    }
    for kind in (25..64).chain(128..=255_u8) {
        assert!(is_refused(&[kind, 0, 0]), "{kind}");
    }
}

/// Five bytes that announce four gigabytes, wherever a length stands.
#[test]
fn a_length_without_its_content_takes_no_memory() {
    const BOMB: [u8; 5] = [0xff, 0xff, 0xff, 0xff, 0x0f];
    let client: [&[u8]; 10] = [
        &[0, 1, 1],                   // the token of Hello
        &[1, 1],                      // the document of Open
        &[1, 1, 1, b'a', 0, 0, 0, 0], // the state of Open
        &[2, 3, 65, 64],              // the operation of Submit
        &[4],                         // the selections of SubmitCursor
        &[5, 3, 64],                  // the selections of Cursor
        &[6, 3, 0, 1],                // the state of Presence
        &[9],                         // a fresh token
        &[11, 3, 0],                  // the bytes of a Part
        &[12, 3, 5],                  // the operation of Restore
    ];
    let author = [&[4, 3, 1][..], &[0; 16]].concat();
    let composed = [&[12, 3, 5][..], &[0; 16], &[0]].concat();
    let server: [&[u8]; 8] = [
        &author,                    // the user of an Author
        &composed,                  // the authors of a Composed
        &[7],                       // the selections of CommitCursor
        &[5, 3, 1, 65, 64],         // the operation of Commit
        &[19, 3],                   // the changes of Members
        &[19, 3, 1, 0, 1, 1, b'b'], // the name of a member
        &[20, 3, 65],               // the cursors of Cursors
        &[20, 3, 65, 1, 1],         // the selections of a cursor
    ];
    for start in client.iter().chain(&server) {
        read(&[*start, &BOMB].concat());
        read(&[*start, &BOMB, &[0; 100]].concat());
    }
    for start in client {
        assert!(decode_client(&[start, &BOMB].concat(), LIMIT).next().unwrap().is_err(), "{start:02x?}");
    }
    for start in server {
        assert!(decode_server(&[start, &BOMB].concat(), LIMIT).next().unwrap().is_err(), "{start:02x?}");
    }
}

#[test]
fn a_message_above_the_limit_is_not_looked_at() {
    let message = [client_bytes(&ClientFrame::Ping), vec![63; 99]].concat();
    let read: Vec<_> = decode_client(&message, 99).collect();
    assert_eq!(read, [Err(DecodeError::TooLarge { bytes: 100, limit: 99 })]);
}

/// JavaScript cannot hold what is above 2^53 − 1.
#[test]
fn numbers_that_do_not_exist_are_refused() {
    let verify = |version: &[u8]| [&[10, 3][..], version, &[0, 0]].concat();
    let highest = [0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f];
    let message = verify(&highest);
    let read: Vec<_> = decode_client(&message, LIMIT).map(Result::unwrap).collect();
    assert!(matches!(read[..], [ClientFrame::Verify { version: Version::MAX, .. }]));
    let above = [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x10];
    assert!(decode_client(&verify(&above), LIMIT).next().unwrap().is_err(), "a version of 2^53");
    let reject = [&[10, 3][..], &above, &[0]].concat();
    assert!(decode_server(&reject, LIMIT).next().unwrap().is_err(), "a client_seq of 2^53");
}

#[test]
fn names_that_are_none_are_refused() {
    for user in ["", "a\n"] {
        let mut message = vec![4, 3, 1];
        message.extend([0; 16]);
        message.push(user.len() as u8);
        message.extend(user.as_bytes());
        message.push(0);
        assert!(decode_server(&message, LIMIT).next().unwrap().is_err(), "{user:?}");
    }
    // An anchor before the start of the text, and one that no offset counts.
    for anchor in [&[1, 5, 11][..], &[1, 0xff, 0xff, 0xff, 0xff, 0x0f, 2]] {
        let message = [&[5, 3, 64][..], anchor].concat();
        assert!(decode_client(&message, LIMIT).next().unwrap().is_err(), "{anchor:02x?}");
    }
}
