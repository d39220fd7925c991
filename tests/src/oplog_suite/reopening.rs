//! A log that was closed and opened again gives the same answers.

use cowrite_protocol::{ClientSeq, Epoch, Version};
use cowrite_server::oplog::{AppendOutcome, Member, OpenError, ReadOutcome, Refusal};

use super::snapshots::{snapshot, store};
use super::{Bench, Script, client, member, user, version};

/// Head, floor, entries, snapshot, and what an append is answered.
pub async fn the_log_is_the_same_after_it_was_opened_again(mut bench: Bench) {
    let mut log = bench.open();
    let mut scripts = ["a", "b", "c"].map(Script::new);
    for round in 1..=4 {
        for (index, script) in scripts.iter_mut().enumerate() {
            script.new_epoch = Epoch::from_random(index as u64 + 5);
            let author = (index as u8 % 2) + 1;
            script.commit(&*log, (1..=3).map(|step| member(author, round * 10 + step)).collect()).await;
        }
        store(&*log, &scripts[0], version(round * 3 - 1)).await;
        log.trim(&scripts[0].document, version(round * 3 - 2)).await.unwrap();
        drop(log);
        log = bench.open();
        let floor = version(round * 3 - 2);
        scripts[0].assert_log(&*log, floor).await;
        assert_eq!(log.open(&scripts[0].document, None).await.unwrap().floor, floor);
        let below = log.read(&scripts[0].document, Version::ZERO, 1 << 20).await.unwrap();
        assert_eq!(below, ReadOutcome::BelowFloor { floor });
        let stored = log.load_snapshot(&scripts[0].document).await.unwrap();
        assert_eq!(stored, Some(snapshot(&scripts[0], version(round * 3 - 1))));
        for script in &scripts[1..] {
            script.assert_log(&*log, Version::ZERO).await;
            assert_eq!(log.load_snapshot(&script.document).await.unwrap(), None);
        }
    }
    let mut late = scripts[1].clone();
    late.head = cowrite_server::oplog::Head { version: version(3), hash: late.hash_at(version(3)), ..late.head };
    let outcome = late.append(&*log, vec![member(9, 1)]).await;
    let missed = AppendOutcome::Conflict { head: scripts[1].head, entries: scripts[1].entries[3..].to_vec() };
    assert_eq!(outcome, missed);
    late.head.hash = scripts[1].hash_at(version(2));
    let outcome = late.append(&*log, vec![member(9, 1)]).await;
    assert_eq!(outcome, AppendOutcome::EpochChanged { head: scripts[1].head });
}

/// Exactly once, over a restart.
pub async fn a_duplicate_is_known_after_the_log_was_opened_again(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    ann.commit(&*log, vec![member(1, 1), member(1, 2), member(2, 1)]).await;
    store(&*log, &ann, version(3)).await;
    log.trim(&ann.document, version(3)).await.unwrap();
    drop(log);
    let log = bench.open();
    let outcome = ann.append(&*log, vec![member(2, 1), member(1, 2)]).await;
    let last = |seq, at| Refusal::Duplicate { last: ClientSeq::new(seq).unwrap(), version: version(at) };
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(0, last(1, 3)), (1, last(2, 2))] });
    let stranger = log.open(&ann.document, Some((client(1), user("eve")))).await;
    assert!(matches!(stranger, Err(OpenError::OtherUser)), "{stranger:?}");
}

/// What a closed log had fenced stays fenced, also before anything was written.
pub async fn a_generation_stands_after_the_log_was_opened_again(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    let open = Some((client(1), user("ann")));
    log.open(&ann.document, open.clone()).await.unwrap();
    let live = log.open(&ann.document, open.clone()).await.unwrap().client.unwrap().generation;
    drop(log);
    let log = bench.open();
    let outcome = ann.append(&*log, vec![member(1, 1)]).await;
    assert_eq!(outcome, AppendOutcome::Refused { members: vec![(0, Refusal::Fenced)] });
    ann.commit(&*log, vec![Member { generation: live, ..member(1, 1) }]).await;
    let next = log.open(&ann.document, open).await.unwrap().client.unwrap().generation;
    assert!(next > live, "{next:?} after {live:?}");
}
