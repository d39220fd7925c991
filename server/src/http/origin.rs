//! Which pages may talk to the server.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, header};
use thiserror::Error;

/// The pages that may talk to the server, by the `Origin` that browsers send with what a page
/// asks for. No page can send another one than its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OriginRule {
    /// Those that may.
    pub allowed: Vec<AllowedOrigin>,
    /// Also those that this machine itself serves, whatever their port.
    pub local: bool,
    /// Programs send no `Origin`. If this is set they must, one that is allowed.
    pub required: bool,
}

/// One origin that is allowed, or all below a domain: `https://app.example.com`,
/// `http://localhost:3000`, `https://*.example.com`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AllowedOrigin {
    /// As browsers write it: lower case, without the scheme's own port. Of a domain what
    /// comes before the `*`.
    start: String,
    /// Of a domain what comes after the `*`: the dot, the domain, the port.
    domain: Option<String>,
}

/// Why a text is no origin that could be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error(
    "`{text}` is no origin: {reason}; it looks like https://app.example.com, http://localhost:3000 or https://*.example.com"
)]
pub struct ParseOriginError {
    text: String,
    reason: &'static str,
}

impl OriginRule {
    /// Whether a request with these headers comes from where it may.
    pub(super) fn allows(&self, headers: &HeaderMap) -> bool {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) => !self.required,
            (Some(origin), None) => self.allows_origin(origin.as_bytes()),
            // No browser sends two.
            (Some(_), Some(_)) => false,
        }
    }

    /// Whether pages of this origin may. Compared byte by byte: browsers write an origin in
    /// one form only, and `null` stands for a page that has none.
    pub(super) fn allows_origin(&self, origin: &[u8]) -> bool {
        self.local && is_local(origin) || self.allowed.iter().any(|allowed| allowed.matches(origin))
    }
}

impl AllowedOrigin {
    fn matches(&self, origin: &[u8]) -> bool {
        let Some(domain) = &self.domain else { return origin == self.start.as_bytes() };
        let labels = origin.strip_prefix(self.start.as_bytes()).and_then(|rest| rest.strip_suffix(domain.as_bytes()));
        // Whole labels in between, and nothing that could end the host earlier.
        labels.is_some_and(|labels| labels.split(|byte| *byte == b'.').all(is_label))
    }
}

impl FromStr for AllowedOrigin {
    type Err = ParseOriginError;

    fn from_str(text: &str) -> Result<AllowedOrigin, ParseOriginError> {
        let refused = |reason| ParseOriginError { text: text.to_owned(), reason };
        let lower = text.to_ascii_lowercase();
        let (scheme, rest) = lower.split_once("://").ok_or_else(|| refused("a scheme is missing"))?;
        let is_scheme = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.');
        if !scheme.starts_with(|first: char| first.is_ascii_alphabetic()) || !scheme.bytes().all(is_scheme) {
            return Err(refused("that is no scheme"));
        }
        let (wildcard, rest) = match rest.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        let (host, port) = split_port(rest).ok_or_else(|| refused("its port is no number from 1 to 65535"))?;
        if host.contains('*') {
            return Err(refused("a `*` stands for whole labels at the beginning of a host only"));
        }
        if !is_host(host) {
            return Err(refused("it ends with its host or port, without a path"));
        }
        if wildcard && (host.parse::<IpAddr>().is_ok() || !host.contains('.')) {
            return Err(refused("a `*` must stand below a domain of at least two labels"));
        }
        let port = match (scheme, port) {
            ("http", Some(80)) | ("https", Some(443)) | (_, None) => String::new(),
            (_, Some(port)) => format!(":{port}"),
        };
        Ok(match wildcard {
            true => AllowedOrigin { start: format!("{scheme}://"), domain: Some(format!(".{host}{port}")) },
            false => AllowedOrigin { start: format!("{scheme}://{host}{port}"), domain: None },
        })
    }
}

impl fmt::Display for AllowedOrigin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.domain {
            Some(domain) => write!(f, "{}*{domain}", self.start),
            None => f.write_str(&self.start),
        }
    }
}

/// The host, and the port if there is one; nothing if what should be one is none.
fn split_port(text: &str) -> Option<(&str, Option<u16>)> {
    let colon = text.rfind(':').filter(|colon| !text[*colon..].contains(']'));
    let Some(colon) = colon else { return Some((text, None)) };
    let port = &text[colon + 1..];
    let plain = port.bytes().all(|byte| byte.is_ascii_digit()) && !port.starts_with('0');
    let port = port.parse::<u16>().ok().filter(|_| plain)?;
    Some((&text[..colon], Some(port)))
}

fn is_host(text: &str) -> bool {
    match text.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => text.split('.').all(|label| is_label(label.as_bytes())),
    }
}

/// Whether it can stand between two dots of a host.
fn is_label(label: &[u8]) -> bool {
    let fits = |byte: &u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
    !label.is_empty() && label.iter().all(fits)
}

/// Whether a page of this `Origin` may reach a developer's server: only one that this
/// machine itself serves. Any page that the developer happens to visit could else edit
/// their documents, since the server is within reach of the browser.
///
/// Programs send no `Origin`, and are not asked for one.
fn is_local(origin: &[u8]) -> bool {
    let Ok(origin) = std::str::from_utf8(origin) else { return false };
    let Some(rest) = origin.strip_prefix("http://").or_else(|| origin.strip_prefix("https://")) else { return false };
    let host = match rest.strip_prefix('[') {
        Some(bracketed) => match bracketed.split_once(']') {
            Some((host, port)) if is_port(port) => host,
            _ => return false,
        },
        None => match rest.split_once(':') {
            Some((host, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => host,
            Some(_) => return false,
            None => rest,
        },
    };
    host.eq_ignore_ascii_case("localhost") || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_port(text: &str) -> bool {
    text.is_empty() || text.strip_prefix(':').is_some_and(|port| port.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pages_of_this_machine_are_let_in() {
        for good in ["http://localhost:8080", "https://LOCALHOST", "http://127.0.0.1:3000", "http://[::1]:80"] {
            assert!(is_local(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "null",
            "http://example.com",
            "http://localhost.example.com",
            "http://127.0.0.1.example.com:80",
            "http://localhost@example.com",
            "http://localhost:80@example.com",
            "http://[::1]x",
            "http://192.168.0.1",
            "file://localhost",
            "localhost",
        ] {
            assert!(!is_local(bad.as_bytes()), "{bad}");
        }
        assert!(!is_local(&[0xff]));
    }

    fn rule(allowed: &[&str]) -> OriginRule {
        let allowed = allowed.iter().map(|text| text.parse().unwrap()).collect();
        OriginRule { allowed, ..OriginRule::default() }
    }

    #[test]
    fn only_the_very_origin_is_let_in() {
        let rule = rule(&["https://app.example.com", "http://localhost:3000", "HTTPS://Other.example.com:443"]);
        for good in ["https://app.example.com", "http://localhost:3000", "https://other.example.com"] {
            assert!(rule.allows_origin(good.as_bytes()), "{good}");
        }
        for bad in [
            "",
            "null",
            "https://app.example.com.evil.test",
            "https://app.example.comevil.test",
            "https://evil.test/https://app.example.com",
            "https://app.example.com@evil.test",
            "https://xapp.example.com",
            "https://sub.app.example.com",
            "https://APP.example.com",
            "HTTPS://app.example.com",
            "https://app.example.com:443",
            "https://app.example.com:8443",
            "https://app.example.com.",
            "https://app.example.com/",
            "http://app.example.com",
            "http://localhost",
            "http://localhost:30000",
            "http://localhost:3001",
            "https://app.example.com https://evil.test",
        ] {
            assert!(!rule.allows_origin(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn a_domain_begins_at_a_dot() {
        let rule = rule(&["https://*.example.com", "http://*.local.test:8080"]);
        for good in ["https://a.example.com", "https://a-1.b.example.com", "http://a.local.test:8080"] {
            assert!(rule.allows_origin(good.as_bytes()), "{good}");
        }
        for bad in [
            "https://example.com",
            "https://.example.com",
            "https://a..example.com",
            "https://evilexample.com",
            "https://a.example.com.evil.test",
            "https://evil.test/.example.com",
            "https://evil.test#.example.com",
            "https://evil.test:1.example.com",
            "https://x@a.example.com",
            "https://A.example.com",
            "https://a.example.com:443",
            "http://a.example.com",
            "http://a.local.test",
            "null",
        ] {
            assert!(!rule.allows_origin(bad.as_bytes()), "{bad}");
        }
    }

    #[test]
    fn programs_send_none_and_nobody_sends_two() {
        let mut rule = rule(&["https://a.test"]);
        let headers = |origins: &[&'static str]| {
            let mut headers = HeaderMap::new();
            for origin in origins {
                headers.append(header::ORIGIN, origin.parse().unwrap());
            }
            headers
        };
        assert!(rule.allows(&headers(&[])) && rule.allows(&headers(&["https://a.test"])));
        assert!(!rule.allows(&headers(&["https://a.test", "https://a.test"])));
        rule.required = true;
        assert!(!rule.allows(&headers(&[])) && rule.allows(&headers(&["https://a.test"])));
    }

    #[test]
    fn what_is_no_origin_cannot_be_allowed() {
        for absurd in [
            "",
            "*",
            "null",
            "example.com",
            "https://",
            "https://*",
            "https://*.com",
            "https://*.",
            "https://*.10.0.0.1",
            "https://*example.com",
            "https://a.*.example.com",
            "https://a.example.com/",
            "https://a.example.com/path",
            "https://user@a.example.com",
            "https://a.example.com:0",
            "https://a.example.com:65536",
            "https://a.example.com:",
            "https://a..example.com",
            "1://a.example.com",
        ] {
            assert!(absurd.parse::<AllowedOrigin>().is_err(), "{absurd}");
        }
        for (text, shown) in [
            ("HTTP://A.test:80", "http://a.test"),
            ("https://*.a.test:8443", "https://*.a.test:8443"),
            ("http://[::1]:3000", "http://[::1]:3000"),
            ("capacitor://localhost", "capacitor://localhost"),
        ] {
            assert_eq!(text.parse::<AllowedOrigin>().map(|origin| origin.to_string()).as_deref(), Ok(shown));
        }
    }
}
