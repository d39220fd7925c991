//! The versions that the accepted text has gone through.

use alloc::collections::VecDeque;

use cowrite_protocol::frame::Position;
use cowrite_protocol::{RunningHash, Version};

/// How many versions are remembered: more than a log loses in a moment, and 2 kB.
const REMEMBERED: usize = 256;

/// The running hashes, in their short form, of the versions before the engine's position, newest last.
#[derive(Clone, Debug, Default)]
pub(super) struct Past(VecDeque<u64>);

impl Past {
    /// One entry leads on from here.
    pub(super) fn leave(&mut self, position: &Position) {
        if self.0.len() == REMEMBERED {
            self.0.pop_front();
        }
        self.0.push_back(position.hash.short());
    }

    /// A new position was reached otherwise, by way of versions that nobody told.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// Whether the history that led to `now` is known to have gone through this version with this hash.
    pub(super) fn holds(&self, now: &Position, version: Version, hash: RunningHash) -> bool {
        if version == Version::ZERO {
            return true;
        }
        let Some(back) = now.version.get().checked_sub(version.get()) else { return false };
        if back == 0 {
            return now.hash == hash;
        }
        let at = usize::try_from(back).ok().and_then(|back| self.0.len().checked_sub(back));
        at.and_then(|at| self.0.get(at)).is_some_and(|known| *known == hash.short())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn position(version: u64) -> Position {
        let hash = RunningHash::from_bytes([u8::try_from(version % 251).unwrap(); 16]);
        Position { epoch: None, version: Version::new(version).unwrap(), hash }
    }

    #[test]
    fn what_was_gone_through_is_known_and_nothing_else() {
        let mut past = Past::default();
        (10..400).for_each(|version| past.leave(&position(version)));
        let now = position(400);
        let holds = |version, hash| past.holds(&now, position(version).version, position(hash).hash);
        for version in 0..=500 {
            let known = version == 0 || (400 - REMEMBERED as u64..=400).contains(&version);
            assert_eq!(holds(version, version), known, "{version}");
            assert!(version == 0 || !holds(version, version + 1), "{version}");
        }
        past.forget();
        assert!(past.holds(&now, now.version, now.hash));
        assert!(!past.holds(&now, position(399).version, position(399).hash));
    }
}
