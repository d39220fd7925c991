//! Answers that are lost, and requests that come late.

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::Then;

use crate::stage::{PATIENCE, Stage, append_to};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c8_an_append_whose_answer_is_lost_is_asked_again_and_not_doubled() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    for round in 0..6 {
        stage.crowd.brace().await;
        let mut caught = stage.relays[round % 2].catch(&append_to("crowd-0"), Then::LoseReply);
        // Who comes back by the other server asks there for what became of it.
        if round < 3 {
            stage.crowd.release()
        } else {
            stage.crowd.release_by_cut()
        }
        caught.caught(PATIENCE).await;
        stage.crowd.until_accepted(20, PATIENCE).await;
    }
    stage.end_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c8_an_append_that_arrives_after_its_own_retry_changes_nothing() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    for round in 0..4 {
        stage.crowd.brace().await;
        let mut held = stage.relays[round % 2].catch(&append_to("crowd-0"), Then::HoldRequest);
        if round < 2 {
            stage.crowd.release()
        } else {
            stage.crowd.release_by_cut()
        }
        held.caught(PATIENCE).await;
        let version = || stage.redis.text(&["HGET", "cowrite:{crowd-0}:state", "version"]);
        let before = version();
        stage.redis.until("the retry, or somebody else's append, was first", || version() != before);
        let reply = String::from_utf8_lossy(&held.release().await).into_owned();
        assert!(reply.contains("conflict") || reply.contains("fenced"), "{reply}");
    }
    stage.end_well().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c8_an_append_that_never_arrives_is_made_again() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    for round in 0..4 {
        stage.crowd.brace().await;
        let mut caught = stage.relays[round % 2].catch(&append_to("crowd-0"), Then::LoseRequest);
        stage.crowd.release();
        caught.caught(PATIENCE).await;
        stage.crowd.until_accepted(20, PATIENCE).await;
    }
    stage.end_well().await;
}
