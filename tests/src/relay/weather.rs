//! What a link does to the bytes on it.

use std::time::Duration;

use super::live::Live;

/// A direction.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// From who connects to whom the relay leads to.
    Up,
    /// Back.
    Down,
}

/// One direction, or both.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ways {
    /// From who connects to whom the relay leads to.
    Up,
    /// Back.
    Down,
    /// Each.
    Both,
}

impl Ways {
    fn hold(self, way: Way) -> bool {
        match self {
            Ways::Up => way == Way::Up,
            Ways::Down => way == Way::Down,
            Ways::Both => true,
        }
    }
}

/// How the links of a relay are now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Weather {
    up: Lane,
    down: Lane,
    pub(super) live: Live,
    /// A link that carries nothing for this long is ended; `None` is no limit.
    pub(super) most_idle: Option<Duration>,
}

/// How one direction is now.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Lane {
    /// Nothing arrives.
    pub(super) hole: bool,
    /// How long each byte takes.
    pub(super) delay: Duration,
    /// Bytes in a second; `None` is no limit.
    pub(super) rate: Option<u64>,
    /// What comes within this time is passed on at once.
    pub(super) gathers: Duration,
    /// Most bytes that are passed on at a time; `None` is no limit.
    pub(super) piece: Option<usize>,
    /// So many bytes of a connection arrive, and then it is cut; `None` is no limit.
    pub(super) ends_after: Option<u64>,
}

impl Weather {
    pub(super) fn lane(&self, way: Way) -> Lane {
        match way {
            Way::Up => self.up,
            Way::Down => self.down,
        }
    }

    pub(super) fn change(&mut self, ways: Ways, change: impl Fn(&mut Lane)) {
        if ways.hold(Way::Up) {
            change(&mut self.up);
        }
        if ways.hold(Way::Down) {
            change(&mut self.down);
        }
    }
}
