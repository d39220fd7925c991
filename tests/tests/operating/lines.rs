//! Log lines: what is in them, and what never is.

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::{ServerProcess, mint, start_in_vain};
use serde_json::Value;

use crate::people::{Person, client, until};

const KEY: &str = "hunter5-the-key-of-users";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_secret_is_in_any_line_of_a_server() {
    let redis = RedisProcess::start(&[]);
    redis.command(&["ACL", "SETUSER", "cowrite", "on", ">hunter4", "~*", "&*", "+@all"]);
    let url = format!("redis://cowrite:hunter4@{}", redis.address());
    let flags = ["--redis", &url, "--log-level", "trace", "--log-format", "json", "--log-user-key", KEY];
    let server = ServerProcess::with_tokens(&flags);
    let token = mint("hunter2-ann", &[("notes", "editor")]);
    let ann = Person::sit_down(&server, &token, "notes").await;
    ann.write("hunter3 is my password").await;
    let _forger = client(&server, "hunter1.is.a-forged-token");
    let _closed = ann.client.open("other".parse().unwrap(), "").unwrap();
    until("strangers are noticed", || async { server.log().contains("not believed") }).await;
    until("refusals are noticed", || async { server.log().contains("not opened") }).await;
    server.terminate();
    let log = {
        let mut server = server;
        server.wait().1
    };
    let signature = token.rsplit('.').next().unwrap();
    for secret in ["hunter", signature, token.split('.').nth(1).unwrap(), cowrite_tests::server::SECRET] {
        let line = log.lines().find(|line| line.contains(secret));
        assert_eq!(line, None, "{secret:?} is in the log");
    }
    assert!(log.lines().count() > 8, "{log}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_line_of_a_connection_names_it_and_its_user_by_a_hash_that_can_be_looked_up() {
    let flags = ["--memory", "--log-level", "cowrite_server=debug", "--log-format", "json", "--log-user-key", KEY];
    let server = ServerProcess::with_flags(&flags);
    let ann = Person::sit_down(&server, "dev:ann", "notes").await;
    drop(ann);
    until("she has gone", || async { server.log().contains("disconnected") }).await;
    let looked_up = start_in_vain(&["--log-user-key", KEY, "--log-user", "ann"]);
    assert_eq!((looked_up.code, looked_up.stdout.trim().len()), (Some(0), 16), "{looked_up:?}");
    let log = server.log();
    let lines: Vec<Value> = log.lines().map(|line| serde_json::from_str(line).expect("a line is an object")).collect();
    let said = |message: &str| {
        let of = |line: &&Value| line["fields"]["message"] == message;
        lines.iter().find(of).unwrap_or_else(|| panic!("nothing says {message:?}:\n{log}"))
    };
    for message in ["authenticated", "opening", "disconnected"] {
        let span = &said(message)["span"];
        assert_eq!(span["id"], 1, "{span}");
        assert_eq!(span["user"].as_str(), Some(looked_up.stdout.trim()), "{span}");
    }
    let opening = &said("opening")["fields"];
    assert!(opening["document"] == "notes" && opening["request"].is_u64(), "{opening}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_document_that_is_in_trouble_is_named_by_its_line() {
    let redis = RedisProcess::start(&[]);
    let server = ServerProcess::on_redis(&redis.url(), &["--log-format", "json"]);
    let ann = Person::sit_down(&server, "dev:ann", "troubled").await;
    ann.write("a").await;
    redis.command(&["FLUSHALL"]);
    // What was accepted is gone: she is asked what to do about it, and this waits for that.
    ann.begins("b");
    until("the line is there", || async {
        server.log().lines().any(|line| {
            let line: Value = serde_json::from_str(line).unwrap();
            line["level"] == "ERROR" && line["fields"]["document"] == "troubled"
        })
    })
    .await;
}
