//! One thing that was taken back, and the line that it is written as.

use std::fmt;
use std::str::FromStr;

use cowrite_protocol::{DocumentId, UserId};
use thiserror::Error;

use crate::auth::Identity;

/// Something that a user had and has no more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// Whose.
    pub user: UserId,
    /// The right to this document alone; `None`: tokens as a whole.
    pub document: Option<DocumentId>,
    /// Of this token alone; `None`: of every token issued until `issued_before`.
    pub token: Option<TokenName>,
    /// In seconds since 1970: what was issued at this second or before is meant.
    pub issued_before: u64,
    /// When it was stored, in milliseconds since 1970, by the clock of what stores it.
    pub at_ms: u64,
}

/// What somebody wants to be revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevocationRequest {
    /// Whose.
    pub user: UserId,
    /// As [`Revocation::document`].
    pub document: Option<DocumentId>,
    /// As [`Revocation::token`].
    pub token: Option<TokenName>,
    /// As [`Revocation::issued_before`]; `None`: now.
    pub issued_before: Option<u64>,
}

/// The name of a token (`jti`): 1 to 256 bytes without control characters.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TokenName(Box<str>);

/// Why a text is no [`TokenName`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the name of a token has 1 to {max} bytes and no control characters, this one has {bytes} bytes", max = TokenName::MAX_BYTES)]
pub struct TokenNameError {
    /// How many it has.
    pub bytes: usize,
}

impl Revocation {
    /// Whether it is about this token.
    pub fn concerns(&self, identity: &Identity) -> bool {
        let meant = match &self.token {
            Some(token) => identity.token.as_deref() == Some(token.as_str()),
            None => identity.issued.is_none_or(|issued| issued <= self.issued_before),
        };
        meant && identity.user == self.user
    }

    /// Whether it says all that `other` says.
    pub(super) fn covers(&self, other: &Revocation) -> bool {
        let same = self.user == other.user && self.document == other.document && self.token == other.token;
        same && (self.token.is_some() || self.issued_before >= other.issued_before)
    }

    /// After this time, in milliseconds since 1970, every token that it means has ended, if none
    /// lives longer than `kept_ms`.
    pub fn matters_until(&self, kept_ms: u64) -> u64 {
        self.at_ms.max(self.issued_before.saturating_mul(1_000)).saturating_add(kept_ms)
    }

    /// One line, without its end. No field can hold the sign between them.
    pub(super) fn to_line(&self) -> String {
        let document = self.document.as_ref().map_or("", DocumentId::as_str);
        let token = self.token.as_ref().map_or("", TokenName::as_str);
        let (at, issued) = (self.at_ms, self.issued_before);
        format!("{FORM}{BETWEEN}{at}{BETWEEN}{issued}{BETWEEN}{}{BETWEEN}{document}{BETWEEN}{token}", self.user)
    }

    /// What [`Revocation::to_line`] has written.
    pub(super) fn of_line(line: &str) -> Option<Revocation> {
        let fields: Vec<&str> = line.split(BETWEEN).collect();
        let [FORM, at, issued, user, document, token] = fields[..] else { return None };
        Some(Revocation {
            user: user.parse().ok()?,
            document: if document.is_empty() { None } else { Some(document.parse().ok()?) },
            token: if token.is_empty() { None } else { Some(token.parse().ok()?) },
            issued_before: issued.parse().ok()?,
            at_ms: at.parse().ok()?,
        })
    }
}

/// The first field of a line; a later form has another.
pub(super) const FORM: &str = "1";

/// A control character, which neither users, documents nor tokens hold.
pub(super) const BETWEEN: char = '\u{1f}';

impl RevocationRequest {
    /// What is stored for it at this time.
    pub(super) fn at(self, now_ms: u64) -> Revocation {
        let issued_before = self.issued_before.unwrap_or(now_ms / 1_000);
        Revocation { user: self.user, document: self.document, token: self.token, issued_before, at_ms: now_ms }
    }
}

impl TokenName {
    /// The longest, in bytes.
    pub const MAX_BYTES: usize = 256;

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for TokenName {
    type Err = TokenNameError;

    fn from_str(text: &str) -> Result<TokenName, TokenNameError> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len()) && !text.chars().any(char::is_control);
        if fits { Ok(TokenName(text.into())) } else { Err(TokenNameError { bytes: text.len() }) }
    }
}

impl fmt::Display for TokenName {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_reads_back() {
        let whole = Revocation {
            user: "a b{c}é".parse().unwrap(),
            document: Some("org:42".parse().unwrap()),
            token: Some("t-1".parse().unwrap()),
            issued_before: 1_700_000_000,
            at_ms: 1_700_000_000_123,
        };
        let bare = Revocation { document: None, token: None, ..whole.clone() };
        for revocation in [whole, bare] {
            assert_eq!(Revocation::of_line(&revocation.to_line()), Some(revocation));
        }
        for bad in ["", "1", "2\u{1f}1\u{1f}1\u{1f}a\u{1f}\u{1f}", "1\u{1f}x\u{1f}1\u{1f}a\u{1f}\u{1f}"] {
            assert_eq!(Revocation::of_line(bad), None, "{bad:?}");
        }
    }

    #[test]
    fn a_token_is_named_by_plain_text() {
        for bad in ["", "a\u{1f}b", "a\nb", &"x".repeat(257)] {
            assert!(bad.parse::<TokenName>().is_err(), "{bad:?}");
        }
    }
}
