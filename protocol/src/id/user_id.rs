//! The name of a user, as the application's token says it.

use alloc::boxed::Box;
use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize};
use thiserror::Error;

/// The name of a user: 1 to 128 bytes of UTF-8 without control characters.
///
/// The server stamps it; no client ever chooses its own.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
pub struct UserId(Box<str>);

impl UserId {
    /// The longest id, in bytes.
    pub const MAX_BYTES: usize = 128;

    /// What stands in the place of an id where none could be read; no user has it.
    pub(crate) fn none() -> UserId {
        UserId(Box::default())
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// Why a text is not a [`UserId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ParseUserIdError {
    /// The text is empty or longer than [`UserId::MAX_BYTES`].
    #[error("a user id has 1 to {max} bytes, this one has {bytes}", max = UserId::MAX_BYTES)]
    Length {
        /// Bytes of the refused text.
        bytes: usize,
    },
    /// The text holds a control character.
    #[error("a user id holds no control characters, this one does")]
    Control,
}

impl FromStr for UserId {
    type Err = ParseUserIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() || text.len() > Self::MAX_BYTES {
            return Err(ParseUserIdError::Length { bytes: text.len() });
        }
        if text.chars().any(char::is_control) {
            return Err(ParseUserIdError::Control);
        }
        Ok(UserId(text.into()))
    }
}

impl fmt::Display for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for UserId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for UserId {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = <&str>::deserialize(deserializer)?;
        text.parse().map_err(|_| serde::de::Error::custom("user id"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_some_text_of_one_line_that_is_told_as_it_is() {
        for good in ["a", "ann@example.com", "Zoë", &"x".repeat(UserId::MAX_BYTES)] {
            let id: UserId = good.parse().unwrap();
            assert_eq!((id.as_str(), id.to_string().as_str(), format!("{id:?}").as_str()), (good, good, good));
        }
        for bad in ["", &"x".repeat(UserId::MAX_BYTES + 1), &"x".repeat(2 * UserId::MAX_BYTES)] {
            assert_eq!(bad.parse::<UserId>(), Err(ParseUserIdError::Length { bytes: bad.len() }));
        }
        for bad in ["a\nb", "a\0", "\u{7f}"] {
            assert_eq!(bad.parse::<UserId>(), Err(ParseUserIdError::Control));
        }
    }
}
