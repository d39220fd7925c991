//! Reading entries, page by page.

use bytes::Bytes;
use cowrite_protocol::Version;
use cowrite_server::oplog::{Member, OpLog, ReadOutcome};

use super::snapshots::store;
use super::{Bench, Script, member, version};

async fn page(log: &dyn OpLog, script: &Script, after: u64, max_bytes: usize) -> Vec<u64> {
    match log.read(&script.document, version(after), max_bytes).await.unwrap() {
        ReadOutcome::Entries(entries) => entries.iter().map(|entry| entry.version.get()).collect(),
        ReadOutcome::BelowFloor { floor } => panic!("the floor is {floor}"),
    }
}

/// Pages of about the bytes asked for, and at least one entry.
pub async fn reads_are_paged_without_gap_or_overlap(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    for seq in 1..=10 {
        ann.commit(&*log, vec![Member { operation: Bytes::from(vec![0; 100]), ..member(1, seq) }]).await;
    }
    assert_eq!(page(&*log, &ann, 0, 350).await, [1, 2, 3]);
    assert_eq!(page(&*log, &ann, 3, 400).await, [4, 5, 6, 7]);
    assert_eq!(page(&*log, &ann, 7, 1 << 20).await, [8, 9, 10]);
    assert_eq!(page(&*log, &ann, 5, 0).await, [6]);
    assert_eq!(page(&*log, &ann, 10, 1 << 20).await, [0_u64; 0]);
    assert_eq!(page(&*log, &ann, 999, 1 << 20).await, [0_u64; 0]);
    ann.assert_log(&*log, version(4)).await;
}

/// There is no entry that can not be read.
pub async fn an_entry_larger_than_a_page_is_a_page(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    let large = Bytes::from((0..3_000_000_u32).map(|number| number as u8).collect::<Vec<_>>());
    ann.commit(&*log, vec![member(1, 1), Member { operation: large, ..member(1, 2) }, member(1, 3)]).await;
    assert_eq!(page(&*log, &ann, 1, 1000).await, [2]);
    ann.assert_log(&*log, Version::ZERO).await;
}

/// "Nothing new" and "too old" are different answers.
pub async fn below_the_floor_is_another_answer_than_nothing_new(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, (1..=6).map(|seq| member(1, seq)).collect()).await;
    store(&*log, &ann, version(6)).await;
    log.trim(&ann.document, version(4)).await.unwrap();
    assert_eq!(log.open(&ann.document, None).await.unwrap().floor, version(4));
    for after in 0..4 {
        let outcome = log.read(&ann.document, version(after), 1 << 20).await.unwrap();
        assert_eq!(outcome, ReadOutcome::BelowFloor { floor: version(4) });
    }
    assert_eq!(page(&*log, &ann, 4, 1 << 20).await, [5, 6]);
    log.trim(&ann.document, version(6)).await.unwrap();
    assert_eq!(page(&*log, &ann, 6, 1 << 20).await, [0_u64; 0]);
    log.trim(&ann.document, version(3)).await.unwrap();
    assert_eq!(log.open(&ann.document, None).await.unwrap().floor, version(6), "a floor never sinks");
    ann.commit(&*log, vec![member(1, 7)]).await;
    ann.assert_log(&*log, version(6)).await;
}
