//! Real folders and real processes.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

use cowrite_protocol::Version;
use cowrite_protocol::hash::Checksummer;
use cowrite_server::oplog::disk::{DiskLog, DiskSettings, FILE_FORMAT, OpenFolderError};
use cowrite_server::oplog::{OpLog, ReadOutcome};
use cowrite_tests::oplog_suite::{Script, document, member};

/// A place of a test's own, gone with it.
struct Place(PathBuf);

impl Place {
    fn new() -> Place {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("disk-{}-{number}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        Place(place)
    }

    fn open(&self, name: &str) -> Result<DiskLog, OpenFolderError> {
        DiskLog::open(DiskSettings::new(self.0.join(name)))
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A folder that is left behind is found by nobody: its name is never used again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A process that appends to document "a" of a folder, and says each version that is
/// acknowledged. Killed when dropped.
struct Appender(Child);

impl Appender {
    fn start(folder: &Path) -> Appender {
        let command = Command::new(env!("CARGO_BIN_EXE_append_forever")).arg(folder).stdout(Stdio::piped()).spawn();
        Appender(command.unwrap())
    }

    /// What it has said, up to this many lines.
    fn lines(&mut self, count: usize) -> Vec<u64> {
        let output = BufReader::new(self.0.stdout.as_mut().unwrap());
        output.lines().take(count).map(|line| line.unwrap().parse().unwrap()).collect()
    }
}

impl Drop for Appender {
    fn drop(&mut self) {
        // It may be dead already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_killed_server_has_all_that_it_acknowledged() {
    let place = Place::new();
    let mut acked = 0;
    for round in 1..=5 {
        let mut appender = Appender::start(&place.0.join("data"));
        let last = *appender.lines(round * 30).last().expect("it appends");
        assert!(last > acked, "it goes on where it was");
        acked = last;
        // SIGKILL, in the midst of an append.
        drop(appender);
        let log = place.open("data").unwrap();
        let head = log.open(&document("a"), None).await.unwrap().head;
        assert!(head.version.get() >= acked, "the head is {}, {acked} was acknowledged", head.version);
        let ReadOutcome::Entries(entries) = log.read(&document("a"), Version::ZERO, 1 << 30).await.unwrap() else {
            panic!("nothing was trimmed")
        };
        assert!(entries.iter().map(|entry| entry.version.get()).eq(1..=head.version.get()));
        assert!(entries.iter().map(|entry| entry.client_seq.get()).eq(1..=head.version.get()), "each once");
    }
}

#[tokio::test]
async fn a_folder_in_use_is_refused_and_free_when_its_holder_is_gone() {
    let place = Place::new();
    let mut appender = Appender::start(&place.0.join("data"));
    appender.lines(1);
    let refused = place.open("data");
    assert!(matches!(refused, Err(OpenFolderError::Locked { .. })), "{refused:?}");
    drop(appender);
    let log = place.open("data").unwrap();
    let refused = place.open("data");
    assert!(matches!(refused, Err(OpenFolderError::Locked { .. })), "{refused:?}");
    drop(log);
    place.open("data").unwrap();
}

/// A child has copies of all open files, and their locks, until it runs a program of its own.
#[test]
fn a_folder_that_was_just_closed_can_be_opened_while_programs_are_being_started() {
    let place = Place::new();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !done.load(Ordering::Relaxed) {
                Command::new("true").status().unwrap();
            }
        });
        let opened: Result<Vec<()>, _> = (0..200).map(|_| place.open("busy").map(drop)).collect();
        done.store(true, Ordering::Relaxed);
        opened.unwrap();
    });
}

#[tokio::test]
async fn b10_a_place_that_can_not_be_written_is_refused() {
    let place = Place::new();
    fs::write(place.0.join("file"), "not a folder").unwrap();
    fs::create_dir_all(place.0.join("taken/cowrite.log")).unwrap();
    for name in ["file", "file/below", "taken"] {
        let refused = place.open(name);
        assert!(matches!(refused, Err(OpenFolderError::NotWritable { .. })), "{name}: {refused:?}");
    }
    let missing = place.open("made/as/needed").unwrap();
    Script::new("a").commit(&missing, vec![member(1, 1)]).await;
}

#[tokio::test]
async fn a_file_that_is_no_log_is_refused_and_left_as_it_is() {
    let place = Place::new();
    let path = place.0.join("cowrite.log");
    for foreign in [b"a text that someone put here\n".repeat(1000), vec![0xff; 20_000]] {
        fs::write(&path, &foreign).unwrap();
        let refused = place.open("");
        assert!(matches!(refused, Err(OpenFolderError::Damaged { .. })), "{refused:?}");
        assert!(fs::read(&path).unwrap() == foreign, "the foreign file was changed");
    }
}

#[tokio::test]
async fn data_of_a_newer_format_is_refused() {
    let place = Place::new();
    let log = place.open("").unwrap();
    Script::new("a").commit(&log, vec![member(1, 1)]).await;
    drop(log);
    let path = place.0.join("cowrite.log");
    let mut bytes = fs::read(&path).unwrap();
    for copy in [0, 4096] {
        bytes[copy + 16..copy + 20].copy_from_slice(&(FILE_FORMAT + 1).to_le_bytes());
        let mut sum = Checksummer::default();
        sum.write(&bytes[copy..copy + 348]);
        bytes[copy + 348..copy + 356].copy_from_slice(&sum.finish().0.to_le_bytes());
    }
    fs::write(&path, &bytes).unwrap();
    let refused = place.open("");
    assert!(
        matches!(refused, Err(OpenFolderError::NewerFormat { found, .. }) if found == FILE_FORMAT + 1),
        "{refused:?}"
    );
    assert!(fs::read(&path).unwrap() == bytes, "the newer file was changed");
}
