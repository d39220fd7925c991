//! What runs came to.

use std::ops::AddAssign;

/// What one run came to, or several together.
#[derive(Clone, Copy, Debug, Default)]
pub struct Report {
    /// Events that happened.
    pub steps: u64,
    /// Entries of the log.
    pub entries: u64,
    /// Messages that were delivered.
    pub messages: u64,
    /// Links that were cut.
    pub cuts: u64,
    /// Servers that were killed.
    pub kills: u64,
    /// Appends whose answer was lost, late or a refusal.
    pub log_faults: u64,
    /// Composed catch-ups that were received.
    pub composed: u64,
    /// Presence messages between servers.
    pub presence: u64,
    /// What users undid and redid.
    pub undone: u64,
    /// Pages that were killed.
    pub pages: u64,
    /// Rights to write that were taken away.
    pub demotions: u64,
    /// Frames that arrived with another content.
    pub garbled: u64,
    /// Losses of all that the log knew.
    pub whole_losses: u64,
    /// Copies of an earlier moment that the log came back from.
    pub restored: u64,
    /// How often tasks of a server were left without a turn.
    pub late: u64,
    /// Users who were shut out for a while.
    pub bans: u64,
    /// Devices that slept.
    pub sleeps: u64,
    /// Devices that had no network for a while.
    pub absences: u64,
    /// Messages of which a cut let a part through.
    pub torn: u64,
    /// Sockets that lived on at the server alone.
    pub lingering: u64,
    /// Pairs of letters, typed one behind the other, whose order was compared at the end.
    pub typed: u64,
    /// Deletions of the document.
    pub deletions: u64,
    /// Lives that were begun after a deletion.
    pub anew: u64,
    /// Edits that were refused since the document was deleted.
    pub refused_deleted: u64,
    /// The most often that one client connected during one calm.
    pub calm_connects: u64,
}

impl AddAssign for Report {
    fn add_assign(&mut self, other: Report) {
        self.steps += other.steps;
        self.entries += other.entries;
        self.messages += other.messages;
        self.cuts += other.cuts;
        self.kills += other.kills;
        self.log_faults += other.log_faults;
        self.composed += other.composed;
        self.presence += other.presence;
        self.undone += other.undone;
        self.pages += other.pages;
        self.demotions += other.demotions;
        self.garbled += other.garbled;
        self.whole_losses += other.whole_losses;
        self.restored += other.restored;
        self.late += other.late;
        self.bans += other.bans;
        self.sleeps += other.sleeps;
        self.absences += other.absences;
        self.torn += other.torn;
        self.lingering += other.lingering;
        self.typed += other.typed;
        self.deletions += other.deletions;
        self.anew += other.anew;
        self.refused_deleted += other.refused_deleted;
        self.calm_connects = self.calm_connects.max(other.calm_connects);
    }
}
