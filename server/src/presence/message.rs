//! What rooms of one document tell each other across servers.
//!
//! A format byte, then one postcard value. Servers of two releases may share a bus: a
//! format that is not known is ignored, and counted. Members are named by client id and
//! generation, because numbers are a room's own.

use bytes::Bytes;
use cowrite_protocol::frame::Activity;
use cowrite_protocol::{ClientId, Cursor, Epoch, Generation, Limits, UserId, Version};
use serde::{Deserialize, Serialize};
use thiserror::Error;

/// The one format there is.
const FORMAT: u8 = 1;

/// Most bytes of one message. Room for the summary of some 40,000 members.
pub(super) const MESSAGE_BYTES: usize = 1 << 20;

/// Most bytes of a display name between servers.
const NAME_BYTES: usize = 1 << 10;

/// A room in one life of one server: 128 random bits, made with the room.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SenderName(pub [u8; 16]);

/// One stay of a client: the log raises the generation with every `Open`, on whichever
/// server, so of two stays of one client the newer is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct StayName {
    /// The client.
    pub client: ClientId,
    /// Which stay of it.
    pub generation: Generation,
}

/// What one room tells in one tick.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PresenceMessage {
    /// Who tells it.
    pub sender: SenderName,
    /// Rises with each message of the sender; one that comes late is ignored.
    pub sequence: u64,
    /// Who is asked to tell everything.
    pub asks: Asks,
    /// Members of the sender that are new, have changed, or were asked for.
    pub here: Vec<MemberRecord>,
    /// Stays that ended at the sender.
    pub left: Vec<StayName>,
    /// The summary: every stay at the sender, with its revision. A member of the sender
    /// that is not in it is gone; one that is not known, or of another revision, is asked for.
    pub all: Option<Vec<(StayName, u32)>>,
    /// The life of the log in which the cursors stand.
    pub epoch: Option<Epoch>,
    /// The version at which the cursors stand.
    pub version: Version,
    /// Cursors that the receiver cannot infer from commits.
    pub cursors: Vec<CursorRecord>,
}

/// Who is to tell everything.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Asks {
    /// Nobody.
    #[default]
    Nobody,
    /// These rooms, because something of theirs was missed.
    These(Vec<SenderName>),
    /// All rooms, because the sender has just begun to listen.
    Everybody,
}

/// A member, in full.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MemberRecord {
    /// Which stay of which client.
    pub stay: StayName,
    /// Rises with each change within the stay.
    pub revision: u32,
    /// The user, as the server of the member knows it.
    pub user: UserId,
    /// The display name; may be empty.
    pub name: String,
    /// What the member is doing.
    pub activity: Activity,
    /// The application's state.
    pub state: String,
}

/// A member's cursor at the version of the message; empty hides it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CursorRecord {
    /// Whose.
    pub stay: StayName,
    /// Where.
    pub cursor: Cursor,
}

/// Why a message is ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MessageError {
    /// It is longer than any that is sent.
    #[error("a presence message has at most {max} bytes, this one has {bytes}")]
    TooLong {
        /// Its bytes.
        bytes: usize,
        /// The most there may be.
        max: usize,
    },
    /// It is of another release.
    #[error("presence format {found:?} is not {spoken}")]
    Format {
        /// Its format; `None` if it is empty.
        found: Option<u8>,
        /// The one that is understood.
        spoken: u8,
    },
    /// It is not a message, or something stands behind it.
    #[error("not a presence message")]
    Malformed,
    /// A member or cursor is larger than a client may make it.
    #[error("a {part} of {size} is over the limit of {max}")]
    OverLimit {
        /// What it is: a name, a state, a cursor.
        part: &'static str,
        /// Its size, in bytes or selections.
        size: usize,
        /// The most there may be.
        max: usize,
    },
}

impl PresenceMessage {
    /// The bytes that go to the bus.
    pub fn encode(&self) -> Bytes {
        // Every field can be written, and a vector takes all of it.
        postcard::to_extend(self, vec![FORMAT]).map(Bytes::from).unwrap_or_default()
    }

    /// Whether these bytes are a message of that sender; looks at the first few only.
    pub fn is_from(bytes: &[u8], sender: SenderName) -> bool {
        bytes.first() == Some(&FORMAT) && bytes.get(1..17) == Some(&sender.0)
    }

    /// Reads what came from the bus. Cost: linear in its bytes.
    ///
    /// # Errors
    /// As [`MessageError`] says; never panics, whatever the bytes are.
    pub fn decode(bytes: &[u8], limits: &Limits) -> Result<PresenceMessage, MessageError> {
        if bytes.len() > MESSAGE_BYTES {
            return Err(MessageError::TooLong { bytes: bytes.len(), max: MESSAGE_BYTES });
        }
        let Some((&FORMAT, body)) = bytes.split_first() else {
            return Err(MessageError::Format { found: bytes.first().copied(), spoken: FORMAT });
        };
        let (message, rest) =
            postcard::take_from_bytes::<PresenceMessage>(body).map_err(|_| MessageError::Malformed)?;
        if !rest.is_empty() {
            return Err(MessageError::Malformed);
        }
        for member in &message.here {
            within("name", member.name.len(), NAME_BYTES)?;
            within("state", member.state.len(), limits.presence_bytes as usize)?;
        }
        for record in &message.cursors {
            within("cursor", record.cursor.0.len(), limits.selections as usize)?;
        }
        Ok(message)
    }
}

impl MemberRecord {
    /// About how many bytes it takes in a message.
    pub(super) fn bytes(&self) -> usize {
        32 + self.user.as_str().len() + self.name.len() + self.state.len()
    }
}

/// The part of a display name that is told to other servers.
pub(super) fn told_name(name: &str) -> String {
    let end = (0..=name.len().min(NAME_BYTES)).rev().find(|&at| name.is_char_boundary(at)).unwrap_or(0);
    name[..end].to_owned()
}

fn within(part: &'static str, size: usize, max: usize) -> Result<(), MessageError> {
    if size <= max { Ok(()) } else { Err(MessageError::OverLimit { part, size, max }) }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::Utf16Offset;

    use super::*;

    fn sample() -> PresenceMessage {
        let stay = StayName { client: ClientId::from_bytes([7; 16]), generation: Generation::new(300) };
        PresenceMessage {
            sender: SenderName([9; 16]),
            sequence: 77,
            asks: Asks::These(vec![SenderName([1; 16])]),
            here: vec![MemberRecord {
                stay,
                revision: 2,
                user: "ada".parse().unwrap(),
                name: "Ada".to_owned(),
                activity: Activity::Typing,
                state: "{}".to_owned(),
            }],
            left: vec![stay],
            all: Some(vec![(stay, 2)]),
            epoch: Epoch::new(5),
            version: Version::new(1_000).unwrap(),
            cursors: vec![CursorRecord { stay, cursor: Cursor::caret(Utf16Offset(4)) }],
        }
    }

    #[test]
    fn a_message_reads_back_as_it_was() {
        let bytes = sample().encode();
        assert_eq!(PresenceMessage::decode(&bytes, &Limits::default()), Ok(sample()));
        assert!(PresenceMessage::is_from(&bytes, sample().sender));
        assert!(!PresenceMessage::is_from(&bytes, SenderName([1; 16])));
    }

    #[test]
    fn other_formats_and_trailing_bytes_are_errors() {
        let limits = Limits::default();
        let mut bytes = sample().encode().to_vec();
        bytes[0] = 2;
        assert_eq!(
            PresenceMessage::decode(&bytes, &limits),
            Err(MessageError::Format { found: Some(2), spoken: FORMAT })
        );
        assert_eq!(PresenceMessage::decode(&[], &limits), Err(MessageError::Format { found: None, spoken: FORMAT }));
        bytes[0] = FORMAT;
        bytes.push(0);
        assert_eq!(PresenceMessage::decode(&bytes, &limits), Err(MessageError::Malformed));
        assert!(matches!(
            PresenceMessage::decode(&vec![FORMAT; MESSAGE_BYTES + 1], &limits),
            Err(MessageError::TooLong { .. })
        ));
    }

    #[test]
    fn what_no_client_may_show_no_server_may() {
        let limits = Limits { presence_bytes: 10, selections: 1, ..Limits::default() };
        let mut message = sample();
        message.here[0].state = "x".repeat(11);
        let over = MessageError::OverLimit { part: "state", size: 11, max: 10 };
        assert_eq!(PresenceMessage::decode(&message.encode(), &limits), Err(over));
        let mut message = sample();
        message.cursors[0].cursor.0 = vec![message.cursors[0].cursor.0[0]; 2];
        let over = MessageError::OverLimit { part: "cursor", size: 2, max: 1 };
        assert_eq!(PresenceMessage::decode(&message.encode(), &limits), Err(over));
        let mut message = sample();
        message.here[0].name = "é".repeat(NAME_BYTES);
        assert!(PresenceMessage::decode(&message.encode(), &limits).is_err());
        message.here[0].name = told_name(&message.here[0].name);
        assert!(PresenceMessage::decode(&message.encode(), &limits).is_ok(), "a long name is cut by its sender");
    }

    #[test]
    fn no_bytes_make_it_panic_or_take_much_memory() {
        let limits = Limits::default();
        let good = sample().encode();
        for end in 0..good.len() {
            assert!(PresenceMessage::decode(&good[..end], &limits).is_err(), "cut at {end}");
        }
        for at in 1..good.len() {
            for bit in 0..8 {
                let mut bad = good.to_vec();
                bad[at] ^= 1 << bit;
                let _ = PresenceMessage::decode(&bad, &limits);
            }
        }
        let mut seed = 1_u64;
        for length in 0..2_000 {
            let mut bytes = vec![FORMAT];
            bytes.extend((0..length % 200).map(|_| {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                (seed >> 56) as u8
            }));
            let _ = PresenceMessage::decode(&bytes, &limits);
        }
        // A length that promises more than there is.
        let mut huge = vec![FORMAT];
        huge.extend([0; 16]);
        huge.extend([1, 0, 0xff, 0xff, 0xff, 0xff, 0x7f]);
        assert_eq!(PresenceMessage::decode(&huge, &limits), Err(MessageError::Malformed));
    }
}
