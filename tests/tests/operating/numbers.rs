//! The numbers move with what happens.

use cowrite_tests::server::{ServerProcess, mint};

use crate::people::{PATIENCE, Person, client, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_opens_edits_and_bytes_are_counted() {
    let server = ServerProcess::with_flags(&["--memory"]);
    let ann = Person::sit_down(&server, "dev:ann", "counted").await;
    let bob = Person::sit_down(&server, "dev:bob", "counted").await;
    for text in ["a", "b", "c"] {
        ann.write(text).await;
    }
    bob.reads("cba").await;
    let now = server.metrics().await;
    for (name, value) in [
        ("cowrite_connections", 2.0),
        ("cowrite_subscriptions", 2.0),
        ("cowrite_authenticated_total", 2.0),
        ("cowrite_opens_total{kind=\"fresh\"}", 2.0),
        ("cowrite_catch_ups_total{kind=\"snapshot\"}", 2.0),
        ("cowrite_submit_to_ack_seconds_count", 3.0),
        ("cowrite_submit_to_fan_out_seconds_count", 3.0),
        ("cowrite_auth_failures_total{code=\"unauthorized\"}", 0.0),
    ] {
        assert_eq!(now.value(name), Some(value), "{name}");
    }
    for name in ["cowrite_messages_total", "cowrite_message_bytes_total"] {
        for direction in ["in", "out"] {
            assert!(now.value(&format!("{name}{{direction=\"{direction}\"}}")) > Some(5.0), "{name} {direction}");
        }
    }
    let (ack, append) = (now.sum("cowrite_submit_to_ack_seconds_sum"), now.sum("cowrite_append_seconds_sum"));
    assert!(ack >= append && ack < 3.0 * PATIENCE.as_secs_f64(), "an ack comes after its append: {ack} s, {append} s");
    assert!(now.value("process_resident_memory_bytes") > Some(1e6) && now.value("process_open_fds") > Some(8.0));
    let age = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
        - now.value("process_start_time_seconds").unwrap();
    assert!((0.0..120.0).contains(&age), "{age}");

    drop((ann, bob));
    until("they are gone", || async {
        let now = server.metrics().await;
        now.value("cowrite_subscriptions") == Some(0.0) && now.value("cowrite_connections_gone_total") == Some(2.0)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_back_is_told_from_who_is_new() {
    let place = cowrite_tests::process::Place::new();
    let mut server = ServerProcess::on_disk(&place.path("data"), &[]);
    let ann = Person::sit_down(&server, "dev:ann", "kept").await;
    ann.write("a").await;
    server.kill_9();
    server.restart();
    until("she is back", || async {
        server.metrics().await.value("cowrite_opens_total{kind=\"resumed\"}") == Some(1.0)
    })
    .await;
    assert_eq!(server.metrics().await.value("cowrite_opens_total{kind=\"fresh\"}"), Some(0.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_not_believed_or_may_not_is_counted_by_what_it_was() {
    let server = ServerProcess::with_tokens(&["--memory"]);
    let _stranger = client(&server, "no token at all");
    let reader = Person::sit_down(&server, &mint("zebedee", &[("shown", "viewer")]), "shown").await;
    let _closed = reader.client.open("hidden".parse().unwrap(), "").unwrap();
    until("all of it is counted", || async {
        let now = server.metrics().await;
        now.value("cowrite_auth_failures_total{code=\"unauthorized\"}") >= Some(1.0)
            && now.value("cowrite_connections_ended_total{code=\"unauthorized\"}") >= Some(1.0)
            && now.value("cowrite_opens_refused_total{code=\"access_denied\"}") >= Some(1.0)
            && now.value("cowrite_permission_denials_total{action=\"read\"}") >= Some(1.0)
    })
    .await;
    let page = server.get("/metrics").await.unwrap().body;
    for name in ["zebedee", "shown", "hidden"] {
        assert!(!page.contains(name), "it names {name}: {page}");
    }
}
