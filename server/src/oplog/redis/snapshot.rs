//! How a snapshot is written: a format byte, its fields, the document, a checksum.

use bytes::Bytes;
use cowrite_protocol::hash::Checksummer;
use cowrite_protocol::{Checksum, DocumentId, Epoch, RunningHash, Version};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::oplog::{Head, Snapshot};

/// The format of a snapshot; a newer one is refused.
const SNAPSHOT_FORMAT: u8 = 1;

const SUM_BYTES: usize = 8;

/// Why a stored snapshot is not taken.
#[derive(Debug, Error)]
pub(super) enum SnapshotError {
    #[error("{bytes} bytes are too few for a snapshot")]
    Short { bytes: usize },
    #[error("its checksum does not fit")]
    Checksum,
    #[error("it has format {found}, this server knows formats up to {known}", known = SNAPSHOT_FORMAT)]
    NewerFormat { found: u8 },
    #[error("its fields cannot be read: {0}")]
    Fields(postcard::Error),
    #[error("it is of the document {found}")]
    OtherDocument { found: DocumentId },
}

/// A snapshot but for its content, which follows.
#[derive(Debug, Serialize, Deserialize)]
struct SnapshotRecord {
    document: DocumentId,
    version: Version,
    hash: RunningHash,
    checksum: Checksum,
}

/// Writes a snapshot. Cost: linear in the document.
pub(super) fn write_snapshot(document: &DocumentId, snapshot: &Snapshot) -> Result<Vec<u8>, SnapshotError> {
    let Snapshot { head: Head { version, hash, .. }, checksum, content } = snapshot;
    let fields = SnapshotRecord { document: document.clone(), version: *version, hash: *hash, checksum: *checksum };
    let mut stored = postcard::to_extend(&fields, vec![SNAPSHOT_FORMAT]).map_err(SnapshotError::Fields)?;
    stored.reserve_exact(content.len() + SUM_BYTES);
    stored.extend_from_slice(content);
    let sum = sum_of(&stored);
    stored.extend_from_slice(&sum);
    Ok(stored)
}

/// Reads a snapshot of this document, which lives on in this life.
pub(super) fn read_snapshot(
    document: &DocumentId,
    epoch: Option<Epoch>,
    stored: &Bytes,
) -> Result<Snapshot, SnapshotError> {
    let Some((body, sum)) = stored.split_last_chunk::<SUM_BYTES>() else {
        return Err(SnapshotError::Short { bytes: stored.len() });
    };
    if sum_of(body) != *sum {
        return Err(SnapshotError::Checksum);
    }
    let fields = match body.split_first() {
        Some((&SNAPSHOT_FORMAT, fields)) => fields,
        Some((&found, _)) => return Err(SnapshotError::NewerFormat { found }),
        None => return Err(SnapshotError::Short { bytes: stored.len() }),
    };
    let (fields, content) = postcard::take_from_bytes::<SnapshotRecord>(fields).map_err(SnapshotError::Fields)?;
    let SnapshotRecord { document: found, version, hash, checksum } = fields;
    if found != *document {
        return Err(SnapshotError::OtherDocument { found });
    }
    Ok(Snapshot { head: Head { epoch, version, hash }, checksum, content: stored.slice_ref(content) })
}

fn sum_of(bytes: &[u8]) -> [u8; SUM_BYTES] {
    let mut sum = Checksummer::default();
    sum.write(bytes);
    sum.finish().0.to_le_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snapshot_of_anything_else_is_not_taken() {
        let (document, other) = ("a".parse().unwrap(), "b".parse().unwrap());
        let head = Head { epoch: Epoch::new(3), version: Version::MAX, hash: RunningHash::from_bytes([9; 16]) };
        let snapshot = Snapshot { head, checksum: Checksum(5), content: Bytes::from_static(b"content") };
        let stored = Bytes::from(write_snapshot(&document, &snapshot).unwrap());
        assert_eq!(read_snapshot(&document, head.epoch, &stored).unwrap(), snapshot);
        assert!(matches!(read_snapshot(&other, None, &stored), Err(SnapshotError::OtherDocument { .. })));
        for at in 0..stored.len() {
            let mut flipped = stored.to_vec();
            flipped[at] ^= 0x10;
            assert!(read_snapshot(&document, None, &Bytes::from(flipped)).is_err(), "byte {at}");
            assert!(read_snapshot(&document, None, &stored.slice(..at)).is_err(), "cut at {at}");
        }
    }
}
