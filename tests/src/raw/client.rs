//! A client at Cowrite's frames, which holds to no rule by itself.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;
use std::time::Duration;

use cowrite_protocol::codec::{decode_server, encode_server};
use cowrite_protocol::frame::{ClientFrame, Code, Opened, Packed, PartReader, ServerFrame, encode_in_parts};
use cowrite_protocol::{Channel, ClientId};
use tokio::time::timeout;

use super::say::{hello, message, open_as, submit};
use super::socket::{PATIENCE, RawReader, RawSocket, RawWriter};
use super::ws_frame::WsFrame;

/// One connection, with what it has heard and not been asked for.
#[derive(Debug)]
pub struct RawClient {
    /// The way to the server.
    pub writer: RawWriter,
    reader: RawReader,
    /// Of a message whose last fragment has not come.
    begun: Vec<u8>,
    frames: VecDeque<Vec<u8>>,
    parts: BTreeMap<Channel, PartReader>,
}

/// How the server ended a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ending {
    /// What its last frame said.
    pub code: Option<Code>,
    /// What the close of the WebSocket said.
    pub close: Option<u16>,
}

impl Ending {
    /// How a connection ends that is told this code.
    pub fn told(code: Code) -> Ending {
        Ending { code: Some(code), close: Some(cowrite_server::connection::close_code(code)) }
    }
}

impl RawClient {
    /// Takes over a socket.
    pub fn on(socket: RawSocket) -> RawClient {
        let (reader, writer) = (socket.reader, socket.writer);
        RawClient { writer, reader, begun: Vec::new(), frames: VecDeque::new(), parts: BTreeMap::new() }
    }

    /// Connects, and says nothing.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn connect(address: SocketAddr) -> RawClient {
        RawClient::on(RawSocket::connect(address).await)
    }

    /// Connects and is welcomed with this token.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn greeted(address: SocketAddr, token: &str) -> RawClient {
        RawClient::connect(address).await.greet(token).await
    }

    /// Is welcomed with this token.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn greet(mut self, token: &str) -> RawClient {
        self.say(&[hello(token)]).await;
        self.hear(|frame| matches!(frame, ServerFrame::Welcome(_)).then_some(())).await;
        self
    }

    /// Opens a document for the first time; gives its channel.
    ///
    /// # Panics
    /// If it is refused.
    pub async fn open(&mut self, document: &str) -> Channel {
        self.open_as(document, None).await.unwrap().channel
    }

    /// Opens a document under a client id.
    ///
    /// # Errors
    /// The code of the refusal.
    ///
    /// # Panics
    /// If the connection ends.
    pub async fn open_as(&mut self, document: &str, client: Option<ClientId>) -> Result<Opened, Code> {
        self.say(&[open_as(1, document, client)]).await;
        self.hear(|frame| match frame {
            ServerFrame::Opened(opened) => Some(Ok(opened.clone())),
            ServerFrame::OpenRefused { code, .. } => Some(Err(*code)),
            _ => None,
        })
        .await
    }

    /// Submits an operation as it stands; gives how it was refused, or `None` for an ack.
    ///
    /// # Panics
    /// If there is no answer.
    pub async fn submit(&mut self, channel: Channel, seq: u64, base: u64, operation: &[u8]) -> Option<Code> {
        self.say(&[submit(channel, seq, base, operation)]).await;
        self.answer(channel).await
    }

    /// The answer to the submit under way: how it was refused, or `None` for an ack.
    ///
    /// # Panics
    /// If there is none.
    pub async fn answer(&mut self, of: Channel) -> Option<Code> {
        self.hear(|frame| match frame {
            ServerFrame::Ack { channel, .. } if *channel == of => Some(None),
            ServerFrame::Reject { channel, code, .. }
            | ServerFrame::Busy { channel, code, .. }
            | ServerFrame::Closed { channel, code, .. }
                if *channel == of =>
            {
                Some(Some(*code))
            }
            _ => None,
        })
        .await
    }

    /// Sends frames as one message.
    pub async fn say(&mut self, frames: &[ClientFrame<'_>]) {
        self.send(&message(frames)).await;
    }

    /// Sends one frame of a channel in parts.
    pub async fn say_in_parts(&mut self, channel: Channel, frame: &ClientFrame<'_>) {
        let whole = message(std::slice::from_ref(frame));
        let mut parts = Vec::new();
        encode_in_parts(&whole, 16 << 10, |total, bytes| parts.push((total, bytes)));
        for (total, bytes) in parts {
            self.say(&[ClientFrame::Part { channel, total, bytes: Packed(bytes) }]).await;
        }
    }

    /// Sends bytes as one message.
    pub async fn send(&mut self, message: &[u8]) {
        // It may have been closed meanwhile; what was said before is then still to be read.
        self.writer.frame(&WsFrame::binary(message)).await;
    }

    /// The first frame that `wanted` makes something of; drops those before it.
    ///
    /// # Panics
    /// If the connection ends, or nothing comes for 20 s.
    pub async fn hear<T>(&mut self, mut wanted: impl FnMut(&ServerFrame<'_>) -> Option<T>) -> T {
        loop {
            while let Some(frame) = self.frames.pop_front() {
                let frame = decode_server(&frame, usize::MAX).next().unwrap().unwrap();
                if let Some(found) = wanted(&frame) {
                    return found;
                }
                assert!(!matches!(frame, ServerFrame::Error { .. }), "the connection ends: {frame:?}");
            }
            let message = timeout(PATIENCE, self.next_message()).await.expect("nothing comes");
            self.take(&message.expect("the connection has ended"));
        }
    }

    /// As [`RawClient::hear`], but for this time only: `None` if nothing wanted has come by then.
    ///
    /// # Panics
    /// If the connection ends.
    pub async fn hear_within<T>(
        &mut self,
        time: Duration,
        wanted: impl FnMut(&ServerFrame<'_>) -> Option<T>,
    ) -> Option<T> {
        // What has come of a message is kept where it is if the wait ends meanwhile.
        timeout(time, self.hear(wanted)).await.ok()
    }

    /// Whether the connection goes on: a `Ping` is answered.
    pub async fn goes_on(&mut self) -> Result<(), Ending> {
        self.say(&[ClientFrame::Ping]).await;
        let mut code = None;
        loop {
            while let Some(frame) = self.frames.pop_front() {
                match decode_server(&frame, usize::MAX).next().unwrap().unwrap() {
                    ServerFrame::Pong => return Ok(()),
                    ServerFrame::Error { code: why, .. } => code = Some(why),
                    _ => {}
                }
            }
            match timeout(PATIENCE, self.reader.next()).await.expect("nothing comes") {
                Some(frame) if frame.is_data() => self.take_fragment(frame),
                Some(frame) if frame.opcode == 8 => return Err(Ending { code, close: frame.close_code() }),
                Some(_) => {}
                None => return Err(Ending { code, close: None }),
            }
        }
    }

    /// Reads to the end of the connection, which the server must bring about.
    ///
    /// # Panics
    /// If it does not within 20 s of the last frame.
    pub async fn ending(mut self) -> Ending {
        let mut ending = Ending { code: None, close: None };
        loop {
            while let Some(frame) = self.frames.pop_front() {
                if let ServerFrame::Error { code, .. } = decode_server(&frame, usize::MAX).next().unwrap().unwrap() {
                    ending.code = Some(code);
                }
            }
            match self.reader.next().await {
                Some(frame) if frame.is_data() => self.take_fragment(frame),
                Some(frame) if frame.opcode == 8 => {
                    ending.close = frame.close_code();
                    // The server waits for the answer before it lets go.
                    self.writer.frame(&WsFrame::close(&frame.payload)).await;
                }
                Some(_) => {}
                None => return ending,
            }
        }
    }

    /// The two directions of it; what was heard and not asked for is gone.
    pub fn into_halves(self) -> (RawReader, RawWriter) {
        (self.reader, self.writer)
    }

    async fn next_message(&mut self) -> Option<Vec<u8>> {
        loop {
            let frame = self.reader.wait().await?;
            if frame.opcode == 8 {
                return None;
            }
            if !frame.is_data() {
                continue;
            }
            self.begun.extend_from_slice(&frame.payload);
            if frame.last {
                return Some(std::mem::take(&mut self.begun));
            }
        }
    }

    fn take_fragment(&mut self, frame: WsFrame) {
        self.begun.extend_from_slice(&frame.payload);
        if frame.last {
            let message = std::mem::take(&mut self.begun);
            self.take(&message);
        }
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
