//! What the server tells its operator.

use cowrite_protocol::frame::Code;
use cowrite_tests::process::Place;
use cowrite_tests::server::ServerProcess;
use tokio::time::{Duration, sleep, timeout};

use crate::peer::{PATIENCE, Peer, packed};
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
    let channel = peer.open("counted").await;
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
    assert!(!page.body.contains("counted"), "no document is named");
}
