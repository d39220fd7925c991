//! The clock that the machines are given.

use cowrite_protocol::Millis;
use tokio::time::{Duration, Instant};

/// Milliseconds since the process began, as [`Millis`]; it never goes back, whatever is
/// done to the machine's time of day.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    base: Instant,
}

impl Clock {
    /// A clock that stands at 0 now.
    pub fn start() -> Clock {
        Clock { base: Instant::now() }
    }

    /// The time.
    pub fn now(&self) -> Millis {
        Millis(u64::try_from(self.base.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// That moment as the runtime's timers know it; one that is too far for them is a
    /// year after the start.
    pub fn instant(&self, at: Millis) -> Instant {
        const YEAR: Duration = Duration::from_secs(365 * 24 * 3_600);
        self.base + Duration::from_millis(at.0).min(YEAR)
    }
}
