//! What a client sends.

use serde::{Deserialize, Serialize};

use super::{Abbreviated, Activity, Packed, ProtocolVersion};
use crate::cursor::Cursor;
use crate::hash::{Checksum, RunningHash};
use crate::id::{Channel, ClientId, ClientSeq, Epoch, Version};

/// A frame from client to server. The kind is the variant's place, from 0.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum ClientFrame<'a> {
    /// 0: the first frame of a connection, within 5 s, and never again.
    Hello {
        /// The oldest version that the client speaks.
        oldest: ProtocolVersion,
        /// The newest version that the client speaks.
        newest: ProtocolVersion,
        /// The application's token.
        token: &'a str,
    },
    /// 1: opens a document, anew or to resume.
    Open {
        /// The client's own number for this request, repeated in the answer.
        request: u32,
        /// Which document, by its [`DocumentId`](crate::DocumentId); checked at the door.
        #[serde(borrow)]
        document: &'a str,
        /// The client's id for this document, if it has one; else the server issues one.
        client: Option<ClientId>,
        /// Where the client stands, if it has a text to go on from.
        position: Option<Position>,
        /// Whether the client asks for the document whole, though it stands somewhere:
        /// its text or history has proved wrong.
        whole: bool,
        /// The client_seq of the operation whose outcome the client does not know.
        in_flight: Option<ClientSeq>,
        /// The member's presence state: JSON of the application's, may be empty.
        #[serde(borrow)]
        state: &'a str,
    },
    /// 2: an edit; the caret is where the operation implies.
    Submit(#[serde(borrow)] Submit<'a>),
    /// 3: an edit; the caret did not move but by the operation.
    SubmitStill(#[serde(borrow)] Submit<'a>),
    /// 4: an edit that also moved the cursor elsewhere.
    SubmitCursor {
        /// The cursor, in the text after the operation.
        cursor: Cursor,
        /// The edit.
        #[serde(borrow)]
        submit: Submit<'a>,
    },
    /// 5: the cursor, sent only when nothing is in flight.
    Cursor {
        /// Which document.
        channel: Channel,
        /// The version that the cursor's offsets hold at.
        version: Abbreviated,
        /// The cursor; empty hides it.
        cursor: Cursor,
    },
    /// 6: the member's state or activity changed.
    Presence {
        /// Which document.
        channel: Channel,
        /// What the member is doing.
        activity: Activity,
        /// The new state, or `None` if it did not change.
        #[serde(borrow)]
        state: Option<&'a str>,
    },
    /// 7: the client has no more interest in the document.
    Close {
        /// Which document.
        channel: Channel,
    },
    /// 8: a sign of life; the answer is `Pong`.
    Ping,
    /// 9: a fresh token, before the old one expires.
    Token {
        /// The token.
        token: &'a str,
    },
    /// 10: what the client believes, at rest; the answer is `Verified`.
    Verify {
        /// Which document.
        channel: Channel,
        /// The version that the client stands at.
        version: Version,
        /// The first eight bytes of its running hash.
        hash: u64,
        /// The checksum of its text.
        checksum: Checksum,
    },
    /// 11: a part of a frame that is too large for one message.
    Part {
        /// The channel of the frame.
        channel: Channel,
        /// The size of the whole frame in bytes, in its first part.
        total: Option<u32>,
        /// The next bytes of it.
        #[serde(borrow)]
        bytes: Packed<'a>,
    },
    /// 12: brings lost work back, as one operation made on a stated version.
    Restore {
        /// Which document.
        channel: Channel,
        /// The version that the operation was made on.
        base: Version,
        /// The operation.
        #[serde(borrow)]
        operation: Packed<'a>,
    },
}

/// One edit on its way to the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Submit<'a> {
    /// Which document.
    pub channel: Channel,
    /// The edit's client_seq, over the last one that this channel carried up or that
    /// `Opened` named.
    pub seq: Abbreviated,
    /// The version that the operation was made on, over the last one that this channel
    /// carried up or that it was opened at.
    pub base: Abbreviated,
    /// The operation.
    #[serde(borrow)]
    pub operation: Packed<'a>,
}

/// Where a client stands in a document's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Position {
    /// The life of the log that it knows; `None` if the document had never been written.
    pub epoch: Option<Epoch>,
    /// The version of its text.
    pub version: Version,
    /// Its running hash at that version.
    pub hash: RunningHash,
}
