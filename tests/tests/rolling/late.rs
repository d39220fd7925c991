//! Work that a server holds while its client goes elsewhere: it is in the log once, whoever is
//! first.

use std::time::{Duration, Instant};

use cowrite_client::engine::StatusState;
use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss, Person};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::{Relay, Then, Ways};
use cowrite_tests::server::ServerProcess;

const PATIENCE: Duration = Duration::from_secs(30);

/// What only an append among requests to Redis holds, once a document is open: the name of its
/// live channel, on which the script publishes.
const APPEND: &[u8] = b"{crowd-0}:live";

/// Two servers over one Redis, one of them by a relay.
struct Pair {
    _redis: RedisProcess,
    relay: Relay,
    near: ServerProcess,
    far: ServerProcess,
    crowd: Crowd,
}

impl Pair {
    /// A crowd types at both, and deletes much: edges of what is gone are where copies of one
    /// operation would differ.
    async fn typing() -> Pair {
        let redis = RedisProcess::on_disk(&[]);
        let relay = Relay::to_redis(redis.address());
        let url = format!("redis://{}", relay.address());
        // Who is late is late; nobody gives it up before.
        let near = ServerProcess::on_redis(&url, &["--redis-answer-ms", "20000"]);
        let far = ServerProcess::on_redis(&redis.url(), &[]);
        let settings = CrowdSettings { clients: 16, documents: 3, deletes_percent: 35, ..CrowdSettings::default() };
        let mut crowd = Crowd::gather(&[near.address(), far.address()], settings).await;
        crowd.start_typing();
        crowd.until_accepted(200, PATIENCE).await;
        Pair { _redis: redis, relay, near, far, crowd }
    }

    /// Everybody leaves for the far server; what they have sent before stays under way.
    async fn leave(&mut self) {
        self.crowd.retarget(&[self.far.address()]);
        self.crowd.people().iter().for_each(|person| person.relay().fin());
        self.crowd.until_accepted(200, PATIENCE).await;
    }

    /// Everybody may be at both again, and everything is checked.
    async fn check(mut self) {
        self.near.until_ready(true, PATIENCE).await;
        self.crowd.probe(self.near.address(), PATIENCE).await.unwrap();
        self.crowd.retarget(&[self.near.address(), self.far.address()]);
        self.crowd.cut();
        self.crowd.until_accepted(200, PATIENCE).await;
        self.crowd.settle(PATIENCE).await.unwrap();
        let report = self.crowd.check(Loss::Never).await.unwrap();
        println!("{report:?}");
        assert_eq!((report.refused, report.unknown, report.diverged), (0, 0, 0), "{report:?}");
    }
}

async fn appends(server: &ServerProcess, outcome: &str) -> f64 {
    let series = format!("cowrite_appends_total{{outcome=\"{outcome}\"}}");
    server.metrics().await.value(&series).unwrap()
}

/// Waits until a server counts so many.
async fn until(server: &ServerProcess, series: &str, count: f64) {
    let start = Instant::now();
    loop {
        let found = server.metrics().await.value(series).unwrap();
        if found >= count {
            return;
        }
        assert!(start.elapsed() < PATIENCE, "{series} is {found}, never {count}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// A8, A9 and A18: the clients have come back through another server, with rebased copies of what
/// the first has not appended yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a8_a9_a18_an_append_that_is_late_comes_to_nothing() {
    let mut pair = Pair::typing().await;
    pair.crowd.until_loaded(12).await;
    pair.relay.hole(Ways::Up);
    until(&pair.near, "cowrite_rooms_stalled", 2.0).await;
    let before = appends(&pair.near, "committed").await;
    pair.leave().await;
    assert_eq!(appends(&pair.near, "committed").await, before);
    let conflicts = appends(&pair.near, "conflict").await;
    pair.relay.heal();
    until(&pair.near, "cowrite_appends_total{outcome=\"conflict\"}", conflicts + 2.0).await;
    pair.check().await;
}

/// A9 and A18 at the narrowest place: a client was told that its operation is not in the log, and
/// its rebased copy is still on the way, when the first server's append arrives.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a9_a18_a_copy_that_was_said_not_to_be_accepted_is_fenced() {
    let mut pair = Pair::typing().await;
    pair.relay.hole(Ways::Up);
    until(&pair.near, "cowrite_rooms_stalled", 2.0).await;
    pair.crowd.retarget(&[pair.far.address()]);
    // Those of the near server are told at once, and heard long after.
    let near: Vec<_> = pair.crowd.people().iter().filter(|person| person.number() % 2 == 0).collect();
    for person in &near {
        person.relay().delay(Ways::Up, Duration::from_millis(400));
        person.relay().fin();
    }
    let start = Instant::now();
    let is_back =
        |person: &Person| person.relay().accepted() > 1 && person.document().status().state == StatusState::Online;
    while !near.iter().any(|person| is_back(person)) {
        assert!(start.elapsed() < PATIENCE, "nobody comes back: {}", pair.crowd.state());
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    pair.relay.heal();
    until(&pair.near, "cowrite_submits_total{outcome=\"fenced\"}", 1.0).await;
    pair.check().await;
}

/// B2: killed when the append was on its way, which arrives when its operations are in the log by
/// another server.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b2_an_append_that_outlives_its_server_comes_to_nothing() {
    let mut pair = Pair::typing().await;
    pair.crowd.until_loaded(12).await;
    let mut caught = pair.relay.catch(APPEND, Then::HoldRequest);
    caught.caught(PATIENCE).await;
    pair.near.kill_9();
    pair.leave().await;
    let reply = caught.release().await;
    let reply = String::from_utf8_lossy(&reply);
    assert!(reply.contains("conflict"), "{reply}");
    pair.near.restart();
    pair.check().await;
}

/// B1: killed between the append and its acks.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b1_what_is_appended_and_not_acked_is_there_once() {
    let mut pair = Pair::typing().await;
    pair.crowd.until_loaded(12).await;
    let mut caught = pair.relay.catch(APPEND, Then::LoseReply);
    caught.caught(PATIENCE).await;
    pair.near.kill_9();
    pair.leave().await;
    pair.near.restart();
    pair.check().await;
}
