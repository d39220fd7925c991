//! How often the server lets us send: kept here, so that it never has to refuse.

use cowrite_protocol::Millis;
use cowrite_protocol::frame::{Rate, Terms};

/// The rates of one connection. Before the server has named them, nothing is paced.
#[derive(Debug, Default)]
pub(super) struct Pace {
    pub(super) submits: Bucket,
    pub(super) presence: Bucket,
    /// When to look again, because something waits for its turn.
    pub(super) due: Option<Millis>,
    /// The place of the document that is served first, since it had to wait the last time.
    pub(super) turn: usize,
}

impl Pace {
    /// What the server has said; both buckets are full.
    pub(super) fn of(terms: &Terms, now: Millis) -> Pace {
        Pace { submits: Bucket::new(terms.submits, now), presence: Bucket::new(terms.presence, now), ..Pace::default() }
    }

    /// Something has to wait for this bucket.
    pub(super) fn wait_for(due: &mut Option<Millis>, bucket: &Bucket, now: Millis) {
        let at = bucket.ready_at(now);
        *due = Some(due.map_or(at, |due| due.min(at)));
    }
}

/// A bucket of permissions. The server's own one fills a little faster and holds more: what
/// leaves here evenly may arrive there in a heap.
#[derive(Debug, Default)]
pub(super) struct Bucket {
    rate: Option<Rate>,
    level: u64,
    filled: Millis,
}

/// One permission, in the units of a level.
const ONE: u64 = 10_000;
/// A bucket that was left alone for longer fills no further, so that no product grows too large.
const LONG_MS: u64 = 1_000_000;

impl Bucket {
    fn new(rate: Rate, now: Millis) -> Bucket {
        let mut bucket = Bucket { rate: Some(rate), level: 0, filled: now };
        bucket.level = bucket.most();
        bucket
    }

    /// Whether something may be sent now.
    pub(super) fn is_ready(&self, now: Millis) -> bool {
        self.rate.is_none() || self.level_at(now) >= ONE
    }

    /// Something is sent.
    pub(super) fn take(&mut self, now: Millis) {
        self.level = self.level_at(now).saturating_sub(ONE);
        self.filled = now;
    }

    /// The server says that it was too much.
    pub(super) fn empty(&mut self, now: Millis) {
        (self.level, self.filled) = (0, now);
    }

    /// When the next thing may be sent.
    fn ready_at(&self, now: Millis) -> Millis {
        now + ONE.saturating_sub(self.level_at(now)).div_ceil(self.per_ms())
    }

    fn level_at(&self, now: Millis) -> u64 {
        let passed = (now - self.filled).min(LONG_MS);
        (self.level + passed * self.per_ms()).min(self.most())
    }

    /// Nine tenths of what the server allows.
    fn per_ms(&self) -> u64 {
        self.rate.map_or(ONE, |rate| u64::from(rate.per_second.max(1)) * (ONE / 1_000) * 9 / 10)
    }

    /// Half of what the server allows at once.
    fn most(&self) -> u64 {
        self.rate.map_or(ONE, |rate| u64::from((rate.burst / 2).max(1)) * ONE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_leaves_than_the_servers_own_bucket_holds() {
        for (per_second, burst) in [(1, 1), (3, 2), (100, 200), (20, 40), (u32::MAX, u32::MAX)] {
            let mut bucket = Bucket::new(Rate { per_second, burst }, Millis(0));
            let mut sent: u64 = 0;
            for now in (0..20_000).map(Millis) {
                while bucket.is_ready(now) && sent < 5_000 {
                    bucket.take(now);
                    sent += 1;
                }
                let allowed = u64::from(burst) + now.0 * u64::from(per_second) / 1_000;
                assert!(sent <= allowed, "{sent} of {allowed} at {now:?}");
                if !bucket.is_ready(now) {
                    let at = bucket.ready_at(now);
                    assert!(at > now && bucket.is_ready(at), "{at:?} at {now:?}");
                }
            }
            assert!(sent >= 20 * u64::from(per_second).min(250) * 8 / 10, "{sent} at {per_second} a second");
        }
    }

    #[test]
    fn without_a_rate_all_may_leave() {
        let mut bucket = Bucket::default();
        for _ in 0..1_000 {
            assert!(bucket.is_ready(Millis(5)));
            bucket.take(Millis(5));
        }
    }
}
