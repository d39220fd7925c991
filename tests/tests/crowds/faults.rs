//! The fault runner for a short while; `cargo xtask faults` runs it for longer, with a minute of
//! standing still and longer faults.

use std::time::Duration;

use cowrite_tests::faults::{FaultKind, FaultRun, Site};

/// What has been found is looked for first: a seed of one's own by `COWRITE_SEED`.
fn seed() -> u64 {
    std::env::var("COWRITE_SEED").map_or(1, |seed| seed.parse().unwrap())
}

fn short(site: Site) -> FaultRun {
    FaultRun {
        seed: seed(),
        lasts: Duration::ZERO,
        only: None,
        sites: vec![site],
        strikes: FaultKind::ALL.into_iter().filter(|kind| kind.strikes(site) && *kind != FaultKind::StopMinute).count(),
        long: false,
        wipe_every: 1,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_and_every_fault_once() {
    let run = short(Site::Disk);
    let summary = run.run().await.unwrap();
    println!("{summary}");
    assert_eq!(summary.strikes.values().sum::<u64>(), run.strikes as u64);
    assert_eq!(summary.accepted, summary.edits);
}

/// Without a wipe nothing is lost, and with one at the end everybody is told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn three_servers_on_redis_and_every_fault_once() {
    for wipe_every in [0, 1] {
        let strikes = if wipe_every == 0 { short(Site::Redis).strikes - 1 } else { 3 };
        let run = FaultRun { wipe_every, strikes, ..short(Site::Redis) };
        let summary = run.run().await.unwrap();
        println!("{summary}");
        assert_eq!(summary.strikes.contains_key(&FaultKind::RedisWipe), wipe_every == 1);
        assert_eq!(summary.losses_told > 0, wipe_every == 1);
    }
}
