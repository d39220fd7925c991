//! The way of one edit through the server, timed.

use std::time::{Duration, Instant};

/// When a submit came from its socket, carried with it. It is a stopwatch that hosts hand in and
/// meters read: no machine decides anything by it. The default one stands still: whoever drives a
/// room without a clock counts no times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Trail {
    since: Option<Instant>,
    taken: Option<Instant>,
}

impl Trail {
    /// Begins now.
    pub fn start() -> Trail {
        Trail { since: Some(Instant::now()), taken: None }
    }

    /// The same, and the room has it now. Does nothing to one that stands still.
    pub fn taken(self) -> Trail {
        Trail { taken: self.since.map(|_| Instant::now()), ..self }
    }

    /// When it began.
    pub fn began(&self) -> Option<Instant> {
        self.since
    }

    /// When the room took it.
    pub fn taken_at(&self) -> Option<Instant> {
        self.taken
    }

    /// How long ago it began; `None` if it stands still.
    pub fn elapsed(&self) -> Option<Duration> {
        self.since.map(|since| since.elapsed())
    }
}
