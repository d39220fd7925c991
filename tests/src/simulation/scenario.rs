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
    /// Of 100 steps of a user, so many take the right to write away for a while.
    pub demotions: u64,
    /// Milliseconds that a token is good for; 0 is for ever.
    pub token_ms: u64,
    /// Of 100 snapshots and composed catch-ups, so many arrive with another content than they left with.
    pub garbled: u64,
    /// How often the log loses its newest entries: without a word, or under a new epoch.
    pub rollbacks: u64,
    /// Of 100 such losses, so many are under a new epoch.
    pub new_epochs: u64,
    /// Of 100 losses, so many are of all that the log knew of the document, unless some of that is durable.
    pub whole_losses: u64,
    /// Of 100 losses of the newest entries, so many bring back a copy of the log with the floor and the client records of
    /// its time; in the others the entries' end is lost alone.
    pub copies: u64,
    /// Whether the log says how far it is durable, and loses nothing of that; else it promises all and lies.
    pub watermarks: bool,
    /// Of 100 steps of a user, so many forbid the document to that user for a while.
    pub bans: u64,
    /// Of 100 steps of a user, so many send the device to sleep for up to two minutes.
    pub sleeps: u64,
    /// Of 100 steps of a user, so many take the network away for up to a minute, while the typing goes on.
    pub absences: u64,
    /// Of 100 cuts that are no half-open ones, so many let the first frames of a message through.
    pub torn: u64,
    /// Of 100 cuts, so many are known to the client alone: what it has sent arrives later, beside
    /// what it sends over its next socket.
    pub lingering: u64,
    /// Of 100 steps of the users, so many leave connections or rooms without a turn for some seconds.
    pub late_turns: u64,
    /// Of 100 answers of the log, so many are right and seconds late.
    pub slow_log: u64,
    /// Of 100 edits, so many go on where the last one of this user ended.
    pub typing: u64,
    /// Of 100 edits, so many are large: pastes of more than one submit takes, and deletions of half the text.
    pub large: u64,
    /// How often a user undoes or redoes instead of editing, percent.
    pub undos: u64,
    /// Of 100 steps of a user, so many see the application delete the document, or make it anew.
    pub deletions: u64,
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
            demotions: 0,
            token_ms: 0,
            garbled: 0,
            rollbacks: 0,
            new_epochs: 0,
            whole_losses: 0,
            copies: 0,
            watermarks: false,
            bans: 0,
            sleeps: 0,
            absences: 0,
            torn: 0,
            lingering: 0,
            late_turns: 0,
            slow_log: 0,
            typing: 0,
            large: 0,
            undos: 0,
            deletions: 0,
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

    /// As [`Scenario::storm`], and the log loses history once, its newest entries or all there is.
    pub fn lossy(seed: u64) -> Scenario {
        // An older copy brings its older snapshot with it; the model of one is a log that
        // keeps every entry.
        Scenario { rollbacks: 1, whole_losses: 50, retained_entries: u64::MAX, ..Scenario::storm(seed ^ 0x10_55) }
    }

    /// As [`Scenario::storm`], and the log, which forgets old entries, comes back once or more from a copy of an earlier
    /// moment, under its own epoch or another.
    pub fn copies(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0xc0_91e5);
        let (rollbacks, new_epochs) = (chance.between(1, 3), chance.below(101));
        let storm = Scenario::storm(seed ^ 0xc0_91e5);
        // Who comes back when the entries that tell of the loss are gone.
        let away = if chance.percent(50) { 0 } else { chance.between(1, 8) };
        Scenario {
            rollbacks,
            sleeps: away,
            absences: away,
            snapshot_entries: if away > 0 { 3 } else { storm.snapshot_entries },
            new_epochs,
            copies: 100,
            retained_entries: chance.between(1, 20),
            ..storm
        }
    }

    /// As [`Scenario::storm`], or sometimes [`Scenario::lossy`], with people who undo and redo.
    pub fn undoing(seed: u64) -> Scenario {
        let scenario =
            if seed.is_multiple_of(4) { Scenario::lossy(seed ^ 0xd0_d0) } else { Scenario::storm(seed ^ 0xd0_d0) };
        Scenario { undos: 30, mixed: true, ..scenario }
    }

    /// As [`Scenario::storm`], while rights come and go and tokens run out.
    pub fn access(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0x00ac_ce55);
        let token_ms = if chance.percent(70) { chance.between(4_000, 40_000) } else { 0 };
        Scenario { demotions: chance.between(1, 6), token_ms, ..Scenario::storm(seed ^ 0xacce) }
    }

    /// As [`Scenario::storm`], with a memory or a network that garbles what is big.
    pub fn garbling(seed: u64) -> Scenario {
        Scenario { garbled: 4, ..Scenario::storm(seed ^ 0x9a4b) }
    }

    /// As [`Scenario::storm`], while a user is shut out of the document now and then.
    pub fn banning(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0xba_22);
        let keeping = if chance.percent(50) { 0 } else { 60 };
        let bans = chance.between(1, 5);
        Scenario { bans, keeping, late_turns: chance.below(13), ..Scenario::storm(seed ^ 0xba22) }
    }

    /// As [`Scenario::storm`], and everything else that happens to devices and networks: sleep,
    /// absence, messages torn in two, sockets that outlive their client, a log that takes its time.
    pub fn hardship(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0x4a_4d);
        Scenario {
            sleeps: chance.below(4),
            absences: chance.below(5),
            torn: chance.below(80),
            lingering: chance.below(60),
            slow_log: chance.below(15),
            typing: chance.below(90),
            large: chance.below(15),
            late_turns: chance.below(8),
            ..Scenario::storm(seed ^ 0x4a4d)
        }
    }

    /// As [`Scenario::lossy`], and the log loses history up to four times.
    pub fn losses(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0x0010_55e5);
        Scenario {
            rollbacks: chance.between(2, 4),
            new_epochs: chance.below(80),
            watermarks: true,
            ..Scenario::lossy(seed ^ 0x10_55e5)
        }
    }

    /// As [`Scenario::hardship`], while the application deletes the document and makes it anew.
    pub fn deleting(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0x00de_1e7e);
        let hard = Scenario::hardship(seed ^ 0xde1e);
        let keeping = if chance.percent(50) { 0 } else { chance.between(30, 90) };
        let undos = if chance.percent(70) { 0 } else { 20 };
        Scenario {
            deletions: chance.between(1, 8),
            keeping,
            page_crashes: chance.below(8),
            undos,
            mixed: hard.mixed || undos > 0,
            ..hard
        }
    }

    /// As [`Scenario::deleting`], and the log comes back from copies, but of none that lacks a deletion.
    pub fn vanishing(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0x00_fade);
        let (rollbacks, new_epochs) = (chance.between(1, 3), chance.below(101));
        let deleting = Scenario::deleting(seed ^ 0xfade);
        Scenario { rollbacks, new_epochs, copies: 100, retained_entries: chance.between(1, 20), ..deleting }
    }

    /// All that the others have, in any mixture: for long runs.
    pub fn everything(seed: u64) -> Scenario {
        let mut chance = Chance::new(seed ^ 0xa11);
        let hard = Scenario::hardship(seed ^ 0xa11);
        let mut some = |most: u64| if chance.percent(40) { chance.between(1, most) } else { 0 };
        let (keeping, undos, rollbacks) = (some(80), some(40), some(3));
        Scenario {
            keeping,
            page_crashes: some(10),
            demotions: some(4),
            bans: some(3),
            token_ms: if seed.is_multiple_of(2) { hard.shortest_token_ms() + some(40_000) } else { 0 },
            undos,
            mixed: hard.mixed || undos > 0,
            rollbacks,
            new_epochs: some(90),
            whole_losses: 30,
            watermarks: true,
            retained_entries: if rollbacks > 0 { u64::MAX } else { hard.retained_entries },
            ..hard
        }
    }

    /// Every kind of scenario by its name.
    pub const KINDS: [(&'static str, fn(u64) -> Scenario); 13] = [
        ("storm", Scenario::storm),
        ("devices", Scenario::devices),
        ("lossy", Scenario::lossy),
        ("losses", Scenario::losses),
        ("copies", Scenario::copies),
        ("undoing", Scenario::undoing),
        ("access", Scenario::access),
        ("banning", Scenario::banning),
        ("garbling", Scenario::garbling),
        ("hardship", Scenario::hardship),
        ("deleting", Scenario::deleting),
        ("vanishing", Scenario::vanishing),
        ("everything", Scenario::everything),
    ];

    /// Twice the time that the largest message takes to the slowest reader, and some for the rest.
    fn shortest_token_ms(&self) -> u64 {
        10_000 + 10_000_000 / self.reader_bytes.max(1)
    }

    /// Whether anything can happen at all: there is somebody, somewhere to be, and time for both.
    pub(super) fn is_possible(&self) -> bool {
        let counts = [self.clients, self.servers, self.queue_bytes, self.tail_entries];
        let numbers = [self.latency_ms, self.reader_bytes, self.snapshot_entries];
        // A log that loses its end alone must have all entries, or a snapshot would be ahead of it. What is
        // undone before it was sent is never in the log.
        let whole = self.rollbacks == 0 || self.copies == 100 || self.retained_entries == u64::MAX;
        let tracked = self.undos == 0 || self.mixed;
        // Nobody keeps a token alive whose renewal takes longer to be heard of than it lasts.
        let renewable = self.token_ms == 0 || self.large == 0 || self.token_ms >= self.shortest_token_ms();
        renewable
            && whole
            && tracked
            && counts.iter().all(|count| *count > 0)
            && numbers.iter().all(|number| *number > 0)
    }
}
