//! Lines that wait to be written, by a thread of their own.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing_subscriber::fmt::MakeWriter;

use super::line::safe;

/// Lines that nobody took, in this process: the log is the process's, whatever servers are in it.
static DROPPED: AtomicU64 = AtomicU64::new(0);

/// How many log lines were not written since the process began, since whoever reads them stopped, or
/// was slower than they came.
pub fn lines_dropped() -> u64 {
    DROPPED.load(Ordering::Relaxed)
}

/// Bytes of lines that may wait.
const BOUND_BYTES: usize = 1 << 20;

/// Takes lines without ever waiting, and writes them from a thread of its own: a terminal that is
/// stopped, or a collector of logs that hangs, must not stop the service. What is too much is dropped
/// and counted. Clones share it.
#[derive(Clone)]
pub struct LogQueue {
    shared: Arc<Shared>,
    json: bool,
    colours: bool,
}

struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    lines: VecDeque<Vec<u8>>,
    bytes: usize,
    /// The thread is writing what it took.
    writing: bool,
    ended: bool,
}

impl LogQueue {
    /// A queue before this sink. `json` and `colours` say what lines look like.
    pub fn before(mut sink: impl Write + Send + 'static, json: bool, colours: bool) -> io::Result<LogQueue> {
        let shared = Arc::new(Shared { state: Mutex::default(), changed: Condvar::new() });
        let queue = LogQueue { shared: Arc::clone(&shared), json, colours };
        thread::Builder::new().name("log".to_owned()).spawn(move || {
            while let Some(lines) = shared.next() {
                for line in lines {
                    if sink.write_all(&line).is_err() {
                        DROPPED.fetch_add(1, Ordering::Relaxed);
                    }
                }
                // A sink that does not take it has been counted.
                let _ = sink.flush();
                shared.written();
            }
        })?;
        Ok(queue)
    }

    /// Takes a line; drops it if too much waits.
    pub fn push(&self, line: &[u8]) {
        let line = safe(line, self.json, self.colours);
        let mut state = self.shared.lock();
        if state.bytes + line.len() > BOUND_BYTES {
            drop(state);
            DROPPED.fetch_add(1, Ordering::Relaxed);
            return;
        }
        state.bytes += line.len();
        state.lines.push_back(line.into_owned());
        drop(state);
        self.shared.changed.notify_all();
    }

    /// Waits until all is written, or `patience` is over.
    pub fn flush(&self, patience: Duration) {
        let deadline = Instant::now() + patience;
        let mut state = self.shared.lock();
        while state.writing || !state.lines.is_empty() {
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            state = self.shared.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Writes what waits, no longer than `patience`, and lets the thread end.
    pub(super) fn end(&self, patience: Duration) {
        self.flush(patience);
        self.shared.lock().ended = true;
        self.shared.changed.notify_all();
    }
}

impl Shared {
    /// What waits, when something does; `None` at the end.
    fn next(&self) -> Option<VecDeque<Vec<u8>>> {
        let mut state = self.lock();
        while state.lines.is_empty() {
            if state.ended {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writing = true;
        Some(std::mem::take(&mut state.lines))
    }

    fn written(&self) {
        let mut state = self.lock();
        state.writing = false;
        // What is being written counts until it is, or a sink that hangs would hold twice the bound.
        state.bytes = state.lines.iter().map(Vec::len).sum();
        drop(state);
        self.changed.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for LogQueue {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        self.push(line);
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogQueue {
    type Writer = LogQueue;

    fn make_writer(&'a self) -> LogQueue {
        self.clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;

    use super::*;

    /// Takes a line only when it is let.
    struct Gate(mpsc::Receiver<()>, mpsc::Sender<String>);

    impl Write for Gate {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            let _ = self.1.send(String::from_utf8_lossy(bytes).into_owned());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_sink_that_hangs_stops_nobody_and_what_is_too_much_is_counted() {
        let ((let_in, gate), (lines, written)) = (mpsc::channel(), mpsc::channel());
        let queue = LogQueue::before(Gate(gate, lines), false, false).unwrap();
        let before = lines_dropped();
        let line = [b'x'; 1_000];
        for _ in 0..3_000 {
            queue.push(&line);
        }
        let dropped = lines_dropped() - before;
        assert!((1_900..2_000).contains(&dropped), "{dropped}");
        assert!(queue.shared.lock().bytes <= BOUND_BYTES);
        // It goes on when it is let, and the queue is empty again.
        for _ in 0..3_000 {
            let_in.send(()).unwrap();
        }
        queue.flush(Duration::from_secs(10));
        assert_eq!(written.try_iter().count() as u64, 3_000 - dropped);
        queue.push(b"the last\n");
        queue.end(Duration::from_secs(10));
        assert_eq!(written.try_iter().last().as_deref(), Some("the last\n"));
    }
}
