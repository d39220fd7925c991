//! Servers that race with trimming and with each other, and lack replicas.

use std::time::{Duration, Instant};

use cowrite_client::native::{NativeClient, NativeSettings};
use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::{Relay, Then, Ways};
use cowrite_tests::server::ServerProcess;
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

/// How many write one document at two servers, if `COWRITE_WRITERS` says nothing else.
const WRITERS: usize = 16;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b6_two_servers_at_full_speed_on_one_document_starve_nobody() {
    let clients = std::env::var("COWRITE_WRITERS").map_or(WRITERS, |writers| writers.parse().unwrap());
    let people =
        CrowdSettings { clients, documents: 1, pause_ms: 2, latency: Duration::ZERO, ..CrowdSettings::default() };
    let mut stage = Stage::with(RedisProcess::start(&[]), &[], people).await;
    let each = || stage.crowd.people().iter().map(|person| person.document().status().accepted).collect::<Vec<_>>();
    // The more there are, the rarer is anybody's turn.
    let while_watched = Duration::from_secs(1).max(Duration::from_millis(30) * u32::try_from(clients).unwrap());
    for _ in 0..3 {
        let before = each();
        sleep(while_watched).await;
        let grown: Vec<_> = each().iter().zip(&before).map(|(now, before)| now - before).collect();
        assert!(grown.iter().all(|&edits| edits > 0), "somebody waits for {while_watched:?} and longer: {grown:?}");
        let at = |server: usize| grown.iter().skip(server).step_by(2).sum::<u64>();
        let (one, two) = (at(0), at(1));
        assert!(one * 8 > two && two * 8 > one, "one server starves the other: {grown:?}");
    }
    stage.end_well().await;
    let conflicts = stage.servers[0].metrics().await.value("cowrite_appends_total{outcome=\"conflict\"}");
    assert!(conflicts.is_some_and(|conflicts| conflicts > 10.0), "{conflicts:?}");
}

/// The script that appends, as this release has it.
const APPEND: &str = concat!(
    include_str!("../../../server/src/oplog/redis/scripts/prelude.lua"),
    include_str!("../../../server/src/oplog/redis/scripts/append.lua"),
);

/// As a next release may have it: what it writes comes in another order.
fn changed() -> String {
    let (head, publishes) = ("redis.call('HSET', KEYS[1], 'epoch', epoch, ", "redis.call('SPUBLISH'");
    let line = APPEND.lines().find(|line| line.starts_with(head)).unwrap().to_owned() + "\n";
    let changed = APPEND.replacen(&line, "", 1).replacen(publishes, &format!("{line}{publishes}"), 1);
    assert!(changed != APPEND && changed.len() == APPEND.len());
    changed
}

/// How many appends a server has committed.
async fn committed(server: &ServerProcess) -> f64 {
    server.metrics().await.value("cowrite_appends_total{outcome=\"committed\"}").unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b14_two_versions_of_the_append_script_at_once_are_right_on_the_same_keys() {
    let name = |text: &str| redis::Script::new(text).get_hash().to_owned();
    let (old, new) = (name(APPEND), name(&changed()));
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    // The second server is of the next release from here on.
    stage.relays[1].replace(old.as_bytes(), new.as_bytes());
    stage.relays[1].replace(APPEND.as_bytes(), changed().as_bytes());
    for _ in 0..2 {
        // Redis knows neither, and is told of each by who needs it.
        stage.redis.command(&["SCRIPT", "FLUSH"]);
        let before = [committed(&stage.servers[0]).await, committed(&stage.servers[1]).await];
        let start = Instant::now();
        let known = || stage.redis.command(&["SCRIPT", "EXISTS", &old, &new]);
        while known() != redis::Value::Array(vec![redis::Value::Int(1); 2]) {
            assert!(start.elapsed() < PATIENCE, "one of the two is not there: {:?}", known());
            sleep(Duration::from_millis(10)).await;
        }
        stage.crowd.until_accepted(100, PATIENCE).await;
        for (server, before) in stage.servers.iter().zip(before) {
            assert!(committed(server).await > before, "one of the two appends nothing");
        }
        // Everybody changes to the other.
        stage.crowd.cut();
        stage.crowd.until_accepted(50, PATIENCE).await;
    }
    stage.end_well().await;
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
