//! The driver against a server of the test's own, which knows one document.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use cowrite_protocol::codec::{decode_client, encode_server};
use cowrite_protocol::frame::{
    ClientFrame, Code, DurabilityClass, Opened, Outcome, Packed, ProtocolVersion, Rate, Role, ServerFrame, Settlement,
    SnapshotFrame, Terms, Welcome,
};
use cowrite_protocol::operation::Document;
use cowrite_protocol::{
    AuthorNumber, Channel, ClientId, ClientSeq, DocumentType, Epoch, Limits, Operation, RichText, RunningHash, Version,
};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::header::SEC_WEBSOCKET_PROTOCOL;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::{ConnectError, NativeClient, NativeSettings, TokenSource, WaitError};
use crate::LinkState;
use crate::engine::{EditError, Event, StatusState};

const CHANNEL: Channel = Channel(1);
const CLIENT: ClientId = ClientId::from_bytes([5; 16]);

/// The other end of one socket.
struct Peer(WebSocketStream<TcpStream>);

impl Peer {
    #[expect(clippy::result_large_err, reason = "the library's own signature")]
    async fn accept(listener: &TcpListener) -> Peer {
        let (stream, _) = listener.accept().await.unwrap();
        let speak = |request: &Request, mut response: Response| {
            let asked = &request.headers()[SEC_WEBSOCKET_PROTOCOL];
            assert_eq!(asked, ProtocolVersion::SUBPROTOCOL);
            response.headers_mut().insert(SEC_WEBSOCKET_PROTOCOL, asked.clone());
            Ok(response)
        };
        Peer(accept_hdr_async(stream, speak).await.unwrap())
    }

    /// The next message, which must be one frame.
    async fn hear<T>(&mut self, read: impl FnOnce(ClientFrame<'_>) -> T) -> T {
        let Message::Binary(message) = self.0.next().await.unwrap().unwrap() else { panic!("not binary") };
        let mut frames = decode_client(&message, 1 << 20);
        let frame = frames.next().unwrap().unwrap();
        assert_eq!(frames.next(), None);
        read(frame)
    }

    async fn say(&mut self, frames: &[ServerFrame<'_>]) {
        let mut message = Vec::new();
        frames.iter().for_each(|frame| encode_server(frame, &mut message));
        self.0.send(Message::Binary(message.into())).await.unwrap();
    }

    async fn greet(&mut self) {
        self.hear(|frame| assert!(matches!(frame, ClientFrame::Hello { token: "secret", .. }))).await;
        let welcome = Welcome {
            version: ProtocolVersion::NEWEST,
            user: "bot".parse().unwrap(),
            limits: Limits::default(),
            durability: DurabilityClass::None,
            silence_ms: 90_000,
        };
        self.say(&[ServerFrame::Welcome(welcome)]).await;
    }

    /// Opens the document, empty, or as it was at the client's own version.
    async fn open(&mut self, settlement: Settlement) {
        self.open_as(settlement, Role::Editor).await;
    }

    /// The same, for a client that may do this.
    async fn open_as(&mut self, settlement: Settlement, role: Role) {
        let (request, position) = self
            .hear(|frame| match frame {
                ClientFrame::Open { request, position, .. } => (request, position),
                frame => panic!("{frame:?}"),
            })
            .await;
        let outcome = match position {
            Some(position) => Outcome::Tail { head: position.version },
            None => Outcome::Snapshot,
        };
        let (epoch, last_seq) = (Epoch::new(2), ClientSeq::NONE);
        let number = AuthorNumber(1);
        let opened =
            Opened { request, channel: CHANNEL, client: CLIENT, last_seq, number, role, settlement, epoch, outcome };
        let mut content = Vec::new();
        RichText::encode(&Operation::identity(), &mut content);
        let snapshot = SnapshotFrame {
            channel: CHANNEL,
            epoch,
            version: Version::ZERO,
            hash: RunningHash::ZERO,
            checksum: RichText::checksum(&Document::new()),
            authors: Vec::new(),
            content: Packed(&content),
        };
        match position {
            Some(_) => self.say(&[ServerFrame::Opened(opened)]).await,
            None => self.say(&[ServerFrame::Opened(opened), ServerFrame::Snapshot(snapshot)]).await,
        }
    }

    /// Takes a submit, and gives its ack as the entry after `version`.
    async fn accept_submit(&mut self, version: u64) {
        let operation = self
            .hear(|frame| match frame {
                ClientFrame::Submit(submit) | ClientFrame::SubmitStill(submit) => submit.operation.0.to_vec(),
                frame => panic!("{frame:?}"),
            })
            .await;
        let (version, seq) = (Version::new(version + 1).unwrap(), ClientSeq::new(1).unwrap());
        let hash = RunningHash::ZERO.advance(version, &CLIENT, seq, &operation).byte();
        self.say(&[ServerFrame::Ack { channel: CHANNEL, seq: 1, version: version.get() as u8, hash }]).await;
    }
}

fn operation(delta: &str) -> Operation {
    Operation::from_delta(delta).unwrap()
}

async fn listen() -> (TcpListener, NativeClient) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/v1/socket", listener.local_addr().unwrap());
    let client = NativeClient::connect(&url, "secret", NativeSettings::default()).unwrap();
    (listener, client)
}

/// What a test waits for comes at once, or the test has failed.
async fn soon<T>(work: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(30), work).await.unwrap()
}

#[tokio::test]
async fn an_edit_is_accepted() {
    let (listener, client) = listen().await;
    let document = client.open("notes".parse().unwrap(), "{}").unwrap();
    let mut events = document.events();
    assert_eq!(document.edit(&operation("[{\"insert\":\"a\"}]")), Err(EditError::NotLoaded));
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        peer.open(Settlement::Nothing).await;
        peer.accept_submit(0).await;
        peer.hear(|frame| assert!(matches!(frame, ClientFrame::Submit(_) | ClientFrame::SubmitStill(_)))).await;
        peer
    };
    let work = async {
        document.opened().await.unwrap();
        assert_eq!(document.edit_with(|_| None), Ok(None));
        let edit = document.edit(&operation("[{\"insert\":\"héllo\"}]")).unwrap();
        assert_eq!((edit, document.text().as_str()), (1, "héllo"));
        document.when_accepted(edit).await.unwrap();
        assert_eq!(document.when_durable(edit).await, Err(WaitError::NoDurability));
        assert_eq!(document.status().version, Version::new(1).unwrap());
        let append = |text: &Document| Some(Operation::builder().retain(text.length()).insert("!").build());
        assert_eq!(document.edit_with(append), Ok(Some(2)));
        assert_eq!(document.text(), "héllo!");
    };
    let (mut peer, ()) = soon(async { tokio::join!(server, work) }).await;
    assert_eq!(client.user().unwrap().as_str(), "bot");
    assert!(std::iter::from_fn(|| events.try_recv().ok()).any(|event| event == Event::Opened { first: true }));
    document.close();
    soon(peer.hear(|frame| assert_eq!(frame, ClientFrame::Close { channel: CHANNEL }))).await;
    let (_, ended) = soon(async { tokio::join!(client.close(), peer.0.next()) }).await;
    assert!(matches!(ended, Some(Ok(Message::Close(_)))), "{ended:?}");
}

#[tokio::test]
async fn an_edit_survives_its_socket() {
    let (listener, client) = listen().await;
    let document = client.open("notes".parse().unwrap(), "").unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        peer.open(Settlement::Nothing).await;
        // The submit is read, and never answered.
        peer.hear(|frame| assert!(matches!(frame, ClientFrame::SubmitStill(_)))).await;
        drop(peer);
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        peer.open(Settlement::NotAccepted).await;
        peer.accept_submit(0).await;
        peer
    };
    let work = async {
        document.opened().await.unwrap();
        let edit = document.edit(&operation("[{\"insert\":\"x\"}]")).unwrap();
        document.wait_until(|status| status.state == StatusState::Detached).await.unwrap();
        document.when_accepted(edit).await.unwrap();
    };
    soon(async { tokio::join!(server, work) }).await;
    assert_eq!(document.text(), "x");
}

#[tokio::test]
async fn refusals_reach_who_waits() {
    let (listener, client) = listen().await;
    let document = client.open("notes".parse().unwrap(), "").unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        peer.open(Settlement::Nothing).await;
        peer.hear(|frame| assert!(matches!(frame, ClientFrame::SubmitStill(_)))).await;
        let (seq, code) = (ClientSeq::new(1).unwrap(), Code::BadOperation);
        peer.say(&[ServerFrame::Reject { channel: CHANNEL, seq, code }]).await;
        peer
    };
    let work = async {
        document.opened().await.unwrap();
        let edit = document.edit(&operation("[{\"insert\":\"x\"}]")).unwrap();
        document.when_accepted(edit).await
    };
    let (mut peer, refused) = soon(async { tokio::join!(server, work) }).await;
    assert_eq!(refused, Err(WaitError::Refused { edit: 1, code: Code::BadOperation }));
    assert_eq!(document.text(), "");
    let denied = ServerFrame::Closed { channel: CHANNEL, code: Code::AccessDenied, retry_after_ms: 0 };
    soon(peer.say(&[denied])).await;
    let never = soon(document.wait_until(|status| status.local > 1)).await;
    assert_eq!(never, Err(WaitError::Closed(Code::AccessDenied)));
}

#[tokio::test]
async fn a_token_is_asked_for_each_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let (asked, mut asks) = tokio::sync::mpsc::unbounded_channel();
    let tokens = TokenSource::asking(move || {
        asked.send(()).unwrap();
        async { Some("secret".to_owned()) }
    });
    let _client = NativeClient::connect(&url, tokens, NativeSettings::default()).unwrap();
    for _ in 0..2 {
        let mut peer = soon(Peer::accept(&listener)).await;
        soon(asks.recv()).await.unwrap();
        soon(peer.greet()).await;
    }
    assert!(asks.try_recv().is_err());
}

#[tokio::test]
async fn a_token_is_replaced_in_time_and_the_connection_goes_on() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("ws://{}/", listener.local_addr().unwrap());
    let asked = AtomicUsize::new(0);
    let tokens = TokenSource::asking(move || {
        let token = ["secret", "fresh"][asked.fetch_add(1, Ordering::Relaxed)];
        async move { Some(token.to_owned()) }
    });
    let client = NativeClient::connect(&url, tokens, NativeSettings::default()).unwrap();
    let mut peer = soon(Peer::accept(&listener)).await;
    soon(peer.greet()).await;
    let rate = Rate { per_second: 100, burst: 200 };
    let terms = Terms { submits: rate, presence: rate, connections: 10, token_ms: Some(1_000) };
    soon(peer.say(&[ServerFrame::Terms(terms)])).await;
    soon(peer.hear(|frame| assert_eq!(frame, ClientFrame::Token { token: "fresh" }))).await;
    assert_eq!(*client.link().borrow(), LinkState::Online);
}

#[tokio::test]
async fn who_is_refused_signs_in_again_with_all_that_is_pending() {
    let (listener, client) = listen().await;
    let document = client.open("notes".parse().unwrap(), "").unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        peer.open(Settlement::Nothing).await;
        peer.hear(|frame| assert!(matches!(frame, ClientFrame::SubmitStill(_)))).await;
        let speaks = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
        peer.say(&[ServerFrame::Error { code: Code::Unauthorized, retry_after_ms: 0, speaks }]).await;
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        peer.open(Settlement::NotAccepted).await;
        peer.accept_submit(0).await;
        peer
    };
    let work = async {
        document.opened().await.unwrap();
        let edit = document.edit(&operation("[{\"insert\":\"x\"}]")).unwrap();
        assert_eq!(document.when_accepted(edit).await, Err(WaitError::Closed(Code::Unauthorized)));
        assert_eq!(*client.link().borrow(), LinkState::Stopped(Code::Unauthorized));
        assert_eq!(document.status().pending, 1);
        client.set_tokens("secret");
        document.opened().await.unwrap();
        document.when_accepted(edit).await.unwrap();
    };
    soon(async { tokio::join!(server, work) }).await;
    assert_eq!(document.text(), "x");
}

#[tokio::test]
async fn work_that_its_user_may_not_do_any_more_is_refused_to_who_waits_and_kept() {
    let (listener, client) = listen().await;
    let document = client.open("notes".parse().unwrap(), "").unwrap();
    let server = async {
        let mut peer = Peer::accept(&listener).await;
        peer.greet().await;
        peer.open(Settlement::Nothing).await;
        peer.hear(|frame| assert!(matches!(frame, ClientFrame::SubmitStill(_)))).await;
        let changed = ServerFrame::Closed { channel: CHANNEL, code: Code::AccessChanged, retry_after_ms: 0 };
        peer.say(&[changed]).await;
        peer.open_as(Settlement::NotAccepted, Role::Viewer).await;
        peer
    };
    let work = async {
        document.opened().await.unwrap();
        let edit = document.edit(&operation("[{\"insert\":\"x\"}]")).unwrap();
        document.when_accepted(edit).await
    };
    let (_peer, refused) = soon(async { tokio::join!(server, work) }).await;
    assert_eq!(refused, Err(WaitError::Refused { edit: 1, code: Code::ReadOnly }));
    assert_eq!(document.read(|engine| engine.proposals().len()), Some(1));
    assert_eq!(document.status().pending, 1);
}

#[tokio::test]
async fn an_address_that_cannot_be_one_is_refused() {
    let connect = |url| NativeClient::connect(url, "", NativeSettings::default()).err();
    assert_eq!(connect("wss://host/"), Some(ConnectError::Scheme { scheme: "wss".into() }));
    for url in ["", "host", "ws://", "not an address"] {
        assert!(matches!(connect(url), Some(ConnectError::BadUrl { .. })), "{url}");
    }
}
