//! Reads what the server sends, by hand.
//!
//! The reader that serde derives is 17 kB of code in every browser, this one is 4. Frames
//! are defined where they are; the test below holds both readers together, byte by byte.

use alloc::borrow::ToOwned;

use super::steps::Steps;
use super::{
    Abbreviated, Activity, Author, Code, Commit, DurabilityClass, Member, MemberChange, Opened, Outcome, Packed,
    ProtocolVersion, Rate, Role, ServerFrame, Settlement, SnapshotFrame, Terms, Welcome,
};
use crate::cursor::{Cursor, Selection};
use crate::hash::{Checksum, RunningHash};
use crate::id::{AuthorNumber, Channel, ClientId, ClientSeq, Epoch, UserId, Version};
use crate::limits::{Limits, OperationLimits};
use crate::text::Utf16Offset;

impl<'a> ServerFrame<'a> {
    /// Reads one frame, and gives the bytes behind it; `None` if there is none.
    pub(crate) fn read(bytes: &'a [u8]) -> Option<(ServerFrame<'a>, &'a [u8])> {
        let mut steps = Steps::new(bytes);
        let frame = steps.frame();
        steps.finish(frame)
    }
}

impl<'a> Steps<'a> {
    fn frame(&mut self) -> ServerFrame<'a> {
        match self.u32() {
            0 => ServerFrame::Welcome(self.welcome()),
            1 => ServerFrame::Error {
                code: self.code(),
                retry_after_ms: self.u32(),
                speaks: (self.protocol(), self.protocol()),
            },
            2 => ServerFrame::Opened(self.opened()),
            3 => ServerFrame::OpenRefused { request: self.u32(), code: self.code(), retry_after_ms: self.u32() },
            4 => ServerFrame::Author { channel: self.channel(), author: self.author() },
            5 => ServerFrame::Commit(self.commit()),
            6 => ServerFrame::CommitStill(self.commit()),
            7 => ServerFrame::CommitCursor { cursor: self.cursor(), commit: self.commit() },
            8 => ServerFrame::Entry {
                channel: self.channel(),
                version: self.version(),
                client: self.client(),
                seq: self.seq(),
                user: self.user(),
                operation: self.packed(),
            },
            9 => {
                ServerFrame::Ack { channel: self.channel(), seq: self.byte(), version: self.byte(), hash: self.byte() }
            }
            10 => ServerFrame::Reject { channel: self.channel(), seq: self.seq(), code: self.refusal() },
            11 => ServerFrame::Busy {
                channel: self.channel(),
                seq: self.seq(),
                code: self.code(),
                retry_after_ms: self.u32(),
            },
            12 => ServerFrame::Composed {
                channel: self.channel(),
                version: self.version(),
                hash: self.hash(),
                checksum: self.checksum(),
                authors: self.list(Self::author),
                operation: self.packed(),
            },
            13 => ServerFrame::Snapshot(self.snapshot()),
            14 => ServerFrame::Durable { channel: self.channel(), version: self.version() },
            15 => ServerFrame::Stalled { channel: self.channel(), stalled: self.truth() },
            16 => ServerFrame::Closed { channel: self.channel(), code: self.code(), retry_after_ms: self.u32() },
            17 => ServerFrame::Pong,
            18 => ServerFrame::GoAway { spread_ms: self.u32() },
            19 => ServerFrame::Members { channel: self.channel(), changes: self.list(Self::member_change) },
            20 => ServerFrame::Cursors {
                channel: self.channel(),
                version: self.byte(),
                cursors: self.list(|steps| (steps.author_number(), steps.cursor())),
            },
            21 => ServerFrame::Verified { channel: self.channel(), version: self.version() },
            22 => ServerFrame::Part { channel: self.channel(), total: self.optional(Self::u32), bytes: self.packed() },
            23 => ServerFrame::Restored { channel: self.channel(), refused: self.optional(Self::refusal) },
            24 => ServerFrame::Terms(Terms {
                submits: self.rate(),
                presence: self.rate(),
                connections: self.u32(),
                token_ms: self.optional(Self::u32),
            }),
            _ => self.fail(ServerFrame::Pong),
        }
    }

    fn rate(&mut self) -> Rate {
        Rate { per_second: self.u32(), burst: self.u32() }
    }

    fn welcome(&mut self) -> Welcome {
        Welcome {
            version: self.protocol(),
            user: self.user(),
            limits: Limits {
                operation: OperationLimits { components: self.u32(), bytes: self.u32(), attributes: self.u32() },
                document_units: self.u32(),
                message_bytes: self.u32(),
                part_bytes: self.u32(),
                channels: self.u32(),
                presence_bytes: self.u32(),
                selections: self.u32(),
            },
            durability: match self.u32() {
                0 => DurabilityClass::None,
                1 => DurabilityClass::Disk,
                2 => DurabilityClass::Replicated(self.byte()),
                3 => DurabilityClass::Fsynced,
                _ => self.fail(DurabilityClass::None),
            },
            silence_ms: self.u32(),
        }
    }

    fn opened(&mut self) -> Opened {
        Opened {
            request: self.u32(),
            channel: self.channel(),
            client: self.client(),
            last_seq: self.seq(),
            number: self.author_number(),
            role: self.pick(&[Role::Viewer, Role::Commenter, Role::Editor, Role::Owner]),
            settlement: match self.u32() {
                0 => Settlement::Nothing,
                1 => Settlement::Accepted(self.version()),
                2 => Settlement::NotAccepted,
                3 => Settlement::Unknown,
                _ => self.fail(Settlement::Unknown),
            },
            epoch: self.epoch(),
            outcome: match self.u32() {
                0 => Outcome::Tail { head: self.version() },
                1 => Outcome::Snapshot,
                2 => Outcome::Mismatch,
                3 => Outcome::EpochChanged,
                _ => self.fail(Outcome::Snapshot),
            },
        }
    }

    fn snapshot(&mut self) -> SnapshotFrame<'a> {
        SnapshotFrame {
            channel: self.channel(),
            epoch: self.epoch(),
            version: self.version(),
            hash: self.hash(),
            checksum: self.checksum(),
            authors: self.list(Self::author),
            content: self.packed(),
        }
    }

    fn commit(&mut self) -> Commit<'a> {
        Commit {
            channel: self.channel(),
            author: self.author_number(),
            version: self.byte(),
            seq: Abbreviated::from_wire(self.u64()),
            operation: self.packed(),
        }
    }

    fn author(&mut self) -> Author {
        Author { number: self.author_number(), client: self.client(), user: self.user(), seq: self.seq() }
    }

    fn member_change(&mut self) -> MemberChange {
        match self.u32() {
            0 => MemberChange::Here(Member {
                number: self.author_number(),
                user: self.user(),
                name: self.text().to_owned(),
                activity: self.pick(&[Activity::Active, Activity::Typing, Activity::Away]),
                state: self.text().to_owned(),
            }),
            1 => MemberChange::Left(self.author_number()),
            _ => self.fail(MemberChange::Left(AuthorNumber(0))),
        }
    }

    fn cursor(&mut self) -> Cursor {
        Cursor(self.list(|steps| {
            let (head, zigzag) = (steps.u32(), steps.u64());
            let to_anchor = (zigzag >> 1).cast_signed() ^ -(zigzag & 1).cast_signed();
            let anchor = i64::from(head).checked_add(to_anchor).and_then(|anchor| u32::try_from(anchor).ok());
            let anchor = anchor.unwrap_or_else(|| steps.fail(head));
            Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) }
        }))
    }

    fn code(&mut self) -> Code {
        self.pick(&CODES)
    }

    /// Why an operation was refused. That it was is what counts: a newer server may know reasons
    /// that we do not, and whoever took its answer for garbage would send the operation for ever.
    fn refusal(&mut self) -> Code {
        let number = self.u32();
        CODES.get(number as usize).copied().unwrap_or(Code::BadOperation)
    }

    fn protocol(&mut self) -> ProtocolVersion {
        ProtocolVersion(self.byte())
    }

    fn channel(&mut self) -> Channel {
        Channel(self.u32())
    }

    fn author_number(&mut self) -> AuthorNumber {
        AuthorNumber(self.u32())
    }

    fn version(&mut self) -> Version {
        let number = self.u64();
        Version::new(number).unwrap_or_else(|| self.fail(Version::MAX))
    }

    fn seq(&mut self) -> ClientSeq {
        let number = self.u64();
        ClientSeq::new(number).unwrap_or_else(|| self.fail(ClientSeq::MAX))
    }

    fn epoch(&mut self) -> Option<Epoch> {
        let name = self.optional(Self::u64)?;
        // 0 is no epoch's name.
        Epoch::new(name).or_else(|| self.fail(None))
    }

    fn client(&mut self) -> ClientId {
        ClientId::from_bytes(self.sixteen())
    }

    fn hash(&mut self) -> RunningHash {
        RunningHash::from_bytes(self.sixteen())
    }

    fn checksum(&mut self) -> Checksum {
        Checksum(self.u64())
    }

    fn user(&mut self) -> UserId {
        let text = self.text();
        text.parse().unwrap_or_else(|_| self.fail(UserId::none()))
    }

    fn packed(&mut self) -> Packed<'a> {
        Packed(self.bytes())
    }

    fn text(&mut self) -> &'a str {
        let bytes = self.bytes();
        core::str::from_utf8(bytes).unwrap_or_else(|_| self.fail(""))
    }
}

/// All codes by their number.
const CODES: [Code; 39] = [
    Code::BadOperation,
    Code::PastEnd,
    Code::SplitsPair,
    Code::OperationTooLarge,
    Code::DocumentTooLarge,
    Code::ReadOnly,
    Code::BaseAhead,
    Code::SeqReused,
    Code::SeqJump,
    Code::AlreadyRestored,
    Code::Deleted,
    Code::RateLimited,
    Code::Superseded,
    Code::Behind,
    Code::EpochChanged,
    Code::Diverged,
    Code::AccessDenied,
    Code::Unavailable,
    Code::Damaged,
    Code::AlreadyOpen,
    Code::TooManyChannels,
    Code::ForeignClient,
    Code::UnknownChannel,
    Code::BadDocumentId,
    Code::Malformed,
    Code::TooLarge,
    Code::HelloExpected,
    Code::VersionNotSpoken,
    Code::Unauthorized,
    Code::TokenExpired,
    Code::TooManyConnections,
    Code::Silent,
    Code::Stuck,
    Code::GoingAway,
    Code::Internal,
    Code::InFlight,
    Code::TokenRevoked,
    Code::AccessChanged,
    Code::ForbiddenContent,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::codec::encode_server;

    /// Frames that hold every kind, every variant within, and numbers of every size.
    fn samples() -> Vec<ServerFrame<'static>> {
        let (channel, code) = (Channel(300), Code::Diverged);
        let (version, seq) = (Version::MAX, ClientSeq::new(1 << 20).unwrap());
        let (client, hash) = (ClientId::from_bytes([0xC1; 16]), RunningHash::from_bytes([0xA0; 16]));
        let checksum = Checksum(u64::MAX);
        let user: UserId = "zoë".parse().unwrap();
        let author = Author { number: AuthorNumber(u32::MAX), client, user: user.clone(), seq };
        let operation = Packed(b"\x05a\xff");
        let commit = Commit { channel, author: AuthorNumber(2), version: 200, seq: Abbreviated::of(9, 7), operation };
        let selection = |anchor, head| Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) };
        let cursor = Cursor(vec![selection(9, 4), selection(0, u32::MAX), selection(7, 7)]);
        let member = |activity| Member {
            number: AuthorNumber(1),
            user: user.clone(),
            name: "Z".into(),
            activity,
            state: "{}".into(),
        };
        let here = |activity| MemberChange::Here(member(activity));
        let rate = Rate { per_second: 100, burst: 20_000 };
        let mut all = vec![
            ServerFrame::Error { code, retry_after_ms: 70_000, speaks: (ProtocolVersion(1), ProtocolVersion(200)) },
            ServerFrame::OpenRefused { request: 1, code, retry_after_ms: 0 },
            ServerFrame::Author { channel, author: author.clone() },
            ServerFrame::Commit(commit),
            ServerFrame::CommitStill(commit),
            ServerFrame::CommitCursor { cursor: cursor.clone(), commit },
            ServerFrame::Entry { channel, version, client, seq, user: user.clone(), operation },
            ServerFrame::Ack { channel, seq: 255, version: 128, hash: 0 },
            ServerFrame::Busy { channel, seq, code, retry_after_ms: 1 },
            ServerFrame::Composed { channel, version, hash, checksum, authors: vec![author.clone(); 2], operation },
            ServerFrame::Durable { channel, version },
            ServerFrame::Stalled { channel, stalled: true },
            ServerFrame::Closed { channel, code, retry_after_ms: 5 },
            ServerFrame::Pong,
            ServerFrame::GoAway { spread_ms: u32::MAX },
            ServerFrame::Members {
                channel,
                changes: vec![
                    here(Activity::Active),
                    here(Activity::Typing),
                    here(Activity::Away),
                    MemberChange::Left(AuthorNumber(3)),
                ],
            },
            ServerFrame::Cursors { channel, version: 3, cursors: vec![(AuthorNumber(1), cursor)] },
            ServerFrame::Verified { channel, version },
            ServerFrame::Part { channel, total: Some(1 << 20), bytes: operation },
            ServerFrame::Part { channel, total: None, bytes: operation },
            ServerFrame::Restored { channel, refused: None },
            ServerFrame::Restored { channel, refused: Some(code) },
            ServerFrame::Terms(Terms { submits: rate, presence: rate, connections: 10, token_ms: None }),
            ServerFrame::Terms(Terms { submits: rate, presence: rate, connections: 1, token_ms: Some(u32::MAX) }),
        ];
        all.extend(CODES.map(|code| ServerFrame::Reject { channel, seq, code }));
        for durability in
            [DurabilityClass::None, DurabilityClass::Disk, DurabilityClass::Replicated(2), DurabilityClass::Fsynced]
        {
            let (version, limits) = (ProtocolVersion(1), Limits::default());
            all.push(ServerFrame::Welcome(Welcome { version, user: user.clone(), limits, durability, silence_ms: 9 }));
        }
        for epoch in [None, Epoch::new(u64::MAX)] {
            let content = operation;
            all.push(ServerFrame::Snapshot(SnapshotFrame {
                channel,
                epoch,
                version,
                hash,
                checksum,
                authors: vec![author.clone()],
                content,
            }));
            for (settlement, outcome, role) in [
                (Settlement::Nothing, Outcome::Tail { head: version }, Role::Viewer),
                (Settlement::Accepted(version), Outcome::Snapshot, Role::Commenter),
                (Settlement::NotAccepted, Outcome::Mismatch, Role::Editor),
                (Settlement::Unknown, Outcome::EpochChanged, Role::Owner),
            ] {
                let (request, number, last_seq) = (1, AuthorNumber(4), seq);
                all.push(ServerFrame::Opened(Opened {
                    request,
                    channel,
                    client,
                    last_seq,
                    number,
                    role,
                    settlement,
                    epoch,
                    outcome,
                }));
            }
        }
        all
    }

    /// Both readers make the same of these bytes.
    fn check(bytes: &[u8]) {
        let derived = postcard::take_from_bytes::<ServerFrame<'_>>(bytes).ok();
        let read = ServerFrame::read(bytes);
        if derived.is_none() && read.as_ref().is_some_and(|(frame, _)| is_refused_badly(frame)) {
            return;
        }
        assert_eq!(read, derived, "{bytes:?}");
    }

    /// As a reason that we do not know is read, which the derived reader cannot.
    fn is_refused_badly(frame: &ServerFrame<'_>) -> bool {
        let code = match frame {
            ServerFrame::Reject { code, .. } => Some(*code),
            ServerFrame::Restored { refused, .. } => *refused,
            _ => None,
        };
        code == Some(Code::BadOperation)
    }

    #[test]
    fn a_refusal_for_a_reason_of_a_newer_server_is_a_refusal() {
        let (channel, seq) = (Channel(1), ClientSeq::new(5).unwrap());
        let newer = u8::try_from(CODES.len()).unwrap();
        let read = |bytes: &[u8]| format!("{:?}", ServerFrame::read(bytes));
        let code = Code::BadOperation;
        let reject = ServerFrame::Reject { channel, seq, code };
        assert_eq!(read(&[10, 1, 5, newer]), format!("{:?}", Some((reject, &[0_u8; 0][..]))));
        let restored = ServerFrame::Restored { channel, refused: Some(code) };
        assert_eq!(read(&[23, 1, 1, 0xFF, 0x7F]), format!("{:?}", Some((restored, &[0_u8; 0][..]))));
        // Where it would end more than one operation, it is not guessed at.
        assert_eq!(ServerFrame::read(&[16, 1, newer, 0]), None);
    }

    #[test]
    fn both_readers_agree_on_every_byte() {
        let mut kinds = [0; 25];
        for frame in samples() {
            let mut bytes = Vec::new();
            encode_server(&frame, &mut bytes);
            kinds[usize::from(bytes[0])] += 1;
            bytes.extend(b"rest");
            assert_eq!(ServerFrame::read(&bytes), Some((frame, &b"rest"[..])));
            for end in 0..bytes.len() {
                check(&bytes[..end]);
            }
            for at in 0..bytes.len() {
                let honest = bytes[at];
                for byte in 0..=255 {
                    bytes[at] = byte;
                    check(&bytes);
                }
                bytes[at] = honest;
            }
        }
        assert!(kinds.iter().all(|count| *count > 0), "{kinds:?}");
    }

    #[test]
    fn both_readers_agree_on_long_forms() {
        for tail in [&b""[..], b"\x00", b"\x01", b"\x0f", b"\x10", b"\x7f", b"\x80\x00", b"\x80\x80\x80\x80\x01"] {
            for more in 0..11 {
                let mut bytes = vec![18];
                bytes.extend(std::iter::repeat_n(0xFF, more));
                bytes.extend(tail);
                check(&bytes);
                // A version, and a number of 64 bits.
                for head in [&[14, 0][..], &[13, 0, 1]] {
                    check(&[head, &bytes[1..], &[0; 40]].concat());
                }
            }
        }
    }
}
