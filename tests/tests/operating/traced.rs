//! One edit's way, as a collector sees it.

use cowrite_tests::process::free_port;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use serde_json::Value;

use crate::collector::Collector;
use crate::people::{Person, until};

fn time(span: &Value, name: &str) -> u64 {
    span[name].as_str().unwrap().parse().unwrap()
}

fn attribute<'a>(span: &'a Value, name: &str) -> &'a Value {
    let found = span["attributes"].as_array().unwrap().iter().find(|attribute| attribute["key"] == name);
    &found.unwrap_or_else(|| panic!("{name} is not in {span}"))["value"]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_is_followed_from_its_socket_to_all_others_on_both_servers() {
    let (collector, redis) = (Collector::start().await, RedisProcess::start(&[]));
    let flags = ["--otlp-endpoint", &collector.url(), "--otlp-sample", "1"];
    let (here, there) = (ServerProcess::on_redis(&redis.url(), &flags), ServerProcess::on_redis(&redis.url(), &flags));
    let ann = Person::sit_down(&here, "dev:ann", "traced").await;
    let bob = Person::sit_down(&there, "dev:bob", "traced").await;
    ann.write("a").await;
    bob.reads("a").await;
    until("all spans arrive", || async {
        !collector.spans("fan_out").is_empty() && !collector.spans("feed").is_empty()
    })
    .await;

    let [edit] = &collector.spans("edit")[..] else { panic!("one edit is one trace") };
    assert_eq!((edit["traceId"].as_str().unwrap().len(), edit["spanId"].as_str().unwrap().len()), (32, 16));
    assert!(edit["parentSpanId"].is_null() && edit["kind"] == 2);
    assert_eq!(attribute(edit, "cowrite.document")["stringValue"], "traced");
    assert_eq!(attribute(edit, "cowrite.version")["intValue"], "1");
    let mut end = time(edit, "startTimeUnixNano");
    for name in ["queue", "sequence", "append", "fan_out"] {
        let [part] = &collector.spans(name)[..] else { panic!("{name} is there once") };
        assert_eq!((&part["traceId"], &part["parentSpanId"]), (&edit["traceId"], &edit["spanId"]));
        assert_eq!(time(part, "startTimeUnixNano"), end, "{name} begins where the one before ends");
        end = time(part, "endTimeUnixNano");
    }
    let [append] = &collector.spans("append")[..] else { panic!() };
    assert!(time(append, "endTimeUnixNano") - time(append, "startTimeUnixNano") > 10_000, "Redis takes its time");
    assert!(time(edit, "endTimeUnixNano") >= end - 1_000_000);
    // The other server adds to the same trace, and nobody told it of it.
    let [feed] = &collector.spans("feed")[..] else { panic!("the other server gives it out once") };
    assert_eq!((&feed["traceId"], &feed["parentSpanId"]), (&edit["traceId"], &edit["spanId"]));
    assert_eq!(feed["kind"], 5);
    let ann_is_named = edit.to_string().contains("ann") || feed.to_string().contains("bob");
    assert!(!ann_is_named, "{edit} {feed}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_sampled_is_not_sent_and_what_cannot_be_sent_harms_nobody() {
    let collector = Collector::start().await;
    let none = ServerProcess::with_flags(&["--memory", "--otlp-endpoint", &collector.url(), "--otlp-sample", "0"]);
    let ann = Person::sit_down(&none, "dev:ann", "quiet").await;
    for _ in 0..20 {
        ann.write("a").await;
    }
    let nobody = format!("http://127.0.0.1:{}", free_port());
    let lost = ServerProcess::with_flags(&["--memory", "--otlp-endpoint", &nobody, "--otlp-sample", "1"]);
    let bob = Person::sit_down(&lost, "dev:bob", "lost").await;
    for _ in 0..20 {
        bob.write("b").await;
    }
    until("it is counted", || async { lost.metrics().await.value("cowrite_spans_dropped_total") >= Some(100.0) }).await;
    assert_eq!(lost.log().matches("traces are not taken").count(), 1, "{}", lost.log());
    assert!(collector.spans("edit").is_empty());
}
