//! What a program writes, readable while it runs.

use std::io::{BufRead, BufReader, Read};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// All lines that a program has written on one of its streams. They outlive the program.
#[derive(Clone, Debug, Default)]
pub struct ProgramLog(Arc<Inner>);

#[derive(Debug, Default)]
struct Inner {
    state: Mutex<State>,
    grown: Condvar,
}

#[derive(Debug, Default)]
struct State {
    lines: Vec<String>,
    /// More may come.
    open: bool,
}

impl ProgramLog {
    /// Takes in a stream until it ends, on a thread of its own.
    pub(super) fn collect(&self, stream: impl Read + Send + 'static) {
        self.lock().open = true;
        let log = self.clone();
        std::thread::spawn(move || {
            let mut stream = BufReader::new(stream);
            let mut line = Vec::new();
            // A stream that fails has ended, for whoever reads it.
            while stream.read_until(b'\n', &mut line).is_ok_and(|bytes| bytes > 0) {
                log.lock().lines.push(String::from_utf8_lossy(&line).trim_end().to_owned());
                log.0.grown.notify_all();
                line.clear();
            }
            log.lock().open = false;
            log.0.grown.notify_all();
        });
    }

    /// All that was written so far.
    pub fn text(&self) -> String {
        self.lock().lines.join("\n")
    }

    /// Whether more may come: the program has not ended, nor closed the stream.
    pub fn is_open(&self) -> bool {
        self.lock().open
    }

    /// The first line that `find` finds something in; waits for it. `None` when the program has
    /// ended without, or `patience` is over.
    pub fn wait_for<T>(&self, patience: Duration, mut find: impl FnMut(&str) -> Option<T>) -> Option<T> {
        let deadline = Instant::now() + patience;
        let mut read = 0;
        let mut state = self.lock();
        loop {
            while read < state.lines.len() {
                if let Some(found) = find(&state.lines[read]) {
                    return Some(found);
                }
                read += 1;
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if !state.open || left.is_zero() {
                return None;
            }
            state = self.0.grown.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// All that was written, once the program has ended.
    pub(crate) fn complete(&self, patience: Duration) -> String {
        self.wait_for(patience, |_| None::<()>);
        self.text()
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
