//! Messages of a document's live channel.
//!
//! A batch is a head, which the appending server makes, and behind it the records just as
//! they are in the log, which the script adds: nothing goes to Redis twice.

use bytes::Bytes;
use cowrite_protocol::{DocumentId, Epoch, RunningHash, Version};
use serde::{Deserialize, Serialize};

use super::record::read_entry;
use crate::oplog::{FeedBatch, FeedEvent};

/// The format of a message; another one is not for us.
const LIVE_FORMAT: u8 = 1;

/// What a message begins with.
#[derive(Debug, Serialize, Deserialize)]
enum Head {
    /// Records follow.
    Batch { epoch: Epoch, after: Version, hash_after: RunningHash, lengths: Vec<u32> },
    /// Everybody should look where the log stands.
    Look,
    /// Entries up to here are durable.
    Durable { epoch: Epoch, version: Version, hash: RunningHash },
}

/// The head of a batch with records of these lengths after a version.
pub(super) fn batch_head(epoch: Epoch, after: Version, hash_after: RunningHash, lengths: Vec<u32>) -> Vec<u8> {
    write(&Head::Batch { epoch, after, hash_after, lengths })
}

/// Lets every server look where the log stands.
pub(super) fn look() -> Vec<u8> {
    write(&Head::Look)
}

/// Tells every server how far a life is durable.
pub(super) fn durable(epoch: Epoch, version: Version, hash: RunningHash) -> Vec<u8> {
    write(&Head::Durable { epoch, version, hash })
}

/// What a message says; `None` for what is not ours. Versions decide what a batch is
/// worth, so a message needs no name of its sender.
pub(super) fn read(document: &DocumentId, message: &Bytes) -> Option<FeedEvent> {
    let event = decode(message);
    if event.is_none() {
        tracing::warn!(%document, bytes = message.len(), "a live message cannot be read and is ignored");
    }
    event
}

fn decode(message: &Bytes) -> Option<FeedEvent> {
    let (&LIVE_FORMAT, rest) = message.split_first()? else { return None };
    let (head, mut records) = postcard::take_from_bytes::<Head>(rest).ok()?;
    let (epoch, after, hash_after, lengths) = match head {
        Head::Look => return Some(FeedEvent::Interrupted),
        Head::Durable { epoch, version, hash } => return Some(FeedEvent::Durable { epoch, version, hash }),
        Head::Batch { epoch, after, hash_after, lengths } => (epoch, after, hash_after, lengths),
    };
    let mut version = after;
    let mut entries = Vec::with_capacity(lengths.len().min(records.len()));
    for length in lengths {
        version = version.next();
        let (record, rest) = records.split_at_checked(usize::try_from(length).ok()?)?;
        entries.push(read_entry(version, &message.slice_ref(record)).ok()?);
        records = rest;
    }
    records.is_empty().then_some(FeedEvent::Batch(FeedBatch { epoch, entries, hash_after }))
}

fn write(head: &Head) -> Vec<u8> {
    // Writing to memory cannot fail, and none of these types refuses to be written.
    postcard::to_extend(head, vec![LIVE_FORMAT]).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn garbage_is_nothing() {
        let document = "a".parse().unwrap();
        let epoch = Epoch::new(7).unwrap();
        let head = batch_head(epoch, Version::ZERO, RunningHash::ZERO, vec![4]);
        for end in 0..head.len() {
            assert_eq!(read(&document, &Bytes::copy_from_slice(&head[..end])), None, "cut at {end}");
        }
        assert_eq!(read(&document, &Bytes::from([&head[..], b"four"].concat())), None, "a record that is none");
        assert_eq!(read(&document, &Bytes::from([&look()[..], b"x"].concat())), Some(FeedEvent::Interrupted));
        let told = read(&document, &Bytes::from(durable(epoch, Version::MAX, RunningHash::ZERO)));
        assert_eq!(told, Some(FeedEvent::Durable { epoch, version: Version::MAX, hash: RunningHash::ZERO }));
    }
}
