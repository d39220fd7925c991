//! A disk that is full or fails while the log runs: nothing is acknowledged that is not
//! there, and all goes on when the fault is gone.

use std::sync::Arc;

use bytes::Bytes;
use cowrite_server::oplog::disk::DiskLog;
use cowrite_server::oplog::{AppendOutcome, LogError, Member, OpLog, OpenError};
use cowrite_tests::oplog_suite::member;

use crate::faulty_file::{Faults, FaultyFiles, LOG};
use crate::workload::{Random, Workload, open};

async fn running(seed: u64) -> (FaultyFiles, Arc<DiskLog>, Workload, Random) {
    let (files, mut workload, mut random) = (FaultyFiles::default(), Workload::new(), Random::new(seed));
    let log = Arc::new(open(&files).unwrap());
    workload.run(&log, &files, 5, &mut random).await;
    (files, log, workload, random)
}

/// Appends members of the workload to its first document until it is known what became of
/// them, as a room does: the same batch again.
async fn settle(log: &DiskLog, workload: &mut Workload, members: Vec<Member>) {
    let batch = workload.scripts[0].batch(members.clone());
    let id = workload.scripts[0].document.clone();
    let outcome = log.append(&id, batch).await;
    let before = workload.scripts[0].head;
    workload.follow(0, members);
    let script = &workload.scripts[0];
    match outcome {
        AppendOutcome::Committed { head } => assert_eq!(head, script.head),
        AppendOutcome::Conflict { head, entries } => {
            assert_eq!(head, script.head, "it had landed");
            assert_eq!(entries, script.entries[before.version.get() as usize..]);
        }
        other => panic!("the fault is gone, and the append is answered {other:?}"),
    }
}

async fn assert_all(log: &DiskLog, workload: &Workload) {
    for document in 0..3 {
        let all = workload.scripts[document].head.version.get();
        workload.check_document(log, document, all).await.unwrap();
    }
}

#[tokio::test]
async fn b10_a_full_disk_refuses_appends_and_recovers_when_there_is_room() {
    let (files, log, mut workload, _) = running(11).await;
    files.set_faults(Faults { quota: Some(files.image()[LOG].len() as u64), ..Faults::default() });
    let mut committed = 0;
    let (members, refused) = loop {
        let operation = Bytes::from(vec![7; 200_000]);
        let members = vec![Member { operation, ..member(9, committed + 1) }];
        let batch = workload.scripts[0].batch(members.clone());
        match log.append(&workload.scripts[0].document, batch).await {
            AppendOutcome::Committed { .. } => workload.follow(0, members),
            other => break (members, other),
        }
        committed += 1;
        assert!(committed < 1000, "the disk is never full");
    };
    assert!(matches!(refused, AppendOutcome::Unavailable { .. }), "{refused:?}");
    assert_all(&log, &workload).await;
    for _ in 0..3 {
        let again = workload.scripts[0].append(&*log, members.clone()).await;
        assert!(matches!(again, AppendOutcome::Unavailable { .. }), "{again:?}");
    }
    files.set_faults(Faults::default());
    settle(&log, &mut workload, members).await;
    assert_all(&log, &workload).await;
    drop(log);
    assert_all(&open(&files).unwrap(), &workload).await;
}

#[tokio::test]
async fn a_log_opens_on_a_full_disk_and_says_all_that_its_journal_holds() {
    let (running, log, workload, _) = running(12).await;
    let files = FaultyFiles::of(running.image());
    drop(log);
    files.set_faults(Faults { quota: Some(files.image()[LOG].len() as u64), ..Faults::default() });
    let log = open(&files).unwrap();
    assert_all(&log, &workload).await;
    drop(log);
    // What could not be put into the database when it was closed is still in the journal.
    files.set_faults(Faults::default());
    assert_all(&open(&files).unwrap(), &workload).await;
}

async fn fails_and_recovers(seed: u64, faults: Faults) {
    let (files, log, mut workload, mut random) = running(seed).await;
    for round in 0..4 {
        let members = workload.members(0, &mut random);
        files.set_faults(faults);
        for _ in 0..=round {
            let outcome = workload.scripts[0].append(&*log, members.clone()).await;
            assert!(
                matches!(outcome, AppendOutcome::Unavailable { .. } | AppendOutcome::OutcomeUnknown),
                "{faults:?}: {outcome:?}"
            );
        }
        files.set_faults(Faults::default());
        settle(&log, &mut workload, members).await;
        assert_all(&log, &workload).await;
    }
    drop(log);
    assert_all(&open(&files).unwrap(), &workload).await;
}

#[tokio::test]
async fn b10_a_failed_sync_acknowledges_nothing_and_the_log_recovers() {
    fails_and_recovers(21, Faults { sync: true, ..Faults::default() }).await;
}

#[tokio::test]
async fn b10_a_short_write_acknowledges_nothing_and_the_log_recovers() {
    fails_and_recovers(22, Faults { write: true, ..Faults::default() }).await;
}

#[tokio::test]
async fn b10_a_disk_that_does_nothing_right_acknowledges_nothing_and_the_log_recovers() {
    fails_and_recovers(23, Faults { sync: true, write: true, read: true, quota: Some(0) }).await;
}

#[tokio::test]
async fn what_was_fenced_before_a_fault_is_fenced_after_it() {
    let (files, log, workload, _) = running(24).await;
    let script = &workload.scripts[0];
    let open = Some((cowrite_tests::oplog_suite::client(8), cowrite_tests::oplog_suite::user("ann")));
    log.open(&script.document, open.clone()).await.unwrap();
    let live = log.open(&script.document, open).await.unwrap().client.unwrap().generation;
    files.set_faults(Faults { sync: true, ..Faults::default() });
    let outcome = script.append(&*log, vec![Member { generation: live, ..member(8, 1) }]).await;
    assert!(!matches!(outcome, AppendOutcome::Committed { .. }), "{outcome:?}");
    files.set_faults(Faults::default());
    let older = script.append(&*log, vec![member(8, 1)]).await;
    assert!(!matches!(older, AppendOutcome::Committed { .. }), "an older copy was committed: {older:?}");
    let opened = log.open(&script.document, None).await.unwrap();
    if opened.head == script.head {
        assert!(matches!(older, AppendOutcome::Refused { .. }), "{older:?}");
    }
}

#[tokio::test]
async fn b10_a_read_error_is_an_answer_and_reads_go_on_after_it() {
    let (files, log, workload, _) = running(25).await;
    drop(log);
    let log = open(&files).unwrap();
    let script = &workload.scripts[0];
    files.set_faults(Faults { read: true, ..Faults::default() });
    let opened = log.open(&script.document, None).await;
    assert!(matches!(opened, Err(OpenError::Log(LogError::Unavailable { .. }))), "{opened:?}");
    let read = log.load_snapshot(&script.document).await;
    assert!(matches!(read, Err(LogError::Unavailable { .. })), "{read:?}");
    files.set_faults(Faults::default());
    log.open(&script.document, None).await.unwrap();
    assert_all(&log, &workload).await;
}

/// Whoever waits for an append is gone, at every point at which it waits.
#[tokio::test]
async fn b12_an_append_that_nobody_waits_for_any_more_is_there_or_not_and_locks_nothing() {
    use std::future::Future;
    let (_, log, mut workload, mut random) = running(31).await;
    let mut cut = 0;
    for polls in 0..40 {
        let members = workload.members(0, &mut random);
        let batch = workload.scripts[0].batch(members.clone());
        let id = workload.scripts[0].document.clone();
        let mut append = Box::pin(log.append(&id, batch));
        let mut done = None;
        for _ in 0..polls % 4 {
            let polled = std::future::poll_fn(|context| std::task::Poll::Ready(append.as_mut().poll(context))).await;
            if let std::task::Poll::Ready(outcome) = polled {
                done = Some(outcome);
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(append);
        cut += usize::from(done.is_none());
        match done {
            Some(AppendOutcome::Committed { .. }) => workload.follow(0, members),
            Some(other) => panic!("{other:?}"),
            // It may land yet, and the same again finds it, or lands itself.
            None => settle(&log, &mut workload, members).await,
        }
    }
    assert!(cut >= 10, "only {cut} were given up");
    assert_all(&log, &workload).await;
}
