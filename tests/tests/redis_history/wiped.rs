//! Redis is empty, or its newest writes are gone.

use std::fs::OpenOptions;

use cowrite_tests::crowd::{Crowd, Decision};
use cowrite_tests::redis::RedisProcess;

use super::scene::*;

/// Everybody is told, nobody's text is lost, and nobody writes it by itself: the log stays as it
/// is until somebody decides.
async fn all_are_told_and_nobody_seeds(redis: &RedisProcess, crowd: &Crowd) {
    crowd.until_told(PATIENCE).await;
    for document in crowd.documents() {
        let version = field(redis, &document, "version");
        assert!(["", "0"].contains(&&version[..]), "somebody wrote {document} up to version {version}");
    }
}

/// Emptied under living servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_nobody_seeds_a_redis_that_was_flushed() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    let mut crowd = gather(&servers).await;
    crowd.brace().await;
    redis.command(&["FLUSHALL"]);
    crowd.release();
    all_are_told_and_nobody_seeds(&redis, &crowd).await;
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
    assert!(servers.said("the log holds another history than this room"));
}

/// Started anew with an empty disk, and so are the servers.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c4_nobody_seeds_a_redis_that_comes_back_empty() {
    let mut redis = RedisProcess::start(&[]);
    let mut servers = Servers::start(redis.address(), &[]);
    let mut crowd = gather(&servers).await;
    crowd.brace().await;
    redis.kill_9();
    servers.all[0].kill_9();
    redis.restart();
    servers.all[0].restart();
    crowd.release_by_cut();
    all_are_told_and_nobody_seeds(&redis, &crowd).await;
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
}

/// The end of the append-only file never reached the disk. Nothing was called durable.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_a_torn_append_only_file_is_a_loss_that_is_told() {
    let mut redis = RedisProcess::start(&["appendonly yes", "appendfsync everysec"]);
    let servers = Servers::start(redis.address(), &[]);
    let mut crowd = gather(&servers).await;
    crowd.brace().await;
    assert!(crowd.people().iter().all(|person| person.document().status().durable.is_none()));
    redis.kill_9();
    tear(&redis, 5_000);
    redis.restart();
    let listening = listen(&crowd);
    crowd.release_by_cut();
    until_reopened(listening).await;
    until("somebody is told of a loss", || crowd.people().iter().any(is_told)).await;
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
}

/// Where every write is on the disk before it is answered, all that was accepted is called durable, and
/// is there when Redis was killed.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c7_what_was_called_durable_is_there_after_redis_was_killed() {
    let mut redis = RedisProcess::start(&["appendonly yes", "appendfsync always"]);
    let servers = Servers::start(redis.address(), &["--redis-durability", "disk"]);
    let crowd = gather(&servers).await;
    crowd.brace().await;
    redis.kill_9();
    let durable: Vec<_> = crowd.people().iter().map(|person| person.document().status().durable).collect();
    assert!(durable.iter().all(|durable| durable.is_some_and(|edits| edits > 0)), "{durable:?}");
    redis.restart();
    crowd.release_by_cut();
    let everybody: Vec<_> = crowd.people().iter().collect();
    until_each_accepted(&everybody, 5).await;
    end_without_loss(crowd).await;
}

/// Cuts the end of the append-only file off.
fn tear(redis: &RedisProcess, bytes: u64) {
    let folder = redis.place().path("appendonlydir");
    let files = std::fs::read_dir(folder).unwrap().map(|file| file.unwrap().path());
    let newest = files.filter(|file| file.to_string_lossy().ends_with(".incr.aof")).max().unwrap();
    let file = OpenOptions::new().write(true).open(newest).unwrap();
    let length = file.metadata().unwrap().len();
    file.set_len(length - bytes).unwrap();
}
