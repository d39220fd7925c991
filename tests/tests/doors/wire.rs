//! Requests written byte by byte.

use std::io::ErrorKind;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// Nothing takes that long, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// What a server answered before it upgraded, or closed.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: u16,
    text: String,
}

impl Head {
    /// The value of a header field, by its name in lower case.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        self.text.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(':')?;
            found.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }
}

/// A connection from this address of the loopback network.
pub(crate) async fn connect_from(from: [u8; 4], to: SocketAddr) -> TcpStream {
    let socket = TcpSocket::new_v4().unwrap();
    // Otherwise a port would be taken for all who this machine could talk to.
    socket.bind(SocketAddr::from((from, 0))).unwrap();
    timeout(PATIENCE, socket.connect(to)).await.expect("it connects").unwrap()
}

/// A connection, whatever becomes of it.
pub(crate) async fn connect(to: SocketAddr) -> TcpStream {
    let loopback = SocketAddr::from((IpAddr::V4(Ipv4Addr::LOCALHOST), to.port()));
    timeout(PATIENCE, TcpStream::connect(loopback)).await.expect("it connects").unwrap()
}

/// The request for a socket, with these lines in it.
pub(crate) fn upgrade_request(lines: &[&str]) -> String {
    let more: String = lines.iter().flat_map(|line| [line, "\r\n"]).collect();
    format!(
        "GET /v1/socket HTTP/1.1\r\nhost: test\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        sec-websocket-protocol: cowrite.v1\r\n{more}\r\n"
    )
}

/// Asks on a connection; the head of the answer, or nothing if it is closed without one.
pub(crate) async fn ask(stream: &mut TcpStream, request: &str) -> Option<Head> {
    // It may have been answered and closed before.
    let _ = stream.write_all(request.as_bytes()).await;
    let mut head = Vec::new();
    let read = async {
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.ok()?);
        }
        Some(())
    };
    timeout(PATIENCE, read).await.expect("an answer or an end comes")?;
    let text = String::from_utf8(head).unwrap();
    let status = text.split(' ').nth(1).unwrap().parse().unwrap();
    Some(Head { status, text })
}

/// Asks for a socket; the status of the answer.
pub(crate) async fn upgrade(stream: &mut TcpStream, lines: &[&str]) -> u16 {
    ask(stream, &upgrade_request(lines)).await.expect("an answer comes").status
}

/// Waits until the server has closed it; how long after `since` that was.
pub(crate) async fn closed(stream: &mut TcpStream, since: Instant) -> Duration {
    let mut unread = [0; 1 << 10];
    let end = async {
        loop {
            match stream.read(&mut unread).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::ConnectionReset => break,
                Err(error) => panic!("{error}"),
            }
        }
    };
    timeout(PATIENCE, end).await.expect("it is closed");
    since.elapsed()
}
