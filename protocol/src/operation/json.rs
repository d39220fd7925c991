//! A JSON value as canonical text: what an attribute and an embed hold.

use alloc::string::String;
use alloc::sync::Arc;

use thiserror::Error;

use super::json_scanner::{Scanner, write_string};

/// How many arrays and objects may stand inside each other in a value.
pub(super) const JSON_DEPTH: u32 = 32;

/// A JSON value that is never looked into: its canonical compact text.
///
/// Canonical means: no white space, the keys of an object in the order of their UTF-8
/// bytes and each once (the last one read counts), strings with no more escapes than
/// JSON demands, numbers as they were written. Two values are equal if their texts are;
/// cloning is free.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Json(Arc<str>);

impl Json {
    /// Reads a value. Linear in the text.
    ///
    /// # Errors
    /// If the text is no JSON, nests deeper than 32, or escapes half a surrogate pair.
    pub fn parse(text: &str) -> Result<Json, JsonError> {
        let mut scanner = Scanner::new(text);
        let value = Json::read(&mut scanner)?;
        scanner.end()?;
        Ok(value)
    }

    /// Reads the value that comes next.
    pub(super) fn read(scanner: &mut Scanner<'_>) -> Result<Json, JsonError> {
        let mut canonical = String::new();
        scanner.value(&mut canonical, 0)?;
        Ok(Json(canonical.into()))
    }

    /// The value `null`: in the attributes of a retain it removes.
    pub fn null() -> Json {
        Json("null".into())
    }

    /// The value `true`.
    pub fn yes() -> Json {
        Json("true".into())
    }

    /// The value `false`.
    pub fn no() -> Json {
        Json("false".into())
    }

    /// A string.
    pub fn string(string: &str) -> Json {
        let mut canonical = String::with_capacity(string.len() + 2);
        write_string(&mut canonical, string);
        Json(canonical.into())
    }

    /// The canonical text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the value is an object, as an embed must be.
    pub fn is_object(&self) -> bool {
        self.0.starts_with('{')
    }

    /// Whether the value is `null`.
    pub fn is_null(&self) -> bool {
        &*self.0 == "null"
    }
}

/// Why a text is not a value that an attribute or an embed can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum JsonError {
    /// The text is no JSON.
    #[error("not JSON at byte {at}")]
    Malformed {
        /// Where reading stopped.
        at: u32,
    },
    /// Arrays and objects stand too deep inside each other.
    #[error("JSON nested deeper than {limit} at byte {at}")]
    TooDeep {
        /// The limit.
        limit: u32,
        /// Where reading stopped.
        at: u32,
    },
    /// A `\u` escape is half a surrogate pair, which no text can hold: align the edit to pairs.
    #[error("half a surrogate pair at byte {at}")]
    LoneSurrogate {
        /// Where the escape stands.
        at: u32,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, canonical: &str) {
        assert_eq!(Json::parse(text).unwrap().as_str(), canonical, "{text}");
    }

    #[test]
    fn equal_values_have_one_text() {
        check(" { \"b\" : [ 1 , -2.50e+3 , true ] , \"a\" : null } ", r#"{"a":null,"b":[1,-2.50e+3,true]}"#);
        check(r#"{"a":1,"a":2,"A":3,"a":{"z":0,"y":0}}"#, r#"{"A":3,"a":{"y":0,"z":0}}"#);
        check(r#""\u0041\/\n\u0001\ud83c\udfc6é""#, "\"A/\\n\\u0001🏆é\"");
        check(r#"{"a":1,"b":0,"b":2}"#, r#"{"a":1,"b":2}"#);
        check("[1e-5,1E+5,0e5,-0.5e5]", "[1e-5,1E+5,0e5,-0.5e5]");
        check("[]", "[]");
        check("{}", "{}");
    }

    #[test]
    fn what_is_no_json_is_refused() {
        for text in [
            "", " ", "nul", "tru", "01", "1.", "1e", "-", "+1", ".5", "[1,]", "{\"a\"}", "{a:1}", "\"", "\"\n\"",
            "1 2", "1e+-5",
        ] {
            assert!(matches!(Json::parse(text), Err(JsonError::Malformed { .. })), "{text}");
        }
        for text in [r#""\ud83c""#, r#""\udfc6\ud83c""#, r#""\ud83cx""#, r#""\ud83c\u0041""#, r#""\udfc6""#] {
            assert!(matches!(Json::parse(text), Err(JsonError::LoneSurrogate { .. })), "{text}");
        }
        for text in [r#""\x""#, r#""\u12""#, r#""\ud83c\u1""#] {
            assert!(matches!(Json::parse(text), Err(JsonError::Malformed { .. })), "{text}");
        }
    }

    #[test]
    fn depth_is_bounded_whatever_comes() {
        let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
        assert!(Json::parse(&nested(32)).is_ok());
        assert!(matches!(Json::parse(&nested(33)), Err(JsonError::TooDeep { limit: 32, .. })));
        assert!(matches!(Json::parse(&"{\"a\":".repeat(100_000)), Err(JsonError::TooDeep { .. })));
    }
}
