//! The key by which the application's own servers speak to this one.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// A secret shared with the application's servers. Never shown, and compared in constant time.
#[derive(Clone)]
pub struct ApiKey(String);

/// Why a text is no key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an API key has at least {LEAST} printable ASCII characters without spaces, this has {length} characters")]
pub struct ApiKeyError {
    /// How many it has.
    pub length: usize,
}

/// Fewer could be guessed.
const LEAST: usize = 16;

impl ApiKey {
    /// Whether this is the key. The time that it takes depends on the length of `offered` alone.
    pub fn is(&self, offered: &str) -> bool {
        let key = self.0.as_bytes();
        let mut different = usize::from(key.len() != offered.len());
        for (index, byte) in offered.bytes().enumerate() {
            different |= usize::from(byte ^ key[index % key.len()]);
        }
        std::hint::black_box(different) == 0
    }
}

impl FromStr for ApiKey {
    type Err = ApiKeyError;

    fn from_str(text: &str) -> Result<ApiKey, ApiKeyError> {
        let good = text.len() >= LEAST && text.bytes().all(|byte| byte.is_ascii_graphic());
        if good { Ok(ApiKey(text.to_owned())) } else { Err(ApiKeyError { length: text.chars().count() }) }
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("ApiKey(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_key_is_the_key() {
        let key: ApiKey = "0123456789abcdef".parse().unwrap();
        assert!(key.is("0123456789abcdef"));
        for other in
            ["", "0", "0123456789abcdeg", "0123456789abcde", "0123456789abcdef0", "0123456789abcdef0123456789abcdef"]
        {
            assert!(!key.is(other), "{other}");
        }
        assert!(!format!("{key:?}").contains("0123"));
        assert!("short".parse::<ApiKey>().is_err());
        assert!("with space 0123456789".parse::<ApiKey>().is_err());
    }
}
