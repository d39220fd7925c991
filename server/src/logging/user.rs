//! Users in log lines: not their names, but something to follow one by.

use std::fmt;
use std::hash::Hasher;
use std::str::FromStr;
use std::sync::OnceLock;

use cowrite_protocol::UserId;
use siphasher::sip::SipHasher24;
use thiserror::Error;

/// The key under which users are hashed in log lines. The same on all servers of a deployment, if
/// one wants to follow a user over them and restarts; else each process has one of its own.
#[derive(Clone, PartialEq, Eq)]
pub struct LogKey([u8; 16]);

/// Why a text is no key.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("a key for users in log lines has {least} to {most} bytes, this one has {bytes}", least = LogKey::LEAST_BYTES, most = LogKey::MOST_BYTES)]
pub struct LogKeyError {
    /// The length of the text.
    pub bytes: usize,
}

static KEY: OnceLock<LogKey> = OnceLock::new();

impl LogKey {
    /// Fewer bytes could be guessed.
    pub const LEAST_BYTES: usize = 16;
    /// More bytes are a mistake.
    pub const MOST_BYTES: usize = 1_024;

    /// Hashes users under this key from here on; only the first call in a process counts.
    pub fn install(self) {
        let _ = KEY.set(self);
    }

    /// The user as log lines under this key show them: 16 hexadecimal digits of SipHash-2-4.
    pub fn hash(&self, user: &UserId) -> String {
        let mut hasher = SipHasher24::new_with_key(&self.0);
        hasher.write(user.as_str().as_bytes());
        format!("{:016x}", hasher.finish())
    }

    fn random() -> LogKey {
        let mut key = [0; 16];
        // Without randomness from the system no connection could be made either.
        let _ = getrandom::fill(&mut key);
        LogKey(key)
    }
}

impl FromStr for LogKey {
    type Err = LogKeyError;

    fn from_str(text: &str) -> Result<LogKey, LogKeyError> {
        let bytes = text.len();
        if !(LogKey::LEAST_BYTES..=LogKey::MOST_BYTES).contains(&bytes) {
            return Err(LogKeyError { bytes });
        }
        let half = |which: u8| {
            let mut hasher = SipHasher24::new_with_key(&[which; 16]);
            hasher.write(text.as_bytes());
            hasher.finish().to_le_bytes()
        };
        let mut key = [0; 16];
        key[..8].copy_from_slice(&half(1));
        key[8..].copy_from_slice(&half(2));
        Ok(LogKey(key))
    }
}

impl fmt::Debug for LogKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("LogKey(..)")
    }
}

/// A user as a log line shows them: `user = %LoggedUser(&user)`.
#[derive(Clone, Copy)]
pub struct LoggedUser<'a>(pub &'a UserId);

impl fmt::Display for LoggedUser<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&KEY.get_or_init(LogKey::random).hash(self.0))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_the_same_under_one_key_and_nobody_under_another() {
        let (ann, bob): (UserId, UserId) = ("ann".parse().unwrap(), "bob".parse().unwrap());
        let key = "a key of a deployment".parse::<LogKey>().unwrap();
        let other = "the key of another".parse::<LogKey>().unwrap();
        assert_eq!(key.hash(&ann), key.hash(&ann));
        assert_eq!(key.hash(&ann).len(), 16);
        assert_ne!(key.hash(&ann), key.hash(&bob));
        assert_ne!(key.hash(&ann), other.hash(&ann));
        assert_eq!(LoggedUser(&ann).to_string(), LoggedUser(&ann).to_string());
        assert!(!LoggedUser(&ann).to_string().contains("ann"));
    }

    #[test]
    fn a_key_that_is_too_short_is_refused_and_none_is_shown() {
        assert_eq!("short".parse::<LogKey>(), Err(LogKeyError { bytes: 5 }));
        assert_eq!(format!("{:?}", "a key of a deployment".parse::<LogKey>().unwrap()), "LogKey(..)");
    }
}
