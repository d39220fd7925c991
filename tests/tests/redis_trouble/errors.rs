//! Redis refuses: by a relay that answers in its place, and by itself.

use std::time::Duration;

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::Then;
use tokio::time::sleep;

use crate::stage::{PATIENCE, Stage, append_to};

/// All that a Redis in trouble is known to say.
const REFUSALS: [&str; 17] = [
    "READONLY You can't write against a read only replica.",
    "LOADING Redis is loading the dataset in memory",
    "MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to 'no'.",
    "NOREPLICAS Not enough good replicas to write.",
    "MISCONF Redis is configured to save RDB snapshots, but it's currently unable to persist to disk.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    "BUSY Redis is busy running a script. You can only call SCRIPT KILL or SHUTDOWN NOSAVE.",
    "NOSCRIPT No matching script. Please use EVAL.",
    "UNKILLABLE Sorry the script already executed write commands against the dataset.",
    "WRONGTYPE Operation against a key holding the wrong kind of value",
    "CLUSTERDOWN The cluster is down",
    "MOVED 1234 127.0.0.1:1",
    "ASK 1234 127.0.0.1:1",
    "TRYAGAIN Multiple keys request during rehashing of slot",
    "NOAUTH Authentication required.",
    "NOPERM this user has no permissions to run the 'evalsha' command",
    "ERR something that nobody has heard of",
];

fn answer(refusal: &str) -> Vec<u8> {
    format!("-{refusal}\r\n").into_bytes()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_no_refusal_is_an_acceptance_and_each_is_tried_again() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    for (round, refusal) in REFUSALS.into_iter().enumerate() {
        stage.crowd.brace().await;
        let relay = &stage.relays[round % 2];
        // One that nobody expects is not asked about again so soon.
        let times = if refusal.starts_with("WRONGTYPE") || refusal.starts_with("ERR") { 1 } else { 2 };
        let mut traps: Vec<_> =
            (0..times).map(|_| relay.catch(&append_to("crowd-0"), Then::Answer(answer(refusal)))).collect();
        stage.crowd.release();
        for trap in &mut traps {
            trap.caught(PATIENCE).await;
        }
    }
    stage.end_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_what_was_done_and_called_refused_is_not_done_twice() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    let refusals = REFUSALS.into_iter().filter(|refusal| !refusal.starts_with("WRONGTYPE"));
    for (round, refusal) in refusals.enumerate() {
        let relay = &stage.relays[round % 2];
        stage.crowd.brace().await;
        let mut trap = relay.catch(&append_to("crowd-0"), Then::AnswerAfterwards(answer(refusal)));
        stage.crowd.release();
        trap.caught(PATIENCE).await;
    }
    stage.end_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_who_opens_a_document_meanwhile_comes_in_later() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    for refusals in REFUSALS.chunks(4) {
        stage.crowd.brace().await;
        let catch = |refusal: &&str| {
            stage.relays.iter().map(|relay| relay.catch(b"EVALSHA", Then::Answer(answer(refusal)))).collect::<Vec<_>>()
        };
        let traps: Vec<_> = refusals.iter().flat_map(catch).collect();
        stage.crowd.release_by_cut();
        for mut trap in traps {
            trap.caught(PATIENCE).await;
        }
        stage.crowd.wake();
    }
    stage.end_well().await;
}

/// Does something to Redis, and undoes it a while later.
async fn for_a_while(stage: &Stage, what: &[&str], undo: &[&str]) {
    stage.crowd.brace().await;
    stage.redis.command(what);
    stage.crowd.release();
    // All that is in flight meets it.
    sleep(Duration::from_millis(300)).await;
    let accepted = stage.crowd.accepted();
    sleep(Duration::from_millis(300)).await;
    assert_eq!(stage.crowd.accepted(), accepted, "{what:?}: something was accepted by nobody");
    stage.redis.command(undo);
    stage.crowd.until_accepted(30, PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_a_redis_that_cannot_write_for_a_while_is_waited_for() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    for_a_while(&stage, &["CONFIG", "SET", "maxmemory", "1"], &["CONFIG", "SET", "maxmemory", "0"]).await;
    let replicas = |count| ["CONFIG", "SET", "min-replicas-to-write", count];
    for_a_while(&stage, &replicas("1"), &replicas("0")).await;
    // Nobody is there to replicate from, so it is read-only and stale.
    let stale = |answer| ["CONFIG", "SET", "replica-serve-stale-data", answer];
    stage.redis.command(&stale("no"));
    for_a_while(&stage, &["REPLICAOF", "127.0.0.1", "1"], &["REPLICAOF", "NO", "ONE"]).await;
    stage.end_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_scripts_that_are_forgotten_are_told_again() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    for _ in 0..5 {
        stage.crowd.brace().await;
        stage.redis.command(&["SCRIPT", "FLUSH"]);
        stage.crowd.release_by_cut();
        stage.crowd.until_accepted(20, PATIENCE).await;
    }
    stage.end_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c10_somebody_elses_busy_script_is_waited_for() {
    let mut stage = Stage::over(RedisProcess::start(&["busy-reply-threshold 50"]), &[]).await;
    for first in ["", "redis.call('SET', 'other', '1')"] {
        stage.crowd.brace().await;
        let source = format!(
            "{first} local function now() local time = redis.call('TIME') return time[1] + time[2] / 1000000 end \
             local begun = now() while now() - begun < 1 do end"
        );
        let mut connection = stage.redis.connection().unwrap();
        let busy = std::thread::spawn(move || {
            redis::cmd("EVAL").arg(source).arg(0).query::<redis::Value>(&mut connection).unwrap();
        });
        stage.redis.until("it is busy", || stage.redis.try_command(&["PING"]).is_err());
        let accepted = stage.crowd.accepted();
        stage.crowd.release();
        let killed = stage.redis.try_command(&["FUNCTION", "KILL"]);
        assert!(killed.is_err(), "it is no function");
        busy.join().unwrap();
        stage.crowd.until_accepted(30, PATIENCE).await;
        assert!(stage.crowd.accepted() > accepted);
    }
    stage.end_well().await;
}
