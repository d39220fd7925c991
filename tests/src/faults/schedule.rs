//! What strikes when: all from a seed.

use std::fmt;
use std::time::Duration;

use super::kind::{FaultKind, Site};
use crate::simulation::chance::Chance;

/// Between the beginnings of two strikes, in milliseconds.
const GAP_MS: (u64, u64) = (100, 1_200);

/// One fault, from its beginning to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strike {
    /// What it is.
    pub kind: FaultKind,
    /// When it begins, from the round's beginning.
    pub begins: Duration,
    /// How long it lasts.
    pub lasts: Duration,
    /// Whom it strikes, where there are several: the number of a server.
    pub server: usize,
    /// All else that is left open, such as which people.
    pub dice: u64,
}

/// The schedules of a run, one after the other. Every kind comes before one comes twice.
#[derive(Clone, Debug)]
pub struct Schedules {
    chance: Chance,
    long: bool,
    only: Option<FaultKind>,
    /// Kinds that are still to come, before all are shuffled again.
    deck: Vec<FaultKind>,
}

impl Schedules {
    /// Those of a seed. A long run has longer faults; `only` one kind is there if it is named.
    pub fn new(seed: u64, long: bool, only: Option<FaultKind>) -> Schedules {
        Schedules { chance: Chance::new(seed), long, only, deck: Vec::new() }
    }

    /// A schedule of so many strikes there, in the order of their beginnings. With `wiped` the last
    /// one empties Redis.
    pub fn next(&mut self, site: Site, servers: usize, strikes: usize, wiped: bool) -> Vec<Strike> {
        let mut schedule: Vec<Strike> = Vec::new();
        let mut begins = Duration::from_millis(500);
        while schedule.len() < strikes {
            let wipe = wiped && schedule.len() + 1 == strikes;
            let kind = if wipe { FaultKind::RedisWipe } else { self.draw(site) };
            begins += Duration::from_millis(self.chance.between(GAP_MS.0, GAP_MS.1));
            let (least, short, long) = kind.lasts_ms();
            // Mostly short, so that people come back between two of them, and sometimes long.
            let longest = if self.long { long } else { short };
            let part = self.chance.below(1_000).pow(3);
            let lasts = least + (longest - least) * part / 1_000_000_000;
            let server = usize::try_from(self.chance.below(servers as u64)).unwrap_or_default();
            let (lasts, dice) = (Duration::from_millis(lasts), self.chance.bits());
            let strike = Strike { kind, begins, lasts, server, dice };
            // What is struck already is left alone until that is over.
            let free = schedule.iter().filter(|other| other.excludes(&strike)).map(Strike::ends).max();
            begins = free.map_or(begins, |free| begins.max(free + Duration::from_millis(50)));
            schedule.push(Strike { begins, ..strike });
        }
        schedule
    }

    fn draw(&mut self, site: Site) -> FaultKind {
        if let Some(only) = self.only.filter(|only| only.strikes(site) && *only != FaultKind::RedisWipe) {
            return only;
        }
        loop {
            if let Some(at) = self.deck.iter().rposition(|kind| kind.strikes(site)) {
                return self.deck.remove(at);
            }
            let wanted = |kind: &FaultKind| {
                kind.strikes(site)
                    && *kind != FaultKind::RedisWipe
                    && (self.long || *kind != FaultKind::StopMinute)
                    && !self.deck.contains(kind)
            };
            let mut fresh: Vec<FaultKind> = FaultKind::ALL.into_iter().filter(wanted).collect();
            while !fresh.is_empty() {
                let at = self.chance.below(fresh.len() as u64);
                self.deck.push(fresh.swap_remove(usize::try_from(at).unwrap_or_default()));
            }
        }
    }
}

impl Strike {
    /// When it ends, from the round's beginning.
    pub fn ends(&self) -> Duration {
        self.begins + self.lasts
    }

    /// Whether the two cannot be at the same time.
    fn excludes(&self, other: &Strike) -> bool {
        self.place() == other.place()
    }

    /// What it takes for itself: the people's network, Redis, or one server and its disk.
    fn place(&self) -> (u8, usize) {
        match self.kind {
            kind if kind.is_of_network() => (0, 0),
            FaultKind::RedisRestart
            | FaultKind::RedisKill
            | FaultKind::RedisWipe
            | FaultKind::RedisCut
            | FaultKind::RedisClients
            | FaultKind::RedisStall => (1, 0),
            _ => (2, self.server),
        }
    }
}

impl fmt::Display for Strike {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (begins, lasts) = (self.begins.as_millis(), self.lasts.as_millis());
        write!(f, "{begins:6} ms: {:13} for {lasts:5} ms, server {}, dice {:016x}", self.kind, self.server, self.dice)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{FaultKind, Schedules, Site, Strike};

    fn draw(seed: u64, long: bool) -> Vec<Strike> {
        Schedules::new(seed, long, None).next(Site::Redis, 3, 40, true)
    }

    #[test]
    fn a_seed_is_a_schedule() {
        assert_eq!(draw(1, false), draw(1, false));
        assert_ne!(draw(1, false), draw(2, false));
    }

    #[test]
    fn every_kind_comes_and_the_wipe_is_last() {
        for long in [false, true] {
            let kinds: BTreeSet<FaultKind> = draw(7, long).iter().map(|strike| strike.kind).collect();
            let expected = FaultKind::ALL.into_iter().filter(|kind| kind.strikes(Site::Redis));
            let expected: BTreeSet<FaultKind> =
                expected.filter(|kind| long || *kind != FaultKind::StopMinute).collect();
            assert_eq!(kinds, expected);
            assert_eq!(draw(7, long).last().map(|strike| strike.kind), Some(FaultKind::RedisWipe));
        }
    }

    #[test]
    fn nothing_is_struck_twice_at_once() {
        let strikes = draw(3, true);
        for (number, strike) in strikes.iter().enumerate() {
            let before = strikes[..number].iter().filter(|other| other.place() == strike.place());
            assert!(before.into_iter().all(|other| other.ends() < strike.begins), "{strike}");
        }
        assert!(strikes.windows(2).any(|pair| pair[0].ends() > pair[1].begins), "some are at the same time");
    }

    #[test]
    fn one_kind_can_be_asked_for() {
        let mut schedules = Schedules::new(1, false, Some(FaultKind::Kill));
        assert!(schedules.next(Site::Disk, 1, 5, false).iter().all(|strike| strike.kind == FaultKind::Kill));
    }
}
