//! Secrets that sign.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A secret for HMAC-SHA256, shared with the application. Never shown.
#[derive(Clone)]
pub struct Secret(Vec<u8>);

/// Why a text is too weak to sign with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a secret has at least {least} bytes, this one has {bytes}: make one with `openssl rand -base64 48`",
    least = Secret::LEAST_BYTES
)]
pub struct WeakSecret {
    /// How many bytes it has.
    pub bytes: usize,
}

impl Secret {
    /// Fewer bytes than the hash has could be guessed from one token, at leisure.
    pub const LEAST_BYTES: usize = 32;

    /// What is signed with: the text as it was given, byte by byte.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.0
    }
}

impl FromStr for Secret {
    type Err = WeakSecret;

    /// White space around the text is not of the secret: files end with a line break.
    fn from_str(text: &str) -> Result<Secret, WeakSecret> {
        let text = text.trim();
        if text.len() < Secret::LEAST_BYTES {
            return Err(WeakSecret { bytes: text.len() });
        }
        Ok(Secret(text.as_bytes().to_vec()))
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Secret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weak_secret_is_none_and_no_secret_is_shown() {
        let strong = "0123456789abcdef0123456789abcdef";
        assert_eq!(format!("{strong}\n").parse::<Secret>().unwrap().bytes(), strong.as_bytes());
        assert!(!format!("{:?}", strong.parse::<Secret>()).contains("0123"));
        assert_eq!(strong[1..].parse::<Secret>().unwrap_err(), WeakSecret { bytes: 31 });
        assert!(" ".repeat(64).parse::<Secret>().is_err());
    }
}
