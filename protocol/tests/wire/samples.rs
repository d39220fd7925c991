//! One fixed value of every frame, and of every variant within them.

use cowrite_protocol::frame::{
    Abbreviated, Activity, Author, ClientFrame, Code, Commit, DurabilityClass, Member, MemberChange, Opened, Outcome,
    Packed, Position, ProtocolVersion, Rate, Role, ServerFrame, Settlement, SnapshotFrame, Submit, Terms, Welcome,
};
use cowrite_protocol::{
    AuthorNumber, Channel, Checksum, ClientId, ClientSeq, Cursor, Epoch, Limits, RunningHash, Selection, UserId,
    Utf16Offset, Version,
};

pub(crate) const CHANNEL: Channel = Channel(3);
/// "a" typed at offset 100,000.
pub(crate) const TYPED: Packed<'static> = Packed(b"\x80\xb5\x18\x05a");

pub(crate) fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

pub(crate) fn seq(number: u64) -> ClientSeq {
    ClientSeq::new(number).unwrap()
}

pub(crate) fn caret(at: u32) -> Cursor {
    Cursor::caret(Utf16Offset(at))
}

fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

fn client() -> ClientId {
    "00112233445566778899aabbccddeeff".parse().unwrap()
}

fn other_client() -> ClientId {
    "ffeeddccbbaa99887766554433221100".parse().unwrap()
}

fn epoch() -> Option<Epoch> {
    Epoch::new(0x0123_4567_89ab_cdef)
}

fn hash() -> RunningHash {
    RunningHash::from_bytes(*b"\xa0\xa1\xa2\xa3\xa4\xa5\xa6\xa7\xa8\xa9\xaa\xab\xac\xad\xae\xaf")
}

const CHECKSUM: Checksum = Checksum(0x1122_3344_5566_7788);

/// The selection of three units before 100,000, made backwards.
fn backwards() -> Cursor {
    Cursor(vec![Selection { anchor: Utf16Offset(100_000), head: Utf16Offset(99_997) }])
}

fn position() -> Position {
    Position { epoch: epoch(), version: version(1_000_000), hash: hash() }
}

fn open(client: Option<ClientId>, position: Option<Position>, whole: bool) -> ClientFrame<'static> {
    let in_flight = position.filter(|_| !whole).map(|_| seq(10_000));
    ClientFrame::Open { request: 1, document: "notes", client, position, whole, in_flight, state: "{\"c\":1}" }
}

pub(crate) fn submit() -> Submit<'static> {
    Submit {
        channel: CHANNEL,
        seq: Abbreviated::of(10_001, 10_000),
        base: Abbreviated::of(1_000_000, 1_000_000),
        operation: TYPED,
    }
}

pub(crate) fn commit() -> Commit<'static> {
    let seq = Abbreviated::of(10_001, 10_001);
    Commit { channel: CHANNEL, author: AuthorNumber(1), version: 0x41, seq, operation: TYPED }
}

fn author() -> Author {
    Author { number: AuthorNumber(1), client: other_client(), user: user("bob"), seq: seq(10_000) }
}

fn welcome(durability: DurabilityClass) -> ServerFrame<'static> {
    let limits = Limits::default();
    ServerFrame::Welcome(Welcome {
        version: ProtocolVersion(1),
        user: user("ann"),
        limits,
        durability,
        silence_ms: 90_000,
    })
}

fn opened(role: Role, settlement: Settlement, outcome: Outcome) -> ServerFrame<'static> {
    let (last_seq, epoch) = if role == Role::Editor { (seq(10_000), epoch()) } else { (ClientSeq::NONE, None) };
    ServerFrame::Opened(Opened {
        request: 1,
        channel: CHANNEL,
        client: client(),
        last_seq,
        number: AuthorNumber(0),
        role,
        settlement,
        epoch,
        outcome,
    })
}

/// Every frame of a client, by the name of its golden.
pub(crate) fn client_frames() -> Vec<(&'static str, ClientFrame<'static>)> {
    let channel = CHANNEL;
    let version_now = Abbreviated::of(1_000_000, 1_000_000);
    let one = ProtocolVersion(1);
    vec![
        ("client/hello", ClientFrame::Hello { oldest: one, newest: one, token: "dev:ann" }),
        ("client/open-first", open(None, None, false)),
        ("client/open-resume", open(Some(client()), Some(position()), false)),
        ("client/open-unwritten", open(Some(client()), Some(Position::default()), false)),
        ("client/open-whole", open(Some(client()), Some(position()), true)),
        ("client/submit", ClientFrame::Submit(submit())),
        ("client/submit-still", ClientFrame::SubmitStill(submit())),
        ("client/submit-cursor", ClientFrame::SubmitCursor { cursor: backwards(), submit: submit() }),
        ("client/cursor", ClientFrame::Cursor { channel, version: version_now, cursor: caret(100_000) }),
        ("client/cursor-hidden", ClientFrame::Cursor { channel, version: version_now, cursor: Cursor::default() }),
        ("client/presence", ClientFrame::Presence { channel, activity: Activity::Active, state: Some("{\"c\":1}") }),
        ("client/presence-typing", ClientFrame::Presence { channel, activity: Activity::Typing, state: None }),
        ("client/presence-away", ClientFrame::Presence { channel, activity: Activity::Away, state: None }),
        ("client/close", ClientFrame::Close { channel }),
        ("client/ping", ClientFrame::Ping),
        ("client/token", ClientFrame::Token { token: "dev:ann" }),
        (
            "client/verify",
            ClientFrame::Verify { channel, version: version(1_000_000), hash: hash().short(), checksum: CHECKSUM },
        ),
        ("client/part-first", ClientFrame::Part { channel, total: Some(40_000), bytes: Packed(b"\x02\x03") }),
        ("client/part-next", ClientFrame::Part { channel, total: None, bytes: Packed(b"\x80\xb5") }),
        ("client/restore", ClientFrame::Restore { channel, base: version(1_000_000), operation: TYPED }),
    ]
}

/// Every frame of the server, by the name of its golden.
pub(crate) fn server_frames() -> Vec<(&'static str, ServerFrame<'static>)> {
    let mut frames = opening_frames();
    frames.extend(document_frames());
    frames.extend(presence_frames());
    frames
}

fn opening_frames() -> Vec<(&'static str, ServerFrame<'static>)> {
    let tail = Outcome::Tail { head: version(1_000_020) };
    let accepted = Settlement::Accepted(version(1_000_001));
    let speaks = (ProtocolVersion(1), ProtocolVersion(1));
    vec![
        ("server/welcome-memory", welcome(DurabilityClass::None)),
        ("server/welcome-disk", welcome(DurabilityClass::Disk)),
        ("server/welcome-replicated", welcome(DurabilityClass::Replicated(2))),
        ("server/welcome-fsynced", welcome(DurabilityClass::Fsynced)),
        ("server/error", ServerFrame::Error { code: Code::GoingAway, retry_after_ms: 5_000, speaks }),
        ("server/opened-tail", opened(Role::Editor, accepted, tail)),
        ("server/opened-snapshot", opened(Role::Viewer, Settlement::Nothing, Outcome::Snapshot)),
        ("server/opened-mismatch", opened(Role::Commenter, Settlement::NotAccepted, Outcome::Mismatch)),
        ("server/opened-epoch-changed", opened(Role::Owner, Settlement::Unknown, Outcome::EpochChanged)),
        (
            "server/open-refused",
            ServerFrame::OpenRefused { request: 1, code: Code::Unavailable, retry_after_ms: 1_000 },
        ),
    ]
}

fn document_frames() -> Vec<(&'static str, ServerFrame<'static>)> {
    let channel = CHANNEL;
    let authors = || vec![author()];
    vec![
        ("server/author", ServerFrame::Author { channel, author: author() }),
        ("server/commit", ServerFrame::Commit(commit())),
        ("server/commit-still", ServerFrame::CommitStill(commit())),
        ("server/commit-cursor", ServerFrame::CommitCursor { cursor: backwards(), commit: commit() }),
        (
            "server/entry",
            ServerFrame::Entry {
                channel,
                version: version(1_000_001),
                client: other_client(),
                seq: seq(10_001),
                user: user("bob"),
                operation: TYPED,
            },
        ),
        ("server/ack", ServerFrame::Ack { channel, seq: 0x11, version: 0x41, hash: 0xa0 }),
        ("server/reject", ServerFrame::Reject { channel, seq: seq(10_001), code: Code::PastEnd }),
        (
            "server/busy",
            ServerFrame::Busy { channel, seq: seq(10_001), code: Code::RateLimited, retry_after_ms: 1_000 },
        ),
        (
            "server/composed",
            ServerFrame::Composed {
                channel,
                version: version(1_000_020),
                hash: hash(),
                checksum: CHECKSUM,
                authors: authors(),
                operation: TYPED,
            },
        ),
        (
            "server/snapshot",
            ServerFrame::Snapshot(SnapshotFrame {
                channel,
                epoch: epoch(),
                version: version(1_000_020),
                hash: hash(),
                checksum: CHECKSUM,
                authors: authors(),
                content: Packed(b"\x15hello"),
            }),
        ),
        (
            "server/snapshot-unwritten",
            ServerFrame::Snapshot(SnapshotFrame {
                channel,
                epoch: None,
                version: Version::ZERO,
                hash: RunningHash::ZERO,
                checksum: CHECKSUM,
                authors: Vec::new(),
                content: Packed(b""),
            }),
        ),
        ("server/durable", ServerFrame::Durable { channel, version: version(1_000_020) }),
        ("server/stalled", ServerFrame::Stalled { channel, stalled: true }),
        ("server/stalled-over", ServerFrame::Stalled { channel, stalled: false }),
        ("server/closed", ServerFrame::Closed { channel, code: Code::Behind, retry_after_ms: 0 }),
        ("server/pong", ServerFrame::Pong),
        ("server/go-away", ServerFrame::GoAway { spread_ms: 5_000 }),
        ("server/part-first", ServerFrame::Part { channel, total: Some(40_000), bytes: Packed(b"\x0d\x03") }),
        ("server/part-next", ServerFrame::Part { channel, total: None, bytes: Packed(b"\x80\xb5") }),
        ("server/restored", ServerFrame::Restored { channel, refused: None }),
        ("server/restored-refused", ServerFrame::Restored { channel, refused: Some(Code::AlreadyRestored) }),
        ("server/terms", terms(Some(3_600_000))),
        ("server/terms-for-ever", terms(None)),
        ("server/verified", ServerFrame::Verified { channel, version: version(1_000_000) }),
    ]
}

fn terms(token_ms: Option<u32>) -> ServerFrame<'static> {
    let rate = |per_second, burst| Rate { per_second, burst };
    ServerFrame::Terms(Terms { submits: rate(100, 200), presence: rate(20, 40), connections: 10, token_ms })
}

fn presence_frames() -> Vec<(&'static str, ServerFrame<'static>)> {
    let channel = CHANNEL;
    let here = MemberChange::Here(Member {
        number: AuthorNumber(1),
        user: user("bob"),
        name: "Bob".to_owned(),
        activity: Activity::Typing,
        state: "{\"c\":1}".to_owned(),
    });
    let cursors = vec![(AuthorNumber(1), caret(100_000)), (AuthorNumber(2), backwards())];
    vec![
        ("server/members-here", ServerFrame::Members { channel, changes: vec![here] }),
        ("server/members-left", ServerFrame::Members { channel, changes: vec![MemberChange::Left(AuthorNumber(1))] }),
        ("server/cursors", ServerFrame::Cursors { channel, version: 0x40, cursors }),
    ]
}
