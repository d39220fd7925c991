//! Which addresses a value may be.

use alloc::string::String;
use alloc::vec::Vec;

use crate::text::Utf16Length;

/// What an address may be.
///
/// It is read as browsers read one, and more strictly: they skip white space and control
/// characters at its ends, and some within, so that `java\nscript:` is a script. Here no address has any.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlRule {
    /// The schemes that it may have, in lower case, such as `https`.
    pub schemes: Vec<String>,
    /// The media types, in lower case, that it may contain in itself as `data:`, such as `image/png`.
    pub data: Vec<String>,
    /// Whether it may be relative to the page, such as `#top` and `/images/a.png`.
    pub relative: bool,
    /// Its greatest length.
    pub length: Utf16Length,
}

impl UrlRule {
    /// Whether an address may be. Linear in it.
    pub(super) fn admits(&self, url: &str) -> bool {
        let odd = |letter: char| letter.is_control();
        if Utf16Length::of(url) > self.length || url.contains(odd) || url.trim() != url {
            return false;
        }
        match url.split_once([':', '/', '?', '#']) {
            Some((scheme, rest)) if url.as_bytes().get(scheme.len()) == Some(&b':') => {
                let is = |known: &String| known.eq_ignore_ascii_case(scheme);
                self.schemes.iter().any(is) || (scheme.eq_ignore_ascii_case("data") && self.contains_data(rest))
            }
            // An address without a scheme has no colon before the first slash.
            _ => self.relative,
        }
    }

    fn contains_data(&self, rest: &str) -> bool {
        let Some((media_type, _)) = rest.split_once([',', ';']) else { return false };
        self.data.iter().any(|known| known.eq_ignore_ascii_case(media_type))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(relative: bool) -> UrlRule {
        let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        UrlRule {
            schemes: words(&["https", "mailto"]),
            data: words(&["image/png"]),
            relative,
            length: Utf16Length(100),
        }
    }

    fn check(rule: &UrlRule, good: &[&str], bad: &[&str]) {
        good.iter().for_each(|url| assert!(rule.admits(url), "{url:?} is refused"));
        bad.iter().for_each(|url| assert!(!rule.admits(url), "{url:?} is admitted"));
    }

    #[test]
    fn a_scheme_is_one_of_those_named_however_it_is_written() {
        check(
            &rule(false),
            &["https://example.org/a?b#c", "HTTPS://example.org", "mailto:a@example.org", "https:"],
            &[
                "http://example.org",
                "javascript:alert(1)",
                "JavaScript:alert(1)",
                "vbscript:x",
                "ftp://x",
                "httpss:x",
                ":",
                "",
            ],
        );
    }

    #[test]
    fn no_disguise_of_a_script_gets_through() {
        check(
            &rule(true),
            &["#top", "/a:b", "?q=javascript:", "a.png", "", "//example.org/x", "ä/b"],
            &[
                " javascript:alert(1)",
                "\u{1}javascript:alert(1)",
                "\u{0}javascript:x",
                "java\nscript:alert(1)",
                "java\tscript:x",
                "jav\u{0}ascript:x",
                "\u{a0}javascript:x",
                "\u{2028}javascript:x",
                "javascript\n:x",
                "javascript:alert(1)//https://x",
                "JAVASCRIPT://%0aalert(1)",
                "blob:https://x",
                "a b:c",
                "ä:b",
                "https ://x",
                "javascript&colon;alert(1):",
                "\u{feff}javascript:alert(1)",
                "x\u{85}",
                "data:text/html,<script>x</script>",
            ],
        );
    }

    #[test]
    fn data_is_of_a_media_type_that_is_named() {
        check(
            &rule(false),
            &["data:image/png;base64,AAAA", "DATA:Image/PNG,x"],
            &[
                "data:image/svg+xml,<svg onload=alert(1)>",
                "data:image/png",
                "data:,x",
                "data:text/html;image/png,x",
                "data:",
            ],
        );
    }

    #[test]
    fn too_long_is_refused() {
        check(&rule(true), &[&"a".repeat(100)], &[&"a".repeat(101), &"🏆".repeat(51)]);
    }
}
