//! Older entries are put together in blocks while the log is written, trimmed and opened again: nobody may notice.

use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::{ClientSeq, Generation, RunningHash, Version};
use cowrite_server::oplog::disk::{DiskLog, DiskSettings};
use cowrite_server::oplog::{AppendOutcome, Entry, Head, LogError, Member, OpLog, ReadOutcome};
use cowrite_tests::oplog_suite::{Script, client, document, member, user, version};

use crate::faulty_file::{FaultyFiles, Image, JOURNAL, LOG};
use crate::workload::{Random, snapshot};

/// A name that is in the file of a database with blocks.
const TABLE: &[u8] = b"blocks";

fn open(files: &FaultyFiles, block_entries: u32, tail_entries: u64) -> DiskLog {
    let settings = DiskSettings { cache_bytes: 0, journal_bytes: 4096, ..DiskSettings::new("test") };
    let settings = DiskSettings { block_entries, tail_entries, ..settings };
    DiskLog::open_on(files.file(LOG), files.file(JOURNAL), settings).unwrap()
}

/// A document, what it must hold, and at which versions its writers know the running hash.
struct Model {
    script: Script,
    floor: u64,
    snapshot: u64,
    ends: Vec<u64>,
}

impl Model {
    fn new(name: &str) -> Model {
        Model { script: Script::new(name), floor: 0, snapshot: 0, ends: vec![0] }
    }

    async fn append(&mut self, log: &DiskLog, random: &mut Random) {
        let members = (0..=random.below(3)).map(|_| {
            let seq = self.script.head.version.get() * 4 + random.next() % 4 + 1;
            let letter = [random.next() as u8, 0, 5, b'a' + (random.next() % 26) as u8];
            let operation = match random.below(12) {
                0 => Bytes::new(),
                1 => Bytes::from(vec![7; random.below(900)]),
                _ => Bytes::copy_from_slice(&letter),
            };
            (client(random.below(3) as u8), seq, operation)
        });
        let mut members: Vec<_> = members.collect();
        members.sort_by_key(|(_, seq, _)| *seq);
        members.dedup_by_key(|(_, seq, _)| *seq);
        let members = members.into_iter().map(|(client, seq, operation)| Member {
            client,
            client_seq: ClientSeq::new(seq).unwrap(),
            generation: Generation::new(u64::MAX),
            user: user("ann"),
            operation,
        });
        self.script.time_ms += random.next() % 300;
        self.script.commit(log, members.collect()).await;
        self.ends.push(self.script.head.version.get());
    }

    async fn trim(&mut self, log: &DiskLog, random: &mut Random) {
        let head = self.script.head.version.get();
        let end = self.ends[random.below(self.ends.len())];
        if end >= self.snapshot.max(1) {
            log.store_snapshot(&self.script.document, snapshot(&self.script, version(end))).await.unwrap();
            self.snapshot = end;
        }
        let before = random.below(head as usize + 1) as u64;
        log.erase(&self.script.document, version(before)).await.unwrap();
        self.floor = self.floor.max(before.min(self.snapshot));
    }

    async fn read(&self, log: &DiskLog, after: u64, max_bytes: usize) -> Vec<Entry> {
        match log.read(&self.script.document, version(after), max_bytes).await.unwrap() {
            ReadOutcome::Entries(entries) => entries,
            ReadOutcome::BelowFloor { floor } => panic!("read after {after}, the floor is {floor}"),
        }
    }

    async fn check(&self, log: &DiskLog, context: &str) {
        let Model { script, floor, .. } = self;
        let opened = log.open(&script.document, None).await.unwrap();
        assert_eq!((opened.head, opened.floor.get()), (script.head, *floor), "{context}");
        let head = script.head.version.get();
        if *floor > 0 {
            let below = log.read(&script.document, version(floor - 1), 1).await.unwrap();
            assert_eq!(below, ReadOutcome::BelowFloor { floor: version(*floor) }, "{context}");
        }
        for after in *floor..=head {
            let known = &script.entries[after as usize..];
            for max_bytes in [0, 40, 1 << 30] {
                let found = self.read(log, after, max_bytes).await;
                let mut bytes = 0;
                let fitting = known.iter().take_while(|entry| {
                    bytes += entry.operation.len();
                    bytes <= max_bytes
                });
                let expected = fitting.count().max(1).min(known.len());
                assert_eq!(found, known[..expected], "{context}: {max_bytes} bytes after {after}");
            }
        }
        for &end in self.ends.iter().filter(|end| **end > *floor && **end < head) {
            self.judge(log, end, context).await;
        }
    }

    /// A writer that knows an earlier version hears what it missed; one that knows another history hears that.
    async fn judge(&self, log: &DiskLog, at: u64, context: &str) {
        let mut late = self.script.clone();
        late.head = Head { version: version(at), hash: self.script.hash_at(version(at)), ..late.head };
        let answer = late.append(log, vec![member(9, 1)]).await;
        assert!(matches!(answer, AppendOutcome::Conflict { .. }), "{context}: from {at}: {answer:?}");
        late.head.hash = RunningHash::from_bytes([9; 16]);
        let answer = late.append(log, vec![member(9, 1)]).await;
        assert!(matches!(answer, AppendOutcome::EpochChanged { .. }), "{context}: from another {at}: {answer:?}");
    }
}

#[tokio::test]
async fn a_log_with_blocks_says_what_one_without_them_says() {
    for seed in 0..24 {
        let mut random = Random::new(seed);
        let files = FaultyFiles::default();
        let mut models = ["first", "second"].map(Model::new);
        for life in 0..5 {
            let (entries, tail) = ([0, 1, 2, 3, 5, 9][random.below(6)], random.below(5) as u64);
            let log = open(&files, entries, tail);
            for round in 0..14 {
                let context = format!("seed {seed}, life {life}, round {round}, blocks of {entries}, tail {tail}");
                let model = &mut models[random.below(2)];
                match random.below(8) {
                    0 => model.trim(&log, &mut random).await,
                    _ => model.append(&log, &mut random).await,
                }
                if round % 5 == 4 {
                    for model in &models {
                        model.check(&log, &context).await;
                    }
                }
            }
        }
        let log = open(&files, 0, 0);
        for model in &models {
            model.check(&log, &format!("seed {seed}, at last")).await;
        }
    }
}

/// Five hundred letters in blocks of some dozens.
async fn letters(files: &FaultyFiles) -> Script {
    let (log, mut script) = (open(files, 40, 10), Script::new("a"));
    for seq in 1..=500 {
        let operation = Bytes::from(vec![0x80 + seq as u8 % 0x80, 1 + (seq / 128) as u8, 5, b'a' + seq as u8 % 26]);
        script.commit(&log, vec![Member { operation, ..member(1, seq) }]).await;
    }
    let mut other = Script::new("b");
    other.commit(&log, vec![member(1, 1)]).await;
    script
}

fn places(image: &Image, text: &[u8]) -> Vec<usize> {
    let windows = image[LOG].windows(text.len()).enumerate();
    windows.filter_map(|(at, window)| (window == text).then_some(at)).collect()
}

#[tokio::test]
async fn what_lies_before_a_damaged_block_can_be_had_and_other_documents_are_not_concerned() {
    let files = FaultyFiles::default();
    let script = letters(&files).await;
    let image = files.image();
    assert!(!places(&image, TABLE).is_empty(), "there are no blocks");
    // A block's value begins with its format, how many entries it has and that its hash is known from the first.
    let blocks = places(&image, &[1, 40, 1, 0]);
    assert!(blocks.len() >= 10, "{blocks:?}");
    let (mut partly, mut not_at_all) = (0, 0);
    for at in blocks {
        let mut damaged = image.clone();
        damaged[LOG][at + 60] ^= 4;
        let log = open(&FaultyFiles::of(damaged), 0, 0);
        let opened = log.open(&script.document, None).await.unwrap();
        assert_eq!(opened.head, script.head, "to go on, nobody needs the block");
        match log.read(&script.document, Version::ZERO, 1 << 30).await {
            Ok(ReadOutcome::Entries(entries)) if entries == script.entries => {}
            Ok(ReadOutcome::Entries(entries)) => {
                assert_eq!(entries, script.entries[..entries.len()]);
                assert_eq!(entries.len() % 40, 0);
                let after = entries.last().unwrap().version;
                let next = log.read(&script.document, after, 1 << 30).await;
                assert!(matches!(next, Err(LogError::Damaged { .. })), "{next:?}");
                // Behind the block all is there again.
                let Ok(ReadOutcome::Entries(rest)) = log.read(&script.document, after.plus(40), 1 << 30).await else {
                    panic!("the block behind a damaged one can not be read")
                };
                assert_eq!(rest, script.entries[entries.len() + 40..]);
                partly += 1;
            }
            Err(LogError::Damaged { .. }) => not_at_all += 1,
            other => panic!("{other:?}"),
        }
        let mut script = script.clone();
        script.commit(&log, vec![member(1, 501)]).await;
        let ReadOutcome::Entries(other) = log.read(&document("b"), Version::ZERO, 100).await.unwrap() else {
            panic!("nothing was trimmed")
        };
        assert_eq!(other.len(), 1);
    }
    assert!(partly >= 5 && not_at_all == 1, "{partly} in part, {not_at_all} not at all");
}

#[tokio::test]
async fn a_trim_into_a_damaged_block_is_refused_for_what_it_would_leave() {
    let files = FaultyFiles::default();
    let mut script = letters(&files).await;
    let image = files.image();
    for at in places(&image, &[1, 40, 1, 0]) {
        let mut damaged = image.clone();
        damaged[LOG][at + 60] ^= 4;
        let log = open(&FaultyFiles::of(damaged), 40, 10);
        let (all, id) = (script.head.version, script.document.clone());
        log.store_snapshot(&id, snapshot(&script, all)).await.unwrap();
        let Ok(ReadOutcome::Entries(entries)) = log.read(&id, Version::ZERO, 1 << 30).await else { continue };
        if entries.len() == 500 {
            continue;
        }
        let inside = version(entries.len() as u64 + 7);
        assert!(matches!(log.trim(&id, inside).await, Err(LogError::Damaged { .. })));
        assert_eq!(log.open(&id, None).await.unwrap().floor, Version::ZERO);
        // All of it may go.
        log.trim(&id, version(entries.len() as u64 + 40)).await.unwrap();
        script.commit(&log, vec![member(2, 1)]).await;
        script.assert_log(&log, version(entries.len() as u64 + 40)).await;
        return;
    }
    panic!("no block could be damaged");
}

#[tokio::test]
async fn a_history_whose_hashes_do_not_follow_from_its_entries_stays_as_it_is() {
    let files = FaultyFiles::default();
    let (log, mut script) = (open(&files, 4, 2), Script::new("a"));
    for seq in 1..=60 {
        let mut batch = script.batch(vec![member(1, seq)]);
        if seq == 20 {
            batch.hash_after = RunningHash::from_bytes([8; 16]);
        }
        let outcome = log.append(&script.document, batch.clone()).await;
        script.follow(batch);
        assert_eq!(outcome, AppendOutcome::Committed { head: script.head });
    }
    drop(log);
    let log = Arc::new(open(&files, 4, 2));
    script.assert_log(&*log, Version::ZERO).await;
    let mut late = script.clone();
    late.head = Head { version: version(20), hash: RunningHash::from_bytes([8; 16]), ..script.head };
    let answer = late.append(&*log, vec![member(9, 1)]).await;
    assert!(matches!(answer, AppendOutcome::Conflict { .. }), "{answer:?}");
    late.head.hash = script.hash_at(version(20));
    let answer = late.append(&*log, vec![member(9, 1)]).await;
    assert!(matches!(answer, AppendOutcome::EpochChanged { .. }), "{answer:?}");
}
