//! What was written, what of it was acknowledged when, and what a log may then say.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::{Checksum, ClientId, ClientSeq, Generation, Version};
use cowrite_server::oplog::disk::{DiskLog, DiskSettings, OpenFolderError};
use cowrite_server::oplog::{AppendOutcome, Entry, Head, LogError, Member, OpLog, OpenError, ReadOutcome, Snapshot};
use cowrite_tests::oplog_suite::{Script, client, user, version};

use crate::faulty_file::{FaultyFiles, Image, JOURNAL, LOG};

/// Numbers from a seed.
pub(crate) struct Random(u64);

impl Random {
    pub(crate) fn new(seed: u64) -> Random {
        Random(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }
}

/// Three documents and all that was ever sent to them.
pub(crate) struct Workload {
    pub(crate) scripts: [Script; 3],
    /// The versions at which a batch ended, of each document.
    ends: [Vec<u64>; 3],
    /// The heads acknowledged before mark n, of each document.
    pub(crate) acked: Vec<[u64; 3]>,
    seqs: HashMap<(usize, u8), u64>,
}

impl Workload {
    pub(crate) fn new() -> Workload {
        Workload {
            scripts: ["first", "second", "third"].map(Script::new),
            ends: [vec![0], vec![0], vec![0]],
            acked: vec![[0; 3]],
            seqs: HashMap::new(),
        }
    }

    /// One to four members by three clients.
    pub(crate) fn members(&mut self, document: usize, random: &mut Random) -> Vec<Member> {
        (0..=random.below(4)).map(|_| self.member(document, random)).collect()
    }

    fn member(&mut self, document: usize, random: &mut Random) -> Member {
        let author = random.below(3) as u8;
        let seq = self.seqs.entry((document, author)).or_default();
        *seq += 1 + random.next() % 3;
        let filling = vec![random.next() as u8; random.below(200)];
        Member {
            client: client(author),
            client_seq: ClientSeq::new(*seq).unwrap(),
            generation: Generation::new(u64::MAX),
            user: user("ann"),
            operation: Bytes::from(filling),
        }
    }

    /// Follows a batch that was sent, acknowledged or not.
    pub(crate) fn follow(&mut self, document: usize, members: Vec<Member>) {
        let batch = self.scripts[document].batch(members);
        self.scripts[document].follow(batch);
        self.ends[document].push(self.scripts[document].head.version.get());
    }

    /// Notes among the files' steps what is acknowledged now.
    pub(crate) fn mark(&mut self, files: &FaultyFiles) {
        self.acked.push([0, 1, 2].map(|document| self.scripts[document].head.version.get()));
        files.mark(self.acked.len() - 1);
    }

    /// Runs rounds of appends to all documents at once, with snapshots and trims between.
    pub(crate) async fn run(&mut self, log: &Arc<DiskLog>, files: &FaultyFiles, rounds: usize, random: &mut Random) {
        for _ in 0..rounds {
            let members = [0, 1, 2].map(|document| self.members(document, random));
            let batches = [0, 1, 2].map(|document| self.scripts[document].batch(members[document].clone()));
            let [first, second, third] = batches;
            let ids = self.scripts.each_ref().map(|script| script.document.clone());
            let outcomes =
                tokio::join!(log.append(&ids[0], first), log.append(&ids[1], second), log.append(&ids[2], third));
            for (document, (members, outcome)) in
                members.into_iter().zip([outcomes.0, outcomes.1, outcomes.2]).enumerate()
            {
                self.follow(document, members);
                assert_eq!(outcome, AppendOutcome::Committed { head: self.scripts[document].head });
            }
            self.mark(files);
            let document = random.below(3);
            let id = &ids[document];
            match random.below(6) {
                0 => {
                    let at = version(self.ends[document][random.below(self.ends[document].len())]);
                    log.store_snapshot(id, snapshot(&self.scripts[document], at)).await.unwrap();
                }
                1 => log.trim(id, self.scripts[document].head.version).await.unwrap(),
                2 => drop(log.open(id, Some((client(7), user("ann")))).await.unwrap()),
                _ => {}
            }
        }
    }

    /// Opens the image and asserts that it holds at least what was acknowledged at the mark:
    /// a history that was sent, ending where a batch ends, with records and snapshot to fit.
    pub(crate) async fn check(&self, image: Image, mark: usize, context: &str) {
        self.check_files(FaultyFiles::of(image), mark, context).await;
    }

    /// The same of files, which remember what was read of them.
    pub(crate) async fn check_files(&self, files: FaultyFiles, mark: usize, context: &str) {
        let log = open(&files).unwrap_or_else(|error| panic!("{context}: {error}"));
        for document in 0..3 {
            let found = self.check_document(&log, document, self.acked[mark][document]).await;
            found.unwrap_or_else(|error| panic!("{context}: document {document}: {error}"));
        }
    }

    /// The same of one document of an open log; an error only if the log itself gives one.
    pub(crate) async fn check_document(&self, log: &DiskLog, document: usize, acked: u64) -> Result<(), LogError> {
        let script = &self.scripts[document];
        let opened = log.open(&script.document, None).await.map_err(|error| match error {
            OpenError::Log(error) => error,
            other => panic!("{other}"),
        })?;
        let head = opened.head;
        assert!(head.version.get() >= acked, "the head is {}, {acked} is acknowledged", head.version);
        assert!(self.ends[document].contains(&head.version.get()), "the head {} is inside a batch", head.version);
        assert_eq!(head.hash, script.hash_at(head.version), "another history");
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let after = entries.last().map_or(opened.floor, |entry| entry.version);
            match log.read(&script.document, after, 4096).await? {
                ReadOutcome::Entries(page) if page.is_empty() => break,
                ReadOutcome::Entries(page) => entries.extend(page),
                ReadOutcome::BelowFloor { floor } => panic!("read after {after}, the floor is {floor}"),
            }
        }
        let known = &script.entries[opened.floor.get() as usize..head.version.get() as usize];
        assert_eq!(entries, known, "the entries are not the ones that were sent");
        let stored = log.load_snapshot(&script.document).await?;
        let at = stored.as_ref().map_or(Version::ZERO, |stored| stored.head.version);
        assert!(opened.floor <= at && at <= head.version, "floor {}, snapshot {at}", opened.floor);
        if let Some(stored) = stored {
            assert_eq!(stored, snapshot(script, at));
        }
        for author in 0..3 {
            self.check_client(log, document, head, client(author)).await?;
        }
        Ok(())
    }

    async fn check_client(&self, log: &DiskLog, document: usize, head: Head, id: ClientId) -> Result<(), LogError> {
        let script = &self.scripts[document];
        let known = script.entries.iter().rev().filter(|entry| entry.version <= head.version);
        let last = known.into_iter().find(|entry| entry.client == id).map(|entry| (entry.client_seq, entry.version));
        match log.open(&script.document, Some((id, user("ann")))).await {
            Ok(opened) => assert_eq!(opened.client.unwrap().last, last, "the record of {id}"),
            Err(OpenError::Log(error)) => return Err(error),
            Err(other) => panic!("{other}"),
        }
        Ok(())
    }
}

/// What is stored as the document at a version.
pub(crate) fn snapshot(script: &Script, at: Version) -> Snapshot {
    Snapshot {
        head: Head { epoch: script.head.epoch, version: at, hash: script.hash_at(at) },
        checksum: Checksum(at.get()),
        content: Bytes::from(format!("{} at {at} ", script.document).repeat(30)),
    }
}

/// Opens a log in these files, without a cache: what it says is what it reads. Its journal is
/// full after a few commits, and then all but the newest few entries are put into blocks.
pub(crate) fn open(files: &FaultyFiles) -> Result<DiskLog, OpenFolderError> {
    let settings = DiskSettings { cache_bytes: 0, journal_bytes: 2 * JOURNAL_HALF as u64, ..DiskSettings::new("test") };
    let settings = DiskSettings { block_entries: 4, tail_entries: 3, ..settings };
    DiskLog::open_on(files.file(LOG), files.file(JOURNAL), settings)
}

/// Bytes of half a journal.
pub(crate) const JOURNAL_HALF: usize = 4096;
