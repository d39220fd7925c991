//! One who has a document open.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_client::{Event, Origin};
use cowrite_protocol::operation::Component;
use cowrite_protocol::text::{Utf16Length, Utf16Offset};
use cowrite_protocol::{Cursor, Operation};
use cowrite_tests::server::mint;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

use super::scenario::Who;

/// Size of what is sent through the relay: that of an edit.
const MESSAGE_BYTES: usize = 16;
const PATIENCE: Duration = Duration::from_secs(60);

/// Is told each text that somebody else inserted.
pub(super) type Heard = Box<dyn FnMut(&str) + Send>;

/// A client of our own server, or of the relay.
pub(super) enum Client {
    Cowrite { _client: NativeClient, document: DocumentClient },
    Relay(Relayed),
}

/// A client that only passes messages on.
pub(super) struct Relayed {
    own: mpsc::UnboundedSender<String>,
    sent: u64,
    acked: watch::Receiver<u64>,
    letters: Arc<Mutex<Vec<u8>>>,
}

impl Client {
    /// Opens the document and waits until it is there.
    pub(super) async fn open(who: Who, url: &str, document: &str, user: &str, heard: Option<Heard>) -> Client {
        match who {
            Who::Cowrite => cowrite(url, document, user, heard).await,
            Who::Relay => Client::Relay(relayed(url, document, heard).await),
        }
    }

    /// Inserts a letter at this part of the text, such as 1 of 2 for its middle.
    pub(super) fn insert(&mut self, letter: &str, part: u32, of: u32) {
        match self {
            Client::Cowrite { document, .. } => {
                let inserted = document.edit_with(|text| {
                    let at = u64::from(text.length().0) * u64::from(part) / u64::from(of);
                    let mut operation = Operation::builder();
                    operation.retain(Utf16Length(at as u32)).insert(letter);
                    Some(operation.build())
                });
                inserted.expect("the document can be written");
            }
            Client::Relay(relayed) => {
                relayed.sent += 1;
                relayed.letters.lock().unwrap().extend_from_slice(letter.as_bytes());
                relayed.own.send(letter.to_owned()).expect("its task runs");
            }
        }
    }

    /// Puts its caret there; the relay passes a message of that size on.
    pub(super) fn move_caret(&mut self, at: u32) {
        match self {
            Client::Cowrite { document, .. } => document.set_cursor(Cursor::caret(Utf16Offset(at))),
            Client::Relay(_) => self.insert("", 0, 1),
        }
    }

    /// Waits until all that it inserted is accepted.
    pub(super) async fn accepted(&mut self) {
        let accepted = async {
            match self {
                Client::Cowrite { document, .. } => {
                    let last = document.status().local;
                    document.when_accepted(last).await.expect("edits are accepted");
                }
                Client::Relay(relayed) => {
                    let sent = relayed.sent;
                    relayed.acked.wait_for(|acked| *acked >= sent).await.expect("its task runs");
                }
            }
        };
        tokio::time::timeout(PATIENCE, accepted).await.expect("edits are accepted in time");
    }

    /// The text; of the relay, which gives no order, its letters in theirs.
    pub(super) fn text(&self) -> String {
        match self {
            Client::Cowrite { document, .. } => document.text(),
            Client::Relay(relayed) => {
                let mut letters = relayed.letters.lock().unwrap().clone();
                letters.sort_unstable();
                String::from_utf8(letters).expect("letters")
            }
        }
    }
}

async fn cowrite(url: &str, document: &str, user: &str, heard: Option<Heard>) -> Client {
    let token = mint(user, &[("*", "editor")]);
    let client = NativeClient::connect(&format!("{url}/v1/socket"), token.as_str(), NativeSettings::default());
    let client = client.expect("an address");
    let document = client.open(document.parse().expect("a document"), "").expect("nothing is open yet");
    tokio::time::timeout(PATIENCE, document.opened()).await.expect("in time").expect("it opens");
    if let Some(mut heard) = heard {
        let mut events = document.events();
        drop(tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let Event::Change { operation, origin: Origin::Remote, .. } = event else { continue };
                for component in operation.components() {
                    if let Component::Insert { text, .. } = component {
                        heard(text.as_str());
                    }
                }
            }
        }));
    }
    Client::Cowrite { _client: client, document }
}

async fn relayed(url: &str, room: &str, mut heard: Option<Heard>) -> Relayed {
    let address = url.trim_start_matches("ws://");
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    stream.set_nodelay(true).unwrap();
    let (mut socket, _) = client_async(format!("{url}/{room}"), stream).await.unwrap();
    let (own, mut letters_to_send) = mpsc::unbounded_channel::<String>();
    let (ack, acked) = watch::channel(0);
    let letters = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&letters);
    drop(tokio::spawn(async move {
        let mut waiting = VecDeque::new();
        loop {
            tokio::select! {
                message = socket.next() => {
                    let Some(Ok(Message::Binary(message))) = message else { return };
                    if message.len() == 1 {
                        ack.send_modify(|acked| *acked += 1);
                        continue;
                    }
                    let text = String::from_utf8_lossy(&message[1..1 + usize::from(message[0])]);
                    seen.lock().unwrap().extend_from_slice(text.as_bytes());
                    if let Some(heard) = &mut heard {
                        heard(&text);
                    }
                }
                letters = letters_to_send.recv() => {
                    let Some(letters) = letters else { return };
                    waiting.push_back(letters);
                    while let Some(letters) = waiting.pop_front() {
                        let mut message = vec![0; MESSAGE_BYTES.max(1 + letters.len())];
                        message[0] = letters.len() as u8;
                        message[1..=letters.len()].copy_from_slice(letters.as_bytes());
                        socket.feed(Message::Binary(Bytes::from(message))).await.unwrap();
                        waiting.extend(letters_to_send.try_recv());
                    }
                    socket.flush().await.unwrap();
                }
            }
        }
    }));
    Relayed { own, sent: 0, acked, letters }
}
