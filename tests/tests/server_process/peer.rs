//! A client that writes its own bytes, right or wrong.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use cowrite_protocol::codec::{decode_server, encode_client, encode_server};
use cowrite_protocol::frame::{
    Abbreviated, ClientFrame, Code, Packed, PartReader, ProtocolVersion, ServerFrame, Submit,
};
use cowrite_protocol::{Channel, DocumentType, Operation, RichText};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::{HeaderValue, StatusCode};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async};

/// Nothing takes that long, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) struct Peer {
    socket: WebSocketStream<TcpStream>,
    frames: VecDeque<Vec<u8>>,
    parts: BTreeMap<Channel, PartReader>,
}

/// How a connection was ended by the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Farewell {
    pub(crate) code: Code,
    pub(crate) retry_after_ms: u32,
    pub(crate) close_code: Option<u16>,
}

impl Peer {
    /// Connects; `headers` replace those that a client sends.
    pub(crate) async fn upgrade(address: SocketAddr, headers: &[(&'static str, &str)]) -> Result<Peer, StatusCode> {
        let stream = TcpStream::connect(address).await.unwrap();
        Peer::upgrade_on(stream, address, headers).await
    }

    /// Connects with so small a buffer that the server soon feels that nobody reads.
    pub(crate) async fn with_small_buffer(address: SocketAddr) -> Peer {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(4 << 10).unwrap();
        let stream = socket.connect(address).await.unwrap();
        Peer::upgrade_on(stream, address, &[]).await.unwrap()
    }

    async fn upgrade_on(
        stream: TcpStream,
        address: SocketAddr,
        headers: &[(&'static str, &str)],
    ) -> Result<Peer, StatusCode> {
        let mut request = format!("ws://{address}/v1/socket").into_client_request().unwrap();
        let subprotocol = HeaderValue::from_static(ProtocolVersion::SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        for (name, value) in headers {
            request.headers_mut().insert(*name, HeaderValue::from_str(value).unwrap());
        }
        match client_async(request, stream).await {
            Ok((socket, _)) => Ok(Peer { socket, frames: VecDeque::new(), parts: BTreeMap::new() }),
            Err(Error::Http(response)) => Err(response.status()),
            Err(error) => panic!("{error}"),
        }
    }

    pub(crate) async fn connect(address: SocketAddr) -> Peer {
        Peer::upgrade(address, &[]).await.unwrap()
    }

    /// Connects and says who it is.
    pub(crate) async fn greeted(address: SocketAddr, name: &str) -> Peer {
        let mut peer = Peer::connect(address).await;
        peer.say(&[hello(&format!("dev:{name}"))]).await;
        peer.hear(|frame| matches!(frame, ServerFrame::Welcome(_)).then_some(())).await;
        peer
    }

    /// Opens a document; gives its channel.
    pub(crate) async fn open(&mut self, document: &str) -> Channel {
        self.say(&[open(1, document)]).await;
        self.hear(|frame| match frame {
            ServerFrame::Opened(opened) => Some(opened.channel),
            ServerFrame::OpenRefused { code, .. } => panic!("{code:?}"),
            _ => None,
        })
        .await
    }

    /// Submits an operation as it stands; gives how it was refused, or `None` for an ack.
    pub(crate) async fn submit(&mut self, channel: Channel, seq: u64, base: u64, operation: &[u8]) -> Option<Code> {
        self.say(&[submit(channel, seq, base, operation)]).await;
        self.hear(|frame| match frame {
            ServerFrame::Ack { .. } => Some(None),
            ServerFrame::Reject { code, seq: refused, .. } => {
                assert_eq!(refused.get(), seq);
                Some(Some(*code))
            }
            _ => None,
        })
        .await
    }

    /// Sends frames as one message.
    pub(crate) async fn say(&mut self, frames: &[ClientFrame<'_>]) {
        let mut message = Vec::new();
        frames.iter().for_each(|frame| encode_client(frame, &mut message));
        self.send(Message::Binary(message.into())).await;
    }

    pub(crate) async fn send(&mut self, message: Message) {
        // It may have been closed meanwhile; what was said before is then still to be read.
        let _ = self.socket.send(message).await;
    }

    /// The first frame that `wanted` makes something of; drops those before it.
    pub(crate) async fn hear<T>(&mut self, mut wanted: impl FnMut(&ServerFrame<'_>) -> Option<T>) -> T {
        loop {
            while let Some(frame) = self.frames.pop_front() {
                let frame = decode_server(&frame, usize::MAX).next().unwrap().unwrap();
                if let Some(found) = wanted(&frame) {
                    return found;
                }
                if let ServerFrame::Error { code, .. } = frame {
                    panic!("the connection ends: {code:?}");
                }
            }
            match self.next().await {
                Some(Message::Binary(message)) => self.take(&message),
                Some(Message::Close(_)) | None => panic!("the connection has ended"),
                _ => {}
            }
        }
    }

    /// Reads to the end: a last frame that says why, then the close.
    pub(crate) async fn farewell(mut self) -> Farewell {
        let mut farewell = None;
        let mut close_code = None;
        while let Some(message) = self.next().await {
            match message {
                Message::Binary(message) => {
                    self.frames.clear();
                    self.take(&message);
                    let last = self.frames.pop_back().unwrap();
                    if let ServerFrame::Error { code, retry_after_ms, .. } =
                        decode_server(&last, usize::MAX).next().unwrap().unwrap()
                    {
                        farewell = Some((code, retry_after_ms));
                    }
                }
                Message::Close(close) => close_code = close.map(|close| close.code.into()),
                _ => {}
            }
        }
        let (code, retry_after_ms) = farewell.expect("the last frame says why");
        Farewell { code, retry_after_ms, close_code }
    }

    async fn next(&mut self) -> Option<Message> {
        let message = tokio::time::timeout(PATIENCE, self.socket.next()).await.expect("nothing comes");
        message.and_then(Result::ok)
    }

    fn take(&mut self, message: &[u8]) {
        for frame in decode_server(message, usize::MAX) {
            if let Ok(ServerFrame::Part { channel, total, bytes }) = frame {
                let parts = self.parts.entry(channel).or_default();
                self.frames.extend(parts.take(channel, total, bytes.0, u32::MAX).unwrap());
                continue;
            }
            let mut bytes = Vec::new();
            encode_server(&frame.unwrap(), &mut bytes);
            self.frames.push_back(bytes);
        }
    }
}

pub(crate) fn hello(token: &str) -> ClientFrame<'_> {
    ClientFrame::Hello { oldest: ProtocolVersion::OLDEST, newest: ProtocolVersion::NEWEST, token }
}

pub(crate) fn open(request: u32, document: &str) -> ClientFrame<'_> {
    ClientFrame::Open { request, document, client: None, position: None, whole: false, in_flight: None, state: "" }
}

/// A submit whose numbers are written in full.
pub(crate) fn submit(channel: Channel, seq: u64, base: u64, operation: &[u8]) -> ClientFrame<'_> {
    let full = |number| Abbreviated::of(number, u64::MAX);
    ClientFrame::Submit(Submit { channel, seq: full(seq), base: full(base), operation: Packed(operation) })
}

pub(crate) fn packed(operation: &Operation) -> Vec<u8> {
    let mut bytes = Vec::new();
    RichText::encode(operation, &mut bytes);
    bytes
}
