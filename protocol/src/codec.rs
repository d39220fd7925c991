//! Frames to bytes and back.
//!
//! A message is one frame or several, one after another, consumed to its last byte. A
//! frame starts with its kind, one byte below 128. Kinds from 64 to 127 are ignorable: a
//! length follows the kind, and who does not know the kind skips it. Version 1 has none.

use alloc::vec::Vec;

use serde::Serialize;
use thiserror::Error;

use crate::frame::{ClientFrame, ServerFrame};

/// Why a message cannot be read. It ends the connection: nothing behind the fault can
/// be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The message is larger than the limit.
    #[error("a message of {bytes} bytes, the limit is {limit}")]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The limit.
        limit: usize,
    },
    /// A frame of an unknown kind that may not be ignored, or one that does not hold
    /// what its kind says.
    #[error("no frame can be read at byte {at}")]
    Malformed {
        /// Offset of the frame in the message.
        at: usize,
    },
}

/// Appends one frame of a client.
pub fn encode_client(frame: &ClientFrame<'_>, into: &mut Vec<u8>) {
    encode(frame, into);
}

/// Appends one frame of the server.
pub fn encode_server(frame: &ServerFrame<'_>, into: &mut Vec<u8>) {
    encode(frame, into);
}

/// Reads the frames of a client's message one after another; ends after the first error.
pub fn decode_client(message: &[u8], limit: usize) -> Frames<'_, ClientFrame<'_>> {
    Frames::new(message, limit, |bytes| postcard::take_from_bytes(bytes).ok())
}

/// Reads the frames of a server's message one after another; ends after the first error.
pub fn decode_server(message: &[u8], limit: usize) -> Frames<'_, ServerFrame<'_>> {
    Frames::new(message, limit, ServerFrame::read)
}

/// The frames of one message, read one at a time.
pub struct Frames<'a, F> {
    rest: &'a [u8],
    size: usize,
    failed: Option<DecodeError>,
    read: Read<'a, F>,
}

/// Reads one frame, and gives the bytes behind it.
type Read<'a, F> = fn(&'a [u8]) -> Option<(F, &'a [u8])>;

impl<'a, F> Frames<'a, F> {
    fn new(message: &'a [u8], limit: usize, read: Read<'a, F>) -> Self {
        let size = message.len();
        let failed = (size > limit).then_some(DecodeError::TooLarge { bytes: size, limit });
        Frames { rest: message, size, failed, read }
    }
}

impl<F> Iterator for Frames<'_, F> {
    type Item = Result<F, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if let Some(error) = self.failed.take() {
            self.rest = &[];
            return Some(Err(error));
        }
        loop {
            let at = self.size - self.rest.len();
            let malformed = DecodeError::Malformed { at };
            let kind = *self.rest.first()?;
            // Postcard would take a kind in two bytes, of which the first is not the kind.
            if kind >= 128 {
                self.rest = &[];
                return Some(Err(malformed));
            }
            if (64..128).contains(&kind) {
                match postcard::take_from_bytes::<&[u8]>(&self.rest[1..]) {
                    Ok((_, rest)) => self.rest = rest,
                    Err(_) => {
                        self.rest = &[];
                        return Some(Err(malformed));
                    }
                }
                continue;
            }
            return Some(match (self.read)(self.rest) {
                Some((frame, rest)) => {
                    self.rest = rest;
                    Ok(frame)
                }
                None => {
                    self.rest = &[];
                    Err(malformed)
                }
            });
        }
    }
}

fn encode<F: Serialize>(frame: &F, into: &mut Vec<u8>) {
    let written = postcard::serialize_with_flavor(frame, Appending(into));
    // Frames hold only lengths, numbers and bytes that are in memory, and the flavor
    // below never fails, so neither does writing them.
    debug_assert!(written.is_ok());
}

/// Writes behind what a vector holds already, so that frames share one allocation.
struct Appending<'a>(&'a mut Vec<u8>);

impl postcard::ser_flavors::Flavor for Appending<'_> {
    type Output = ();

    fn try_push(&mut self, byte: u8) -> postcard::Result<()> {
        self.0.push(byte);
        Ok(())
    }

    fn try_extend(&mut self, bytes: &[u8]) -> postcard::Result<()> {
        self.0.extend_from_slice(bytes);
        Ok(())
    }

    fn finalize(self) -> postcard::Result<()> {
        Ok(())
    }
}
