//! A client whose device keeps its document, as a browser's does.

use std::net::SocketAddr;
use std::time::{Duration, Instant};

use cowrite_client::engine::StatusState;
use cowrite_client::{DocumentHandle, Engine, Found, Millis, Output, RecordError, Session, SessionSettings, Written};
use cowrite_protocol::RichText;
use cowrite_protocol::operation::Operation;
use tokio::time::{sleep, timeout};

use crate::raw::{RawSocket, WsFrame};

/// Nothing takes a client that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// A client at one document, and what its device holds of it.
pub struct KeptClient {
    session: Session<RichText>,
    handle: DocumentHandle,
    token: String,
    device: Option<(Vec<u8>, Vec<u8>)>,
    loaded: Result<(), RecordError>,
    socket: Option<RawSocket>,
    sent: Vec<Vec<u8>>,
    start: Instant,
}

impl KeptClient {
    /// One whose device holds this of the document: base and work; or nothing. It connects once it
    /// is driven.
    ///
    /// # Panics
    /// If there can be no document of that name.
    pub fn new(document: &str, token: &str, device: Option<(Vec<u8>, Vec<u8>)>) -> KeptClient {
        let mut session = Session::new(SessionSettings::new(1));
        let handle = session.open_kept(document.parse().unwrap(), "", Millis(0)).unwrap();
        let (token, start) = (token.to_owned(), Instant::now());
        KeptClient { session, handle, token, device, loaded: Ok(()), socket: None, sent: Vec::new(), start }
    }

    /// The document.
    ///
    /// # Panics
    /// Never: it is not closed.
    pub fn engine(&self) -> &Engine<RichText> {
        self.session.engine(self.handle).expect("the document is open")
    }

    /// Whether the record that the device held was taken.
    pub fn loaded(&self) -> Result<(), RecordError> {
        self.loaded
    }

    /// Base and work as the device holds them now.
    pub fn device(&self) -> Option<&(Vec<u8>, Vec<u8>)> {
        self.device.as_ref()
    }

    /// All messages that it has sent.
    pub fn sent(&self) -> &[Vec<u8>] {
        &self.sent
    }

    /// Makes an edit, which the device holds before this returns.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn edit(&mut self, operation: &Operation) {
        let now = self.now();
        self.session.edit(self.handle, operation, now).expect("the document is open").unwrap();
        self.session.store_now(now);
    }

    /// Whether it has the document, and all that it did is in it.
    pub fn is_in_step(&self) -> bool {
        let status = self.engine().status();
        status.state == StatusState::Online && status.pending == 0
    }

    /// Sends what there is to send; hears nothing.
    ///
    /// # Panics
    /// If it is not connected.
    pub async fn send_only(&mut self) {
        while let Some(output) = self.session.poll_output() {
            self.perform(output, None).await;
        }
    }

    /// Stores what is to be stored, and sends nothing more.
    pub fn store(&mut self) {
        while let Some(output) = self.session.poll_output() {
            self.keep(output);
        }
    }

    /// Lives, connected with this server, until it is as `done` says.
    ///
    /// # Panics
    /// If that does not come within 20 s.
    pub async fn drive(&mut self, server: SocketAddr, done: impl Fn(&KeptClient) -> bool) {
        if self.socket.is_none() {
            self.session.connect(self.now());
        }
        let lives = timeout(PATIENCE, self.live(server, &done)).await;
        assert!(lives.is_ok(), "it never comes to that: {:?}", self.engine().status());
    }

    async fn live(&mut self, server: SocketAddr, done: impl Fn(&KeptClient) -> bool) {
        loop {
            while let Some(output) = self.session.poll_output() {
                self.perform(output, Some(server)).await;
            }
            if done(self) {
                return;
            }
            let (now, timeout) = (self.now().0, self.session.poll_timeout());
            let wait = timeout.map_or(1_000, |at| at.0.saturating_sub(now));
            let socket = self.socket.as_mut().expect("it connects at once");
            tokio::select! {
                frame = socket.reader.wait() => {
                    let frame = frame.expect("the connection stays");
                    assert!(frame.last, "messages come whole");
                    if frame.is_data() {
                        self.session.handle_message(&frame.payload, self.now());
                    }
                }
                () = sleep(Duration::from_millis(wait)) => self.session.handle_timeout(self.now(), 0),
            }
        }
    }

    async fn perform(&mut self, output: Output<RichText>, server: Option<SocketAddr>) {
        match output {
            Output::Connect => {
                self.socket = Some(RawSocket::connect(server.expect("it is connected already")).await);
                self.session.handle_connected(self.now());
            }
            Output::Send(message) => {
                let socket = self.socket.as_mut().expect("it sends once it is connected");
                socket.writer.frame(&WsFrame::binary(&message)).await;
                self.sent.push(message);
            }
            other => self.keep(other),
        }
    }

    /// What a host does that has to do with no socket.
    fn keep(&mut self, output: Output<RichText>) {
        let now = self.now();
        match output {
            Output::NeedToken => self.session.provide_fixed_token(&self.token, now),
            Output::Load { handle, .. } => {
                let found = match &self.device {
                    Some((base, work)) => Found::Record { base, work, age_ms: 0 },
                    None => Found::Nothing,
                };
                self.loaded = self.session.handle_loaded(handle, found, now);
            }
            Output::Store { handle, ticket, record } => {
                let held = self.device.get_or_insert_default();
                if let Some(base) = record.base {
                    held.0 = base;
                }
                held.1 = record.work;
                self.session.handle_stored(handle, ticket, Written::Stored, now);
            }
            _ => {}
        }
    }

    fn now(&self) -> Millis {
        Millis(u64::try_from(self.start.elapsed().as_millis()).unwrap_or(u64::MAX))
    }
}
