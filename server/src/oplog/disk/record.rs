//! How a value is written: a format byte, the fields, raw bytes, and a checksum.
//!
//! The checksum covers the table and the key too: a value that is found where it does not
//! belong is damage like any other.

use bytes::Bytes;
use cowrite_protocol::hash::Checksummer;
use cowrite_protocol::{Checksum, ClientId, ClientSeq, Epoch, RunningHash, UserId, Version};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::oplog::{Entry, Head};

/// The format of every value; a newer one is refused.
const VALUE_FORMAT: u8 = 1;

const SUM_BYTES: usize = 8;

/// Why a value is not taken.
#[derive(Debug, Error)]
pub(super) enum RecordError {
    #[error("{bytes} bytes are too few for a value")]
    Short { bytes: usize },
    #[error("the value's checksum does not fit")]
    Checksum,
    #[error("the value has format {found}, this server knows formats up to {known}", known = VALUE_FORMAT)]
    NewerFormat { found: u8 },
    #[error("the value's fields can not be read: {0}")]
    Fields(postcard::Error),
    #[error("the block's columns do not fit together")]
    Columns,
}

/// The number under which a document's rows are kept.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct DocumentRecord {
    pub(super) number: u64,
}

/// Where a document stands.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct HeadRecord {
    pub(super) number: u64,
    pub(super) epoch: Option<Epoch>,
    pub(super) version: Version,
    pub(super) hash: RunningHash,
    pub(super) floor: Version,
    pub(super) snapshot: Option<(Version, RunningHash)>,
    /// How many client records there are, and the sum of their checksums.
    pub(super) clients: u64,
    pub(super) clients_sum: u64,
}

/// An entry but for its version, which is in the key, and its operation, which follows.
#[derive(Debug, Serialize, Deserialize)]
struct EntryRecord {
    client: ClientId,
    client_seq: ClientSeq,
    user: UserId,
    time_ms: u64,
    hash_after: Option<RunningHash>,
}

/// A snapshot but for its content, which follows.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct SnapshotRecord {
    pub(super) version: Version,
    pub(super) hash: RunningHash,
    pub(super) checksum: Checksum,
}

impl SnapshotRecord {
    /// The head that the snapshot was made at, in the life that the log lives now.
    pub(super) fn head(&self, epoch: Option<Epoch>) -> Head {
        Head { epoch, version: self.version, hash: self.hash }
    }
}

/// Writes an entry; the running hash is given after the last of a batch.
pub(super) fn seal_entry(key: &[u8], entry: &Entry, hash_after: Option<RunningHash>) -> Result<Vec<u8>, RecordError> {
    let fields = EntryRecord {
        client: entry.client,
        client_seq: entry.client_seq,
        user: entry.user.clone(),
        time_ms: entry.time_ms,
        hash_after,
    };
    seal(key, &fields, &entry.operation)
}

/// Reads an entry, and the running hash after it where it is known.
pub(super) fn unseal_entry(
    key: &[u8],
    version: Version,
    value: &[u8],
) -> Result<(Entry, Option<RunningHash>), RecordError> {
    let (fields, operation) = unseal::<EntryRecord>(key, value)?;
    let EntryRecord { client, client_seq, user, time_ms, hash_after } = fields;
    let operation = Bytes::copy_from_slice(operation);
    Ok((Entry { version, client, client_seq, user, time_ms, operation }, hash_after))
}

/// Writes a value: its fields, then raw bytes.
pub(super) fn seal(key: &[u8], fields: &impl Serialize, raw: &[u8]) -> Result<Vec<u8>, RecordError> {
    let mut value = postcard::to_extend(fields, vec![VALUE_FORMAT]).map_err(RecordError::Fields)?;
    value.reserve_exact(raw.len() + SUM_BYTES);
    value.extend_from_slice(raw);
    let sum = checksum(key, &value);
    value.extend_from_slice(&sum.to_le_bytes());
    Ok(value)
}

/// Reads a value: its fields and the raw bytes behind them.
pub(super) fn unseal<'a, T: Deserialize<'a>>(key: &[u8], value: &'a [u8]) -> Result<(T, &'a [u8]), RecordError> {
    let Some((body, sum)) = value.split_last_chunk::<SUM_BYTES>() else {
        return Err(RecordError::Short { bytes: value.len() });
    };
    if checksum(key, body) != u64::from_le_bytes(*sum) {
        return Err(RecordError::Checksum);
    }
    match body.split_first() {
        Some((&VALUE_FORMAT, fields)) => postcard::take_from_bytes(fields).map_err(RecordError::Fields),
        Some((&found, _)) => Err(RecordError::NewerFormat { found }),
        None => Err(RecordError::Short { bytes: value.len() }),
    }
}

/// The checksum that a sealed value bears: what client records are summed up by.
pub(super) fn sum_of(value: &[u8]) -> u64 {
    value.split_last_chunk::<SUM_BYTES>().map_or(0, |(_, sum)| u64::from_le_bytes(*sum))
}

fn checksum(key: &[u8], body: &[u8]) -> u64 {
    let mut sum = Checksummer::default();
    sum.write(&(key.len() as u64).to_le_bytes());
    sum.write(key);
    sum.write(body);
    sum.finish().0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_reads_back_and_no_flipped_bit_or_other_key_does() {
        let entry = Entry {
            version: Version::MAX,
            client: ClientId::from_bytes([7; 16]),
            client_seq: ClientSeq::MAX,
            user: "ann".parse().unwrap(),
            time_ms: u64::MAX,
            operation: Bytes::from_static(b"operation"),
        };
        let hash = Some(RunningHash::from_bytes([3; 16]));
        let value = seal_entry(b"key", &entry, hash).unwrap();
        assert_eq!(unseal_entry(b"key", entry.version, &value).unwrap(), (entry.clone(), hash));
        assert!(unseal_entry(b"kez", entry.version, &value).is_err());
        for bit in 0..value.len() * 8 {
            let mut flipped = value.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(unseal_entry(b"key", entry.version, &flipped).is_err(), "bit {bit}");
        }
        for end in 0..value.len() {
            assert!(unseal_entry(b"key", entry.version, &value[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn a_value_of_a_newer_format_says_so() {
        let mut value = seal(b"key", &DocumentRecord { number: 1 }, b"").unwrap();
        value.truncate(value.len() - SUM_BYTES);
        value[0] = 9;
        let sum = checksum(b"key", &value);
        value.extend(sum.to_le_bytes());
        let error = unseal::<DocumentRecord>(b"key", &value).unwrap_err();
        assert!(matches!(error, RecordError::NewerFormat { found: 9 }));
    }
}
