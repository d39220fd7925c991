//! How long to wait before the next attempt.

use crate::random::Random;

/// Exponential, capped, then full jitter: the n-th wait is random below
/// `min(30 s, 1 s · 2ⁿ)`, so the first retry comes within a second and a crowd that lost
/// one server does not return at one instant.
#[derive(Clone, Debug, Default)]
pub(crate) struct Backoff {
    attempts: u32,
}

impl Backoff {
    const FIRST_MS: u64 = 1_000;
    const CAP_MS: u64 = 30_000;

    /// The next wait in milliseconds, at least `at_least_ms`.
    pub(crate) fn next_wait(&mut self, random: &mut Random, at_least_ms: u64) -> u64 {
        let bound = (Self::FIRST_MS << self.attempts.min(16)).min(Self::CAP_MS);
        self.attempts = self.attempts.saturating_add(1);
        at_least_ms.saturating_add(random.below(bound))
    }

    /// Things went well for long enough: the next failure is a first one again.
    pub(crate) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_cap_and_never_beyond() {
        let mut random = Random::new(7);
        for (attempt, bound) in [1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000].into_iter().enumerate() {
            let longest =
                (0..2_000).map(|_| Backoff { attempts: attempt as u32 }.next_wait(&mut random, 0)).max().unwrap();
            assert!(longest < bound && longest > bound * 9 / 10, "attempt {attempt}: {longest}");
        }
    }

    #[test]
    fn the_servers_own_word_is_a_lower_bound() {
        let mut backoff = Backoff::default();
        assert!(backoff.next_wait(&mut Random::new(1), 60_000) >= 60_000);
    }
}
