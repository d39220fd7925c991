//! What the server tells its operator.

use cowrite_protocol::frame::{Code, ServerFrame};
use cowrite_tests::process::Place;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use tokio::time::{Duration, sleep, timeout};

use crate::peer::{PATIENCE, Peer, packed, submit};
use crate::typist::insert;

/// Waits until a number is that.
async fn becomes(server: &ServerProcess, name: &str, value: f64) {
    let reached = async {
        while server.metrics().await.value(name) != Some(value) {
            sleep(Duration::from_millis(10)).await;
        }
    };
    if timeout(PATIENCE, reached).await.is_err() {
        panic!("{name} is not {value}: {:?}", server.metrics().await);
    }
}

#[tokio::test]
async fn the_numbers_move_with_what_happens() {
    let place = Place::new();
    let server = ServerProcess::on_disk(&place.path("data"), &["--idle-ms", "0"]);
    becomes(&server, "cowrite_ready", 1.0).await;
    assert_eq!(server.metrics().await.sum("cowrite_submits_total"), 0.0);

    let mut peer = Peer::greeted(server.address(), "typist").await;
    let channel = peer.open("a-novel-of-mine").await;
    let letter = packed(&insert(0, "a"));
    assert_eq!(peer.submit(channel, 1, 0, &letter).await, None);
    assert_eq!(peer.submit(channel, 2, 1, &letter).await, None);
    assert_eq!(peer.submit(channel, 2, 1, &letter).await, None, "the same again");
    assert_eq!(peer.submit(channel, 3, 2, &packed(&insert(9, "a"))).await, Some(Code::PastEnd));
    let now = server.metrics().await;
    for (name, value) in [
        ("cowrite_connections", 1.0),
        ("cowrite_connections_total", 1.0),
        ("cowrite_rooms", 1.0),
        ("cowrite_log_up", 1.0),
        ("cowrite_submits_total{outcome=\"accepted\"}", 2.0),
        ("cowrite_submits_total{outcome=\"duplicate\"}", 1.0),
        ("cowrite_submits_total{outcome=\"rejected\"}", 1.0),
        ("cowrite_appends_total{outcome=\"committed\"}", 2.0),
        ("cowrite_append_seconds_count", 2.0),
        ("cowrite_entries_committed_total", 2.0),
        ("cowrite_rooms_stalled", 0.0),
        ("cowrite_documents_damaged", 0.0),
    ] {
        assert_eq!(now.value(name), Some(value), "{name}");
    }
    assert!(now.sum("cowrite_append_seconds_sum") > 0.0);

    drop(peer);
    becomes(&server, "cowrite_connections", 0.0).await;
    becomes(&server, "cowrite_rooms", 0.0).await;
    becomes(&server, "cowrite_snapshots_total{outcome=\"stored\"}", 1.0).await;
    let last = server.metrics().await;
    assert_eq!(last.value("cowrite_connections_total"), Some(1.0));
    assert_eq!(last.value("cowrite_submits_total{outcome=\"accepted\"}"), Some(2.0));
    let page = server.get("/metrics").await.unwrap();
    assert!(page.head.contains("content-type: text/plain; version=0.0.4"), "{}", page.head);
    assert!(!page.body.contains("a-novel-of-mine"), "no document is named");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_log_that_is_gone_turns_the_server_red_and_comes_back_green() {
    let mut redis = RedisProcess::on_disk(&[]);
    let server = ServerProcess::on_redis(&redis.url(), &[]);
    server.until_ready(true, PATIENCE).await;
    let mut peer = Peer::greeted(server.address(), "typist").await;
    let channel = peer.open("watched").await;
    redis.kill_9();
    server.until_ready(false, PATIENCE).await;
    let (ready, health) = (server.get("/readyz").await.unwrap(), server.get("/healthz").await.unwrap());
    assert_eq!((ready.status, health.status), (503, 200));
    assert!(ready.body.trim_end().lines().count() == 1 && ready.body.len() > 20, "it says why: {}", ready.body);
    becomes(&server, "cowrite_log_up", 0.0).await;
    redis.restart();
    server.until_ready(true, PATIENCE).await;
    assert_eq!(peer.submit(channel, 1, 0, &packed(&insert(0, "a"))).await, None);
    let now = server.metrics().await;
    assert_eq!(now.value("cowrite_log_up"), Some(1.0));
    assert!(now.sum("cowrite_log_reconnects_total") >= 1.0 && now.sum("cowrite_feed_interruptions_total") >= 1.0);
    server.logs(&["ready again"]);
    let log = server.log();
    assert_eq!((log.matches("not ready:").count(), log.matches("ready again").count()), (1, 1), "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn garbage_is_counted_and_a_poison_entry_quarantines_its_document_alone() {
    let redis = RedisProcess::start(&[]);
    let server = ServerProcess::on_redis(&redis.url(), &[]);
    let mut peer = Peer::greeted(server.address(), "typist").await;
    let (poisoned, other) = (peer.open("poisoned").await, peer.open("other").await);
    let letter = packed(&insert(0, "a"));
    assert_eq!(peer.submit(poisoned, 1, 0, &letter).await, None);
    redis.command(&["SPUBLISH", "cowrite:{poisoned}:live", "garbage"]);
    becomes(&server, "cowrite_garbage_total{channel=\"feed\"}", 1.0).await;
    assert_eq!(peer.submit(poisoned, 2, 1, &letter).await, None, "nobody minds");

    // An entry of a format that is not known yet, as whole as the log can tell.
    let hash = "0123456789abcdef";
    redis.command(&["XADD", "cowrite:{poisoned}:log", "3-0", "e", "?what is this", "h", hash]);
    redis.command(&["HSET", "cowrite:{poisoned}:state", "version", "3", "hash", hash]);
    peer.say(&[submit(poisoned, 3, 2, &letter)]).await;
    let stalled = |frame: &ServerFrame<'_>| match frame {
        ServerFrame::Stalled { channel, stalled } => Some((*channel, *stalled)),
        _ => None,
    };
    assert_eq!(peer.hear(stalled).await, (poisoned, true));
    becomes(&server, "cowrite_documents_quarantined", 1.0).await;
    assert_eq!(peer.submit(other, 1, 0, &letter).await, None, "its trouble is its own");
    let line = server.logs(&["quarantined"]);
    assert!(line.contains("poisoned") && line.contains("format"), "{line}");

    // Who comes now, even to a server that has just started, can read what lies before.
    let fresh = ServerProcess::on_redis(&redis.url(), &[]);
    let mut reader = Peer::greeted(fresh.address(), "reader").await;
    let channel = reader.open("poisoned").await;
    assert_eq!(reader.hear(stalled).await, (channel, true));
    assert_eq!(fresh.metrics().await.value("cowrite_documents_quarantined"), Some(1.0));
}
