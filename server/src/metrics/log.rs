//! What only an op log that lives elsewhere can know.

use super::{Counter, Gauge};

/// Counts the troubles of a log that is another process: its adapter is given this, shared,
/// and says what happens. All methods are an atomic addition. A log without such troubles
/// leaves it at zero.
#[derive(Debug, Default)]
pub struct LogMetrics {
    pub(super) reconnects: Counter,
    pub(super) feed_interruptions: Counter,
    pub(super) feed_garbage: Counter,
    pub(super) lost_answers: Counter,
    pub(super) undurable_entries: Gauge,
    pub(super) durability_short: Counter,
}

impl LogMetrics {
    /// A connection to the log had been lost and is there again.
    pub fn reconnected(&self) {
        self.reconnects.increment();
    }

    /// A live subscription was interrupted: what was published meanwhile is read from the
    /// log.
    pub fn feed_interrupted(&self) {
        self.feed_interruptions.increment();
    }

    /// Something came by a document's live feed that is no batch; it was ignored.
    pub fn feed_garbage(&self) {
        self.feed_garbage.increment();
    }

    /// The adapter itself asks again since the answer to a request was lost.
    pub fn answer_lost(&self) {
        self.lost_answers.increment();
    }

    /// So many entries were accepted that are not as durable yet as the log's class says.
    pub fn accepted_not_durable(&self, entries: u64) {
        self.undurable_entries.add(signed(entries));
    }

    /// So many of them are durable now, or their history is lost.
    pub fn settled_durable(&self, entries: u64) {
        self.undurable_entries.add(-signed(entries));
    }

    /// A wait for durability ended with fewer replicas or syncs than the class asks for.
    pub fn durability_short(&self) {
        self.durability_short.increment();
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
