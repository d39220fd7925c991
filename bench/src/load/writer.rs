//! A client that does next to nothing but write: no text, no engine.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cowrite_protocol::codec::{decode_server, encode_client};
use cowrite_protocol::frame::{Abbreviated, ClientFrame, Packed, ProtocolVersion, ServerFrame, Submit};
use cowrite_protocol::{Channel, DocumentType, Operation, RichText};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::sample::Sample;

/// One connection with one document open, which inserts a character at the beginning and
/// waits for the ack.
pub(crate) struct Writer {
    socket: WebSocketStream<TcpStream>,
    channel: Channel,
    seq: u64,
    version: u64,
    insert: Vec<u8>,
}

impl Writer {
    /// Connects to a server in developer mode and opens a document that nobody has written.
    pub(crate) async fn open(server: SocketAddr, name: &str, document: &str) -> Writer {
        Writer::open_with(server, &format!("dev:{name}"), document).await
    }

    /// As [`Writer::open`], with this token.
    pub(crate) async fn open_with(server: SocketAddr, token: &str, document: &str) -> Writer {
        let stream = TcpStream::connect(server).await.unwrap();
        stream.set_nodelay(true).unwrap();
        let mut request = format!("ws://{server}/v1/socket").into_client_request().unwrap();
        let subprotocol = HeaderValue::from_static(ProtocolVersion::SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        let (socket, _) = client_async(request, stream).await.unwrap();
        let mut insert = Vec::new();
        RichText::encode(&Operation::builder().insert("x").build(), &mut insert);
        let mut writer = Writer { socket, channel: Channel(0), seq: 0, version: 0, insert };
        let hello = ClientFrame::Hello { oldest: ProtocolVersion::OLDEST, newest: ProtocolVersion::NEWEST, token };
        writer.say(&hello).await;
        let open = ClientFrame::Open {
            request: 1,
            document,
            client: None,
            position: None,
            whole: false,
            in_flight: None,
            state: "",
        };
        writer.say(&open).await;
        while !writer.hear().await.opened {}
        writer
    }

    /// Writes one edit after the other until then; gives how long each took.
    pub(crate) async fn write_until(&mut self, end: Instant, pause: Option<Duration>) -> Sample {
        let mut sample = Sample::default();
        let mut next = Instant::now();
        while Instant::now() < end {
            let begun = Instant::now();
            self.submit().await;
            while !self.hear().await.acked {}
            sample.add(begun.elapsed());
            if let Some(pause) = pause {
                next += pause;
                tokio::time::sleep_until(next.into()).await;
            }
        }
        sample
    }

    /// Writes so many edits, each after the last was accepted.
    pub(crate) async fn write_for(&mut self, edits: u64) {
        for _ in 0..edits {
            self.submit().await;
            while !self.hear().await.acked {}
        }
    }

    async fn submit(&mut self) {
        self.seq += 1;
        let full = |number| Abbreviated::of(number, u64::MAX);
        let operation = std::mem::take(&mut self.insert);
        let frame = ClientFrame::Submit(Submit {
            channel: self.channel,
            seq: full(self.seq),
            base: full(self.version),
            operation: Packed(&operation),
        });
        self.say(&frame).await;
        self.insert = operation;
    }

    async fn say(&mut self, frame: &ClientFrame<'_>) {
        let mut message = Vec::new();
        encode_client(frame, &mut message);
        self.socket.send(Message::Binary(message.into())).await.unwrap();
    }

    /// Reads one message.
    async fn hear(&mut self) -> Heard {
        let mut heard = Heard::default();
        let message = self.socket.next().await.expect("the server goes on").unwrap();
        let Message::Binary(message) = message else { return heard };
        for frame in decode_server(&message, usize::MAX) {
            match frame.unwrap() {
                ServerFrame::Opened(opened) => {
                    self.channel = opened.channel;
                }
                ServerFrame::Snapshot(snapshot) => {
                    self.version = snapshot.version.get();
                    heard.opened = true;
                }
                ServerFrame::Ack { .. } => {
                    heard.acked = true;
                    self.version += 1;
                }
                ServerFrame::Commit(_)
                | ServerFrame::CommitStill(_)
                | ServerFrame::CommitCursor { .. }
                | ServerFrame::Entry { .. } => self.version += 1,
                ServerFrame::Composed { version, .. } => self.version = version.get(),
                ServerFrame::Reject { code, .. }
                | ServerFrame::Closed { code, .. }
                | ServerFrame::OpenRefused { code, .. }
                | ServerFrame::Error { code, .. } => panic!("the server refuses: {code:?}"),
                _ => {}
            }
        }
        heard
    }
}

#[derive(Default)]
struct Heard {
    opened: bool,
    acked: bool,
}
