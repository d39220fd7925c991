//! What is asked for, in the words of `bench/peers`.

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
    /// The server's process.
    pub(super) pid: u32,
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
    warm_ms: u64,
    measured_ms: u64,
}

/// What the clients do.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Kind {
    Typing,
    Saturation,
}

/// Which clients.
#[derive(Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Who {
    Cowrite,
    Relay,
}

impl Scenario {
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
