//! A deployment: one server after the other is asked to end and is started anew.

use std::time::{Duration, Instant};

use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;

use crate::watch::Seen;

const PATIENCE: Duration = Duration::from_secs(30);

/// Over this time the clients of a server that goes down spread.
const SPREAD_MS: u128 = 2_000;

/// Nobody is away for longer: a connection and an open, at 60 ms each way, while two hundred people and
/// three servers share one machine.
const BLINK: Duration = Duration::from_secs(4);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b4_a_rolling_restart_is_a_blink_and_loses_nothing() {
    let redis = RedisProcess::on_disk(&[]);
    let flags = ["--spread-ms", &SPREAD_MS.to_string(), "--shutdown-ms", "8000"];
    let mut servers: Vec<_> = (0..3).map(|_| ServerProcess::on_redis(&redis.url(), &flags)).collect();
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    // An answer takes 120 ms and a little: with 50 to 150 ms between letters a quarter of all have more behind it.
    let settings = CrowdSettings { clients: 200, documents: 40, pause_ms: 100, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&addresses, settings).await;
    crowd.start_typing();
    crowd.until_accepted(300, PATIENCE).await;
    for server in &mut servers {
        crowd.until_loaded(10).await;
        let start = Instant::now();
        server.terminate();
        // A balancer is told at once, and whoever restarts what is ill leaves it alone.
        server.until_ready(false, Duration::from_secs(1)).await;
        assert_eq!(server.get("/healthz").await.map(|answer| answer.status), Some(200));
        let seen = Seen::until(&crowd, PATIENCE, || !server.process().is_running()).await;
        let (code, log) = server.wait();
        println!("down in {:?}, {:?} blink, {} arrivals", start.elapsed(), seen.longest_blink(), seen.arrivals.len());
        println!("{:?}", seen.arrivals);
        assert_eq!(code, Some(0), "{log}");
        assert!(!log.contains("in time"), "{log}");
        assert!(seen.longest_blink() < BLINK, "{:?}", seen.longest_blink());
        // Random moments: a tenth of the time does not see the half of them.
        assert!(seen.arrivals.len() >= 50, "{seen:?}");
        let (first, last) = (seen.arrivals[0], seen.arrivals[seen.arrivals.len() - 1]);
        assert!(last - first > SPREAD_MS * 2 / 3, "from {first} to {last} ms");
        assert!(seen.busiest(SPREAD_MS / 10) <= seen.arrivals.len() / 2, "{seen:?}");
        server.restart();
        crowd.until_accepted(200, PATIENCE).await;
    }
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    println!("{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged, report.merged), (0, 0, 0, 0), "{report:?}");
}
