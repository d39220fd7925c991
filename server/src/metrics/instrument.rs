//! The three kinds of numbers.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

/// A number that only grows while the server lives. Cost: one atomic addition.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

/// A number that goes up and down.
#[derive(Debug, Default)]
pub struct Gauge(AtomicI64);

/// How long things took, in ranges. Cost: two atomic additions.
#[derive(Debug, Default)]
pub struct Histogram {
    /// One for each of [`Histogram::BOUNDS_MICROS`], and one for what took longer.
    ranges: [AtomicU64; Histogram::BOUNDS_MICROS.len() + 1],
    sum_micros: AtomicU64,
}

// Relaxed everywhere: each number stands for itself, and no reader concludes from one that
// another must have been written.

impl Counter {
    /// One more.
    pub fn increment(&self) {
        self.add(1);
    }

    /// So many more.
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// How many there were.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Gauge {
    /// Moves it; up or down.
    pub fn add(&self, more: i64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// Sets it.
    pub fn set(&self, value: i64) {
        self.0.store(value, Ordering::Relaxed);
    }

    /// Where it stands.
    pub fn get(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}

impl Histogram {
    /// The upper bounds of the ranges, in microseconds: from what a log in memory takes to
    /// what nobody should wait for.
    pub const BOUNDS_MICROS: [u64; 13] =
        [100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 50_000, 100_000, 500_000, 2_000_000, 10_000_000];

    /// One more, that took so long.
    pub fn observe(&self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let range = Histogram::BOUNDS_MICROS.partition_point(|bound| *bound < micros);
        self.ranges[range].fetch_add(1, Ordering::Relaxed);
        self.sum_micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// How many took at most each bound, then how many there were in all; rising.
    pub fn at_most(&self) -> impl Iterator<Item = u64> {
        self.ranges.iter().scan(0, |sum, range| {
            *sum += range.load(Ordering::Relaxed);
            Some(*sum)
        })
    }

    /// How long all of them took together.
    pub fn sum(&self) -> Duration {
        Duration::from_micros(self.sum_micros.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_counts_in_its_range_and_all_above() {
        let histogram = Histogram::default();
        for micros in [0, 100, 101, 10_000_000, 10_000_001] {
            histogram.observe(Duration::from_micros(micros));
        }
        let at_most: Vec<u64> = histogram.at_most().collect();
        assert_eq!(at_most, [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 4, 5]);
        assert_eq!(histogram.sum(), Duration::from_micros(20_000_202));
    }
}
