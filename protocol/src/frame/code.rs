//! Why something was refused or ended: small numbers that never change their meaning.

use serde::{Deserialize, Serialize};

/// A stable error code. PROTOCOL.md has the table; each belongs to one [`Scope`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Code {
    /// 0, operation: the operation cannot be read or is not one.
    BadOperation,
    /// 1, operation: it reaches past the end of the version that it names.
    PastEnd,
    /// 2, operation: it splits a surrogate pair.
    SplitsPair,
    /// 3, operation: it exceeds a limit that `Welcome` announced.
    OperationTooLarge,
    /// 4, operation: the document would exceed its limit.
    DocumentTooLarge,
    /// 5, operation: the user may not write.
    ReadOnly,
    /// 6, operation: its base version does not exist yet.
    BaseAhead,
    /// 7, operation: its client_seq was used before, for something else.
    SeqReused,
    /// 8, operation: its client_seq jumps too far.
    SeqJump,
    /// 9, operation: somebody else has restored this epoch's lost work already.
    AlreadyRestored,
    /// 10, operation: the document was deleted.
    Deleted,
    /// 11, submit: too many in a second; send it again later.
    RateLimited,
    /// 12, channel: the client id was opened again elsewhere; take a new one.
    Superseded,
    /// 13, channel: the receiver fell behind what the room remembers; open again.
    Behind,
    /// 14, channel: the log began a new life; open again.
    EpochChanged,
    /// 15, channel: client and server disagree about history or text; open without a version.
    Diverged,
    /// 16, channel: the user may not, or may no longer, open this document.
    AccessDenied,
    /// 17, channel: the log does not answer; open again later.
    Unavailable,
    /// 18, channel: what is stored of the document is damaged; an operator must look.
    Damaged,
    /// 19, channel: this connection has the document open already.
    AlreadyOpen,
    /// 20, channel: the connection has as many documents open as it may.
    TooManyChannels,
    /// 21, channel: the client id belongs to another user; take a new one.
    ForeignClient,
    /// 22, channel: there is no such channel on this connection.
    UnknownChannel,
    /// 23, channel: the document id is not one.
    BadDocumentId,
    /// 24, connection: a message or frame cannot be read.
    Malformed,
    /// 25, connection: a message, frame or transfer is larger than announced.
    TooLarge,
    /// 26, connection: the first frame was not `Hello`, or `Hello` came twice.
    HelloExpected,
    /// 27, connection: no common version of the wire.
    VersionNotSpoken,
    /// 28, connection: the token is not accepted.
    Unauthorized,
    /// 29, connection: the token has expired; come back with a fresh one.
    TokenExpired,
    /// 30, connection: too many connections.
    TooManyConnections,
    /// 31, connection: nothing was heard for too long, or no `Hello` in time.
    Silent,
    /// 32, connection: the reader took no byte for too long.
    Stuck,
    /// 33, connection: the server is going down; come back.
    GoingAway,
    /// 34, connection or channel: the server failed; come back.
    Internal,
    /// 35, operation: another operation of this client is in flight on the document.
    InFlight,
    /// 36, connection: the token was revoked; come back with a fresh one.
    TokenRevoked,
    /// 37, channel: what the user may do with this document has changed; open again.
    AccessChanged,
    /// 38, operation: it would bring something into the document that its format does not allow.
    ForbiddenContent,
}

/// What a code speaks of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// One operation, refused for good; its client_seq is consumed.
    Operation,
    /// One submit, not taken now; its client_seq is kept.
    Submit,
    /// One document on one connection; pending work stays readable.
    Channel,
    /// The whole connection.
    Connection,
}

/// What the receiver of a code does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Remedy {
    /// Come back, after the time that was named and a backoff.
    Retry,
    /// Come back with a fresh token.
    RefreshToken,
    /// Come back under a new client id.
    NewClientId,
    /// Nothing that the client could do by itself.
    Stop,
}

impl Code {
    /// What the code speaks of.
    pub const fn scope(self) -> Scope {
        use Code::*;
        match self {
            BadOperation | PastEnd | SplitsPair | OperationTooLarge | DocumentTooLarge | ReadOnly | BaseAhead
            | SeqReused | SeqJump | AlreadyRestored | Deleted | InFlight | ForbiddenContent => Scope::Operation,
            RateLimited => Scope::Submit,
            Superseded | Behind | EpochChanged | Diverged | AccessChanged | AccessDenied | Unavailable | Damaged
            | AlreadyOpen | TooManyChannels | ForeignClient | UnknownChannel | BadDocumentId => Scope::Channel,
            Malformed | TooLarge | HelloExpected | VersionNotSpoken | Unauthorized | TokenExpired | TokenRevoked
            | TooManyConnections | Silent | Stuck | GoingAway | Internal => Scope::Connection,
        }
    }

    /// What the receiver does next.
    pub const fn remedy(self) -> Remedy {
        use Code::*;
        match self {
            RateLimited | Behind | EpochChanged | Diverged | AccessChanged | Unavailable | TooManyConnections
            | Silent | Stuck | GoingAway | Internal => Remedy::Retry,
            TokenExpired | TokenRevoked => Remedy::RefreshToken,
            Superseded | ForeignClient => Remedy::NewClientId,
            _ => Remedy::Stop,
        }
    }

    /// The stable name by which applications know the code.
    pub const fn name(self) -> &'static str {
        use Code::*;
        match self {
            BadOperation => "bad_operation",
            PastEnd => "past_end",
            SplitsPair => "splits_pair",
            OperationTooLarge => "operation_too_large",
            DocumentTooLarge => "document_too_large",
            ReadOnly => "read_only",
            BaseAhead => "base_ahead",
            SeqReused => "seq_reused",
            SeqJump => "seq_jump",
            AlreadyRestored => "already_restored",
            Deleted => "deleted",
            RateLimited => "rate_limited",
            Superseded => "superseded",
            Behind => "behind",
            EpochChanged => "epoch_changed",
            Diverged => "diverged",
            AccessDenied => "access_denied",
            Unavailable => "unavailable",
            Damaged => "damaged",
            AlreadyOpen => "already_open",
            TooManyChannels => "too_many_channels",
            ForeignClient => "foreign_client",
            UnknownChannel => "unknown_channel",
            BadDocumentId => "bad_document_id",
            Malformed => "malformed",
            TooLarge => "too_large",
            HelloExpected => "hello_expected",
            VersionNotSpoken => "version_not_spoken",
            Unauthorized => "unauthorized",
            TokenExpired => "token_expired",
            TooManyConnections => "too_many_connections",
            Silent => "silent",
            Stuck => "stuck",
            GoingAway => "going_away",
            Internal => "internal",
            InFlight => "in_flight",
            TokenRevoked => "token_revoked",
            AccessChanged => "access_changed",
            ForbiddenContent => "forbidden_content",
        }
    }
}
