//! Frames of Cowrite as tests say them.

use cowrite_protocol::codec::encode_client;
use cowrite_protocol::frame::{Abbreviated, ClientFrame, Packed, ProtocolVersion, Submit};
use cowrite_protocol::{Channel, ClientId, DocumentType, Operation, RichText};

/// The first frame, with a token.
pub fn hello(token: &str) -> ClientFrame<'_> {
    ClientFrame::Hello { oldest: ProtocolVersion::OLDEST, newest: ProtocolVersion::NEWEST, token }
}

/// Opens a document for the first time.
pub fn open(request: u32, document: &str) -> ClientFrame<'_> {
    open_as(request, document, None)
}

/// Opens a document under a client id.
pub fn open_as(request: u32, document: &str, client: Option<ClientId>) -> ClientFrame<'_> {
    ClientFrame::Open { request, document, client, position: None, whole: false, in_flight: None, state: "" }
}

/// A submit whose numbers are written in full.
pub fn submit(channel: Channel, seq: u64, base: u64, operation: &[u8]) -> ClientFrame<'_> {
    ClientFrame::Submit(Submit { channel, seq: full(seq), base: full(base), operation: Packed(operation) })
}

/// A number written in full; one that no form holds becomes the highest that one does, 2^55 - 1.
pub fn full(number: u64) -> Abbreviated {
    Abbreviated::of(number.min((1 << 55) - 1), u64::MAX)
}

/// An operation as it travels.
pub fn packed(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    RichText::encode(operation, &mut bytes);
    bytes
}

/// Frames as one message.
pub fn message(frames: &[ClientFrame<'_>]) -> Vec<u8> {
    let mut message = Vec::new();
    frames.iter().for_each(|frame| encode_client(frame, &mut message));
    message
}
