//! Which pages may talk to the server.

use std::net::IpAddr;

/// Whether a page of this `Origin` may reach a developer's server: only one that this
/// machine itself serves. Any page that the developer happens to visit could else edit
/// their documents, since the server is within reach of the browser.
///
/// Programs send no `Origin`, and are not asked for one.
pub(super) fn is_local(origin: &[u8]) -> bool {
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
}
