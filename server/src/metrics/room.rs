//! What rooms count.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cowrite_protocol::frame::{Code, Outcome};

use super::happening::{
    ACTIONS, CATCH_UPS, CLOSES, COALESCED, CatchUp, DROPPED, LOG_OPERATIONS, LogOperation, OPENS, Offered, OpenKind,
    REFUSALS,
};
use super::kinds::Kinds;
use super::{Counter, Gauge, Histogram, Trail};
use crate::auth::Action;
use crate::oplog::AppendOutcome;
use crate::traces::{AppendTimes, DeliveredEdit, Tracer};

/// The numbers that all rooms of a server share.
#[derive(Debug)]
pub struct RoomMetrics {
    pub(super) tracer: Tracer,
    pub(super) channels: Gauge,
    pub(super) opens: Kinds<OpenKind>,
    pub(super) opens_refused: Kinds<Code>,
    pub(super) closed: Kinds<Code>,
    pub(super) denied: Kinds<Action>,
    pub(super) ack_time: Histogram,
    pub(super) fan_out_time: Histogram,
    pub(super) catch_ups: Kinds<CatchUp>,
    pub(super) catch_up_bytes: Kinds<CatchUp>,
    pub(super) dropped: Kinds<Offered>,
    pub(super) coalesced: Kinds<Offered>,
    pub(super) log_errors: Kinds<LogOperation>,
    pub(super) stalled: Gauge,
    pub(super) damaged: Gauge,
    pub(super) quarantined: Gauge,
    pub(super) damaged_total: Counter,
    pub(super) quarantined_total: Counter,
    pub(super) failed: Counter,
    pub(super) loads_failed: Counter,
    pub(super) accepted: Counter,
    pub(super) rejected: Counter,
    pub(super) forbidden: Counter,
    pub(super) duplicate: Counter,
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
    channels: usize,
    stalled: bool,
    damaged: bool,
    quarantined: bool,
}

impl Default for RoomMetrics {
    fn default() -> RoomMetrics {
        RoomMetrics {
            tracer: Tracer::default(),
            channels: Gauge::default(),
            opens: Kinds::new(&OPENS),
            opens_refused: Kinds::new(&REFUSALS),
            closed: Kinds::new(&CLOSES),
            denied: Kinds::new(&ACTIONS),
            ack_time: Histogram::default(),
            fan_out_time: Histogram::default(),
            catch_ups: Kinds::new(&CATCH_UPS),
            catch_up_bytes: Kinds::new(&CATCH_UPS),
            dropped: Kinds::new(&DROPPED),
            coalesced: Kinds::new(&COALESCED),
            log_errors: Kinds::new(&LOG_OPERATIONS),
            stalled: Gauge::default(),
            damaged: Gauge::default(),
            quarantined: Gauge::default(),
            damaged_total: Counter::default(),
            quarantined_total: Counter::default(),
            failed: Counter::default(),
            loads_failed: Counter::default(),
            accepted: Counter::default(),
            rejected: Counter::default(),
            forbidden: Counter::default(),
            duplicate: Counter::default(),
            fenced: Counter::default(),
            committed: Counter::default(),
            conflict: Counter::default(),
            refused: Counter::default(),
            epoch_changed: Counter::default(),
            unknown: Counter::default(),
            unavailable: Counter::default(),
            append_time: Histogram::default(),
            entries_committed: Counter::default(),
            entries_received: Counter::default(),
            histories_lost: Counter::default(),
            epochs_begun: Counter::default(),
            gaps_in_feed: Counter::default(),
            gaps_at_look: Counter::default(),
            divergences: Counter::default(),
            presence_garbage: Counter::default(),
            snapshots_stored: Counter::default(),
            snapshots_failed: Counter::default(),
            snapshots_ignored: Counter::default(),
        }
    }
}

impl RoomMetrics {
    /// Numbers at 0, and traces of edits by this tracer.
    pub fn traced(tracer: Tracer) -> RoomMetrics {
        RoomMetrics { tracer, ..RoomMetrics::default() }
    }

    /// A room has panicked.
    pub fn room_failed(&self) {
        self.failed.increment();
    }

    /// An append was answered, so long after it was asked for.
    pub fn append_answered(&self, after: Duration) {
        self.append_time.observe(after);
    }

    /// The op log failed to do what it was asked for.
    pub fn log_failed(&self, what: LogOperation) {
        self.log_errors.increment(what);
    }

    /// Somebody wanted what they may not.
    pub fn denied(&self, what: Action) {
        self.denied.increment(what);
    }

    /// Somebody was refused a document.
    pub fn open_refused(&self, code: Code) {
        self.opens_refused.increment(code);
    }
}

impl RoomMeter {
    /// Counts in these numbers.
    pub fn new(shared: Arc<RoomMetrics>) -> RoomMeter {
        RoomMeter { shared, shown: Shown::default() }
    }

    /// How the room is now; may be said as often as one likes.
    pub(crate) fn show(&mut self, stalled: bool, damaged: bool, quarantined: bool) {
        let now = Shown { stalled, damaged, quarantined, ..self.shown };
        if now != self.shown {
            self.shared.damaged_total.add(u64::from(now.damaged && !self.shown.damaged));
            self.shared.quarantined_total.add(u64::from(now.quarantined && !self.shown.quarantined));
            self.turn(now);
        }
    }

    /// So many channels are open now; may be said as often as one likes.
    pub fn show_channels(&mut self, channels: usize) {
        if channels != self.shown.channels {
            self.turn(Shown { channels, ..self.shown });
        }
    }

    /// Somebody has the document open now; `fresh` if they had nothing of it.
    pub fn opened(&self, outcome: Outcome, fresh: bool) {
        self.shared.opens.increment(match outcome {
            _ if fresh => OpenKind::Fresh,
            Outcome::Tail { .. } => OpenKind::Resumed,
            Outcome::Snapshot => OpenKind::Behind,
            Outcome::Mismatch => OpenKind::Mismatch,
            Outcome::EpochChanged => OpenKind::EpochChanged,
        });
    }

    /// Somebody was refused the document.
    pub fn open_refused(&self, code: Code) {
        self.shared.open_refused(code);
    }

    /// The room closed a channel.
    pub fn closed(&self, code: Code) {
        self.shared.closed.increment(code);
    }

    /// Somebody wanted what they may not.
    pub fn denied(&self, what: Action) {
        self.shared.denied(what);
    }

    /// The ack of this edit is queued to its author's socket.
    pub fn acked(&self, trail: &Trail) {
        if let Some(elapsed) = trail.elapsed() {
            self.shared.ack_time.observe(elapsed);
        }
    }

    /// The moment, if anybody wants to know it; else no clock is asked.
    pub fn moment(&self) -> Option<Instant> {
        self.shared.tracer.is_on().then(Instant::now)
    }

    /// This edit of a client of ours is queued to the sockets of all others of this server who are in
    /// step.
    pub fn given_out(&self, edit: DeliveredEdit<'_>, trail: &Trail, append: AppendTimes) {
        if let Some(elapsed) = trail.elapsed() {
            self.shared.fan_out_time.observe(elapsed);
        }
        self.shared.tracer.delivered(edit, trail, append);
    }

    /// This edit, which came from the log since `from`, is queued to the sockets of all of this
    /// server who are in step. `room` names this room among those of the document.
    pub fn passed_on(&self, edit: DeliveredEdit<'_>, from: Option<Instant>, room: [u8; 16]) {
        if self.shared.tracer.is_on() {
            self.shared.tracer.received(edit, from, room);
        }
    }

    /// A channel was brought on, by so many bytes.
    pub fn caught_up(&self, how: CatchUp, bytes: usize) {
        self.shared.catch_ups.increment(how);
        self.shared.catch_up_bytes.add(how, bytes as u64);
    }

    /// A frame was not queued, since its reader is slow.
    pub fn dropped(&self, what: Offered) {
        self.shared.dropped.increment(what);
    }

    /// Something was replaced by a later one before it was sent.
    pub fn coalesced(&self, what: Offered) {
        self.shared.coalesced.increment(what);
    }

    /// An operation is an entry now.
    pub(crate) fn accepted(&self) {
        self.shared.accepted.increment();
    }

    /// An operation was rejected for good.
    pub(crate) fn rejected(&self) {
        self.shared.rejected.increment();
    }

    /// An operation would have brought in what its document's format does not allow.
    pub(crate) fn forbidden(&self) {
        self.shared.forbidden.increment();
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
        // A room has fewer channels than memory has bytes: the difference fits.
        shared.channels.add(now.channels as i64 - before.channels as i64);
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
    fn channels_are_counted_over_rooms_and_end_with_theirs() {
        let shared = Arc::new(RoomMetrics::default());
        let (mut one, mut other) = (RoomMeter::new(Arc::clone(&shared)), RoomMeter::new(Arc::clone(&shared)));
        one.show_channels(2);
        other.show_channels(3);
        one.show(true, false, false);
        one.show_channels(1);
        assert_eq!(shared.channels.get(), 4);
        drop(other);
        assert_eq!((shared.channels.get(), shared.stalled.get()), (1, 1));
    }

    #[test]
    fn a_trail_that_stands_still_is_not_timed() {
        let shared = Arc::new(RoomMetrics::default());
        let meter = RoomMeter::new(Arc::clone(&shared));
        meter.acked(&Trail::default());
        assert_eq!(shared.ack_time.at_most().last(), Some(0));
        meter.acked(&Trail::start());
        assert_eq!(shared.ack_time.at_most().last(), Some(1));
    }

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
