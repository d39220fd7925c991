//! How an entry is written into a stream: a format byte, the length of its fields in two
//! bytes, low one first, its fields, the operation. Scripts read the length alone.

use bytes::Bytes;
use cowrite_protocol::{ClientId, ClientSeq, UserId, Version};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::oplog::{Entry, Member};

/// The format of an entry; a newer one is refused.
const ENTRY_FORMAT: u8 = 1;

/// Bytes before the fields.
const HEAD_BYTES: usize = 3;

/// Why an entry is not taken.
#[derive(Debug, Error)]
pub(super) enum RecordError {
    #[error("{bytes} bytes are too few for an entry")]
    Short { bytes: usize },
    #[error("the entry has format {found}, this server knows formats up to {known}", known = ENTRY_FORMAT)]
    NewerFormat { found: u8 },
    #[error("the entry's fields cannot be read: {0}")]
    Fields(postcard::Error),
}

/// An entry but for its version, which is its id, and its operation, which follows.
#[derive(Debug, Serialize, Deserialize)]
struct EntryRecord {
    client: ClientId,
    client_seq: ClientSeq,
    user: UserId,
    time_ms: u64,
}

/// Writes an entry. Cost: linear in its operation.
pub(super) fn write_entry(member: &Member, time_ms: u64) -> Result<Vec<u8>, RecordError> {
    let Member { client, client_seq, user, operation, .. } = member;
    let fields = EntryRecord { client: *client, client_seq: *client_seq, user: user.clone(), time_ms };
    let mut record = postcard::to_extend(&fields, vec![ENTRY_FORMAT, 0, 0]).map_err(RecordError::Fields)?;
    let length = u16::try_from(record.len() - HEAD_BYTES);
    let length = length.map_err(|_| RecordError::Fields(postcard::Error::SerializeBufferFull))?;
    record[1..HEAD_BYTES].copy_from_slice(&length.to_le_bytes());
    record.extend_from_slice(operation);
    Ok(record)
}

/// Reads an entry of this version.
pub(super) fn read_entry(version: Version, record: &Bytes) -> Result<Entry, RecordError> {
    let (fields, operation) = match record[..] {
        [ENTRY_FORMAT, low, high, ref rest @ ..] => rest
            .split_at_checked(usize::from(u16::from_le_bytes([low, high])))
            .ok_or(RecordError::Fields(postcard::Error::DeserializeUnexpectedEnd))?,
        [] | [ENTRY_FORMAT, ..] => return Err(RecordError::Short { bytes: record.len() }),
        [found, ..] => return Err(RecordError::NewerFormat { found }),
    };
    let fields = postcard::from_bytes::<EntryRecord>(fields).map_err(RecordError::Fields)?;
    let EntryRecord { client, client_seq, user, time_ms } = fields;
    Ok(Entry { version, client, client_seq, user, time_ms, operation: record.slice_ref(operation) })
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::Generation;

    use super::*;

    #[test]
    fn an_entry_comes_back_as_it_was_and_damage_is_told() {
        let member = Member {
            client: ClientId::from_bytes([7; 16]),
            client_seq: ClientSeq::MAX,
            generation: Generation::new(3),
            user: "ann".parse().unwrap(),
            operation: Bytes::from_static(b"operation"),
        };
        let record = Bytes::from(write_entry(&member, 99).unwrap());
        let version = Version::new(5).unwrap();
        let entry = read_entry(version, &record).unwrap();
        assert_eq!((entry.version, entry.client_seq, entry.time_ms), (version, member.client_seq, 99));
        assert_eq!((entry.operation, entry.user), (member.operation, member.user));
        assert!(matches!(read_entry(version, &Bytes::new()), Err(RecordError::Short { bytes: 0 })));
        assert!(matches!(read_entry(version, &record.slice(..9)), Err(RecordError::Fields(_))));
        let newer = Bytes::from_static(b"\x02x");
        assert!(matches!(read_entry(version, &newer), Err(RecordError::NewerFormat { found: 2 })));
    }
}
