//! Snapshots, and trimming behind them.

use bytes::Bytes;
use cowrite_protocol::{Checksum, ClientSeq, Epoch, RunningHash, Version};
use cowrite_server::oplog::{AppendOutcome, Head, OpLog, Refusal, Snapshot};

use super::{Bench, Script, client, member, user, version};

pub(super) fn snapshot(script: &Script, at: Version) -> Snapshot {
    Snapshot {
        head: Head { epoch: script.head.epoch, version: at, hash: script.hash_at(at) },
        checksum: Checksum(u64::MAX - at.get()),
        content: Bytes::from(format!("the text at {at}")),
    }
}

pub(super) async fn store(log: &dyn OpLog, script: &Script, at: Version) {
    log.store_snapshot(&script.document, snapshot(script, at)).await.unwrap();
}

async fn written(log: &dyn OpLog, entries: u64) -> Script {
    let mut script = Script::new("a");
    for seq in 1..=entries {
        script.commit(log, vec![member(1, seq)]).await;
    }
    script
}

/// Byte by byte, and a newer one takes its place.
pub async fn a_snapshot_comes_back_as_it_was_stored(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 5).await;
    store(&*log, &ann, version(3)).await;
    assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(snapshot(&ann, version(3))));
    let large = Snapshot { content: Bytes::from(vec![7; 5_000_000]), ..snapshot(&ann, version(5)) };
    log.store_snapshot(&ann.document, large.clone()).await.unwrap();
    assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(large));
    ann.assert_log(&*log, Version::ZERO).await;
}

/// Two servers make snapshots; the later one stays.
pub async fn an_older_snapshot_is_ignored(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 5).await;
    store(&*log, &ann, version(4)).await;
    store(&*log, &ann, version(2)).await;
    assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(snapshot(&ann, version(4))));
}

/// It tells of a history that this log does not hold.
pub async fn a_snapshot_of_another_life_or_ahead_of_the_log_is_ignored(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 3).await;
    let good = snapshot(&ann, version(3));
    let foreign = Head { epoch: Epoch::new(999), ..good.head };
    let ahead = Head { version: version(4), ..good.head };
    let forked = Head { hash: RunningHash::from_bytes([9; 16]), ..good.head };
    for head in [foreign, ahead, forked] {
        log.store_snapshot(&ann.document, Snapshot { head, ..good.clone() }).await.unwrap();
        assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), None, "{head:?}");
    }
    let never_written = super::document("never");
    log.store_snapshot(&never_written, good).await.unwrap();
    assert_eq!(log.load_snapshot(&never_written).await.unwrap(), None);
}

/// A room that has not heard yet that the log lost what it knows, as when a deletion has taken its place.
pub async fn a_snapshot_of_another_history_takes_the_place_of_none(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 5).await;
    store(&*log, &ann, version(3)).await;
    log.trim(&ann.document, version(3)).await.unwrap();
    for at in [3, 4, 5].map(version) {
        let good = snapshot(&ann, at);
        let head = Head { hash: RunningHash::from_bytes([9; 16]), ..good.head };
        log.store_snapshot(&ann.document, Snapshot { head, ..good }).await.unwrap();
        assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(snapshot(&ann, version(3))), "at {at}");
    }
    store(&*log, &ann, version(3)).await;
    store(&*log, &ann, version(4)).await;
    assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(snapshot(&ann, version(4))));
}

/// What is not in the snapshot can be had from the entries alone.
pub async fn nothing_is_trimmed_without_a_snapshot_nor_above_it(mut bench: Bench) {
    let log = bench.open();
    let ann = written(&*log, 8).await;
    log.trim(&ann.document, version(8)).await.unwrap();
    ann.assert_log(&*log, Version::ZERO).await;
    store(&*log, &ann, version(5)).await;
    log.trim(&ann.document, version(8)).await.unwrap();
    assert_eq!(log.open(&ann.document, None).await.unwrap().floor, version(5));
    ann.assert_log(&*log, version(5)).await;
    assert_eq!(log.load_snapshot(&ann.document).await.unwrap(), Some(snapshot(&ann, version(5))));
}

/// A client that comes back below the floor is told whether its operation was accepted.
pub async fn a_client_record_survives_trimming(mut bench: Bench) {
    let log = bench.open();
    let mut ann = written(&*log, 4).await;
    store(&*log, &ann, version(4)).await;
    log.trim(&ann.document, version(4)).await.unwrap();
    let duplicate = Refusal::Duplicate { last: ClientSeq::new(4).unwrap(), version: version(4) };
    let outcome = ann.append(&*log, vec![member(1, 4)]).await;
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(0, duplicate)] });
    ann.commit(&*log, vec![member(2, 1)]).await;
    let state = log.open(&ann.document, Some((client(1), user("ann")))).await.unwrap().client.unwrap();
    assert_eq!(state.last, Some((ClientSeq::new(4).unwrap(), version(4))));
}

/// The writer must load the snapshot.
pub async fn a_conflict_below_the_floor_brings_no_entries(mut bench: Bench) {
    let log = bench.open();
    let mut ann = written(&*log, 2).await;
    let late = ann.clone();
    for seq in 3..=6 {
        ann.commit(&*log, vec![member(1, seq)]).await;
    }
    store(&*log, &ann, version(5)).await;
    log.trim(&ann.document, version(4)).await.unwrap();
    let outcome = late.append(&*log, vec![member(2, 1)]).await;
    assert_eq!(outcome, AppendOutcome::Conflict { head: ann.head, entries: Vec::new() });
}
