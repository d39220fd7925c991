//! A log under test, and the clock that it is on.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use cowrite_server::oplog::{OpLog, WallClock};

/// Where a bench's clock begins, in milliseconds since 1970.
pub const START_MS: u64 = 1_800_000_000_000;

/// How an adapter is opened, on a clock that stands still until it is moved.
pub struct Bench {
    now_ms: Arc<AtomicU64>,
    open: Box<dyn FnMut() -> Arc<dyn OpLog> + Send>,
}

impl Bench {
    /// A bench; `prepare` is given the clock, and gives what opens the log. Opened
    /// again, it is the same log: as durable as its class says, or in memory.
    pub fn new<F>(prepare: impl FnOnce(WallClock) -> F) -> Bench
    where
        F: FnMut() -> Arc<dyn OpLog> + Send + 'static,
    {
        let now_ms = Arc::new(AtomicU64::new(START_MS));
        let read = Arc::clone(&now_ms);
        let open = prepare(WallClock::from_fn(move || read.load(Ordering::Relaxed)));
        Bench { now_ms, open: Box::new(open) }
    }

    /// Opens the log. All that was opened before must have been dropped.
    pub fn open(&mut self) -> Arc<dyn OpLog> {
        (self.open)()
    }

    /// Moves the clock forward.
    pub fn pass_ms(&self, ms: u64) {
        self.now_ms.fetch_add(ms, Ordering::Relaxed);
    }
}

impl fmt::Debug for Bench {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bench").field("now_ms", &self.now_ms).finish_non_exhaustive()
    }
}
