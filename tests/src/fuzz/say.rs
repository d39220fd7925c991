//! What a server might say to an engine: frames that continue what the engine knows, or nearly so.

use cowrite_protocol::codec::encode_server;
use cowrite_protocol::frame::{
    Abbreviated, Activity, Author, Code, Commit, DurabilityClass, Member, MemberChange, Opened, Outcome, Packed,
    ProtocolVersion, Rate, Role, ServerFrame, Settlement, SnapshotFrame, Terms, Welcome,
};
use cowrite_protocol::operation::{Document, RichText};
use cowrite_protocol::{
    AuthorNumber, Channel, ClientId, ClientSeq, Cursor, DocumentType, Epoch, Limits, OperationLimits, RunningHash,
    UserId, Utf16Offset, Version,
};

use super::choices::Choices;
use super::laid::laid;

/// The number of the one channel.
pub(super) const CHANNEL: Channel = Channel(3);
const CODES: [Code; 14] = [
    Code::BadOperation,
    Code::OperationTooLarge,
    Code::ReadOnly,
    Code::SeqReused,
    Code::AlreadyRestored,
    Code::RateLimited,
    Code::Superseded,
    Code::Behind,
    Code::EpochChanged,
    Code::Diverged,
    Code::AccessDenied,
    Code::Unavailable,
    Code::TokenExpired,
    Code::GoingAway,
];

/// What an engine has shown of itself.
pub(super) struct Known<'a> {
    /// The number of its last `Open`.
    pub(super) request: u32,
    pub(super) client: Option<ClientId>,
    /// Whether it has ever loaded its document.
    pub(super) loaded: bool,
    pub(super) version: Version,
    pub(super) hash: RunningHash,
    pub(super) accepted: &'a Document,
    /// Its operation in flight, packed.
    pub(super) in_flight: Option<(ClientSeq, Vec<u8>)>,
}

/// A greeting.
pub(super) fn welcome(choices: &mut Choices<'_>) -> Vec<u8> {
    let operation = OperationLimits { components: 40, bytes: 400, attributes: 8 };
    let limits = match choices.below(4) {
        0 => Limits { operation, document_units: 200, part_bytes: 32, ..Limits::default() },
        1 => Limits { part_bytes: 0, presence_bytes: 0, selections: 0, ..Limits::default() },
        _ => Limits::default(),
    };
    let durability = match choices.below(4) {
        0 => DurabilityClass::None,
        1 => DurabilityClass::Replicated(2),
        _ => DurabilityClass::Disk,
    };
    let user = if choices.one_in(16) { user(1) } else { user(0) };
    let version = ProtocolVersion::NEWEST;
    bytes_of(&ServerFrame::Welcome(Welcome { version, user, limits, durability, silence_ms: 90_000 }))
}

/// One frame.
pub(super) fn frame(choices: &mut Choices<'_>, known: &Known<'_>) -> Vec<u8> {
    let kind = choices.below(32);
    let channel = CHANNEL;
    let operation = packed(choices, known.accepted);
    let next = if choices.one_in(16) { any_version(choices) } else { known.version.next() };
    let frame = match kind {
        // An answer to an `Open`, and for a document that was never loaded mostly the text as well.
        0..=5 => {
            let opened = opened(choices, known);
            let mut bytes = bytes_of(&ServerFrame::Opened(opened.clone()));
            if opened.outcome == Outcome::Snapshot && !choices.one_in(8) {
                bytes.extend(snapshot(choices, known));
            }
            return bytes;
        }
        6 => return snapshot(choices, known),
        7 | 8 => ServerFrame::Author { channel, author: author(choices, known) },
        9..=12 => {
            let seq = Abbreviated::of(u64::from(choices.byte()), 1 + u64::from(choices.byte()));
            let version = next.get().to_le_bytes()[0];
            let commit = Commit {
                channel,
                author: AuthorNumber(u32::from(choices.byte() % 4)),
                version,
                seq,
                operation: Packed(&operation),
            };
            return bytes_of(&match choices.below(3) {
                0 => ServerFrame::Commit(commit),
                1 => ServerFrame::CommitStill(commit),
                _ => ServerFrame::CommitCursor { cursor: cursor(choices), commit },
            });
        }
        13 | 14 => {
            let client = client(choices, known);
            let seq = seq(choices, known);
            let user = user(choices.byte());
            return bytes_of(&ServerFrame::Entry {
                channel,
                version: next,
                client,
                seq,
                user,
                operation: Packed(&operation),
            });
        }
        15..=18 => {
            let (seq, bytes) = known.in_flight.clone().unwrap_or_default();
            let client = known.client.unwrap_or(ClientId::from_bytes([9; 16]));
            let hash = known.hash.advance(next, &client, seq, &bytes).byte();
            let low = |number: u64| number.to_le_bytes()[0];
            let hash = if choices.one_in(8) { choices.byte() } else { hash };
            ServerFrame::Ack { channel, seq: low(seq.get()), version: low(next.get()), hash }
        }
        19 => ServerFrame::Reject { channel, seq: seq(choices, known), code: choices.pick(&CODES) },
        20 => {
            let retry_after_ms = u32::from(choices.byte());
            ServerFrame::Busy { channel, seq: seq(choices, known), code: Code::RateLimited, retry_after_ms }
        }
        21 | 22 => {
            let mut text = known.accepted.clone();
            // Where the operation does not fit, no checksum does either.
            let decoded = RichText::decode(&operation, &OperationLimits::NONE);
            let _ = decoded.map(|operation| RichText::apply(&mut text, &operation));
            let mut checksum = RichText::checksum(&text);
            if choices.one_in(8) {
                checksum.0 ^= 1;
            }
            let hash = RunningHash::from_bytes([choices.byte(); 16]);
            let version = known.version.plus(u64::from(choices.byte()));
            let authors = authors(choices, known);
            let frame =
                ServerFrame::Composed { channel, version, hash, checksum, authors, operation: Packed(&operation) };
            return bytes_of(&frame);
        }
        23 => ServerFrame::Durable { channel, version: next },
        24 => ServerFrame::Stalled { channel, stalled: choices.one_in(2) },
        25 => ServerFrame::Closed { channel, code: choices.pick(&CODES), retry_after_ms: u32::from(choices.byte()) },
        26 => ServerFrame::OpenRefused {
            request: known.request,
            code: choices.pick(&CODES),
            retry_after_ms: u32::from(choices.byte()),
        },
        27 => ServerFrame::Members { channel, changes: (0..choices.below(4)).map(|_| member(choices)).collect() },
        28 => {
            let cursors = (0..choices.below(4)).map(|_| (AuthorNumber(u32::from(choices.byte() % 4)), cursor(choices)));
            let cursors = cursors.collect();
            ServerFrame::Cursors { channel, version: known.version.get().to_le_bytes()[0], cursors }
        }
        29 => ServerFrame::Restored { channel, refused: choices.one_in(2).then(|| choices.pick(&CODES)) },
        30 => ServerFrame::Part {
            channel,
            total: choices.one_in(2).then(|| u32::from(choices.byte())),
            bytes: Packed(choices.bytes()),
        },
        _ => match choices.below(4) {
            0 => ServerFrame::Terms(Terms {
                submits: rate(choices),
                presence: rate(choices),
                connections: 1,
                token_ms: choices.one_in(2).then(|| choices.u32()),
            }),
            1 => ServerFrame::GoAway { spread_ms: choices.u32() },
            2 => ServerFrame::Verified { channel, version: known.version },
            _ => {
                let speaks = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
                ServerFrame::Error { code: choices.pick(&CODES), retry_after_ms: choices.u32(), speaks }
            }
        },
    };
    bytes_of(&frame)
}

/// A document whole, by choices.
fn snapshot(choices: &mut Choices<'_>, known: &Known<'_>) -> Vec<u8> {
    let mut text = Document::new();
    let content = laid(choices, &text);
    // An operation by choices on the empty document fits it.
    let fits = RichText::apply(&mut text, &content).is_ok();
    let mut bytes = Vec::new();
    RichText::encode(&content, &mut bytes);
    let mut checksum = RichText::checksum(&text);
    if !fits || choices.one_in(16) {
        checksum.0 ^= 1;
    }
    bytes_of(&ServerFrame::Snapshot(SnapshotFrame {
        channel: CHANNEL,
        epoch: epoch(choices),
        version: if choices.one_in(8) { any_version(choices) } else { known.version },
        hash: RunningHash::from_bytes([choices.byte(); 16]),
        checksum,
        authors: authors(choices, known),
        content: Packed(&bytes),
    }))
}

fn opened(choices: &mut Choices<'_>, known: &Known<'_>) -> Opened {
    let outcome = match choices.below(8) {
        0..=5 if !known.loaded => Outcome::Snapshot,
        0..=3 => Outcome::Tail { head: known.version.plus(u64::from(choices.byte() % 3)) },
        4 | 5 => Outcome::Snapshot,
        6 => Outcome::Mismatch,
        _ => Outcome::EpochChanged,
    };
    let settlement = match choices.below(4) {
        0 => Settlement::Nothing,
        1 => Settlement::Accepted(known.version.next()),
        2 => Settlement::NotAccepted,
        _ => Settlement::Unknown,
    };
    Opened {
        request: if choices.one_in(16) { choices.u32() } else { known.request },
        channel: CHANNEL,
        client: known.client.filter(|_| !choices.one_in(8)).unwrap_or(ClientId::from_bytes([7; 16])),
        last_seq: ClientSeq::new(u64::from(choices.byte() % 4)).unwrap_or_default(),
        number: AuthorNumber(0),
        role: if choices.one_in(8) { Role::Viewer } else { Role::Editor },
        settlement,
        epoch: epoch(choices),
        outcome,
    }
}

/// An operation that fits the accepted text, or any bytes.
fn packed(choices: &mut Choices<'_>, accepted: &Document) -> Vec<u8> {
    if choices.one_in(16) {
        return choices.bytes().to_vec();
    }
    let mut bytes = Vec::new();
    RichText::encode(&laid(choices, accepted), &mut bytes);
    bytes
}

fn authors(choices: &mut Choices<'_>, known: &Known<'_>) -> Vec<Author> {
    (0..choices.below(4)).map(|_| author(choices, known)).collect()
}

fn author(choices: &mut Choices<'_>, known: &Known<'_>) -> Author {
    let number = AuthorNumber(u32::from(choices.byte() % 4));
    Author { number, client: client(choices, known), user: user(choices.byte()), seq: seq(choices, known) }
}

fn member(choices: &mut Choices<'_>) -> MemberChange {
    let number = AuthorNumber(u32::from(choices.byte() % 4));
    if choices.one_in(3) {
        return MemberChange::Left(number);
    }
    let (name, state) = ("a name".to_owned(), String::new());
    MemberChange::Here(Member { number, user: user(choices.byte()), name, activity: Activity::Active, state })
}

fn cursor(choices: &mut Choices<'_>) -> Cursor {
    let at = if choices.one_in(8) { choices.u32() } else { u32::from(choices.byte() % 16) };
    Cursor::caret(Utf16Offset(at))
}

fn rate(choices: &mut Choices<'_>) -> Rate {
    Rate { per_second: u32::from(choices.byte()), burst: u32::from(choices.byte()) }
}

fn client(choices: &mut Choices<'_>, known: &Known<'_>) -> ClientId {
    let own = choices.one_in(8).then_some(known.client).flatten();
    own.unwrap_or(ClientId::from_bytes([choices.byte() % 3; 16]))
}

fn seq(choices: &mut Choices<'_>, known: &Known<'_>) -> ClientSeq {
    let own = known.in_flight.as_ref().map(|(seq, _)| *seq).filter(|_| !choices.one_in(4));
    own.or(ClientSeq::new(u64::from(choices.byte()))).unwrap_or_default()
}

fn epoch(choices: &mut Choices<'_>) -> Option<Epoch> {
    match choices.byte() % 4 {
        0 => None,
        1 => Some(Epoch::from_random(2)),
        _ => Some(Epoch::from_random(1)),
    }
}

/// Any version, often one near the greatest.
fn any_version(choices: &mut Choices<'_>) -> Version {
    let back = if choices.one_in(2) { choices.u64() >> 12 } else { u64::from(choices.byte()) };
    Version::new(Version::MAX.get().saturating_sub(back)).unwrap_or(Version::MAX)
}

/// The user of a small number.
pub(super) fn user(number: u8) -> UserId {
    let name = if number == 0 { "ann" } else { "bob" };
    match name.parse() {
        Ok(user) => user,
        Err(error) => unreachable!("{name} is a user's name: {error}"),
    }
}

fn bytes_of(frame: &ServerFrame<'_>) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_server(frame, &mut bytes);
    bytes
}
