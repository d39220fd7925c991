//! What rooms count.

use std::sync::Arc;
use std::time::Duration;

use cowrite_protocol::frame::Code;

use super::{Counter, Gauge, Histogram};
use crate::oplog::AppendOutcome;

/// The numbers that all rooms of a server share.
#[derive(Debug, Default)]
pub struct RoomMetrics {
    pub(super) stalled: Gauge,
    pub(super) damaged: Gauge,
    pub(super) quarantined: Gauge,
    pub(super) damaged_total: Counter,
    pub(super) quarantined_total: Counter,
    pub(super) failed: Counter,
    pub(super) loads_failed: Counter,
    pub(super) accepted: Counter,
    pub(super) rejected: Counter,
    pub(super) duplicate: Counter,
    pub(super) denied: Counter,
    pub(super) fenced: Counter,
    pub(super) committed: Counter,
    pub(super) conflict: Counter,
    pub(super) refused: Counter,
    pub(super) epoch_changed: Counter,
    pub(super) unknown: Counter,
    pub(super) unavailable: Counter,
    pub(super) append_time: Histogram,
    pub(super) entries_committed: Counter,
    pub(super) entries_received: Counter,
    pub(super) histories_lost: Counter,
    pub(super) epochs_begun: Counter,
    pub(super) gaps_in_feed: Counter,
    pub(super) gaps_at_look: Counter,
    pub(super) divergences: Counter,
    pub(super) presence_garbage: Counter,
    pub(super) snapshots_stored: Counter,
    pub(super) snapshots_failed: Counter,
    pub(super) snapshots_ignored: Counter,
}

/// One room's way to count. What it holds up in the gauges falls when it is dropped, on
/// whatever way the room ends.
#[derive(Debug, Default)]
pub struct RoomMeter {
    shared: Arc<RoomMetrics>,
    shown: Shown,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Shown {
    stalled: bool,
    damaged: bool,
    quarantined: bool,
}

impl RoomMetrics {
    /// A room has panicked.
    pub fn room_failed(&self) {
        self.failed.increment();
    }

    /// An append was answered, so long after it was asked for.
    pub fn append_answered(&self, after: Duration) {
        self.append_time.observe(after);
    }
}

impl RoomMeter {
    /// Counts in these numbers.
    pub fn new(shared: Arc<RoomMetrics>) -> RoomMeter {
        RoomMeter { shared, shown: Shown::default() }
    }

    /// How the room is now; may be said as often as one likes.
    pub(crate) fn show(&mut self, stalled: bool, damaged: bool, quarantined: bool) {
        let now = Shown { stalled, damaged, quarantined };
        if now != self.shown {
            self.shared.damaged_total.add(u64::from(now.damaged && !self.shown.damaged));
            self.shared.quarantined_total.add(u64::from(now.quarantined && !self.shown.quarantined));
            self.turn(now);
        }
    }

    /// An operation is an entry now.
    pub(crate) fn accepted(&self) {
        self.shared.accepted.increment();
    }

    /// An operation was rejected for good.
    pub(crate) fn rejected(&self) {
        self.shared.rejected.increment();
    }

    /// Something was not done, because who asked may not (any more).
    pub(crate) fn denied(&self) {
        self.shared.denied.increment();
    }

    /// An operation came again that had been accepted.
    pub(crate) fn duplicate(&self) {
        self.shared.duplicate.increment();
    }

    /// The log let a client's stay commit nothing any more.
    pub(crate) fn ended(&self, code: Code) {
        if code == Code::Superseded { &self.shared.fenced } else { &self.shared.rejected }.increment();
    }

    /// An append was answered; `entries` is how many it brought if it was committed.
    pub(crate) fn appended(&self, outcome: &AppendOutcome, entries: u64) {
        let shared = &self.shared;
        match outcome {
            AppendOutcome::Committed { .. } => {
                shared.entries_committed.add(entries);
                &shared.committed
            }
            AppendOutcome::Conflict { .. } => &shared.conflict,
            AppendOutcome::Refused { .. } => &shared.refused,
            AppendOutcome::EpochChanged { .. } => &shared.epoch_changed,
            AppendOutcome::OutcomeUnknown => &shared.unknown,
            AppendOutcome::Unavailable { .. } => &shared.unavailable,
        }
        .increment();
    }

    /// Entries came by the feed, or were read.
    pub(crate) fn received(&self, entries: u64) {
        self.shared.entries_received.add(entries);
    }

    /// The log answered that it cannot give the document.
    pub(crate) fn load_failed(&self) {
        self.shared.loads_failed.increment();
    }

    /// Something came by presence that is none, or of another format; it was ignored.
    pub(crate) fn presence_garbage(&self) {
        self.shared.presence_garbage.increment();
    }

    /// The log holds another history than the room.
    pub(crate) fn history_lost(&self) {
        self.shared.histories_lost.increment();
    }

    /// This room began a new life of the log.
    pub(crate) fn epoch_begun(&self) {
        self.shared.epochs_begun.increment();
    }

    /// A batch came by the feed that does not join what is known.
    pub(crate) fn gap_in_feed(&self) {
        self.shared.gaps_in_feed.increment();
    }

    /// The periodic look found entries that the feed had not brought.
    pub(crate) fn gap_at_look(&self) {
        self.shared.gaps_at_look.increment();
    }

    /// A client holds another text or history than the log.
    pub(crate) fn diverged(&self) {
        self.shared.divergences.increment();
    }

    /// A snapshot was stored, or could not be.
    pub(crate) fn snapshot(&self, stored: bool) {
        if stored { &self.shared.snapshots_stored } else { &self.shared.snapshots_failed }.increment();
    }

    /// A stored snapshot makes no sense, and the entries are replayed instead.
    pub(crate) fn snapshot_ignored(&self) {
        self.shared.snapshots_ignored.increment();
    }

    fn turn(&mut self, now: Shown) {
        let before = std::mem::replace(&mut self.shown, now);
        let shared = &self.shared;
        for (gauge, was, is) in [
            (&shared.stalled, before.stalled, now.stalled),
            (&shared.damaged, before.damaged, now.damaged),
            (&shared.quarantined, before.quarantined, now.quarantined),
        ] {
            gauge.add(i64::from(is) - i64::from(was));
        }
    }
}

impl Drop for RoomMeter {
    fn drop(&mut self) {
        self.turn(Shown::default());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_room_shows_ends_with_it() {
        let shared = Arc::new(RoomMetrics::default());
        let (mut one, mut other) = (RoomMeter::new(Arc::clone(&shared)), RoomMeter::new(Arc::clone(&shared)));
        one.show(true, false, false);
        one.show(true, false, false);
        other.show(true, true, false);
        assert_eq!((shared.stalled.get(), shared.damaged.get(), shared.damaged_total.get()), (2, 1, 1));
        one.show(false, false, false);
        drop(other);
        assert_eq!((shared.stalled.get(), shared.damaged.get(), shared.damaged_total.get()), (0, 0, 1));
    }
}
