//! Live batches, as one process sees them.

use std::time::Duration;

use cowrite_protocol::Version;
use cowrite_server::oplog::{AppendOutcome, Feed, FeedBatch, FeedEvent};

use super::{Bench, Script, document, member};

/// What the feed brings next; a feed that is silent for seconds has lost it.
async fn next(feed: &mut Feed) -> FeedBatch {
    loop {
        let event = tokio::time::timeout(Duration::from_secs(10), feed.recv()).await;
        if let FeedEvent::Batch(batch) = event.expect("a batch comes in time").expect("the feed goes on") {
            return batch;
        }
    }
}

/// In force once the subscription is answered, for every subscriber.
pub async fn a_feed_brings_every_batch_in_order_whoever_wrote_it(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    let mut first = log.subscribe(&ann.document).await.unwrap();
    ann.commit(&*log, vec![member(1, 1)]).await;
    let mut second = log.subscribe(&ann.document).await.unwrap();
    for seq in 2..=20 {
        let before = ann.clone();
        ann.commit(&*log, vec![member(1, seq), member(2, seq)]).await;
        assert!(matches!(before.append(&*log, vec![member(3, seq)]).await, AppendOutcome::Conflict { .. }));
    }
    let opening = next(&mut first).await;
    assert_eq!(opening.entries, ann.entries[..1]);
    assert_eq!(Some(opening.epoch), ann.head.epoch);
    for feed in [&mut first, &mut second] {
        for pair in ann.entries[1..].chunks(2) {
            let batch = next(feed).await;
            assert_eq!(batch.entries, pair);
            assert_eq!(batch.hash_after, ann.hash_at(pair[1].version));
            assert_eq!(Some(batch.epoch), ann.head.epoch);
        }
    }
}

/// Subscriptions are by document.
pub async fn a_feed_of_one_document_is_silent_about_others(mut bench: Bench) {
    let log = bench.open();
    let (mut ann, mut other) = (Script::new("a"), Script::new("b"));
    let mut feed = log.subscribe(&ann.document).await.unwrap();
    other.commit(&*log, vec![member(1, 1)]).await;
    ann.commit(&*log, vec![member(2, 1)]).await;
    assert_eq!(next(&mut feed).await.entries, ann.entries);
}

/// Who stops listening holds nobody up.
pub async fn a_dropped_feed_does_no_harm(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    for seq in 1..=5 {
        let dropped = log.subscribe(&ann.document).await.unwrap();
        let mut kept = log.subscribe(&ann.document).await.unwrap();
        drop(dropped);
        ann.commit(&*log, vec![member(1, seq)]).await;
        assert_eq!(next(&mut kept).await.entries.len(), 1);
    }
    drop(log.subscribe(&document("never")).await.unwrap());
    ann.assert_log(&*log, Version::ZERO).await;
}

/// Only what is committed is told.
pub async fn what_was_refused_is_not_in_the_feed(mut bench: Bench) {
    let log = bench.open();
    let mut ann = Script::new("a");
    let mut feed = log.subscribe(&ann.document).await.unwrap();
    ann.commit(&*log, vec![member(1, 1)]).await;
    let refused = ann.append(&*log, vec![member(2, 1), member(1, 1)]).await;
    assert!(matches!(refused, AppendOutcome::Refused { .. }), "{refused:?}");
    ann.commit(&*log, vec![member(1, 2)]).await;
    assert_eq!(next(&mut feed).await.entries, ann.entries[..1]);
    assert_eq!(next(&mut feed).await.entries, ann.entries[1..]);
}
