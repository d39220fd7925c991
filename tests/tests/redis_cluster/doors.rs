//! Which clusters a server starts on.

use cowrite_tests::redis::RedisCluster;
use cowrite_tests::server::{Ended, ServerProcess, start_in_vain};

fn start_on(cluster: &RedisCluster) -> Ended {
    start_in_vain(&["--dev", "--listen", "127.0.0.1:0", "--redis", &cluster.url()])
}

#[test]
fn c20_a_cluster_is_refused_for_what_is_wrong_with_any_of_its_masters() {
    let cluster = RedisCluster::start(&[]);
    let last = &cluster.nodes()[2];

    last.command(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lru"]);
    let evicts = start_on(&cluster);
    assert_eq!(evicts.code, Some(2), "{evicts:?}");
    let says = format!("{} has maxmemory-policy allkeys-lru", last.address());
    assert!(evicts.stderr.contains(&says), "{evicts:?}");
    last.command(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);

    last.command(&["ACL", "SETUSER", "default", "-spublish"]);
    let forbids = start_on(&cluster);
    assert_eq!(forbids.code, Some(2), "{forbids:?}");
    let says = format!("{} does not let this user do what is needed", last.address());
    assert!(forbids.stderr.contains(&says), "{forbids:?}");
    last.command(&["ACL", "SETUSER", "default", "+spublish"]);

    // Rehearsed in a slot that moves away, a start is rehearsed in another.
    let slot = cluster.slot_of("{start-0}");
    cluster.begin_migration(slot, (cluster.owner(slot) + 1) % 3);
    drop(ServerProcess::on_redis(&cluster.url(), &[]));

    // Whichever node is named.
    drop(ServerProcess::on_redis(&last.url(), &[]));

    cluster.nodes()[0].command(&["CLUSTER", "DELSLOTS", "3", "4"]);
    let incomplete = start_on(&cluster);
    assert_eq!(incomplete.code, Some(2), "{incomplete:?}");
    assert!(incomplete.stderr.contains("no master for 2 of its 16384 slots"), "{incomplete:?}");
}
