//! One client of the crowd, on one document.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cowrite_client::engine::StatusState;
use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings, TokenSource, WaitError};
use cowrite_client::{EditError, SessionSettings};
use cowrite_protocol::DocumentId;
use cowrite_protocol::frame::Position;
use cowrite_protocol::operation::Document;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use super::account::{Account, Outcome};
use super::scribe::{Scribe, Travel};
use super::witness::{Witness, is_loaded};
use crate::relay::Relay;

/// A client with one document open, behind a network of its own.
pub struct Person {
    number: usize,
    id: DocumentId,
    client: NativeClient,
    document: Arc<DocumentClient>,
    relay: Relay,
    pub(super) witness: Witness,
    watching: JoinHandle<()>,
    writing: Option<JoinHandle<Scribe>>,
    scribe: Option<Scribe>,
}

/// One text of a document, as somebody has it.
pub(super) struct Replica {
    pub(super) position: Option<Position>,
    pub(super) document: Document,
}

impl PartialEq for Replica {
    /// The same version of the same history, and the same text with its formats. A client that was
    /// there before the first edit need not know the epoch's name.
    fn eq(&self, other: &Replica) -> bool {
        let stand = |position: &Position| (position.version, position.hash);
        self.position.as_ref().map(stand) == other.position.as_ref().map(stand) && self.document == other.document
    }
}

impl Person {
    pub(super) fn arrive(number: usize, id: DocumentId, seed: u64, relay: Relay, scribe: Scribe) -> Person {
        let session = SessionSettings::new(seed.wrapping_mul(1_000).wrapping_add(number as u64));
        let url = format!("ws://{}/v1/socket", relay.address());
        let token = TokenSource::fixed(&format!("dev:c{number}"));
        let client = NativeClient::connect(&url, token, NativeSettings { session }).unwrap();
        let document = Arc::new(client.open(id.clone(), "").unwrap());
        let witness = Witness::of(number);
        let events = document.events();
        let watching = tokio::spawn(witness.clone().watch(document.clone(), events));
        Person { number, id, client, document, relay, witness, watching, writing: None, scribe: Some(scribe) }
    }

    /// Its number, from 0.
    pub fn number(&self) -> usize {
        self.number
    }

    /// The document that it writes.
    pub fn id(&self) -> &DocumentId {
        &self.id
    }

    /// The document, for what is not offered here.
    pub fn document(&self) -> &DocumentClient {
        &self.document
    }

    /// The client.
    pub fn client(&self) -> &NativeClient {
        &self.client
    }

    /// The network between it and the servers.
    pub fn relay(&self) -> &Relay {
        &self.relay
    }

    /// Whether an operation of its is in flight, and edits wait behind it.
    pub fn is_loaded(&self) -> bool {
        self.document.read(is_loaded).unwrap_or_default()
    }

    /// Whether it does something this moment that is not in its account yet.
    pub(super) fn is_writing(&self) -> bool {
        self.witness.lock().unwritten > 0
    }

    /// What it did, and what it was told.
    pub fn account(&self) -> Account {
        let mut account = self.witness.lock().account.clone();
        let accepted = self.document.status().accepted;
        let refused = self.witness.lock().refused.clone();
        for (number, edit) in &mut account.edits {
            edit.outcome = match number {
                number if refused.iter().any(|(from, to)| (from..=to).contains(&number)) => Outcome::Refused,
                number if *number <= accepted => Outcome::Accepted,
                _ => Outcome::Pending,
            };
        }
        account
    }

    pub(super) fn start_writing(&mut self, average_ms: u64, stop: watch::Receiver<bool>) {
        let Some(scribe) = self.scribe.take() else { return };
        let (document, witness) = (self.document.clone(), self.witness.clone());
        self.writing = Some(tokio::spawn(write(document, witness, scribe, average_ms, stop)));
    }

    pub(super) async fn stop_writing(&mut self) {
        if let Some(writing) = self.writing.take() {
            self.scribe = Some(writing.await.expect("typing does not panic"));
        }
    }

    pub(super) fn is_settled(&self) -> bool {
        let status = self.document.status();
        status.pending == 0 && status.state == StatusState::Online
    }

    pub(super) fn replica(&self) -> Replica {
        replica(&self.document)
    }

    /// Whether the events, once all are read, tell the text that the client has.
    pub(super) async fn is_told_its_text(&self) -> bool {
        let start = Instant::now();
        loop {
            let has = self.replica().document;
            if self.witness.lock().from_events == has {
                return true;
            }
            if start.elapsed() > Duration::from_secs(5) {
                return false;
            }
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Adds the outcomes that only waiting for an edit tells.
    pub(super) async fn settled_account(&self) -> Account {
        let mut account = self.account();
        for (number, edit) in &mut account.edits {
            if edit.outcome == Outcome::Accepted {
                edit.outcome = match self.document.when_accepted(*number).await {
                    Ok(()) => Outcome::Accepted,
                    Err(WaitError::Refused { .. }) => Outcome::Refused,
                    Err(_) => Outcome::Unknown,
                };
            }
        }
        account
    }
}

impl Drop for Person {
    fn drop(&mut self) {
        self.watching.abort();
        if let Some(writing) = &self.writing {
            writing.abort();
        }
    }
}

/// Reads a document as somebody who was never there.
pub(super) async fn read_afresh(
    server: SocketAddr,
    id: &DocumentId,
    at_least: Option<Position>,
    patience: Duration,
) -> Result<Replica, String> {
    let url = format!("ws://{server}/v1/socket");
    // A user of its own: many read at once, and nobody may have more than ten connections.
    let user = format!("dev:reader-of-{id}-at-{}", server.port());
    let reader = NativeClient::connect(&url, user.as_str(), NativeSettings::default()).unwrap();
    let document = reader.open(id.clone(), "").unwrap();
    let version = at_least.map(|position| position.version).unwrap_or_default();
    let there = document.wait_until(|status| status.state == StatusState::Online && status.version >= version);
    match timeout(patience, there).await {
        Ok(Ok(_)) => Ok(replica(&document)),
        Ok(Err(error)) => Err(format!("a new reader of {id} at {server}: {error}")),
        Err(_) => Err(format!("a new reader of {id} at {server} gets no further than {:?}", document.status())),
    }
}

fn replica(document: &DocumentClient) -> Replica {
    let replica = document.read(|engine| (engine.position(), engine.document().clone()));
    let (position, document) = replica.expect("its client lives");
    Replica { position, document }
}

async fn write(
    document: Arc<DocumentClient>,
    witness: Witness,
    mut scribe: Scribe,
    average_ms: u64,
    stop: watch::Receiver<bool>,
) -> Scribe {
    while !*stop.borrow() {
        let done = match scribe.travels() {
            Some(travel) => wander(&document, &witness, travel),
            None => edit(&document, &witness, &mut scribe),
        };
        if let Err(wrong) = done {
            witness.complain(wrong);
            break;
        }
        let pause = Duration::from_millis(scribe.pause_ms(average_ms));
        let mut stop = stop.clone();
        tokio::select! {
            () = sleep(pause) => {}
            _ = stop.wait_for(|&stop| stop) => {}
        }
    }
    scribe
}

fn edit(document: &DocumentClient, witness: &Witness, scribe: &mut Scribe) -> Result<(), String> {
    let mut what = None;
    witness.writes();
    let edited = document.edit_with(|text| {
        let (operation, chosen) = scribe.next(text);
        what = Some(chosen);
        Some(operation)
    });
    // Each edit is undone by itself.
    document.stop_capturing();
    match (edited, what) {
        (Ok(Some(number)), Some(what)) => witness.wrote(number, what),
        // Not loaded yet, or anew.
        (Err(EditError::NotLoaded), _) => witness.wrote_nothing(),
        (edited, what) => return Err(format!("it cannot do {what:?}: {edited:?}")),
    }
    Ok(())
}

fn wander(document: &DocumentClient, witness: &Witness, travel: Travel) -> Result<(), String> {
    witness.writes();
    let done = match travel {
        Travel::Undo => document.undo(),
        Travel::Redo => document.redo(),
    };
    match done {
        // What it did is told by its event.
        Ok(Some(undone)) => witness.travelled(undone.edit),
        Ok(None) | Err(EditError::NotLoaded) => witness.wrote_nothing(),
        Err(error) => return Err(format!("{travel:?} cannot be done: {error}")),
    }
    Ok(())
}
