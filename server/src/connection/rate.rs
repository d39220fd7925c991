//! How often something may be done.

use cowrite_protocol::Millis;
use cowrite_protocol::frame::Rate;

/// A bucket that holds a number of tokens and fills steadily; what is done takes some out.
///
/// Counted in thousandths of a token, so that a rate below one a millisecond fills evenly.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: Rate,
    thousandths: u64,
    filled: Millis,
}

impl Bucket {
    /// A full one.
    pub(super) fn new(rate: Rate, now: Millis) -> Bucket {
        Bucket { rate, thousandths: capacity(rate), filled: now }
    }

    /// Takes so many tokens out.
    ///
    /// # Errors
    /// How long it takes until there are enough, in milliseconds, at least 1. Nothing is taken then.
    pub(super) fn take(&mut self, tokens: u32, now: Millis) -> Result<(), u32> {
        self.fill(now);
        let wanted = u64::from(tokens) * 1_000;
        if wanted > self.thousandths {
            return Err(self.time_for(wanted - self.thousandths));
        }
        self.thousandths -= wanted;
        Ok(())
    }

    /// Takes so many tokens out, also those that are not there yet. Gives how long it takes until
    /// none is owed, in milliseconds; 0 if none is.
    pub(super) fn owe(&mut self, tokens: u32, now: Millis) -> u32 {
        self.fill(now);
        let wanted = u64::from(tokens) * 1_000;
        let Some(owed) = wanted.checked_sub(self.thousandths).filter(|owed| *owed > 0) else {
            self.thousandths -= wanted;
            return 0;
        };
        let wait = self.time_for(owed);
        // The debt is time in which nothing fills.
        self.thousandths = 0;
        self.filled = now + u64::from(wait);
        wait
    }

    fn fill(&mut self, now: Millis) {
        if now <= self.filled {
            return;
        }
        let fresh = (now - self.filled).saturating_mul(u64::from(self.rate.per_second));
        self.thousandths = self.thousandths.saturating_add(fresh).min(capacity(self.rate));
        self.filled = now;
    }

    fn time_for(&self, thousandths: u64) -> u32 {
        let ms = thousandths.div_ceil(u64::from(self.rate.per_second.max(1)));
        u32::try_from(ms).unwrap_or(u32::MAX).max(1)
    }
}

fn capacity(rate: Rate) -> u64 {
    u64::from(rate.burst) * 1_000
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_second: 10, burst: 3 };

    #[test]
    fn a_burst_is_taken_at_once_and_the_rest_in_time() {
        let mut bucket = Bucket::new(RATE, Millis(0));
        assert!((0..3).all(|_| bucket.take(1, Millis(0)).is_ok()));
        assert_eq!(bucket.take(1, Millis(0)), Err(100));
        assert_eq!(bucket.take(1, Millis(99)), Err(1));
        assert_eq!(bucket.take(1, Millis(100)), Ok(()));
        let taken = (100..=10_100).filter(|now| bucket.take(1, Millis(*now)).is_ok()).count();
        assert_eq!(taken, 100);
        // A quiet while fills it, and no further than to its brim.
        assert_eq!(bucket.take(4, Millis(1_000_000)), Err(100));
        assert_eq!(bucket.take(3, Millis(1_000_000)), Ok(()));
    }

    #[test]
    fn what_is_owed_is_waited_for() {
        let mut bucket = Bucket::new(RATE, Millis(0));
        assert_eq!(bucket.owe(3, Millis(0)), 0);
        assert_eq!(bucket.owe(2, Millis(0)), 200);
        assert_eq!(bucket.owe(1, Millis(200)), 100);
        assert_eq!(bucket.owe(1, Millis(400)), 0);
    }
}
