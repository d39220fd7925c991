//! One key of a document is gone, or is not what it was.

use cowrite_tests::crowd::{Crowd, Decision};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;

use super::scene::*;

fn delete(redis: &RedisProcess, crowd: &Crowd, kinds: &[&str]) {
    for document in crowd.documents() {
        for kind in kinds {
            assert_eq!(redis.text(&["DEL", &key(&document, kind)]), "1", "{kind}");
        }
    }
}

/// No document goes on under a name that it had before it lost something.
fn all_live_anew(redis: &RedisProcess, crowd: &Crowd, before: &[String]) -> bool {
    epochs(redis, crowd).iter().zip(before).all(|(now, before)| !now.is_empty() && now != before)
}

/// Without the state, all of it follows from the log.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_a_document_whose_state_is_deleted_loses_nothing() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    let crowd = gather(&servers).await;
    crowd.brace().await;
    let before = epochs(&redis, &crowd);
    delete(&redis, &crowd, &["state"]);
    crowd.release();
    crowd.until_accepted(60, PATIENCE).await;
    until("a new life has begun", || all_live_anew(&redis, &crowd, &before)).await;
    end_without_loss(crowd).await;
    assert!(servers.said("state and log did not belong together"));
}

/// Without the log, the newest snapshot is left.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_a_document_whose_log_is_deleted_goes_on_from_its_snapshot() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &["--snapshot-entries", "10"]);
    let mut crowd = gather(&servers).await;
    let documents = crowd.documents();
    until("there are snapshots", || documents.iter().all(|id| !field(&redis, id, "snapshot").is_empty())).await;
    crowd.brace().await;
    let before = epochs(&redis, &crowd);
    let snapshots: Vec<u64> = documents.iter().map(|id| field(&redis, id, "snapshot").parse().unwrap()).collect();
    delete(&redis, &crowd, &["log"]);
    let listening = listen(&crowd);
    crowd.release_by_cut();
    until_reopened(listening).await;
    until("a new life has begun", || all_live_anew(&redis, &crowd, &before)).await;
    for (document, snapshot) in documents.iter().zip(snapshots) {
        let version: u64 = field(&redis, document, "version").parse().unwrap();
        assert!(version >= snapshot, "{document} is at version {version}, its snapshot was at {snapshot}");
    }
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
}

/// Without log and snapshot nothing is left; that is a new life, told to everybody, and not
/// version 1 of the old one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_a_document_of_which_only_the_state_is_left_begins_a_new_life() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    let mut crowd = gather(&servers).await;
    crowd.brace().await;
    let before = epochs(&redis, &crowd);
    delete(&redis, &crowd, &["log"]);
    crowd.release();
    crowd.until_told(PATIENCE).await;
    assert!(all_live_anew(&redis, &crowd, &before));
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
    assert!(servers.said("state and log did not belong together"));
}

/// The snapshots are gone, and the log does not reach back to the beginning. Who has the
/// document open goes on and stores it again; who has not says so, and does not take the rest for
/// the whole.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c6_a_document_whose_snapshots_are_deleted_gets_new_ones() {
    let redis = RedisProcess::start(&[]);
    let few = ["--snapshot-entries", "10", "--retained-entries", "10", "--redis-retained-hours", "0"];
    let servers = Servers::start(redis.address(), &few);
    let crowd = gather(&servers).await;
    let documents = crowd.documents();
    let floor = |id: &_| field(&redis, id, "floor").parse().unwrap_or(0_u64);
    let has_previous = |id: &_| redis.text(&["EXISTS", &key(id, "previous")]) == "1";
    until("entries are forgotten", || documents.iter().all(|id| floor(id) > 0 && has_previous(id))).await;
    crowd.brace().await;
    delete(&redis, &crowd, &["snapshot", "previous"]);
    let mut third = ServerProcess::on_redis(&redis.url(), &few);
    let error = crowd.probe(third.address(), PATIENCE).await.unwrap_err();
    assert!(error.0.iter().all(|error| error.contains("damaged")), "{error}");
    third.kill_9();
    crowd.release();
    let stored = |id: &_| redis.text(&["EXISTS", &key(id, "snapshot")]) == "1";
    until("there are snapshots again", || documents.iter().all(stored)).await;
    third.restart();
    crowd.probe(third.address(), PATIENCE).await.unwrap();
    end_without_loss(crowd).await;
}

/// The log begins again below where everybody stands, with something that is no entry.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c14_a_log_that_begins_again_is_noticed_by_the_next_append() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    let mut crowd = gather(&servers).await;
    crowd.brace().await;
    let before = epochs(&redis, &crowd);
    begin_again(&redis, &crowd);
    crowd.release();
    crowd.until_told(PATIENCE).await;
    assert!(all_live_anew(&redis, &crowd, &before));
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
}

/// The same while nobody types, noticed by the clock alone.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c14_a_log_that_begins_again_is_noticed_while_nobody_types() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &["--look-ms", "200"]);
    let mut crowd = gather(&servers).await;
    crowd.settle(PATIENCE).await.unwrap();
    let before = epochs(&redis, &crowd);
    begin_again(&redis, &crowd);
    crowd.until_told(PATIENCE).await;
    assert!(all_live_anew(&redis, &crowd, &before));
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
}

fn begin_again(redis: &RedisProcess, crowd: &Crowd) {
    delete(redis, crowd, &["log"]);
    for document in crowd.documents() {
        redis.command(&["XADD", &key(&document, "log"), "1-0", "e", "garbage", "h", ""]);
    }
}
