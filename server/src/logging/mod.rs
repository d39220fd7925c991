//! Log lines: one a line whatever is in it, never a secret or a user's name, and never waited for.

mod line;
mod queue;
mod start;
mod user;

pub use queue::{LogQueue, lines_dropped};
pub use start::{LogGuard, LoggingError, LoggingSettings, start};
pub use user::{LogKey, LogKeyError, LoggedUser};
