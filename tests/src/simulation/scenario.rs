//! What a run is made of.

use super::chance::Chance;

/// How many there are, what they do, and how bad the days are.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Names the run; everything else follows from it and from these numbers.
    pub seed: u64,
    /// Servers over one log.
    pub servers: usize,
    /// Clients.
    pub clients: usize,
    /// Edits of each client.
    pub edits: u64,
    /// Whether there is anything but insertions: deletions, formats, pastes.
    pub mixed: bool,
    /// Milliseconds that a message takes at most.
    pub latency_ms: u64,
    /// Of 100 messages, so many are followed by a cut of their link.
    pub cuts: u64,
    /// Of 100 cuts, so many are half-open: nobody is told.
    pub half_open: u64,
    /// Of 100 steps of the users, so many kill a server or bring it back.
    pub crashes: u64,
    /// Of 100 appends, so many have an answer that is lost, late, or a refusal.
    pub log_faults: u64,
    /// Of 100 live batches, so many are dropped or doubled.
    pub feed_faults: u64,
    /// Of 100 presence messages between servers, so many are dropped or doubled.
    pub presence_faults: u64,
    /// Bytes that may wait for a socket; tiny ones make every reader a slow one.
    pub queue_bytes: usize,
    /// Bytes that a reader takes each second.
    pub reader_bytes: u64,
    /// Whether some type without a pause, faster than the others can read.
    pub hot: bool,
    /// Of 100 clients, so many have a device that keeps their document.
    pub keeping: u64,
    /// Of 100 steps of such a user, so many kill the page.
    pub page_crashes: u64,
    /// Of 100 writes to a device, so many fail.
    pub store_faults: u64,
    /// How often the log loses its newest entries and does not say so.
    pub rollbacks: u64,
    /// How often a user undoes or redoes instead of editing, percent.
    pub undos: u64,
    /// Entries between snapshots, and entries kept behind them.
    pub snapshot_entries: u64,
    /// Entries that the log keeps behind a snapshot.
    pub retained_entries: u64,
    /// Entries that a room keeps in memory.
    pub tail_entries: usize,
}

impl Scenario {
    /// A run with everything drawn from the seed, on bad days without lossy failover.
    pub fn storm(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0xc0ff_ee00);
        let calm = chance.percent(15);
        let hot = chance.percent(40);
        let faults = |chance: &mut Chance, most| if calm { 0 } else { chance.below(most) };
        // Of its own stream: what else a seed draws stays what it was.
        let presence_faults = if calm { 0 } else { Chance::new(seed ^ 0x5e_e1).below(60) };
        Scenario {
            seed,
            presence_faults,
            servers: chance.between(1, 3) as usize,
            clients: if hot { chance.between(3, 6) } else { chance.between(2, 5) } as usize,
            edits: if hot { chance.between(30, 100) } else { chance.between(5, 40) },
            mixed: chance.percent(60),
            latency_ms: if hot { chance.between(1, 60) } else { chance.between(1, 300) },
            cuts: faults(&mut chance, if hot { 2 } else { 6 }),
            half_open: chance.below(60),
            crashes: faults(&mut chance, if hot { 2 } else { 5 }),
            log_faults: faults(&mut chance, if hot { 4 } else { 25 }),
            feed_faults: faults(&mut chance, 30),
            queue_bytes: if hot { chance.between(30, 300) } else { chance.between(100, 2_000) } as usize,
            reader_bytes: if hot { chance.between(60, 600) } else { chance.between(1_000, 200_000) },
            hot,
            keeping: 0,
            page_crashes: 0,
            store_faults: 0,
            rollbacks: 0,
            undos: 0,
            snapshot_entries: chance.between(3, 40),
            retained_entries: chance.between(5, 200),
            tail_entries: chance.between(5, 200) as usize,
        }
    }

    /// As [`Scenario::storm`], and devices keep documents while their pages are killed.
    pub fn devices(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0xde_71ce);
        let store_faults = if chance.percent(70) { 0 } else { chance.below(30) };
        Scenario { keeping: 75, page_crashes: chance.between(1, 12), store_faults, ..Scenario::storm(seed ^ 0xde71) }
    }

    /// As [`Scenario::storm`], and the log loses history once.
    pub fn lossy(seed: u64) -> Scenario {
        // An older copy brings its older snapshot with it; the model of one is a log that
        // keeps every entry.
        Scenario { rollbacks: 1, retained_entries: u64::MAX, ..Scenario::storm(seed ^ 0x10_55) }
    }

    /// As [`Scenario::storm`], or sometimes [`Scenario::lossy`], with people who undo and redo.
    pub fn undoing(seed: u64) -> Scenario {
        let scenario =
            if seed.is_multiple_of(4) { Scenario::lossy(seed ^ 0xd0_d0) } else { Scenario::storm(seed ^ 0xd0_d0) };
        Scenario { undos: 30, mixed: true, ..scenario }
    }
}
