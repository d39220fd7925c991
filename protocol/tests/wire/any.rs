//! Any frame at all. What it borrows is leaked: a few kilobytes a run.

use cowrite_protocol::frame::{
    Abbreviated, Activity, Author, ClientFrame, Code, Commit, DurabilityClass, Member, MemberChange, Opened, Outcome,
    Packed, Position, ProtocolVersion, Rate, Role, ServerFrame, Settlement, SnapshotFrame, Submit, Terms, Welcome,
};
use cowrite_protocol::{
    AuthorNumber, Channel, Checksum, ClientId, ClientSeq, Cursor, Epoch, Limits, OperationLimits, RunningHash,
    Selection, UserId, Utf16Offset, Version,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

use crate::codes::CODES;

pub(crate) fn client_frame() -> impl Strategy<Value = ClientFrame<'static>> {
    let hello = (protocol(), protocol(), text());
    let open = (any::<u32>(), text(), option::of(client()), option::of(position()), any::<bool>());
    let open = (open, option::of(seq()), text());
    prop_oneof![
        hello.prop_map(|(oldest, newest, token)| ClientFrame::Hello { oldest, newest, token }),
        open.prop_map(|((request, document, client, position, whole), in_flight, state)| ClientFrame::Open {
            request,
            document,
            client,
            position,
            whole,
            in_flight,
            state,
        }),
        submit().prop_map(ClientFrame::Submit),
        submit().prop_map(ClientFrame::SubmitStill),
        (cursor(), submit()).prop_map(|(cursor, submit)| ClientFrame::SubmitCursor { cursor, submit }),
        (channel(), abbreviated(), cursor()).prop_map(|(channel, version, cursor)| ClientFrame::Cursor {
            channel,
            version,
            cursor
        }),
        (channel(), activity(), option::of(text())).prop_map(|(channel, activity, state)| ClientFrame::Presence {
            channel,
            activity,
            state
        }),
        channel().prop_map(|channel| ClientFrame::Close { channel }),
        Just(ClientFrame::Ping),
        text().prop_map(|token| ClientFrame::Token { token }),
        (channel(), version(), any::<u64>(), checksum())
            .prop_map(|(channel, version, hash, checksum)| ClientFrame::Verify { channel, version, hash, checksum }),
        (channel(), option::of(any::<u32>()), packed()).prop_map(|(channel, total, bytes)| ClientFrame::Part {
            channel,
            total,
            bytes
        }),
        (channel(), version(), packed()).prop_map(|(channel, base, operation)| ClientFrame::Restore {
            channel,
            base,
            operation
        }),
    ]
}

pub(crate) fn server_frame() -> impl Strategy<Value = ServerFrame<'static>> {
    prop_oneof![3 => connection_frame(), 4 => entry_frame(), 3 => channel_frame()]
}

fn connection_frame() -> impl Strategy<Value = ServerFrame<'static>> {
    let welcome = (protocol(), user(), limits(), durability(), any::<u32>());
    let opened = (any::<u32>(), channel(), client(), seq(), number());
    let opened = (opened, role(), settlement(), option::of(epoch()), outcome());
    prop_oneof![
        welcome.prop_map(|(version, user, limits, durability, silence_ms)| {
            ServerFrame::Welcome(Welcome { version, user, limits, durability, silence_ms })
        }),
        (code(), any::<u32>(), protocol(), protocol()).prop_map(|(code, retry_after_ms, oldest, newest)| {
            ServerFrame::Error { code, retry_after_ms, speaks: (oldest, newest) }
        }),
        opened.prop_map(|((request, channel, client, last_seq, number), role, settlement, epoch, outcome)| {
            ServerFrame::Opened(Opened { request, channel, client, last_seq, number, role, settlement, epoch, outcome })
        }),
        (any::<u32>(), code(), any::<u32>()).prop_map(|(request, code, retry_after_ms)| ServerFrame::OpenRefused {
            request,
            code,
            retry_after_ms
        }),
        Just(ServerFrame::Pong),
        any::<u32>().prop_map(|spread_ms| ServerFrame::GoAway { spread_ms }),
    ]
}

fn entry_frame() -> impl Strategy<Value = ServerFrame<'static>> {
    let composed = (channel(), version(), hash(), checksum(), vec(author(), 0..4), packed());
    let snapshot = (channel(), option::of(epoch()), version(), hash(), checksum(), vec(author(), 0..4), packed());
    prop_oneof![
        (channel(), author()).prop_map(|(channel, author)| ServerFrame::Author { channel, author }),
        commit().prop_map(ServerFrame::Commit),
        commit().prop_map(ServerFrame::CommitStill),
        (cursor(), commit()).prop_map(|(cursor, commit)| ServerFrame::CommitCursor { cursor, commit }),
        (channel(), version(), client(), seq(), user(), packed()).prop_map(
            |(channel, version, client, seq, user, operation)| {
                ServerFrame::Entry { channel, version, client, seq, user, operation }
            }
        ),
        composed.prop_map(|(channel, version, hash, checksum, authors, operation)| ServerFrame::Composed {
            channel,
            version,
            hash,
            checksum,
            authors,
            operation,
        }),
        snapshot.prop_map(|(channel, epoch, version, hash, checksum, authors, content)| {
            ServerFrame::Snapshot(SnapshotFrame { channel, epoch, version, hash, checksum, authors, content })
        }),
        (channel(), option::of(any::<u32>()), packed()).prop_map(|(channel, total, bytes)| ServerFrame::Part {
            channel,
            total,
            bytes
        }),
    ]
}

fn channel_frame() -> impl Strategy<Value = ServerFrame<'static>> {
    prop_oneof![
        (channel(), any::<u8>(), any::<u8>(), any::<u8>()).prop_map(|(channel, seq, version, hash)| ServerFrame::Ack {
            channel,
            seq,
            version,
            hash
        }),
        (channel(), seq(), code()).prop_map(|(channel, seq, code)| ServerFrame::Reject { channel, seq, code }),
        (channel(), seq(), code(), any::<u32>()).prop_map(|(channel, seq, code, retry_after_ms)| ServerFrame::Busy {
            channel,
            seq,
            code,
            retry_after_ms
        }),
        (channel(), version()).prop_map(|(channel, version)| ServerFrame::Durable { channel, version }),
        (channel(), any::<bool>()).prop_map(|(channel, stalled)| ServerFrame::Stalled { channel, stalled }),
        (channel(), code(), any::<u32>()).prop_map(|(channel, code, retry_after_ms)| ServerFrame::Closed {
            channel,
            code,
            retry_after_ms
        }),
        (channel(), vec(member_change(), 0..4))
            .prop_map(|(channel, changes)| ServerFrame::Members { channel, changes }),
        (channel(), any::<u8>(), vec((number(), cursor()), 0..4))
            .prop_map(|(channel, version, cursors)| ServerFrame::Cursors { channel, version, cursors }),
        (channel(), version()).prop_map(|(channel, version)| ServerFrame::Verified { channel, version }),
        (channel(), option::of(code())).prop_map(|(channel, refused)| ServerFrame::Restored { channel, refused }),
        (rate(), rate(), any::<u32>(), option::of(any::<u32>())).prop_map(
            |(submits, presence, connections, token_ms)| {
                ServerFrame::Terms(Terms { submits, presence, connections, token_ms })
            }
        ),
    ]
}

fn rate() -> impl Strategy<Value = Rate> {
    (any::<u32>(), any::<u32>()).prop_map(|(per_second, burst)| Rate { per_second, burst })
}

fn protocol() -> impl Strategy<Value = ProtocolVersion> {
    any::<u8>().prop_map(ProtocolVersion)
}

fn text() -> impl Strategy<Value = &'static str> {
    ".{0,20}".prop_map(|text| &*text.leak())
}

fn packed() -> impl Strategy<Value = Packed<'static>> {
    vec(any::<u8>(), 0..40).prop_map(|bytes| Packed(bytes.leak()))
}

fn user() -> impl Strategy<Value = UserId> {
    "[a-zé語 ]{1,30}".prop_map(|id| id.parse().unwrap())
}

fn client() -> impl Strategy<Value = ClientId> {
    any::<[u8; 16]>().prop_map(ClientId::from_bytes)
}

/// Small numbers and the largest ones as often as any.
fn below_53_bits() -> impl Strategy<Value = u64> {
    prop_oneof![0..300_u64, 0..=Version::MAX.get(), Version::MAX.get() - 2..=Version::MAX.get()]
}

fn version() -> impl Strategy<Value = Version> {
    below_53_bits().prop_map(|number| Version::new(number).unwrap())
}

fn seq() -> impl Strategy<Value = ClientSeq> {
    below_53_bits().prop_map(|number| ClientSeq::new(number).unwrap())
}

fn abbreviated() -> impl Strategy<Value = Abbreviated> {
    (below_53_bits(), below_53_bits()).prop_map(|(number, reference)| Abbreviated::of(number, reference))
}

fn epoch() -> impl Strategy<Value = Epoch> {
    any::<u64>().prop_map(Epoch::from_random)
}

fn hash() -> impl Strategy<Value = RunningHash> {
    any::<[u8; 16]>().prop_map(RunningHash::from_bytes)
}

fn checksum() -> impl Strategy<Value = Checksum> {
    any::<u64>().prop_map(Checksum)
}

fn channel() -> impl Strategy<Value = Channel> {
    any::<u32>().prop_map(Channel)
}

fn number() -> impl Strategy<Value = AuthorNumber> {
    any::<u32>().prop_map(AuthorNumber)
}

fn cursor() -> impl Strategy<Value = Cursor> {
    let offset = || any::<u32>().prop_map(Utf16Offset);
    vec((offset(), offset()).prop_map(|(anchor, head)| Selection { anchor, head }), 0..4).prop_map(Cursor)
}

fn position() -> impl Strategy<Value = Position> {
    (option::of(epoch()), version(), hash()).prop_map(|(epoch, version, hash)| Position { epoch, version, hash })
}

fn submit() -> impl Strategy<Value = Submit<'static>> {
    (channel(), abbreviated(), abbreviated(), packed()).prop_map(|(channel, seq, base, operation)| Submit {
        channel,
        seq,
        base,
        operation,
    })
}

fn commit() -> impl Strategy<Value = Commit<'static>> {
    (channel(), number(), any::<u8>(), abbreviated(), packed())
        .prop_map(|(channel, author, version, seq, operation)| Commit { channel, author, version, seq, operation })
}

fn author() -> impl Strategy<Value = Author> {
    (number(), client(), user(), seq()).prop_map(|(number, client, user, seq)| Author { number, client, user, seq })
}

fn activity() -> impl Strategy<Value = Activity> {
    select(vec![Activity::Active, Activity::Typing, Activity::Away])
}

fn role() -> impl Strategy<Value = Role> {
    select(vec![Role::Viewer, Role::Commenter, Role::Editor, Role::Owner])
}

fn code() -> impl Strategy<Value = Code> {
    select(CODES.map(|(code, ..)| code).to_vec())
}

fn limits() -> impl Strategy<Value = Limits> {
    (any::<[u32; 9]>()).prop_map(
        |[components, bytes, attributes, units, message, part, channels, presence, selections]| Limits {
            operation: OperationLimits { components, bytes, attributes },
            document_units: units,
            message_bytes: message,
            part_bytes: part,
            channels,
            presence_bytes: presence,
            selections,
        },
    )
}

fn durability() -> impl Strategy<Value = DurabilityClass> {
    prop_oneof![
        Just(DurabilityClass::None),
        Just(DurabilityClass::Disk),
        any::<u8>().prop_map(DurabilityClass::Replicated),
        Just(DurabilityClass::Fsynced),
    ]
}

fn settlement() -> impl Strategy<Value = Settlement> {
    prop_oneof![
        Just(Settlement::Nothing),
        version().prop_map(Settlement::Accepted),
        Just(Settlement::NotAccepted),
        Just(Settlement::Unknown),
    ]
}

fn outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        version().prop_map(|head| Outcome::Tail { head }),
        Just(Outcome::Snapshot),
        Just(Outcome::Mismatch),
        Just(Outcome::EpochChanged),
    ]
}

fn member_change() -> impl Strategy<Value = MemberChange> {
    let member = (number(), user(), ".{0,10}", activity(), ".{0,10}")
        .prop_map(|(number, user, name, activity, state)| Member { number, user, name, activity, state });
    prop_oneof![member.prop_map(MemberChange::Here), number().prop_map(MemberChange::Left)]
}
