//! A socket that has been upgraded to WebSocket, and on which anything may be written.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use cowrite_protocol::frame::ProtocolVersion;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

use super::ws_frame::WsFrame;

/// Nothing takes that long, unless it never comes.
pub(super) const PATIENCE: Duration = Duration::from_secs(20);

/// Both directions of one.
#[derive(Debug)]
pub struct RawSocket {
    /// What comes.
    pub reader: RawReader,
    /// What goes.
    pub writer: RawWriter,
    head: String,
}

/// What the server sends on one.
#[derive(Debug)]
pub struct RawReader {
    half: OwnedReadHalf,
    bytes: Vec<u8>,
}

/// The way to the server.
#[derive(Debug)]
pub struct RawWriter(OwnedWriteHalf);

impl RawSocket {
    /// Connects and upgrades.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect(address: SocketAddr) -> RawSocket {
        RawSocket::upgrade(address, &[]).await.unwrap_or_else(|head| panic!("refused: {head}"))
    }

    /// Connects and upgrades, with these headers beside the usual ones.
    ///
    /// # Errors
    /// The head of the answer, if it is not 101.
    ///
    /// # Panics
    /// If nobody listens, or no whole answer comes within 20 s.
    pub async fn upgrade(address: SocketAddr, headers: &[(&str, &str)]) -> Result<RawSocket, String> {
        let stream = TcpStream::connect(address).await.unwrap();
        RawSocket::upgrade_on(stream, address, headers).await
    }

    /// As [`RawSocket::connect`], from this address of the machine: each address has ports of its own,
    /// so that many connections do not run out of them.
    ///
    /// # Panics
    /// As [`RawSocket::connect`], and if the machine does not have that address.
    pub async fn connect_from(source: Ipv4Addr, address: SocketAddr) -> RawSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(SocketAddr::from((source, 0))).unwrap();
        let stream = socket.connect(address).await.unwrap();
        RawSocket::upgrade_on(stream, address, &[]).await.unwrap_or_else(|head| panic!("refused: {head}"))
    }

    /// One whose system takes so few bytes that the server soon feels that nobody reads.
    ///
    /// # Panics
    /// As [`RawSocket::connect`].
    pub async fn with_small_buffer(address: SocketAddr) -> RawSocket {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        let stream = socket.connect(address).await.unwrap();
        RawSocket::upgrade_on(stream, address, &[]).await.unwrap_or_else(|head| panic!("refused: {head}"))
    }

    /// The head of the answer with which it was upgraded.
    pub fn head(&self) -> &str {
        &self.head
    }

    async fn upgrade_on(stream: TcpStream, address: SocketAddr, headers: &[(&str, &str)]) -> Result<RawSocket, String> {
        // Small frames are to go out one by one, as they are written.
        stream.set_nodelay(true).unwrap();
        let (read, write) = stream.into_split();
        let (mut reader, mut writer) = (RawReader { half: read, bytes: Vec::new() }, RawWriter(write));
        let subprotocol = ProtocolVersion::SUBPROTOCOL;
        let more: String = headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
        let request = format!(
            "GET /v1/socket HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
             sec-websocket-version: 13\r\nsec-websocket-key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             sec-websocket-protocol: {subprotocol}\r\n{more}\r\n"
        );
        writer.send(request.as_bytes()).await;
        let head = reader.head().await;
        if head.starts_with("HTTP/1.1 101 ") { Ok(RawSocket { reader, writer, head }) } else { Err(head) }
    }
}

impl RawReader {
    /// The next frame; `None` when the socket has ended, one way or another.
    ///
    /// # Panics
    /// If neither comes within 20 s.
    pub async fn next(&mut self) -> Option<WsFrame> {
        timeout(PATIENCE, self.wait()).await.expect("nothing comes")
    }

    /// The next frame, however long that takes; `None` when the socket has ended.
    pub async fn wait(&mut self) -> Option<WsFrame> {
        loop {
            if let Some((frame, size)) = WsFrame::decode(&self.bytes) {
                self.bytes.drain(..size);
                return Some(frame);
            }
            if !self.more().await {
                return None;
            }
        }
    }

    async fn head(&mut self) -> String {
        let whole = async {
            loop {
                if let Some(end) = self.bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                    let rest = self.bytes.split_off(end + 4);
                    let head = std::mem::replace(&mut self.bytes, rest);
                    return String::from_utf8_lossy(&head).into_owned();
                }
                assert!(self.more().await, "it ends before its answer is whole");
            }
        };
        timeout(PATIENCE, whole).await.expect("an answer comes")
    }

    async fn more(&mut self) -> bool {
        self.half.read_buf(&mut self.bytes).await.is_ok_and(|bytes| bytes > 0)
    }
}

impl RawWriter {
    /// Writes bytes as they are; whether they were taken.
    pub async fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok()
    }

    /// Writes one frame; whether it was taken.
    pub async fn frame(&mut self, frame: &WsFrame) -> bool {
        self.send(&frame.encode()).await
    }
}
