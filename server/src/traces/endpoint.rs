//! Where a collector listens.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// The base of a collector's OTLP over HTTP, such as `http://127.0.0.1:4318`. Without TLS: a
/// collector runs on the same machine or network, and speaks TLS to the world itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    host: String,
    port: u16,
    path: String,
}

/// Why a text is no such address.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("an address such as http://127.0.0.1:4318 is needed, without TLS, user or query")]
pub struct EndpointError;

/// Where collectors listen if nothing else is said.
const PORT: u16 = 4_318;

impl Endpoint {
    /// The host and port to connect to, as `host:port`.
    pub fn authority(&self) -> String {
        format!("{}:{}", self.host, self.port)
    }

    /// The path that takes traces.
    pub fn traces_path(&self) -> String {
        format!("{}/v1/traces", self.path)
    }
}

impl FromStr for Endpoint {
    type Err = EndpointError;

    fn from_str(text: &str) -> Result<Endpoint, EndpointError> {
        let rest = text.strip_prefix("http://").ok_or(EndpointError)?;
        let plain = rest.bytes().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'@' | b'?' | b'#' | b'"'));
        let (authority, path) = rest.find('/').map_or((rest, ""), |at| rest.split_at(at));
        // An IPv6 address stands in brackets and has colons of its own.
        let (host, port) = match authority.rsplit_once(':').filter(|(_, port)| !port.ends_with(']')) {
            Some((host, port)) => (host, port.parse().ok().filter(|port| *port > 0).ok_or(EndpointError)?),
            None => (authority, PORT),
        };
        if !plain || host.is_empty() {
            return Err(EndpointError);
        }
        Ok(Endpoint { host: host.to_owned(), port, path: path.trim_end_matches('/').to_owned() })
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "http://{}{}", self.authority(), self.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_port_and_a_path() {
        for (text, authority, path) in [
            ("http://127.0.0.1:4318", "127.0.0.1:4318", "/v1/traces"),
            ("http://collector", "collector:4318", "/v1/traces"),
            ("http://[::1]:99/otlp/", "[::1]:99", "/otlp/v1/traces"),
            ("http://[::1]", "[::1]:4318", "/v1/traces"),
        ] {
            let endpoint: Endpoint = text.parse().unwrap();
            assert_eq!((endpoint.authority().as_str(), endpoint.traces_path().as_str()), (authority, path));
        }
        for bad in [
            "",
            "collector:4318",
            "https://collector",
            "http://",
            "http://a:0",
            "http://a:b",
            "http://u:p@a",
            "http://a b",
            "http://a/?x",
        ] {
            assert_eq!(bad.parse::<Endpoint>(), Err(EndpointError), "{bad}");
        }
    }
}
