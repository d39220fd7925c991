//! Times that were taken, and what they come to.

use std::fmt;
use std::time::Duration;

/// Durations of one kind of thing.
#[derive(Debug, Default)]
pub(crate) struct Sample(Vec<Duration>);

impl Sample {
    pub(crate) fn add(&mut self, taken: Duration) {
        self.0.push(taken);
    }

    pub(crate) fn join(&mut self, other: Sample) {
        self.0.extend(other.0);
    }

    pub(crate) fn len(&self) -> usize {
        self.0.len()
    }

    /// The time below which this share of all lies.
    pub(crate) fn percentile(&self, share: f64) -> Duration {
        let mut sorted = self.0.clone();
        sorted.sort_unstable();
        let at = ((sorted.len() as f64 - 1.0) * share).round() as usize;
        sorted.get(at).copied().unwrap_or_default()
    }
}

impl fmt::Display for Sample {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ms = |share| self.percentile(share).as_secs_f64() * 1e3;
        write!(f, "p50 {:.2} ms, p99 {:.2} ms ({} taken)", ms(0.5), ms(0.99), self.len())
    }
}
