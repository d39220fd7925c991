//! What a token grants by itself, document by document.

use std::fmt;
use std::str::FromStr;

use cowrite_protocol::DocumentId;
use cowrite_protocol::frame::Role;
use thiserror::Error;

/// Roles by document, as a token's claims list them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Grants(Vec<(DocumentPattern, Role)>);

impl Grants {
    /// Those of a list. Its order does not matter.
    pub fn new(grants: Vec<(DocumentPattern, Role)>) -> Grants {
        Grants(grants)
    }

    /// Whether nothing is granted at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What is granted on a document: the exact id decides if it is listed, else the highest role of
    /// the patterns that match; `None` if nothing does. Linear in the list.
    pub fn role(&self, document: &DocumentId) -> Option<Role> {
        let matching = || self.0.iter().filter(|(pattern, _)| pattern.matches(document));
        let exact = matching().filter(|(pattern, _)| pattern.is_exact()).map(|(_, role)| *role).max();
        exact.or_else(|| matching().map(|(_, role)| *role).max())
    }
}

/// A document id, or the beginning of one with `*` behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DocumentPattern {
    start: String,
    exact: bool,
}

/// Why a text is no pattern.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{text:?} is neither a document id nor the beginning of one with a `*` at its end")]
pub struct PatternError {
    /// The text, cut to 64 characters.
    pub text: String,
}

impl DocumentPattern {
    /// Whether it means this document. Ids are compared byte by byte.
    pub fn matches(&self, document: &DocumentId) -> bool {
        match self.exact {
            true => document.as_str() == self.start,
            false => document.as_str().starts_with(&self.start),
        }
    }

    /// Whether it means one document alone.
    pub fn is_exact(&self) -> bool {
        self.exact
    }
}

impl FromStr for DocumentPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<DocumentPattern, PatternError> {
        let (start, exact) = match text.strip_suffix('*') {
            Some(start) => (start, false),
            None => (text, true),
        };
        // `*` alone means every document; any other beginning is one of an id.
        if (!exact && start.is_empty()) || start.parse::<DocumentId>().is_ok() {
            return Ok(DocumentPattern { start: start.to_owned(), exact });
        }
        Err(PatternError { text: text.chars().take(64).collect() })
    }
}

impl fmt::Display for DocumentPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}{}", self.start, if self.exact { "" } else { "*" })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grants(list: &[(&str, Role)]) -> Grants {
        Grants::new(list.iter().map(|(pattern, role)| (pattern.parse().unwrap(), *role)).collect())
    }

    #[test]
    fn the_exact_id_decides_before_any_pattern() {
        let grants = grants(&[("team-*", Role::Editor), ("team-secret", Role::Viewer), ("*", Role::Commenter)]);
        let role = |document: &str| grants.role(&document.parse().unwrap());
        assert_eq!(role("team-notes"), Some(Role::Editor));
        assert_eq!(role("team-secret"), Some(Role::Viewer));
        assert_eq!(role("team-secrets"), Some(Role::Editor));
        assert_eq!(role("other"), Some(Role::Commenter));
        assert_eq!(Grants::default().role(&"other".parse().unwrap()), None);
    }

    #[test]
    fn a_star_stands_at_the_end_or_nowhere() {
        for good in ["*", "a", "a*", "team-*"] {
            assert_eq!(good.parse::<DocumentPattern>().unwrap().to_string(), good);
        }
        for bad in ["", "**", "a*b", "*a", "a b*", "../*", "{x}*"] {
            assert!(bad.parse::<DocumentPattern>().is_err(), "{bad}");
        }
    }
}
