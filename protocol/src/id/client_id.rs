//! The name of one client of one document: the half of an edit's identity that
//! survives its socket.

use core::fmt;
use core::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Epoch;

/// 128 bits, random where a client is named by them; bound to one user in the log.
///
/// Shown as 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId([u8; 16]);

impl ClientId {
    /// The id made of these bytes; a client's must be random in at least 96 bits.
    pub const fn from_bytes(bytes: [u8; 16]) -> ClientId {
        ClientId(bytes)
    }

    /// The bytes of the id.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The name under which lost work is restored into `epoch`.
    ///
    /// It depends on the epoch alone, so the log's own rule (one entry a client id and
    /// client_seq) lets the first restoration win and answers every later one.
    /// No client may open a document under such a name: [`ClientId::is_reserved`].
    pub const fn restoration(epoch: Option<Epoch>) -> ClientId {
        ClientId::reserved(*RESTORATION, epoch)
    }

    /// The name under which the document is deleted in `epoch`.
    pub const fn deletion(epoch: Option<Epoch>) -> ClientId {
        ClientId::reserved(*DELETION, epoch)
    }

    /// Whether lost work is restored under this name, in whatever epoch.
    pub fn is_restoration(&self) -> bool {
        self.0.starts_with(RESTORATION)
    }

    /// Whether a document is deleted under this name, in whatever epoch.
    pub fn is_deletion(&self) -> bool {
        self.0.starts_with(DELETION)
    }

    /// Whether the id is one that the server alone writes under.
    pub fn is_reserved(&self) -> bool {
        self.is_restoration() || self.is_deletion()
    }

    const fn reserved(p: [u8; 8], epoch: Option<Epoch>) -> ClientId {
        let name = match epoch {
            Some(epoch) => epoch.get(),
            None => 0,
        };
        let e = name.to_be_bytes();
        ClientId([p[0], p[1], p[2], p[3], p[4], p[5], p[6], p[7], e[0], e[1], e[2], e[3], e[4], e[5], e[6], e[7]])
    }
}

const RESTORATION: &[u8; 8] = b"\0restore";
const DELETION: &[u8; 8] = b"\0deleted";

/// Why a text is not a [`ClientId`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("a client id is written as 32 hexadecimal digits")]
pub struct ParseClientIdError;

impl FromStr for ClientId {
    type Err = ParseClientIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.as_bytes();
        if digits.len() != 32 {
            return Err(ParseClientIdError);
        }
        let mut bytes = [0; 16];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
        }
        Ok(ClientId(bytes))
    }
}

fn hex_digit(digit: u8) -> Result<u8, ParseClientIdError> {
    match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err(ParseClientIdError),
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_what_it_shows() {
        let id = ClientId::from_bytes(*b"0123456789abcdef");
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("0g".repeat(16).parse::<ClientId>(), Err(ParseClientIdError));
        assert_eq!("00".parse::<ClientId>(), Err(ParseClientIdError));
    }

    #[test]
    fn restorations_of_two_epochs_have_two_names() {
        let first = ClientId::restoration(Epoch::new(1));
        assert!(first.is_reserved());
        assert_ne!(first, ClientId::restoration(None));
        let deletion = ClientId::deletion(Epoch::new(1));
        assert!(deletion.is_reserved() && deletion.is_deletion() && !deletion.is_restoration());
        assert_ne!(first, deletion);
        assert!(!ClientId::from_bytes(*b"0123456789abcdef").is_reserved());
    }
}
