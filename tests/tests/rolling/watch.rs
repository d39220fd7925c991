//! What a crowd's users see of their connections.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use cowrite_client::engine::StatusState;
use cowrite_tests::crowd::Crowd;
use tokio::time::sleep;

/// Looks at everybody again after this time.
const STEP: Duration = Duration::from_millis(5);

/// When everybody came to another server, and how long nobody was there for them.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    /// When new connections were made, in milliseconds from the beginning, sorted.
    pub(crate) arrivals: Vec<u128>,
    /// The longest time for which each was not online, by person; absent if never.
    blinks: BTreeMap<usize, Duration>,
}

impl Seen {
    /// Watches until `done` says that it is over, and everybody is online.
    ///
    /// # Panics
    /// If that does not come within `patience`.
    pub(crate) async fn until(crowd: &Crowd, patience: Duration, mut done: impl FnMut() -> bool) -> Seen {
        let start = Instant::now();
        let mut seen = Seen::default();
        let mut since: BTreeMap<usize, Instant> = BTreeMap::new();
        let mut accepted: Vec<u64> = crowd.people().iter().map(|person| person.relay().accepted()).collect();
        while !done() || !since.is_empty() {
            assert!(start.elapsed() < patience, "not over after {patience:?}: {}", crowd.state());
            let now = Instant::now();
            for (number, person) in crowd.people().iter().enumerate() {
                let connections = person.relay().accepted();
                let new = connections - std::mem::replace(&mut accepted[number], connections);
                seen.arrivals.extend((0..new).map(|_| start.elapsed().as_millis()));
                if person.document().status().state == StatusState::Online {
                    if let Some(since) = since.remove(&number) {
                        let blink = seen.blinks.entry(number).or_default();
                        *blink = now.duration_since(since).max(*blink);
                    }
                } else {
                    since.entry(number).or_insert(now);
                }
            }
            sleep(STEP).await;
        }
        seen
    }

    /// The longest time for which anybody was not online.
    pub(crate) fn longest_blink(&self) -> Duration {
        self.blinks.values().max().copied().unwrap_or_default()
    }

    /// How many arrived within the busiest `window_ms`.
    pub(crate) fn busiest(&self, window_ms: u128) -> usize {
        let from = |first: &u128| self.arrivals.iter().filter(|at| (*first..*first + window_ms).contains(at)).count();
        self.arrivals.iter().map(from).max().unwrap_or_default()
    }
}
