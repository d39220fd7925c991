//! Frames larger than a message, in parts.

use alloc::vec::Vec;

use thiserror::Error;

use crate::id::Channel;

/// Splits an encoded frame of one channel into parts of at most `part_bytes`, and gives
/// each to `send` as `(total in the first, bytes)`.
///
/// One transfer a direction and channel: until the last part is out, no other frame of
/// this channel may be sent.
pub fn encode_in_parts<'a>(frame: &'a [u8], part_bytes: usize, mut send: impl FnMut(Option<u32>, &'a [u8])) {
    let mut total = u32::try_from(frame.len()).ok();
    for part in frame.chunks(part_bytes.max(1)) {
        send(total.take(), part);
    }
}

/// Why a part cannot be taken. All of them end the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PartError {
    /// A first part while another transfer of the channel is under way, or a further one
    /// while none is.
    #[error("channel {channel}: a part out of order")]
    OutOfOrder {
        /// The channel's number.
        channel: u32,
    },
    /// The whole would be larger than the limit.
    #[error("channel {channel}: a transfer of {total} bytes, the limit is {limit}")]
    TooLarge {
        /// The channel's number.
        channel: u32,
        /// The announced size.
        total: u32,
        /// The limit.
        limit: u32,
    },
    /// More bytes came than were announced, or a part was empty.
    #[error("channel {channel}: the parts do not make up the announced {total} bytes")]
    WrongSize {
        /// The channel's number.
        channel: u32,
        /// The announced size.
        total: u32,
    },
}

/// Puts the parts of one channel together.
///
/// What is held grows with what has come, never with what was announced.
#[derive(Debug, Default)]
pub struct PartReader {
    total: u32,
    bytes: Vec<u8>,
}

impl PartReader {
    /// Bytes of a transfer that has begun.
    pub fn held(&self) -> usize {
        self.bytes.len()
    }

    /// Takes the next part; gives the whole encoded frame when it was the last.
    ///
    /// # Errors
    /// If the part is out of order, or the transfer exceeds `limit` bytes.
    pub fn take(
        &mut self,
        channel: Channel,
        total: Option<u32>,
        part: &[u8],
        limit: u32,
    ) -> Result<Option<Vec<u8>>, PartError> {
        let under_way = self.total > 0;
        match total {
            Some(total) if !under_way => {
                if total > limit {
                    return Err(PartError::TooLarge { channel: channel.0, total, limit });
                }
                self.total = total;
            }
            None if under_way => {}
            _ => return Err(PartError::OutOfOrder { channel: channel.0 }),
        }
        let total = self.total as usize;
        if part.is_empty() || self.bytes.len() + part.len() > total {
            return Err(PartError::WrongSize { channel: channel.0, total: self.total });
        }
        self.bytes.extend_from_slice(part);
        if self.bytes.len() < total {
            return Ok(None);
        }
        self.total = 0;
        Ok(Some(core::mem::take(&mut self.bytes)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHANNEL: Channel = Channel(3);

    #[test]
    fn parts_make_the_frame_again() {
        let frame: Vec<u8> = (0..100).collect();
        let mut reader = PartReader::default();
        let mut whole = None;
        encode_in_parts(&frame, 30, |total, bytes| {
            assert_eq!(whole, None);
            whole = reader.take(CHANNEL, total, bytes, 100).unwrap();
        });
        assert_eq!(whole, Some(frame));
    }

    #[test]
    fn what_was_not_announced_is_refused() {
        let mut reader = PartReader::default();
        assert!(matches!(reader.take(CHANNEL, Some(101), b"x", 100), Err(PartError::TooLarge { .. })));
        assert!(matches!(reader.take(CHANNEL, None, b"x", 100), Err(PartError::OutOfOrder { .. })));
        assert_eq!(reader.held(), 0);
        assert_eq!(reader.take(CHANNEL, Some(3), b"ab", 100), Ok(None));
        assert_eq!(reader.held(), 2);
        assert!(matches!(reader.take(CHANNEL, Some(3), b"c", 100), Err(PartError::OutOfOrder { .. })));
        assert!(matches!(reader.take(CHANNEL, None, b"cd", 100), Err(PartError::WrongSize { .. })));
        assert!(matches!(reader.take(CHANNEL, None, b"", 100), Err(PartError::WrongSize { .. })));
        assert_eq!(reader.take(CHANNEL, None, b"c", 100), Ok(Some(b"abc".to_vec())));
    }
}
