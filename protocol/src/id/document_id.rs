//! The name of a document, as the application chose it.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// The name of a document: 1 to 128 bytes out of `A–Z a–z 0–9 . _ ~ : -`, the first
/// of them a letter or a digit. Compared byte by byte.
///
/// The grammar leaves out all that has a meaning in a path, a Redis key or a log
/// line, so an id can be put into any of them as it stands.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct DocumentId(Box<str>);

impl DocumentId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`DocumentId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseDocumentIdError {
    /// The text is empty or longer than [`DocumentId::MAX_BYTES`]; choose a shorter name.
    #[error("a document id has 1 to {max} bytes, this one has {bytes}", max = DocumentId::MAX_BYTES)]
    Length {
        /// Bytes of the refused text.
        bytes: usize,
    },
    /// A byte that an id may not hold.
    #[error("byte {at} of the document id is not one of A-Z a-z 0-9 . _ ~ : - or may not come first")]
    Character {
        /// Offset of the byte, from 0.
        at: usize,
    },
}

impl FromStr for DocumentId {
    type Err = ParseDocumentIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(ParseDocumentIdError::Length { bytes: text.len() });
        }
        let allowed = |at: usize, byte: u8| {
            byte.is_ascii_alphanumeric() || (at > 0 && matches!(byte, b'.' | b'_' | b'~' | b':' | b'-'))
        };
        match text.bytes().enumerate().find(|&(at, byte)| !allowed(at, byte)) {
            Some((at, _)) => Err(ParseDocumentIdError::Character { at }),
            None => Ok(DocumentId(text.into())),
        }
    }
}

impl fmt::Display for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for DocumentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for DocumentId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("document id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_grammar_keeps_paths_keys_and_lines_whole() {
        for good in ["a", "notes", "org:42", "A.b_c~d-e", &"x".repeat(128)] {
            assert_eq!(good.parse::<DocumentId>().map(|id| id.as_str().to_owned()), Ok(good.to_owned()));
        }
        for bad in ["../a", "a/b", "{a}", "a b", "a\0", "a\n", "ä", "*", "%2e", ".hidden", "-x", "a\u{202e}"] {
            assert!(matches!(bad.parse::<DocumentId>(), Err(ParseDocumentIdError::Character { .. })), "{bad:?}");
        }
        for bad in ["", &"x".repeat(129)] {
            assert_eq!(bad.parse::<DocumentId>(), Err(ParseDocumentIdError::Length { bytes: bad.len() }));
        }
    }
}
