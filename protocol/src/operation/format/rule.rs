//! What one value may be.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::UrlRule;
use crate::operation::json_scanner::Scanner;
use crate::text::Utf16Length;

/// What the value of an attribute or an embed may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Anything.
    Any,
    /// `true` or `false`.
    Boolean,
    /// A number without fraction and exponent.
    Integer {
        /// The smallest.
        least: i64,
        /// The greatest.
        most: i64,
    },
    /// One of these strings.
    OneOf(Vec<String>),
    /// A string.
    Text(TextRule),
    /// A string that is an address.
    Url(UrlRule),
    /// An object with some of these members, and no others.
    Object(BTreeMap<String, Rule>),
    /// What one of these admits.
    Either(Vec<Rule>),
}

/// What a string may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextRule {
    /// Its greatest length.
    pub length: Utf16Length,
    /// The characters that it may have; `None`: all.
    pub letters: Option<String>,
}

impl Rule {
    /// Whether a value, in its canonical text, may be. Linear in the text, for each rule that is asked.
    pub(super) fn admits(&self, value: &str) -> bool {
        match self {
            Rule::Any => true,
            Rule::Boolean => matches!(value, "true" | "false"),
            Rule::Integer { least, most } => value.parse().is_ok_and(|number| (*least..=*most).contains(&number)),
            Rule::OneOf(words) => string(value).is_some_and(|text| words.contains(&text)),
            Rule::Text(rule) => string(value).is_some_and(|text| rule.admits(&text)),
            Rule::Url(rule) => string(value).is_some_and(|text| rule.admits(&text)),
            Rule::Object(known) => {
                members(value, &mut |name, value| known.get(name).is_some_and(|rule| rule.admits(value)))
            }
            Rule::Either(rules) => rules.iter().any(|rule| rule.admits(value)),
        }
    }
}

impl TextRule {
    /// Whether a string may be. Linear in it.
    fn admits(&self, text: &str) -> bool {
        let letters = |letters: &String| text.chars().all(|letter| letters.contains(letter));
        Utf16Length::of(text) <= self.length && self.letters.as_ref().is_none_or(letters)
    }
}

/// The string that a value is.
fn string(value: &str) -> Option<String> {
    if value.starts_with('"') { Scanner::new(value).string().ok() } else { None }
}

/// Whether a value is an object all of whose members `holds` is true of; stops at the first that it is not.
pub(super) fn members(value: &str, holds: &mut dyn FnMut(&str, &str) -> bool) -> bool {
    let mut scanner = Scanner::new(value);
    if !scanner.accept(b'{') {
        return false;
    }
    if scanner.accept(b'}') {
        return true;
    }
    loop {
        let Ok(name) = scanner.string() else { return false };
        let mut member = String::new();
        if !scanner.accept(b':') || scanner.value(&mut member, 0).is_err() || !holds(&name, &member) {
            return false;
        }
        if !scanner.accept(b',') {
            return scanner.accept(b'}');
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(rule: &Rule, good: &[&str], bad: &[&str]) {
        let canonical = |value: &str| crate::operation::Json::parse(value).unwrap();
        good.iter().for_each(|value| assert!(rule.admits(canonical(value).as_str()), "{value} is refused"));
        bad.iter().for_each(|value| assert!(!rule.admits(canonical(value).as_str()), "{value} is admitted"));
    }

    fn text(length: u32, letters: Option<&str>) -> Rule {
        Rule::Text(TextRule { length: Utf16Length(length), letters: letters.map(str::to_owned) })
    }

    #[test]
    fn each_kind_of_value() {
        check(&Rule::Any, &["1", "{}", "[[]]", "null", "\"x\""], &[]);
        check(&Rule::Boolean, &["true", "false"], &["null", "1", "\"true\"", "[true]", "{}"]);
        let from_to = Rule::Integer { least: -1, most: 6 };
        check(
            &from_to,
            &["-1", "0", "6"],
            &["-2", "7", "1.5", "1.0", "1e0", "\"1\"", "9999999999999999999999", "true"],
        );
        let words = Rule::OneOf(vec!["bullet".to_owned(), "a\"b".to_owned()]);
        check(
            &words,
            &["\"bullet\"", r#""a\"b""#, r#""\u0062ullet""#],
            &["\"Bullet\"", "\"\"", "true", "[\"bullet\"]"],
        );
    }

    #[test]
    fn lengths_are_utf_16_code_units() {
        check(
            &text(2, None),
            &["\"\"", "\"ab\"", "\"日本\"", "\"🏆\"", r#""\n\n""#],
            &["\"abc\"", "\"🏆a\"", "1", "{}"],
        );
        check(&text(9, Some("qQ1")), &["\"\"", "\"qQ1q\""], &["\"qb\"", "\"q \""]);
    }

    #[test]
    fn an_object_has_known_members_only() {
        let link = Rule::Object(BTreeMap::from([
            ("href".to_owned(), text(5, None)),
            ("inner".to_owned(), Rule::Object(BTreeMap::from([("on".to_owned(), Rule::Boolean)]))),
        ]));
        check(
            &link,
            &["{}", r#"{"href":"a"}"#, r#"{"href":"a","inner":{"on":true}}"#],
            &[r#"{"href":1}"#, r#"{"href":"a","onclick":"b"}"#, r#"{"inner":{"on":{}}}"#, "[]", "\"a\"", "true"],
        );
        check(&Rule::Either(vec![Rule::Boolean, link]), &["true", "{}"], &["1", "[]"]);
        check(&Rule::Either(Vec::new()), &[], &["1"]);
    }
}
