//! A token ends while its bearer types: real server, real clients.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use cowrite_client::LinkState;
use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings, TokenSource};
use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::Operation;
use cowrite_tests::server::{ServerProcess, mint, mint_for};
use tokio::time::{sleep, timeout};

const PATIENCE: Duration = Duration::from_secs(20);
const LIFE: Duration = Duration::from_secs(3);
const EDITOR: &[(&str, &str)] = &[("notes", "editor")];

fn type_one(document: &DocumentClient) {
    document.edit(&Operation::builder().insert("x").build()).unwrap();
}

async fn open(server: &ServerProcess, tokens: impl Into<TokenSource>) -> (NativeClient, DocumentClient) {
    let client = NativeClient::connect(&server.url(), tokens, NativeSettings::default()).unwrap();
    let document = client.open("notes".parse().unwrap(), "").unwrap();
    timeout(PATIENCE, document.opened()).await.unwrap().unwrap();
    (client, document)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_a_fresh_token_in_time_keeps_the_connection_and_its_edits() {
    let server = ServerProcess::with_tokens(&["--memory", "--token-leeway-s", "0"]);
    let asked = Arc::new(AtomicU32::new(0));
    let counted = Arc::clone(&asked);
    let tokens = TokenSource::asking(move || {
        counted.fetch_add(1, Ordering::Relaxed);
        async { Some(mint_for("ada", EDITOR, LIFE)) }
    });
    let (client, document) = open(&server, tokens).await;
    let mut link = client.link();
    link.borrow_and_update();
    let start = Instant::now();
    let mut typed = 0;
    while start.elapsed() < LIFE * 3 {
        type_one(&document);
        typed += 1;
        sleep(Duration::from_millis(20)).await;
    }
    let last = document.edit(&Operation::builder().insert("!").build()).unwrap();
    timeout(PATIENCE, document.when_accepted(last)).await.unwrap().unwrap();
    assert!(asked.load(Ordering::Relaxed) > 3, "{asked:?}");
    assert!(!link.has_changed().unwrap(), "the connection was lost: {:?}", *link.borrow());
    assert_eq!(document.text().len(), typed + 1);
    let made = server.metrics().await.value("cowrite_connections_total");
    assert_eq!(made, Some(1.0), "one connection did for all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e3_without_a_fresh_token_nothing_is_committed_or_delivered_any_more_and_pending_work_stays() {
    let server = ServerProcess::with_tokens(&["--memory", "--token-leeway-s", "0"]);
    let (ada, of_ada) = open(&server, mint_for("ada", EDITOR, LIFE).as_str()).await;
    let (_ben, of_ben) = open(&server, mint("ben", EDITOR).as_str()).await;
    let mut link = ada.link();
    let ended = async {
        loop {
            if let LinkState::Stopped(code) = *link.borrow_and_update() {
                return code;
            }
            // It may have ended this moment.
            let _ = of_ada.edit(&Operation::builder().insert("x").build());
            type_one(&of_ben);
            let _ = timeout(Duration::from_millis(20), link.changed()).await;
        }
    };
    let code = timeout(PATIENCE, ended).await.expect("the connection ends with its token");
    assert_eq!(code, Code::TokenExpired);
    let seen = of_ada.status().version;
    let last = of_ben.edit(&Operation::builder().insert("the end").build()).unwrap();
    timeout(PATIENCE, of_ben.when_accepted(last)).await.unwrap().unwrap();
    let status = of_ada.status();
    assert_eq!(status.version, seen, "nothing is delivered after the end");
    assert!(of_ada.text().contains('x'), "{status:?}");
    // With a good token all of it goes on.
    ada.set_tokens(mint("ada", EDITOR).as_str());
    let settled = of_ada.wait_until(|status| status.pending == 0 && status.version >= of_ben.status().version);
    timeout(PATIENCE, settled).await.unwrap().unwrap();
    let version = of_ada.status().version;
    timeout(PATIENCE, of_ben.wait_until(|status| status.version >= version)).await.unwrap().unwrap();
    assert_eq!(of_ada.text(), of_ben.text());
}
