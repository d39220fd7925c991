//! Redis is restored from a backup.

use cowrite_tests::crowd::{Decision, Person};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::Ways;

use super::scene::*;

/// What was accepted after the backup is lost, and whoever held it is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c5_what_a_backup_does_not_hold_is_told_as_lost() {
    let mut redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    let mut crowd = gather(&servers).await;
    redis.command(&["SAVE"]);
    let everybody: Vec<&Person> = crowd.people().iter().collect();
    until_each_accepted(&everybody, 5).await;
    crowd.brace().await;
    redis.kill_9();
    redis.restart();
    crowd.release_by_cut();
    crowd.until_told(PATIENCE).await;
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    let report = end(crowd, Decision::Discard).await;
    assert_eq!(report.diverged, 0, "a client had to find out by itself: {report:?}");
}

/// The backup holds operations that their authors still have in flight: these are accepted,
/// and in the text once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c23_a_backup_that_holds_what_is_in_flight_settles_it() {
    let mut redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    let mut crowd = gather(&servers).await;
    let (waiting, others): (Vec<_>, Vec<_>) = crowd.people().iter().partition(|person| person.number() < 4);
    waiting.iter().for_each(|person| person.relay().hole(Ways::Down));
    let in_log = |person: &&Person| person.is_loaded() && seq_in_flight(person) == Some(seq_in_log(&redis, person));
    until("what is in flight is in the log", || waiting.iter().all(in_log)).await;
    redis.command(&["SAVE"]);
    until_each_accepted(&others, 5).await;
    crowd.brace().await;
    let in_flight: Vec<_> = waiting.iter().map(|person| seq_in_flight(person)).collect();
    redis.kill_9();
    redis.restart();
    let still = waiting.iter().map(|person| Some(seq_in_log(&redis, person)));
    assert_eq!(still.collect::<Vec<_>>(), in_flight, "the backup holds what is in flight");
    crowd.release_by_cut();
    until("those are told who lost something", || others.iter().all(|person| is_told(person))).await;
    let settled = || waiting.iter().zip(&in_flight).all(|(person, seq)| seq_in_flight(person) != *seq);
    until("what was in flight is settled", settled).await;
    let told: Vec<usize> = waiting.iter().filter(|person| is_told(person)).map(|person| person.number()).collect();
    assert!(told.is_empty(), "what they had is all there: {told:?}");
    let offered =
        waiting.iter().filter(|person| person.document().read(|engine| !engine.proposals().is_empty()).unwrap());
    assert_eq!(offered.count(), 0, "what is in the log is offered to be made again");
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    let report = end(crowd, Decision::Discard).await;
    assert_eq!(report.diverged, 0, "a client had to find out by itself: {report:?}");
}
