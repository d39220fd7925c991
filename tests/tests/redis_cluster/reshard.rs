//! Slots move while everybody types.

use std::time::{Duration, Instant};

use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::redis::{RedisCluster, Slot};
use cowrite_tests::server::ServerProcess;

use crate::couple::Couple;
use crate::stats::{calls, errors};

const PATIENCE: Duration = Duration::from_secs(30);

/// What is written in a document is read at another server this soon, while its slot moves.
const SOON: Duration = Duration::from_secs(5);

/// As [`SOON`], when nothing moves.
const AT_ONCE: Duration = Duration::from_secs(1);

/// Documents of the crowd, and those of them whose slots move.
const DOCUMENTS: usize = 200;
const MOVED: usize = 160;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c19_slots_move_under_load_and_every_channel_follows() {
    let cluster = RedisCluster::start(&[]);
    let servers: Vec<_> = (0..3).map(|_| ServerProcess::on_redis(&cluster.url(), &[])).collect();
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    // A quarter of the documents has two writers, at different servers.
    let settings = CrowdSettings {
        clients: DOCUMENTS * 5 / 4,
        documents: DOCUMENTS,
        pause_ms: 1_000,
        latency: Duration::from_millis(10),
        ..CrowdSettings::default()
    };
    let mut crowd = Crowd::gather(&addresses, settings).await;
    let mut couples = Vec::new();
    for (number, between) in [[0, 1], [1, 2], [2, 0]].into_iter().cycle().take(6).enumerate() {
        let between = between.map(|server| addresses[server]);
        let name = format!("couple-{number}");
        couples.push((slot_of(&cluster, &name), Couple::meet(&name, between).await));
    }
    let slots: Vec<Slot> = crowd.documents().iter().map(|id| slot_of(&cluster, id.as_str())).collect();
    let owners: Vec<usize> = slots.iter().map(|&slot| cluster.owner(slot)).collect();
    assert!((0..3).all(|node| owners.iter().filter(|&&owner| owner == node).count() > 20), "{owners:?}");
    crowd.start_typing();
    crowd.until_accepted(300, PATIENCE).await;
    say(&couples, "before", AT_ONCE).await;

    let asked = sum(&calls(&cluster, "ssubscribe"));
    for (slot, couple) in &couples {
        step_by_step(&cluster, *slot, couple).await;
    }
    let moving: Vec<_> = slots.iter().zip(&owners).take(MOVED).collect();
    for some in moving.chunks(MOVED / 4) {
        for &(&slot, &owner) in some {
            cluster.migrate(slot, (owner + 1) % 3);
        }
        say(&couples, &format!("then {}", some[0].0), AT_ONCE).await;
        crowd.until_accepted(100, PATIENCE).await;
    }
    // Each channel of a slot that has moved is asked for anew by each server that has it open, at
    // the old place in vain and at the new one; the others are left alone.
    let asked = sum(&calls(&cluster, "ssubscribe")) - asked;
    // A document has two: edits and presence.
    let concerned = 2 * (MOVED * 5 / 4 + couples.len() * 2) as u64;
    assert!((concerned..=concerned * 4).contains(&asked), "{asked} subscriptions for {concerned} channels that moved");

    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    println!("{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged, report.reconnects), (0, 0, 0, 0), "{report:?}");
    assert_eq!(calls(&cluster, "publish"), [0, 0, 0]);
    assert!(calls(&cluster, "spublish").iter().all(|&count| count > 0));
}

/// Moves a slot with a stop wherever somebody may be met half-way, and a word at each.
async fn step_by_step(cluster: &RedisCluster, slot: Slot, couple: &Couple) {
    let from = cluster.owner(slot);
    let to = (from + 1) % 3;
    cluster.begin_migration(slot, to);
    couple.say("moving", SOON).await;
    assert!(cluster.migrate_key(slot, from, to));
    let half = sum(&errors(cluster, "TRYAGAIN"));
    tokio::join!(couple.say("half", SOON), async {
        // The script's keys are at two places: it is tried again until they are not.
        until(|| sum(&errors(cluster, "TRYAGAIN")) > half).await;
        while cluster.migrate_key(slot, from, to) {}
    });
    let asks = sum(&errors(cluster, "ASK"));
    couple.say("moved", SOON).await;
    assert!(sum(&errors(cluster, "ASK")) > asks);
    cluster.end_migration(slot, to);
    couple.say("ended", AT_ONCE).await;
}

async fn say(couples: &[(Slot, Couple)], something: &str, patience: Duration) {
    for (_, couple) in couples {
        couple.say(something, patience).await;
    }
}

async fn until(reached: impl Fn() -> bool) {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < PATIENCE, "it never comes to that");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn slot_of(cluster: &RedisCluster, document: &str) -> Slot {
    cluster.slot_of(&format!("{{{document}}}"))
}

fn sum(counts: &[u64]) -> u64 {
    counts.iter().sum()
}
