//! Flipped bytes: found, or harmless; never other data than what was written.

use std::sync::Arc;

use cowrite_server::oplog::disk::{DiskLog, OpenFolderError};
use cowrite_server::oplog::{AppendOutcome, LogError};

use crate::faulty_file::{FaultyFiles, Image, JOURNAL, LOG};
use crate::workload::{JOURNAL_HALF, Random, Workload, open};

/// What a flip came to.
#[derive(Debug, Default)]
struct Tally {
    not_opened: usize,
    documents_damaged: usize,
    documents_whole: usize,
}

async fn check_flip(workload: &Workload, image: &Image, (which, offset): (usize, usize), bit: u32, tally: &mut Tally) {
    let mut flipped = image.clone();
    flipped[which][offset] ^= 1 << bit;
    let context = format!("file {which} byte {offset} bit {bit}");
    let log = match open(&FaultyFiles::of(flipped)) {
        Ok(log) => log,
        Err(OpenFolderError::Damaged { .. } | OpenFolderError::Io { .. }) => {
            tally.not_opened += 1;
            return;
        }
        Err(other) => panic!("{context}: {other}"),
    };
    // First what is stored, then one more append to each, then all again.
    for _ in 0..2 {
        for document in 0..3 {
            let all = workload.acked.last().unwrap()[document];
            match workload.check_document(&log, document, all).await {
                Ok(()) => tally.documents_whole += 1,
                Err(LogError::Damaged { .. }) => tally.documents_damaged += 1,
                // A page of the tree itself may be what can not be read.
                Err(LogError::Unavailable { .. }) => tally.documents_damaged += 1,
                Err(other) => panic!("{context}: {other}"),
            }
        }
        append_elsewhere(&log).await;
    }
}

async fn append_elsewhere(log: &DiskLog) {
    let script = cowrite_tests::oplog_suite::Script::new("another");
    let outcome = script.append(log, vec![cowrite_tests::oplog_suite::member(1, 1)]).await;
    assert!(
        !matches!(outcome, AppendOutcome::Refused { .. } | AppendOutcome::EpochChanged { .. }),
        "a new document answers {outcome:?}"
    );
}

async fn images(seed: u64) -> (Workload, [Image; 2]) {
    let (files, mut workload, mut random) = (FaultyFiles::default(), Workload::new(), Random::new(seed));
    let log = Arc::new(open(&files).unwrap());
    workload.run(&log, &files, 25, &mut random).await;
    let running = files.image();
    drop(log);
    (workload, [running, files.image()])
}

#[tokio::test]
async fn b11_a_flipped_bit_of_the_header_or_its_copies_loses_nothing() {
    quiet_panics();
    let (workload, images) = images(5).await;
    for image in images {
        let mut tally = Tally::default();
        for range in [0..364, 4096..4460, 8192..8512] {
            for offset in range {
                check_flip(&workload, &image, (LOG, offset), offset as u32 % 8, &mut tally).await;
            }
        }
        for offset in [8201, 8202] {
            for bit in 0..8 {
                check_flip(&workload, &image, (LOG, offset), bit, &mut tally).await;
            }
        }
        assert_eq!((tally.not_opened, tally.documents_damaged), (0, 0), "{tally:?}");
    }
}

#[tokio::test]
async fn b11_a_flipped_byte_anywhere_is_found_or_harmless() {
    quiet_panics();
    let (workload, images) = images(6).await;
    let mut random = Random::new(7);
    for image in images {
        let used: Vec<usize> = (8512..image[LOG].len()).filter(|offset| image[LOG][*offset] != 0).collect();
        let mut tally = Tally::default();
        for _ in 0..700 {
            // Mostly bytes that say something, and their neighbours.
            let offset = (used[random.below(used.len())] + random.below(8)).min(image[LOG].len() - 1);
            check_flip(&workload, &image, (LOG, offset), random.below(8) as u32, &mut tally).await;
        }
        assert!(tally.documents_damaged > 20 && tally.documents_whole > 20, "{tally:?}");
    }
}

#[tokio::test]
async fn b11_a_flipped_bit_of_the_journal_or_a_lost_half_of_it_loses_nothing() {
    let (workload, [running, _]) = images(8).await;
    let mut tally = Tally::default();
    let used = |offset: &usize| running[JOURNAL][*offset] != 0;
    for offset in (0..2 * JOURNAL_HALF).filter(used).step_by(23) {
        check_flip(&workload, &running, (JOURNAL, offset), offset as u32 % 8, &mut tally).await;
    }
    assert_eq!((tally.not_opened, tally.documents_damaged), (0, 0), "{tally:?}");
    for half in [0, JOURNAL_HALF] {
        let mut image = running.clone();
        image[JOURNAL][half..half + JOURNAL_HALF].fill(0);
        workload.check(image, workload.acked.len() - 1, &format!("without the half at {half}")).await;
    }
    let mut lost = running;
    lost[JOURNAL].clear();
    let opened = open(&FaultyFiles::of(lost));
    assert!(matches!(opened, Err(OpenFolderError::Damaged { .. })), "without its journal: {opened:?}");
}

/// The database panics on damage that it meets; the log catches that, and here it would only
/// fill the screen.
fn quiet_panics() {
    let loud = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        let thread = std::thread::current();
        let ours =
            panic.location().is_some_and(|at| at.file().contains("disk_faults") || at.file().starts_with("server"));
        if ours || thread.name().is_none() {
            loud(panic);
        }
    }));
}
