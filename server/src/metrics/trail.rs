//! The way of one edit through the server, timed.

use std::time::{Duration, Instant};

/// When a submit came from its socket, carried with it. It is a stopwatch that hosts hand in and
/// meters read: no machine decides anything by it. The default one stands still: whoever drives a
/// room without a clock counts no times.
#[derive(Clone, Debug, Default)]
pub struct Trail {
    since: Option<Instant>,
}

impl Trail {
    /// Begins now.
    pub fn start() -> Trail {
        Trail { since: Some(Instant::now()) }
    }

    /// How long ago it began; `None` if it stands still.
    pub fn elapsed(&self) -> Option<Duration> {
        self.since.map(|since| since.elapsed())
    }
}
