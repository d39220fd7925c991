//! Epochs, and the identity of a history.

use cowrite_protocol::{Epoch, RunningHash, Version};
use cowrite_server::oplog::{AdvanceOutcome, AppendOutcome, Head, NewLife, OpLog, Snapshot};

use super::snapshots::{snapshot, store};
use super::{Bench, Script, client, document, member, version};

async fn written(log: &dyn OpLog, entries: u64) -> Script {
    let mut script = Script::new("a");
    for seq in 1..=entries {
        script.commit(log, vec![member(1, seq)]).await;
    }
    script
}

fn after(old: Option<Epoch>, new: Epoch) -> NewLife {
    NewLife { old, new, unless: None }
}

/// Whether it is the newest entry that counts, and not an earlier one.
pub async fn no_life_begins_behind_the_entry_of_a_client_that_is_named(mut bench: Bench) {
    let log = bench.open();
    let mut ann = written(&*log, 2).await;
    let (old, new) = (ann.head.epoch, Epoch::from_random(7));
    let unless = |id| NewLife { unless: Some(client(id)), ..after(old, new) };
    let outcome = log.advance_epoch(&ann.document, unless(1)).await.unwrap();
    assert_eq!(outcome, AdvanceOutcome::Other(ann.head));
    ann.commit(&*log, vec![member(2, 1)]).await;
    ann.assert_log(&*log, Version::ZERO).await;
    let outcome = log.advance_epoch(&ann.document, unless(2)).await.unwrap();
    assert_eq!(outcome, AdvanceOutcome::Other(ann.head));
    ann.head.epoch = Some(new);
    let outcome = log.advance_epoch(&ann.document, unless(1)).await.unwrap();
    assert_eq!(outcome, AdvanceOutcome::Advanced(ann.head));
    ann.assert_log(&*log, Version::ZERO).await;
}

/// Of two that saw the loss, one begins the new life.
pub async fn an_epoch_advances_by_compare_and_set(mut bench: Bench) {
    let log = bench.open();
    let mut ann = written(&*log, 3).await;
    let (old, new, late) = (ann.head.epoch, Epoch::from_random(7), Epoch::from_random(8));
    ann.head.epoch = Some(new);
    let outcome = log.advance_epoch(&ann.document, after(old, new)).await.unwrap();
    assert_eq!(outcome, AdvanceOutcome::Advanced(ann.head));
    for named in [old, None, Some(late)] {
        let outcome = log.advance_epoch(&ann.document, after(named, late)).await.unwrap();
        assert_eq!(outcome, AdvanceOutcome::Other(ann.head));
    }
    ann.commit(&*log, vec![member(1, 4)]).await;
    ann.assert_log(&*log, Version::ZERO).await;

    let empty = document("empty");
    let head = Head { epoch: Some(new), ..Head::default() };
    let outcome = log.advance_epoch(&empty, after(None, new)).await.unwrap();
    assert_eq!(outcome, AdvanceOutcome::Advanced(head));
    assert_eq!(log.open(&empty, None).await.unwrap().head, head);
}

/// Also to a life that has not begun.
pub async fn an_append_to_another_life_is_told_so(mut bench: Bench) {
    let log = bench.open();
    let mut ann = written(&*log, 2).await;
    let stale = ann.clone();
    let new = Epoch::from_random(7);
    log.advance_epoch(&ann.document, after(ann.head.epoch, new)).await.unwrap();
    ann.head.epoch = Some(new);
    let outcome = stale.append(&*log, vec![member(2, 1)]).await;
    assert_eq!(outcome, AppendOutcome::EpochChanged { head: ann.head });
    ann.commit(&*log, vec![member(2, 1)]).await;
    let elsewhere = Script { document: document("never"), ..stale };
    let outcome = elsewhere.append(&*log, vec![member(2, 1)]).await;
    assert_eq!(outcome, AppendOutcome::EpochChanged { head: Head::default() });
}

/// What a lossy failover leaves: the same numbers, other edits.
pub async fn another_history_at_the_same_version_is_another_life(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 3).await;
    let mut forked = ann.clone();
    forked.head.hash = RunningHash::from_bytes([1; 16]);
    let outcome = forked.append(&*log, vec![member(2, 1)]).await;
    assert_eq!(outcome, AppendOutcome::EpochChanged { head: ann.head });
    ann.assert_log(&*log, Version::ZERO).await;
}

/// Where the log knows its hash at the writer's version: after each batch.
pub async fn another_history_at_an_earlier_version_is_another_life(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 5).await;
    for at in 0..5 {
        let mut forked = ann.clone();
        forked.head = Head { version: version(at), hash: RunningHash::from_bytes([1; 16]), ..ann.head };
        let outcome = forked.append(&*log, vec![member(2, 1)]).await;
        assert_eq!(outcome, AppendOutcome::EpochChanged { head: ann.head }, "at {at}");
        forked.head.hash = ann.hash_at(version(at));
        let outcome = forked.append(&*log, vec![member(2, 1)]).await;
        assert!(matches!(outcome, AppendOutcome::Conflict { .. }), "at {at}: {outcome:?}");
    }
}

/// The log stands behind what was once committed.
pub async fn a_version_ahead_of_the_log_is_another_life(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 3).await;
    let mut ahead = ann.clone();
    ahead.follow(ahead.batch(vec![member(2, 1)]));
    let outcome = ahead.append(&*log, vec![member(2, 2)]).await;
    assert_eq!(outcome, AppendOutcome::EpochChanged { head: ann.head });
    ann.assert_log(&*log, Version::ZERO).await;
}

/// The history below it is the surviving one.
pub async fn a_snapshot_lives_on_in_the_new_life(mut bench: Bench) {
    let log = bench.open();
    let mut ann = written(&*log, 3).await;
    store(&*log, &ann, version(2)).await;
    let stored = snapshot(&ann, version(2));
    let new = Epoch::from_random(7);
    log.advance_epoch(&ann.document, after(ann.head.epoch, new)).await.unwrap();
    ann.head.epoch = Some(new);
    let expected = Snapshot { head: Head { epoch: Some(new), ..stored.head }, ..stored };
    assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(expected));
    store(&*log, &ann, version(3)).await;
    assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(snapshot(&ann, version(3))));
}
