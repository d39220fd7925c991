//! A right that is lowered or lost while its bearer types, at another server than those who read.

use std::time::Duration;

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_client::{EditError, Event, ProposalKind};
use cowrite_protocol::frame::{Code, Role};
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{DocumentType, RichText};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::{ServerProcess, mint, post};
use tokio::time::{Instant, sleep, timeout};

use crate::application::{Application, Manner};

const PATIENCE: Duration = Duration::from_secs(20);
const KEY: &str = "key-of-the-application";
/// So long an answer of the application holds, in milliseconds.
const HOLDS_MS: u64 = 600;

struct Town {
    application: Application,
    servers: [ServerProcess; 2],
    _redis: RedisProcess,
}

impl Town {
    fn new() -> Town {
        let (application, redis) = (Application::start(), RedisProcess::start(&[]));
        for user in ["ada", "ben"] {
            application.grants(user, "notes", Some("editor"));
            application.grants(user, "other", Some("editor"));
        }
        let (store, url, holds) = (redis.url(), application.url("/access"), HOLDS_MS.to_string());
        let asks = ["--access-callback", &url, "--access-callback-secret", "the secret of the callback, long enough"];
        let times = ["--access-callback-ms", "500", "--access-holds-ms", &holds, "--api-key", KEY];
        let flags = [&["--redis", &*store], &asks[..], &times].concat();
        let servers = [(), ()].map(|()| ServerProcess::with_tokens(&flags));
        Town { application, servers, _redis: redis }
    }

    async fn open(&self, user: &str, server: usize, document: &str) -> (NativeClient, DocumentClient) {
        let token = mint(user, &[]);
        let url = self.servers[server].url();
        let client = NativeClient::connect(&url, token.as_str(), NativeSettings::default()).unwrap();
        let document = client.open(document.parse().unwrap(), "").unwrap();
        timeout(PATIENCE, document.opened()).await.unwrap().unwrap();
        (client, document)
    }
}

fn type_one(document: &DocumentClient, text: &str) -> Result<u64, EditError> {
    document.edit(&Operation::builder().insert(text).build())
}

/// Types without a pause until this is so; the edits that were refused locally count for nothing.
async fn type_until(document: &DocumentClient, text: &str, reached: impl Fn() -> bool) -> Duration {
    let start = Instant::now();
    while !reached() {
        assert!(start.elapsed() < PATIENCE, "it never comes to that: {:?}", document.status());
        let _ = type_one(document, text);
        sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}

fn role(document: &DocumentClient) -> Option<Role> {
    document.read(|engine| engine.role())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_a_role_that_is_lowered_stops_the_typing_and_keeps_what_was_typed() {
    let town = Town::new();
    let (_ada, of_ada) = town.open("ada", 0, "notes").await;
    let (_ben, of_ben) = town.open("ben", 1, "notes").await;
    type_until(&of_ada, "a", || of_ben.text().len() > 20).await;
    town.application.grants("ada", "notes", Some("viewer"));
    let took = type_until(&of_ada, "a", || role(&of_ada) == Some(Role::Viewer)).await;
    println!("a lowered role was in force after {took:?}");
    assert!(took < Duration::from_millis(HOLDS_MS + 1_500), "{took:?}");
    assert_eq!(type_one(&of_ada, "late"), Err(EditError::ReadOnly));
    // What was on its way is shown and kept, and in nobody's document.
    let text = of_ben.text().len();
    let last = type_one(&of_ben, "b").unwrap();
    timeout(PATIENCE, of_ben.when_accepted(last)).await.unwrap().unwrap();
    let version = of_ben.status().version;
    timeout(PATIENCE, of_ada.wait_until(|status| status.version >= version)).await.unwrap().unwrap();
    assert_eq!(of_ben.text().len(), text + 1);
    assert_eq!(of_ada.text(), of_ben.text(), "what may not be sent is set aside");
    let kept = |document: &DocumentClient| document.read(|engine| engine.proposals().to_vec());
    let proposals = kept(&of_ada).unwrap();
    assert!(proposals.iter().all(|proposal| proposal.kind == ProposalKind::NotAllowed), "{proposals:?}");
    let more: i64 = proposals.iter().map(|proposal| RichText::length_change(&proposal.operation)).sum();
    // The right comes back, and the application lets the user decide.
    town.application.grants("ada", "notes", Some("editor"));
    let start = Instant::now();
    while role(&of_ada) != Some(Role::Editor) {
        assert!(start.elapsed() < PATIENCE, "the role does not come back");
        sleep(Duration::from_millis(20)).await;
    }
    for proposal in proposals {
        of_ada.accept_proposal(proposal.id).unwrap();
    }
    timeout(PATIENCE, of_ada.wait_until(|status| status.pending == 0)).await.unwrap().unwrap();
    let version = of_ada.status().version;
    timeout(PATIENCE, of_ben.wait_until(|status| status.version >= version)).await.unwrap().unwrap();
    assert_eq!(of_ada.text(), of_ben.text());
    assert_eq!(of_ben.text().len() as i64, text as i64 + 1 + more, "each once");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_a_right_that_is_lost_ends_reading_and_writing_and_leaves_the_work_readable() {
    let town = Town::new();
    let (_ada, of_ada) = town.open("ada", 0, "notes").await;
    let (_ben, of_ben) = town.open("ben", 1, "notes").await;
    let mut events = of_ada.events();
    type_until(&of_ada, "a", || of_ben.text().len() > 20).await;
    town.application.grants("ada", "notes", None);
    let start = Instant::now();
    let closed = async {
        loop {
            let _ = type_one(&of_ada, "a");
            let _ = type_one(&of_ben, "b");
            while let Ok(event) = events.try_recv() {
                if let Event::Closed { code, .. } = event {
                    return code;
                }
            }
            sleep(Duration::from_millis(5)).await;
        }
    };
    assert_eq!(timeout(PATIENCE, closed).await.expect("it ends"), Code::AccessDenied);
    println!("a lost right was in force after {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(HOLDS_MS + 1_500));
    let (version, mine) = (of_ada.status().version, of_ada.text());
    let last = type_one(&of_ben, "the end").unwrap();
    timeout(PATIENCE, of_ben.when_accepted(last)).await.unwrap().unwrap();
    sleep(Duration::from_millis(300)).await;
    assert_eq!((of_ada.status().version, of_ada.text()), (version, mine), "nothing is delivered any more");
    assert!(!of_ada.text().contains("the end") && of_ada.text().contains('a'));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e10_an_application_that_is_down_for_a_while_ends_nobodys_work_for_good() {
    let town = Town::new();
    let (_ada, of_ada) = town.open("ada", 0, "notes").await;
    type_until(&of_ada, "a", || of_ada.status().accepted > 5).await;
    town.application.behaves(Manner::Says(500, "oh".to_owned()));
    // What was granted ends, and is then not believed for want of an answer.
    let start = Instant::now();
    loop {
        let before = of_ada.status().accepted;
        let _ = type_one(&of_ada, "a");
        sleep(Duration::from_millis(HOLDS_MS)).await;
        let _ = type_one(&of_ada, "a");
        sleep(Duration::from_millis(HOLDS_MS)).await;
        if of_ada.status().accepted == before {
            break;
        }
        assert!(start.elapsed() < PATIENCE, "edits are accepted though nobody says that they may be");
    }
    assert!(of_ada.status().pending > 0, "{:?}", of_ada.status());
    town.application.behaves(Manner::Right);
    let last = type_one(&of_ada, "!").unwrap();
    timeout(PATIENCE, of_ada.when_accepted(last)).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e4_one_document_is_taken_from_a_user_at_all_servers_and_no_other() {
    let town = Town::new();
    let (_ada, of_ada) = town.open("ada", 1, "notes").await;
    let (_too, other) = town.open("ada", 1, "other").await;
    let mut events = of_ada.events();
    let start = Instant::now();
    let (address, bearer) = (town.servers[0].address(), format!("Bearer {KEY}"));
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let answer = post(address, "/v1/revocations", &headers, r#"{"user":"ada","document":"notes"}"#).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    let closed = async {
        loop {
            if let Some(Event::Closed { code, .. }) = events.recv().await {
                return code;
            }
        }
    };
    assert_eq!(timeout(Duration::from_secs(1), closed).await.expect("within a second"), Code::AccessDenied);
    println!("a document was closed at the other server {:?} after it was taken away", start.elapsed());
    let ended = town.servers[1].metrics().await.value("cowrite_revoked_total{what=\"channel\"}");
    assert_eq!(ended, Some(1.0));
    let edit = type_one(&other, "x").unwrap();
    timeout(PATIENCE, other.when_accepted(edit)).await.unwrap().unwrap();
}
