//! Somebody who shows a token and asks for a document.

use cowrite_protocol::Channel;
use cowrite_protocol::codec::{decode_server, encode_client};
use cowrite_protocol::frame::{ClientFrame, Code, ProtocolVersion, Role, ServerFrame};
use cowrite_tests::server::ServerProcess;
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::{Duration, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

/// Long enough for anything that comes at all.
const PATIENCE: Duration = Duration::from_secs(20);

/// One socket, spoken to frame by frame.
pub(crate) struct Caller {
    socket: WebSocketStream<MaybeTlsStream<TcpStream>>,
    requests: u32,
    channel: Option<Channel>,
}

impl Caller {
    /// Says `Hello` with a token; the code with which the connection is ended, if it is not welcome,
    /// and after how many milliseconds it may try again.
    pub(crate) async fn hello(server: &ServerProcess, token: &str) -> Result<Caller, (Code, u32)> {
        let mut request = server.url().into_client_request().unwrap();
        let subprotocol = HeaderValue::from_static(ProtocolVersion::SUBPROTOCOL);
        request.headers_mut().insert("sec-websocket-protocol", subprotocol);
        let (socket, _) = connect_async(request).await.unwrap();
        let mut caller = Caller { socket, requests: 0, channel: None };
        let (oldest, newest) = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        caller.say(&ClientFrame::Hello { oldest, newest, token }).await;
        let answer = caller
            .hear(|frame| match frame {
                ServerFrame::Welcome(_) => Some(Ok(())),
                ServerFrame::Error { code, retry_after_ms, .. } => Some(Err((*code, *retry_after_ms))),
                _ => None,
            })
            .await;
        answer.map(|()| caller)
    }

    /// The role in which a document is opened, or the code with which it is refused and after how
    /// many milliseconds to ask again.
    pub(crate) async fn open(&mut self, document: &str) -> Result<Role, (Code, u32)> {
        self.requests += 1;
        let mine = self.requests;
        let open = ClientFrame::Open {
            request: mine,
            document,
            client: None,
            position: None,
            whole: false,
            in_flight: None,
            state: "",
        };
        self.say(&open).await;
        let answer = self
            .hear(|frame| match frame {
                ServerFrame::Opened(opened) if opened.request == mine => Some(Ok((opened.role, opened.channel))),
                ServerFrame::OpenRefused { request, code, retry_after_ms } if *request == mine => {
                    Some(Err((*code, *retry_after_ms)))
                }
                _ => None,
            })
            .await;
        answer.map(|(role, channel)| {
            self.channel = Some(channel);
            role
        })
    }

    /// Closes the document that was opened last.
    pub(crate) async fn close(&mut self) {
        if let Some(channel) = self.channel.take() {
            self.say(&ClientFrame::Close { channel }).await;
        }
    }

    /// Sends a frame.
    pub(crate) async fn say(&mut self, frame: &ClientFrame<'_>) {
        let mut bytes = Vec::new();
        encode_client(frame, &mut bytes);
        // The server may have closed already; what it said is still to be heard.
        let _ = self.socket.send(Message::Binary(bytes.into())).await;
    }

    /// Waits for a frame that says what is asked for.
    pub(crate) async fn hear<T>(&mut self, wanted: impl Fn(&ServerFrame<'_>) -> Option<T>) -> T {
        let heard = timeout(PATIENCE, async {
            loop {
                let message = self.socket.next().await.expect("the socket ends without a word").unwrap();
                let Message::Binary(bytes) = message else { continue };
                for frame in decode_server(&bytes, bytes.len()) {
                    if let Some(found) = wanted(&frame.unwrap()) {
                        return found;
                    }
                }
            }
        });
        heard.await.expect("what is waited for comes")
    }
}
