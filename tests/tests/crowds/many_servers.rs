//! Many people and servers over one Redis, any of which may die: everybody ends with one text, and every
//! accepted edit is in it once.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use cowrite_client::LinkState;
use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_client::session::SessionSettings;
use cowrite_protocol::operation::Operation;
use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_die_links_break_redis_restarts_and_nothing_is_lost_or_doubled() {
    let mut redis = RedisProcess::on_disk(&[]);
    let mut servers: Vec<_> = (0..3).map(|_| ServerProcess::on_redis(&redis.url(), &[])).collect();
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    let settings = CrowdSettings { clients: 90, documents: 5, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&addresses, settings).await;
    crowd.start_typing();
    crowd.until_accepted(300, PATIENCE).await;
    for server in &mut servers {
        crowd.brace().await;
        server.kill_9();
        crowd.release_by_cut();
        crowd.until_accepted(200, PATIENCE).await;
        server.restart();
        crowd.cut();
        crowd.until_accepted(200, PATIENCE).await;
    }
    crowd.brace().await;
    redis.kill_9();
    crowd.release();
    redis.restart();
    crowd.until_accepted(300, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    println!("{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged), (0, 0, 0), "{report:?}");
    for server in &servers {
        crowd.probe(server.address(), PATIENCE).await.unwrap();
    }
}

/// How many come back at once, if `COWRITE_HERD` says nothing else: 2,000 take half a minute of a busy
/// machine with two cores, most of it to come in the first time.
const HERD: usize = 500;
/// To how many documents.
const HERD_DOCUMENTS: usize = 20;

/// One of the herd, and the moments at which it has tried to connect since it was asked last.
struct Sheep {
    _client: NativeClient,
    document: DocumentClient,
    tries: Arc<Mutex<Vec<Instant>>>,
}

impl Sheep {
    fn new(server: &ServerProcess, number: usize) -> Sheep {
        let settings = NativeSettings { session: SessionSettings::new(number as u64) };
        let token = format!("dev:sheep-{number}");
        let client = NativeClient::connect(&server.url(), token.as_str(), settings).unwrap();
        let document = client.open(format!("herd-{}", number % HERD_DOCUMENTS).parse().unwrap(), "").unwrap();
        let tries = Arc::<Mutex<Vec<Instant>>>::default();
        let (mut link, noted) = (client.link(), tries.clone());
        tokio::spawn(async move {
            while link.changed().await.is_ok() {
                if *link.borrow_and_update() == LinkState::Connecting {
                    noted.lock().unwrap().push(Instant::now());
                }
            }
        });
        Sheep { _client: client, document, tries }
    }
}

/// How often Redis was asked for entries or a snapshot so far, by scripts or not.
fn reads(redis: &RedisProcess) -> u64 {
    let calls = |command: &str| {
        let line = redis.text(&["INFO", "commandstats"]);
        let found = line.lines().find_map(|line| line.strip_prefix(&format!("cmdstat_{command}:calls=")));
        found.and_then(|rest| rest.split(',').next()).map_or(0, |calls| calls.parse().unwrap())
    };
    calls("xrange") + calls("get")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f1_a_herd_that_comes_back_is_spread_and_asks_redis_for_nothing_twice() {
    let size = std::env::var("COWRITE_HERD").map_or(HERD, |size| size.parse().unwrap());
    let redis = RedisProcess::start(&[]);
    let many = ["--strangers", "5000", "--connections", "5000"];
    let mut server = ServerProcess::on_redis(&redis.url(), &many);
    let herd: Vec<Sheep> = (0..size).map(|number| Sheep::new(&server, number)).collect();
    for sheep in &herd {
        timeout(PATIENCE, sheep.document.opened()).await.unwrap().unwrap();
    }
    // Each document has entries behind where its people begin.
    for sheep in &herd[..HERD_DOCUMENTS] {
        for _ in 0..20 {
            sheep.document.edit(&Operation::builder().insert("x").build()).unwrap();
            sleep(Duration::from_millis(1)).await;
        }
    }
    for sheep in &herd[..HERD_DOCUMENTS] {
        timeout(PATIENCE, sheep.document.wait_until(|status| status.pending == 0)).await.unwrap().unwrap();
    }
    let before = reads(&redis);
    herd.iter().for_each(|sheep| sheep.tries.lock().unwrap().clear());
    let began = Instant::now();
    server.restart();
    let restarted = began.elapsed();
    // All are served by the new one, which is asked to accept something of each document.
    let edits: Vec<u64> = herd[..HERD_DOCUMENTS]
        .iter()
        .map(|sheep| sheep.document.edit(&Operation::builder().insert("y").build()).unwrap())
        .collect();
    for (sheep, edit) in herd.iter().zip(edits) {
        timeout(PATIENCE, sheep.document.when_accepted(edit)).await.unwrap().unwrap();
    }
    let mut times = Vec::new();
    for (number, sheep) in herd.iter().enumerate() {
        let version = herd[number % HERD_DOCUMENTS].document.status().version;
        timeout(PATIENCE, sheep.document.wait_until(|status| status.version >= version)).await.unwrap().unwrap();
        times.push(began.elapsed());
    }
    let tries: Vec<Vec<Instant>> = herd.iter().map(|sheep| sheep.tries.lock().unwrap().clone()).collect();
    // The first time that each comes back to: no hundredth of a second has a crowd of them.
    let mut moments: Vec<u128> =
        tries.iter().filter_map(|tries| tries.first()).map(|first| (*first - began).as_millis() / 50).collect();
    moments.sort_unstable();
    let densest = moments.chunk_by(|one, other| one == other).map(<[u128]>::len).max().unwrap();
    let most = tries.iter().map(Vec::len).max().unwrap();
    let asked = reads(&redis) - before;
    println!(
        "FIGURE: {size} back within {:?} of a restart of {restarted:?}; {densest} at most in 50 ms, {most} tries at most, \
         {asked} reads of Redis",
        times.iter().max().unwrap()
    );
    assert!(times.iter().max().unwrap() < &Duration::from_secs(20), "{:?}", times.iter().max());
    assert!(densest < size / 4, "{densest} of {size} come in one twentieth of a second");
    assert!(most <= 6, "somebody tries {most} times");
    assert!(asked < size as u64 / 4, "Redis is read {asked} times for {HERD_DOCUMENTS} documents");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f6_two_hundred_who_write_one_document_become_equal_and_others_notice_little() {
    let redis = RedisProcess::start(&[]);
    let servers: Vec<_> = (0..2).map(|_| ServerProcess::on_redis(&redis.url(), &[])).collect();
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    let client = NativeClient::connect(&servers[0].url(), "dev:neighbour", NativeSettings::default()).unwrap();
    let calm = client.open("calm".parse().unwrap(), "").unwrap();
    timeout(PATIENCE, calm.opened()).await.unwrap().unwrap();
    let hot = CrowdSettings {
        clients: 200,
        documents: 1,
        name: "hot".to_owned(),
        pause_ms: 4_000,
        latency: Duration::from_millis(5),
        ..CrowdSettings::default()
    };
    let mut crowd = Crowd::gather(&addresses, hot).await;
    crowd.start_typing();
    crowd.until_accepted(100, PATIENCE).await;
    let mut times = Vec::new();
    for _ in 0..50 {
        let began = Instant::now();
        let edit = calm.edit(&Operation::builder().insert("x").build()).unwrap();
        timeout(PATIENCE, calm.when_accepted(edit)).await.unwrap().unwrap();
        times.push(began.elapsed());
        sleep(Duration::from_millis(20)).await;
    }
    crowd.until_accepted(100, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    times.sort_unstable();
    println!(
        "FIGURE: 200 writers of one document: {report:?}; a neighbour's edits p50 {:?}, longest {:?}",
        times[25], times[49]
    );
    assert_eq!((report.refused, report.unknown, report.diverged, report.reconnects), (0, 0, 0, 0), "{report:?}");
    assert!(times[25] < Duration::from_millis(300) && times[49] < Duration::from_secs(3), "{times:?}");
    assert_eq!(calm.text(), "x".repeat(50));
}
