//! What is asked for, in the words of `bench/peers`.

use std::net::SocketAddr;
use std::time::Duration;

use serde::Deserialize;

/// One load on one server.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Scenario {
    pub(super) kind: Kind,
    pub(super) client: Who,
    /// Such as `ws://127.0.0.1:8080`.
    pub(super) url: String,
    /// Servers beside that one, which clients of a document take turns in.
    #[serde(default)]
    pub(super) more_urls: Vec<String>,
    /// The server's process.
    pub(super) pid: u32,
    /// What else works for it: other servers, Redis.
    #[serde(default)]
    pub(super) more_pids: Vec<u32>,
    #[serde(default)]
    pub(super) documents: usize,
    /// Clients of a document; the documents take turns.
    #[serde(default)]
    pub(super) full: Vec<usize>,
    /// Clients more, which a load in Node.js could not afford to be whole.
    #[serde(default)]
    pub(super) deaf: usize,
    #[serde(default)]
    pub(super) writers: usize,
    #[serde(default)]
    every_ms: u64,
    #[serde(default)]
    warm_ms: u64,
    #[serde(default)]
    measured_ms: u64,
    /// The first one's number, of connections or edits.
    #[serde(default)]
    pub(super) from: usize,
    /// Connections that are held.
    #[serde(default)]
    pub(super) connections: usize,
    /// Edits that a document is given.
    #[serde(default)]
    pub(super) edits: usize,
    /// UTF-16 code units of a text.
    #[serde(default)]
    pub(super) units: usize,
    /// Whether nobody has written the document yet.
    #[serde(default)]
    pub(super) fresh: bool,
    /// Whether writers move their carets instead of typing.
    #[serde(default)]
    pub(super) moves: bool,
}

/// What the clients do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Typing,
    Saturation,
    /// Connections that do nothing, until the program is ended.
    Hold,
    /// Documents that are opened and closed.
    Rooms,
    /// A document that grows old.
    Grow,
}

/// Which clients.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Who {
    Cowrite,
    Relay,
}

impl Scenario {
    /// The address of a server, without the scheme.
    pub(super) fn address(&self) -> SocketAddr {
        self.url.trim_start_matches("ws://").parse().expect("an address")
    }

    /// The server of this client of a document.
    pub(super) fn url_of(&self, client: usize) -> &str {
        match client % (1 + self.more_urls.len()) {
            0 => &self.url,
            more => &self.more_urls[more - 1],
        }
    }

    /// Every process that works for the load.
    pub(super) fn pids(&self) -> Vec<u32> {
        std::iter::once(self.pid).chain(self.more_pids.iter().copied()).collect()
    }

    pub(super) fn every(&self) -> Duration {
        Duration::from_millis(self.every_ms)
    }

    pub(super) fn warm(&self) -> Duration {
        Duration::from_millis(self.warm_ms)
    }

    pub(super) fn measured(&self) -> Duration {
        Duration::from_millis(self.measured_ms)
    }
}
