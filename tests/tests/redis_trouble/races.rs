//! Servers that race with trimming and with each other, and lack replicas.

use std::time::{Duration, Instant};

use cowrite_client::native::{NativeClient, NativeSettings};
use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::{Relay, Then, Ways};
use tokio::time::{sleep, timeout};

use crate::stage::{PATIENCE, Stage, few, servers};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c15_a_reader_whose_entries_are_trimmed_meanwhile_is_given_a_snapshot() {
    let redis = RedisProcess::start(&[]);
    let flags = ["--snapshot-entries", "10", "--retained-entries", "10", "--redis-retained-hours", "0"];
    let (relays, servers) = servers(&redis, &flags);
    let mut crowd = Crowd::gather(&[servers[0].address()], few()).await;
    crowd.start_typing();
    crowd.until_accepted(60, PATIENCE).await;
    // Between a reader's snapshot and its tail lies more than is kept.
    relays[1].delay(Ways::Up, Duration::from_millis(700));
    let mut first = relays[1].catch(b"crowd-0}:snapshot", Then::AnswerAfterwards(b"$-1\r\n".to_vec()));
    let client = NativeClient::connect(&servers[1].url(), "dev:reader", NativeSettings::default()).unwrap();
    let document = client.open("crowd-0".parse().unwrap(), "").unwrap();
    // It is told that there is no snapshot, and is then below the floor.
    first.caught(PATIENCE).await;
    crowd.brace().await;
    crowd.release_by_cut();
    crowd.until_accepted(100, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    relays[1].delay(Ways::Up, Duration::ZERO);
    let person = crowd.people().iter().find(|person| person.id().as_str() == "crowd-0").unwrap();
    let version = person.document().status().version;
    timeout(PATIENCE, document.wait_until(|status| status.version >= version)).await.unwrap().unwrap();
    assert_eq!(document.text(), person.document().text());
    // Those who were away while all was trimmed come back by the other server.
    crowd.start_typing();
    crowd.until_accepted(30, PATIENCE).await;
    let away: Vec<_> = crowd.people().iter().take(3).collect();
    for person in &away {
        person.relay().hole(Ways::Both);
    }
    let trimmed = |document: &str| -> u64 {
        let floor = redis.try_command(&["HGET", &format!("cowrite:{{{document}}}:state"), "floor"]).unwrap();
        cowrite_tests::redis::reply_text(&floor).map_or(0, |floor| floor.parse().unwrap())
    };
    let start = Instant::now();
    while away.iter().any(|person| trimmed(person.id().as_str()) <= person.document().status().version.get()) {
        assert!(start.elapsed() < PATIENCE, "nothing is trimmed");
        sleep(Duration::from_millis(10)).await;
    }
    for person in &away {
        person.relay().retarget(&[servers[1].address()]);
        person.relay().cut();
        person.relay().heal();
    }
    drop(away);
    crowd.until_accepted(30, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    assert_eq!((report.refused, report.unknown, report.diverged), (0, 0, 0), "{report:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_two_servers_at_full_speed_on_one_document_starve_nobody() {
    let people =
        CrowdSettings { clients: 16, documents: 1, pause_ms: 2, latency: Duration::ZERO, ..CrowdSettings::default() };
    let mut stage = Stage::with(RedisProcess::start(&[]), &[], people).await;
    let each = || stage.crowd.people().iter().map(|person| person.document().status().accepted).collect::<Vec<_>>();
    for _ in 0..3 {
        let before = each();
        sleep(Duration::from_secs(1)).await;
        let grown: Vec<_> = each().iter().zip(&before).map(|(now, before)| now - before).collect();
        assert!(grown.iter().all(|&edits| edits > 0), "somebody waits for a second and longer: {grown:?}");
        let at = |server: usize| grown.iter().skip(server).step_by(2).sum::<u64>();
        let (one, two) = (at(0), at(1));
        assert!(one * 8 > two && two * 8 > one, "one server starves the other: {grown:?}");
    }
    stage.end_well().await;
    let conflicts = stage.servers[0].metrics().await.value("cowrite_appends_total{outcome=\"conflict\"}");
    assert!(conflicts.is_some_and(|conflicts| conflicts > 10.0), "{conflicts:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c18_what_no_replica_has_is_accepted_and_not_called_durable() {
    let (redis, replica) = (RedisProcess::start(&[]), RedisProcess::start(&[]));
    let between = Relay::to(redis.address());
    replica.replicate(between.address());
    let mut stage = Stage::over(redis, &["--redis-durability", "replicas:1"]).await;
    let statuses =
        |stage: &Stage| stage.crowd.people().iter().map(|person| person.document().status()).collect::<Vec<_>>();
    let start = Instant::now();
    while statuses(&stage).iter().any(|status| status.durable.is_none_or(|durable| durable == 0)) {
        assert!(start.elapsed() < PATIENCE, "{:?}", statuses(&stage));
        sleep(Duration::from_millis(10)).await;
    }
    stage.crowd.brace().await;
    between.hole(Ways::Both);
    stage.crowd.release();
    stage.crowd.until_accepted(60, PATIENCE).await;
    // What was confirmed before is still being told for a moment; then it stands still, though more is
    // accepted: not of everybody, since after a while nothing is taken that nobody confirms.
    let start = Instant::now();
    loop {
        let before = statuses(&stage);
        // Longer than one wait for replicas.
        sleep(Duration::from_millis(700)).await;
        let now = statuses(&stage);
        assert!(now.iter().all(|status| status.durable <= Some(status.accepted)), "{now:?}");
        let stands_still = before.iter().zip(&now).all(|(before, now)| before.durable == now.durable);
        if stands_still && now.iter().any(|status| status.durable < Some(status.accepted)) {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "it is called durable, and nobody has it: {now:?}");
    }
    assert!(undurable(&stage).await > 0.0, "nobody counts what is not durable");
    between.heal();
    stage.end_well().await;
    let start = Instant::now();
    while statuses(&stage).iter().any(|status| status.durable != Some(status.accepted))
        || undurable(&stage).await != 0.0
    {
        assert!(start.elapsed() < PATIENCE, "{:?} {}", statuses(&stage), undurable(&stage).await);
        sleep(Duration::from_millis(10)).await;
    }
}

/// Entries that are accepted and not confirmed, at all servers.
async fn undurable(stage: &Stage) -> f64 {
    let mut sum = 0.0;
    for server in &stage.servers {
        sum += server.metrics().await.value("cowrite_undurable_entries").unwrap();
    }
    sum
}
