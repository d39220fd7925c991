//! The disk log over a damaged file.

use std::panic;
use std::sync::{Arc, Once, OnceLock};

use bytes::Bytes;
use cowrite_protocol::{Checksum, ClientSeq, Generation, Version};
use cowrite_server::oplog::disk::{DiskLog, DiskSettings, OpenFolderError};
use cowrite_server::oplog::{AppendOutcome, Entry, Head, LogError, Member, OpLog, OpenError, ReadOutcome, Snapshot};
use tokio::runtime::{Builder, Runtime};

use super::choices::Choices;
use super::memory_file::MemoryFile;
use crate::oplog_suite::{Script, client, user};

/// A file of the disk log, or its journal, or both, are damaged by choices, or are any bytes. The log opens or
/// says why not; a document that it serves is one of the states that were committed, whole; and what is damaged
/// ends no other document. What befalls one half of the journal alone costs nothing.
pub fn disk_log(data: &[u8]) {
    quiet_panics();
    let mut choices = Choices::new(data);
    let history = history();
    let image = &history.images[choices.below(2)];
    let (mut file, mut journal) = (image.file.clone(), image.journal.clone());
    let harm = match choices.below(8) {
        0..=3 => {
            damage(&mut file, &image.used, &mut choices);
            Harm::of(file != image.file, Harm::Any)
        }
        4 => {
            damage_half(&mut journal, &mut choices);
            Harm::None
        }
        5 | 6 => {
            damage(&mut journal, &image.used_of_journal, &mut choices);
            Harm::of(journal != image.journal, Harm::Journal)
        }
        _ => {
            damage(&mut file, &image.used, &mut choices);
            damage(&mut journal, &image.used_of_journal, &mut choices);
            Harm::of(file != image.file || journal != image.journal, Harm::Any)
        }
    };
    runtime().block_on(check(history, MemoryFile::of(file), MemoryFile::of(journal), harm));
}

/// What the damage may cost.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Harm {
    /// Every document is there, at its last version.
    None,
    /// The log may be refused; if it opens, every document is there, at a version that was its own.
    Journal,
    /// A document may be refused as well.
    Any,
}

impl Harm {
    fn of(damaged: bool, harm: Harm) -> Harm {
        if damaged { harm } else { Harm::None }
    }
}

/// What was written, and the files that came of it: as they were while the log was open, and closed.
struct History {
    scripts: [Script; 3],
    /// The versions at which a batch ended, of each document.
    ends: [Vec<Version>; 3],
    images: [Image; 2],
}

/// The two files at one moment.
struct Image {
    file: Vec<u8>,
    journal: Vec<u8>,
    /// Where a byte is not zero.
    used: Vec<u32>,
    used_of_journal: Vec<u32>,
}

impl Image {
    fn new(file: &MemoryFile, journal: &MemoryFile) -> Image {
        let (file, journal) = (file.bytes(), journal.bytes());
        let used = |bytes: &[u8]| {
            let used = bytes.iter().enumerate().filter(|(_, byte)| **byte != 0);
            used.map(|(at, _)| at as u32).collect()
        };
        Image { used: used(&file), used_of_journal: used(&journal), file, journal }
    }
}

/// A small cache: what is served is what is read. All but the newest few entries are put into blocks.
fn open(file: MemoryFile, journal: MemoryFile) -> Result<DiskLog, OpenFolderError> {
    let settings = DiskSettings { cache_bytes: 0, journal_bytes: 8192, ..DiskSettings::new("fuzzed") };
    let settings = DiskSettings { block_entries: 3, tail_entries: 4, ..settings };
    DiskLog::open_on(Arc::new(file), Arc::new(journal), settings)
}

fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| match Builder::new_current_thread().max_blocking_threads(1).build() {
        Ok(runtime) => runtime,
        Err(error) => panic!("no runtime: {error}"),
    })
}

fn history() -> &'static History {
    static HISTORY: OnceLock<History> = OnceLock::new();
    HISTORY.get_or_init(|| runtime().block_on(write()))
}

async fn write() -> History {
    let (file, journal) = (MemoryFile::default(), MemoryFile::default());
    let log = open(file.clone(), journal.clone()).unwrap_or_else(|error| panic!("an empty file is refused: {error}"));
    let mut scripts = ["first", "second", "third"].map(Script::new);
    let mut ends = [const { Vec::new() }; 3];
    for round in 0..12_u64 {
        for (number, script) in scripts.iter_mut().enumerate() {
            let members = (0..=round % 3).map(|member| Member {
                client: client(member as u8),
                client_seq: ClientSeq::new(round + 1).unwrap_or_default(),
                generation: Generation::new(u64::MAX),
                user: user("ann"),
                operation: Bytes::from(vec![number as u8 + 1; 40 * (1 + round as usize % 4)]),
            });
            ends[number].push(script.head.version);
            script.commit(&log, members.collect()).await;
        }
        let script = &scripts[round as usize % 3];
        if round % 4 == 3 {
            let stored = log.store_snapshot(&script.document, snapshot(script, script.head.version)).await;
            stored.unwrap_or_else(|error| panic!("{error}"));
        }
        if round == 7 {
            let trimmed = log.trim(&script.document, Version::new(4).unwrap_or_default()).await;
            trimmed.unwrap_or_else(|error| panic!("{error}"));
        }
    }
    ends.iter_mut().zip(&scripts).for_each(|(ends, script)| ends.push(script.head.version));
    let running = Image::new(&file, &journal);
    drop(log);
    History { scripts, ends, images: [running, Image::new(&file, &journal)] }
}

/// What is stored as the document at a version.
fn snapshot(script: &Script, at: Version) -> Snapshot {
    let content = Bytes::from(format!("{} at {at} ", script.document).repeat(30));
    Snapshot {
        head: Head { epoch: script.head.epoch, version: at, hash: script.hash_at(at) },
        checksum: Checksum(at.get()),
        content,
    }
}

/// Damages a file, of which these bytes are used.
fn damage(bytes: &mut Vec<u8>, used: &[u32], choices: &mut Choices<'_>) {
    if choices.one_in(32) {
        choices.rest().clone_into(bytes);
        return;
    }
    for _ in 0..choices.below(6) {
        // Mostly bytes that say something, and their neighbours.
        let at = match used.is_empty() || choices.one_in(4) {
            true => choices.below(bytes.len().max(1)),
            false => used[choices.below(used.len())] as usize + choices.below(8),
        };
        let at = at.min(bytes.len().saturating_sub(1));
        match choices.below(8) {
            0..=3 if at < bytes.len() => bytes[at] ^= choices.byte(),
            4 => {
                let end = (at + 16 * (1 + choices.below(256))).min(bytes.len());
                bytes[at..end].fill(choices.byte());
            }
            // An older or another page in its place.
            5 if bytes.len() >= 8_192 => {
                let pages = bytes.len() / 4_096;
                let from = choices.below(pages) * 4_096;
                let to = at / 4_096 % pages * 4_096;
                bytes.copy_within(from..from + 4_096, to);
            }
            6 => bytes.truncate(at),
            _ => {
                let more = choices.bytes();
                bytes.extend_from_slice(more);
            }
        }
    }
}

/// Damages one of the two halves of a journal, however much of it.
fn damage_half(journal: &mut [u8], choices: &mut Choices<'_>) {
    let (first, second) = journal.split_at_mut(journal.len() / 2);
    let half = if choices.one_in(2) { first } else { second };
    for _ in 0..choices.below(6) {
        let at = choices.below(half.len().max(1));
        let end = (at + 1 + choices.below(512)).min(half.len());
        let mask = choices.byte();
        half[at.min(end)..end].iter_mut().for_each(|byte| *byte ^= mask);
    }
}

async fn check(history: &History, file: MemoryFile, journal: MemoryFile, harm: Harm) {
    let log = match open(file, journal) {
        Ok(log) => log,
        Err(error) => return assert!(harm != Harm::None, "a whole file is refused: {error}"),
    };
    // First what is stored, then an append to each and to another, then all again.
    for round in 0..2 {
        for number in 0..history.scripts.len() {
            match check_document(history, number, &log).await {
                Ok(head) => {
                    let last = history.scripts[number].head.version;
                    assert!(harm != Harm::None || head == last, "of version {last} is left {head}");
                }
                Err(error) => assert!(harm == Harm::Any, "a whole document is refused: {error}"),
            }
        }
        if round == 0 {
            let another = Script::new("another");
            let outcome = another.append(&log, vec![crate::oplog_suite::member(1, 1)]).await;
            let refused = matches!(outcome, AppendOutcome::Refused { .. } | AppendOutcome::EpochChanged { .. });
            assert!(!refused, "a new document answers {outcome:?}");
            let _ = log.probe().await;
        }
    }
}

/// The version of the document, which is one that was committed, or an error.
async fn check_document(history: &History, number: usize, log: &DiskLog) -> Result<Version, LogError> {
    let script = &history.scripts[number];
    let told = |error| match error {
        OpenError::Log(error) => error,
        other => panic!("{other}"),
    };
    let opened = log.open(&script.document, None).await.map_err(told)?;
    let head = opened.head;
    assert!(history.ends[number].contains(&head.version), "the head {} is inside a batch", head.version);
    assert_eq!(head.hash, script.hash_at(head.version), "another history");
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(opened.floor, |entry| entry.version);
        match log.read(&script.document, after, 400).await? {
            ReadOutcome::Entries(page) if page.is_empty() => break,
            ReadOutcome::Entries(page) => entries.extend(page),
            ReadOutcome::BelowFloor { floor } => panic!("read after {after}, the floor is {floor}"),
        }
    }
    let known = &script.entries[opened.floor.get() as usize..head.version.get() as usize];
    assert_eq!(entries, known, "the entries are not the ones that were appended");
    let stored = log.load_snapshot(&script.document).await?;
    let at = stored.as_ref().map_or(Version::ZERO, |stored| stored.head.version);
    assert!(opened.floor <= at && at <= head.version, "floor {}, snapshot {at}", opened.floor);
    if let Some(stored) = stored {
        assert_eq!(stored, snapshot(script, at));
    }
    for author in 0..3 {
        let last = known_last(script, author, head.version);
        let opened = log.open(&script.document, Some((client(author), user("ann")))).await.map_err(told)?;
        assert_eq!(opened.client.and_then(|state| state.last), last, "the record of client {author}");
    }
    Ok(head.version)
}

fn known_last(script: &Script, author: u8, head: Version) -> Option<(ClientSeq, Version)> {
    let known = script.entries.iter().rev().filter(|entry| entry.version <= head);
    known.into_iter().find(|entry| entry.client == client(author)).map(|entry| (entry.client_seq, entry.version))
}

/// The database panics on damage that it meets; the log catches that, and here it would end the run. A panic
/// anywhere else is told to whoever listened before.
fn quiet_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |panic| {
            let file = panic.location().map_or("", |at| at.file());
            if !file.contains("redb") {
                loud(panic);
            }
        }));
    });
}
