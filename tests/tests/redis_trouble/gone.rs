//! Redis slow, frozen, gone.

use std::time::{Duration, Instant};

use cowrite_client::engine::StatusState;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::Ways;
use tokio::time::sleep;

use crate::stage::{PATIENCE, Stage};

/// What a server needs to say that its log stalls, with some to spare.
const STALLED_WITHIN: Duration = Duration::from_secs(6);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c9_a_slow_redis_makes_accepting_slow_and_nothing_else() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    let calls = stage.calls();
    stage.crowd.brace().await;
    stage.relays.iter().for_each(|relay| relay.delay(Ways::Both, Duration::from_millis(250)));
    stage.crowd.release();
    stage.crowd.until_accepted(100, PATIENCE).await;
    for server in &stage.servers {
        server.until_ready(true, PATIENCE).await;
    }
    let report = stage.end_well().await;
    assert_eq!((report.stalls, stage.calls()), (0, calls), "nobody was told anything: {report:?}");
}

/// How long Redis is away in seconds, if `COWRITE_AWAY_S` says nothing else.
fn away(usually: u64) -> Duration {
    Duration::from_secs(std::env::var("COWRITE_AWAY_S").map_or(usually, |seconds| seconds.parse().unwrap()))
}

/// What must hold while Redis does not answer: nothing is accepted, everybody is told, nobody is
/// thrown out, and no load balancer sends more.
async fn is_away(stage: &Stage, patience: Duration) {
    let (start, calls) = (Instant::now(), stage.calls());
    let stalled = || {
        let people = stage.crowd.people().iter();
        people.filter(|person| person.document().status().state == StatusState::Stalled).count()
    };
    while stalled() < stage.crowd.people().len() {
        assert!(start.elapsed() < STALLED_WITHIN, "only {} are told: {}", stalled(), stage.crowd.state());
        sleep(Duration::from_millis(10)).await;
    }
    for server in &stage.servers {
        server.until_ready(false, PATIENCE).await;
        assert_eq!(server.get("/healthz").await.unwrap().status, 200);
    }
    let accepted = stage.crowd.accepted();
    let edits = stage.crowd.edits();
    while start.elapsed() < patience {
        sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(stage.crowd.accepted(), accepted, "something was accepted by nobody");
    assert!(stage.crowd.edits() > edits, "people type on");
    for person in stage.crowd.people() {
        let status = person.document().status();
        assert!(status.pending > 0 && status.accepted < status.local, "{status:?}");
        assert_eq!(status.state, StatusState::Stalled);
    }
    assert_eq!(stage.calls(), calls, "everybody has stayed connected");
}

/// It is back: all goes on by itself, and without a herd.
async fn is_back(mut stage: Stage) {
    stage.crowd.until_accepted(50, PATIENCE).await;
    for server in &stage.servers {
        server.until_ready(true, PATIENCE).await;
    }
    let report = stage.end_well().await;
    assert!(report.stalls >= 12, "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c9_a_frozen_redis_stalls_everybody_and_nobody_is_thrown_out() {
    let stage = Stage::over(RedisProcess::start(&[]), &["--redis-answer-ms", "500"]).await;
    stage.crowd.brace().await;
    stage.redis.freeze();
    stage.crowd.release();
    // Longer than a client waits for an answer on a link that says nothing.
    is_away(&stage, away(13)).await;
    let known: u64 = stage.relays.iter().map(|relay| relay.accepted()).sum();
    assert!(known < 9 * away(13).as_secs(), "{known} connections were made to a Redis that does not answer");
    stage.redis.thaw();
    is_back(stage).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c9_a_redis_that_is_gone_for_a_while_is_found_again_without_a_herd() {
    let stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    stage.crowd.brace().await;
    for relay in &stage.relays {
        relay.close_port();
        relay.cut();
    }
    stage.crowd.release();
    is_away(&stage, away(4)).await;
    let made = || -> u64 { stage.relays.iter().map(|relay| relay.accepted()).sum() };
    let before = made();
    stage.relays.iter().for_each(|relay| relay.reopen_port());
    stage.crowd.until_accepted(50, PATIENCE).await;
    assert!(made() - before <= 6, "{} connections were made at once", made() - before);
    is_back(stage).await;
}
