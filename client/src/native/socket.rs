//! One WebSocket, read and written in turns by one task.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll};

use cowrite_protocol::frame::ProtocolVersion;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::tungstenite::http::{HeaderValue, Uri};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Bytes, Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

/// No message of a server is larger than what the session takes.
const MESSAGE_BYTES: usize = 16 << 20;
/// The library's own buffers are 128 KiB each, which is too much for thousands of clients.
const BUFFER_BYTES: usize = 4 << 10;

/// A connected socket and what waits to be written to it.
pub(super) struct Socket {
    stream: WebSocketStream<TcpStream>,
    waiting: VecDeque<Vec<u8>>,
    waiting_bytes: usize,
    /// Something was written that may not have left yet, and how much.
    unflushed_bytes: usize,
}

impl Socket {
    /// Connects and shakes hands.
    pub(super) async fn connect(uri: Uri) -> Result<Socket, Error> {
        let host = uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        let stream = TcpStream::connect((host, uri.port_u16().unwrap_or(80))).await?;
        // A keystroke must not wait for the answer to the one before.
        stream.set_nodelay(true)?;
        let mut request = uri.into_client_request()?;
        request.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(ProtocolVersion::SUBPROTOCOL));
        let config = WebSocketConfig::default()
            .read_buffer_size(BUFFER_BYTES)
            .write_buffer_size(BUFFER_BYTES)
            .max_message_size(Some(MESSAGE_BYTES))
            .max_frame_size(Some(MESSAGE_BYTES));
        let (stream, _) = client_async_with_config(request, stream, Some(config)).await?;
        Ok(Socket { stream, waiting: VecDeque::new(), waiting_bytes: 0, unflushed_bytes: 0 })
    }

    /// Puts a message behind those that wait; it is written in the next turn.
    pub(super) fn send(&mut self, message: Vec<u8>) {
        self.waiting_bytes += message.len();
        self.waiting.push_back(message);
    }

    /// How many bytes have not left yet, as far as can be known.
    pub(super) fn buffered(&self) -> usize {
        self.waiting_bytes + self.unflushed_bytes
    }

    /// Writes what can be written and gives the next message; `None` once the socket is
    /// lost. May be dropped at any time: nothing is lost by that.
    pub(super) async fn turn(&mut self) -> Option<Bytes> {
        poll_fn(|context| self.poll_turn(context)).await.ok()
    }

    /// Writes what waits, and closes.
    pub(super) async fn close(mut self) {
        while let Some(message) = self.waiting.pop_front() {
            if self.stream.feed(Message::Binary(message.into())).await.is_err() {
                return;
            }
        }
        // Whether the other side hears it is its own business now.
        let _ = self.stream.close(None).await;
    }

    fn poll_turn(&mut self, context: &mut Context<'_>) -> Poll<Result<Bytes, Error>> {
        self.poll_write(context)?;
        loop {
            match self.stream.poll_next_unpin(context) {
                Poll::Ready(Some(Ok(Message::Binary(message)))) => return Poll::Ready(Ok(message)),
                Poll::Ready(Some(Ok(Message::Close(_))) | None) => return Poll::Ready(Err(Error::ConnectionClosed)),
                // Pings are answered by the library; a text is no message of ours.
                Poll::Ready(Some(Ok(_))) => {}
                Poll::Ready(Some(Err(error))) => return Poll::Ready(Err(error)),
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    fn poll_write(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        while !self.waiting.is_empty() && ready(self.stream.poll_ready_unpin(context))? {
            if let Some(message) = self.waiting.pop_front() {
                self.waiting_bytes -= message.len();
                self.unflushed_bytes += message.len();
                self.stream.start_send_unpin(Message::Binary(message.into()))?;
            }
        }
        if self.unflushed_bytes > 0 && ready(self.stream.poll_flush_unpin(context))? {
            self.unflushed_bytes = 0;
        }
        Ok(())
    }
}

fn ready(poll: Poll<Result<(), Error>>) -> Result<bool, Error> {
    match poll {
        Poll::Ready(Ok(())) => Ok(true),
        Poll::Ready(Err(Error::Io(error))) if error.kind() == io::ErrorKind::WouldBlock => Ok(false),
        Poll::Ready(Err(error)) => Err(error),
        Poll::Pending => Ok(false),
    }
}
