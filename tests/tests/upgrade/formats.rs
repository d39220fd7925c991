//! Data folders of every format there was: opened as they are, and then written by this server, with blocks.

use std::fs;
use std::path::{Path, PathBuf};

use cowrite_protocol::Version;
use cowrite_server::oplog::disk::{DiskLog, DiskSettings, FILE_FORMAT};
use cowrite_server::oplog::{Entry, OpLog, ReadOutcome};
use cowrite_tests::oplog_suite::{Script, document, member};
use cowrite_tests::process::Place;
use cowrite_tests::upgrade::Golden;

/// A folder of format 1 without a journal; and the same, to which a server of format 2 has appended document "a" until
/// it was killed.
const FOLDERS: [(&str, u32, &[&str]); 2] =
    [("upgrade/0.1.0", 1, &["minutes", "novel", "letter"]), ("formats/2", 2, &["minutes", "novel", "letter", "a"])];

fn open(data: &Path, block_entries: u32) -> DiskLog {
    let settings = DiskSettings { block_entries, tail_entries: 2, journal_bytes: 4096, ..DiskSettings::new(data) };
    DiskLog::open(settings).unwrap()
}

/// What a log holds of a document, and that as a writer knows it.
async fn known(log: &DiskLog, name: &str) -> (Version, Script) {
    let opened = log.open(&document(name), None).await.unwrap();
    let mut entries: Vec<Entry> = Vec::new();
    loop {
        let after = entries.last().map_or(opened.floor, |entry| entry.version);
        match log.read(&document(name), after, 1 << 20).await.unwrap() {
            ReadOutcome::Entries(page) if page.is_empty() => break,
            ReadOutcome::Entries(page) => entries.extend(page),
            ReadOutcome::BelowFloor { floor } => panic!("the floor is {floor}"),
        }
    }
    (opened.floor, Script { head: opened.head, entries, ..Script::new(name) })
}

#[tokio::test]
async fn folders_of_every_format_are_opened_and_their_entries_are_the_same_in_blocks() {
    for (folder, format, names) in FOLDERS {
        let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("golden").join(folder);
        let golden = Golden::at(&golden);
        let [before, data] = [Place::new(), Place::new()].map(|place| {
            let data: PathBuf = golden.unpack_data(&place);
            (place, data)
        });
        let found = |data: &Path| {
            let bytes = fs::read(data.join("cowrite.log")).unwrap();
            let formats = [0, 4096].map(|copy| u32::from_le_bytes(bytes[copy + 16..copy + 20].try_into().unwrap()));
            formats.into_iter().max().unwrap()
        };
        assert_eq!(found(&data.1), format, "{folder}");
        let reference = open(&before.1, 0);
        let mut log = open(&data.1, 5);
        let mut held = 0;
        for name in names {
            let (floor, mut script) = known(&reference, name).await;
            held += script.entries.len();
            for seq in 1..=40 {
                script.commit(&log, vec![member(200, seq)]).await;
            }
            script.assert_log(&log, floor).await;
            drop(log);
            log = open(&data.1, 5);
            script.assert_log(&log, floor).await;
        }
        assert!(held > 20, "{folder} holds {held} entries");
        drop(log);
        assert_eq!(found(&data.1), FILE_FORMAT, "{folder}");
    }
}
