//! Logging of a whole process, from its start to its end.

use std::io::{self, IsTerminal};
use std::panic;
use std::time::Duration;

use thiserror::Error;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::ParseError;

use super::{LogKey, LogQueue};

/// How a process logs.
#[derive(Clone, Debug)]
pub struct LoggingSettings {
    /// One JSON object a line, for programs; else text, for people.
    pub json: bool,
    /// Which lines are written, as `tracing_subscriber::EnvFilter` has it.
    pub filter: String,
    /// Under what key users are hashed; `None`: one of this process's own.
    pub user_key: Option<LogKey>,
}

/// Why a process cannot log.
#[derive(Debug, Error)]
pub enum LoggingError {
    /// The filter is none.
    #[error("the log filter {filter:?} makes no sense: {error}; see --log-level")]
    Filter {
        /// What was given.
        filter: String,
        /// What is wrong with it.
        error: ParseError,
    },
    /// There is no thread for it.
    #[error("no thread for log lines can be started: {error}")]
    Thread {
        /// What the system said.
        error: io::Error,
    },
}

/// Writes what waits when it is dropped, if it can be written soon.
#[must_use = "lines that wait are lost without it"]
pub struct LogGuard(LogQueue);

/// How long the end of the process waits for whoever reads its log.
const LAST_LINES: Duration = Duration::from_secs(1);

/// Logs to stderr from here on, panics too.
///
/// # Errors
/// As [`LoggingError`] says.
pub fn start(settings: LoggingSettings) -> Result<LogGuard, LoggingError> {
    let LoggingSettings { json, filter, user_key } = settings;
    let parsed = EnvFilter::builder().parse(&filter).map_err(|error| LoggingError::Filter { filter, error })?;
    let colours = !json && io::stderr().is_terminal();
    let queue = LogQueue::before(io::stderr(), json, colours).map_err(|error| LoggingError::Thread { error })?;
    if let Some(key) = user_key {
        key.install();
    }
    let lines = tracing_subscriber::fmt().with_env_filter(parsed).with_writer(queue.clone());
    match json {
        true => lines.json().init(),
        false => lines.with_ansi(colours).init(),
    }
    // The usual one writes to stderr itself, and waits for whoever reads there.
    panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let why = panic.payload_as_str().unwrap_or("no reason is given");
        tracing::error!(place, why, "panicked");
    }));
    Ok(LogGuard(queue))
}

impl Drop for LogGuard {
    fn drop(&mut self) {
        self.0.end(LAST_LINES);
    }
}
