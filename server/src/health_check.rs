//! A server of this machine is asked whether it is well, where there is no curl.

use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use thiserror::Error;

/// A question to a server of this machine: `GET path`, which must be answered with 200.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Where the server listens; of an address such as 0.0.0.0 the loopback is asked.
    pub listen: SocketAddr,
    /// `/healthz`: the process answers. `/readyz`: it should be sent clients.
    pub path: String,
}

/// Why a server is not well.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum HealthCheckError {
    /// It cannot be reached, or does not answer within [`HealthCheck::WITHIN`].
    #[error("{address} does not answer: {error}")]
    Silent {
        /// Where it was asked.
        address: SocketAddr,
        /// What the system said.
        error: io::Error,
    },
    /// It answers with another status than 200.
    #[error("{address} answers {path} with: {status}")]
    NotWell {
        /// Where it was asked.
        address: SocketAddr,
        /// What it was asked for.
        path: String,
        /// The first line of its answer, cut off if it is long.
        status: String,
    },
}

impl HealthCheck {
    /// An answer takes this long at most, all in all. `/readyz` may need two seconds to
    /// find that the storage does not answer.
    pub const WITHIN: Duration = Duration::from_secs(4);

    /// Asks once. Blocks, for [`HealthCheck::WITHIN`] at most.
    ///
    /// # Errors
    /// If there is no answer, or it is not 200.
    pub fn ask(&self) -> Result<(), HealthCheckError> {
        let address = reachable(self.listen);
        let status = status_line(address, &self.path, Instant::now() + Self::WITHIN)
            .map_err(|error| HealthCheckError::Silent { address, error })?;
        if status.split(' ').nth(1) == Some("200") {
            return Ok(());
        }
        Err(HealthCheckError::NotWell { address, path: self.path.clone(), status })
    }
}

/// Longest first line that is read, in bytes.
const STATUS_BYTES: usize = 256;

/// Nobody can connect to "any address"; a server there listens on the loopback too.
fn reachable(listen: SocketAddr) -> SocketAddr {
    let ip = match listen.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    };
    SocketAddr::new(ip, listen.port())
}

fn status_line(address: SocketAddr, path: &str, deadline: Instant) -> io::Result<String> {
    let mut stream = TcpStream::connect_timeout(&address, left(deadline)?)?;
    stream.set_write_timeout(Some(left(deadline)?))?;
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    stream.write_all(request.as_bytes())?;
    let mut line = Vec::new();
    let mut piece = [0; STATUS_BYTES];
    while line.len() < STATUS_BYTES && !line.contains(&b'\n') {
        // Anew for each piece: an answer that drips in is late, too.
        stream.set_read_timeout(Some(left(deadline)?))?;
        match stream.read(&mut piece)? {
            0 => return Err(io::ErrorKind::UnexpectedEof.into()),
            read => line.extend_from_slice(&piece[..read]),
        }
    }
    Ok(String::from_utf8_lossy(&line).lines().next().unwrap_or_default().to_owned())
}

/// What is left until then; never zero, which the system takes for "for ever".
fn left(deadline: Instant) -> io::Result<Duration> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(io::ErrorKind::TimedOut.into()) } else { Ok(left) }
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;

    /// The outcome against a peer that answers any request with these bytes and leaves.
    fn asked(answer: &'static [u8]) -> Result<(), String> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let listen = SocketAddr::from((Ipv4Addr::UNSPECIFIED, listener.local_addr().unwrap().port()));
        let peer = thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 512];
            let read = stream.read(&mut request).unwrap();
            stream.write_all(answer).unwrap();
            String::from_utf8_lossy(&request[..read]).into_owned()
        });
        let outcome = HealthCheck { listen, path: "/readyz".to_owned() }.ask();
        assert!(peer.join().unwrap().starts_with("GET /readyz HTTP/1.1\r\n"));
        outcome.map_err(|error| error.to_string())
    }

    #[test]
    fn only_a_200_is_well() {
        assert_eq!(asked(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n"), Ok(()));
        for (answer, says) in [
            (&b"HTTP/1.1 503 Service Unavailable\r\n\r\ngoing down"[..], "answers /readyz with: HTTP/1.1 503"),
            (b"HTTP/1.1 404 200\r\n\r\n", "404"),
            (b"SSH-2.0-200\r\n", "SSH"),
            (b"\xff\xff\n", "answers"),
            (b"", "does not answer"),
            (b"HTTP/1.1 200", "does not answer"),
        ] {
            let error = asked(answer).unwrap_err();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn nobody_there_is_not_well() {
        let listen = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let error = HealthCheck { listen, path: "/healthz".to_owned() }.ask().unwrap_err();
        assert!(matches!(error, HealthCheckError::Silent { .. }), "{error}");
    }

    #[test]
    fn any_address_is_asked_on_the_loopback() {
        for (listen, asked) in [
            ("0.0.0.0:8080", "127.0.0.1:8080"),
            ("[::]:8080", "[::1]:8080"),
            ("127.0.0.2:80", "127.0.0.2:80"),
            ("10.0.0.7:80", "10.0.0.7:80"),
        ] {
            assert_eq!(reachable(listen.parse().unwrap()), asked.parse().unwrap());
        }
    }
}
