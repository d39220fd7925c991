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

/// A file of the disk log is damaged by choices, or is any bytes. The log opens or says why not; a document
/// that it serves is one of the states that were committed, whole; and what is damaged ends no other document.
pub fn disk_log(data: &[u8]) {
    quiet_panics();
    let mut choices = Choices::new(data);
    let history = history();
    let image = choices.below(2);
    let (bytes, damaged) = damage(&history.images[image], &mut choices);
    let journal = MemoryFile::of(history.journals[image].clone());
    runtime().block_on(check(history, MemoryFile::of(bytes), journal, damaged));
}

/// What was written, and the file that came of it: as it was while the log was open, and closed.
struct History {
    scripts: [Script; 3],
    /// The versions at which a batch ended, of each document.
    ends: [Vec<Version>; 3],
    images: [Vec<u8>; 2],
    /// Its journal beside it.
    journals: [Vec<u8>; 2],
    /// Where a byte is not zero, in each image.
    used: [Vec<u32>; 2],
}

/// A small cache: what is served is what is read.
fn open(file: MemoryFile, journal: MemoryFile) -> Result<DiskLog, OpenFolderError> {
    let settings = DiskSettings { cache_bytes: 0, journal_bytes: 8192, ..DiskSettings::new("fuzzed") };
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
    let running = (file.bytes(), journal.bytes());
    drop(log);
    let images = [running.0, file.bytes()];
    let journals = [running.1, journal.bytes()];
    let used = images.each_ref().map(|image| {
        let used = image.iter().enumerate().filter(|(_, byte)| **byte != 0);
        used.map(|(at, _)| at as u32).collect()
    });
    History { scripts, ends, images, journals, used }
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

/// The damaged file, and whether it is damaged at all.
fn damage(image: &[u8], choices: &mut Choices<'_>) -> (Vec<u8>, bool) {
    if choices.one_in(32) {
        return (choices.rest().to_vec(), true);
    }
    let history = history();
    let which = usize::from(!std::ptr::eq(image, history.images[0].as_slice()));
    let used = &history.used[which];
    let mut bytes = image.to_vec();
    for _ in 0..choices.below(6) {
        // Mostly bytes that say something, and their neighbours.
        let at = match choices.one_in(4) {
            true => choices.below(image.len()),
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
    let damaged = bytes != image;
    (bytes, damaged)
}

async fn check(history: &History, file: MemoryFile, journal: MemoryFile, damaged: bool) {
    let log = match open(file, journal) {
        Ok(log) => log,
        Err(error) => return assert!(damaged, "a whole file is refused: {error}"),
    };
    // First what is stored, then an append to each and to another, then all again.
    let mut lost = [false; 3];
    for round in 0..2 {
        for (number, lost) in lost.iter_mut().enumerate() {
            match check_document(history, number, &log).await {
                Ok(()) => {}
                Err(error) => {
                    assert!(damaged, "a whole document is refused: {error}");
                    *lost = true;
                }
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

/// A document is one that was committed, or an error.
async fn check_document(history: &History, number: usize, log: &DiskLog) -> Result<(), LogError> {
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
    Ok(())
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
