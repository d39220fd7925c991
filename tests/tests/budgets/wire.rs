//! Frames and operations as bytes, and back.

use std::hint::black_box;

use cowrite_protocol::codec::{decode_client, decode_server, encode_client, encode_server};
use cowrite_protocol::frame::{Abbreviated, ClientFrame, Commit, Packed, ServerFrame, Submit};
use cowrite_protocol::operation::{Attributes, Operation, RichText};
use cowrite_protocol::{AuthorNumber, Channel, DocumentType, OperationLimits, Utf16Length};

use super::algebra::made;
use super::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    let letter = Operation::builder().retain(Utf16Length(100_000)).insert("a").build();
    let large = made(1_000, 1, &Attributes::NONE);
    let (letter_packed, large_packed) = (packed(&letter), packed(&large));
    let (channel, operation) = (Channel(3), Packed(&letter_packed));
    let (seq, base) = (Abbreviated::of(10_001, 10_000), Abbreviated::of(1_000_000, 1_000_000));
    let submit = ClientFrame::Submit(Submit { channel, seq, base, operation });
    let commit = ServerFrame::Commit(Commit { channel, author: AuthorNumber(1), version: 0x41, seq, operation });
    let (mut up, mut down, mut into) = (Vec::new(), Vec::new(), Vec::new());
    encode_client(&submit, &mut up);
    encode_server(&commit, &mut down);
    let read = |bytes: &[u8]| drop(black_box(RichText::decode(bytes, &OperationLimits::NONE)));
    vec![
        Row::of("encode a submit", || encode_into(&mut into, |into| encode_client(&submit, into))),
        Row::of("decode a submit", || drop(black_box(decode_client(&up, up.len()).last()))),
        Row::of("encode a commit", || encode_into(&mut into, |into| encode_server(&commit, into))),
        Row::of("decode a commit", || drop(black_box(decode_server(&down, down.len()).last()))),
        Row::of("pack a letter", || encode_into(&mut into, |into| RichText::encode(&letter, into))),
        Row::of("unpack a letter", || read(&letter_packed)),
        Row::of("pack 1,000 components", || encode_into(&mut into, |into| RichText::encode(&large, into))),
        Row::of("unpack 1,000 components", || read(&large_packed)),
    ]
}

fn encode_into(into: &mut Vec<u8>, encode: impl FnOnce(&mut Vec<u8>)) {
    into.clear();
    encode(into);
}

fn packed(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    RichText::encode(operation, &mut bytes);
    bytes
}
