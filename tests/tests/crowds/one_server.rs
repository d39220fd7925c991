//! Crowds over one server: what was accepted survives its death, and the checks would notice if
//! it did not.

use std::time::Duration;

use cowrite_client::native::{NativeClient, NativeSettings};
use cowrite_protocol::Utf16Length;
use cowrite_protocol::operation::Operation;
use cowrite_tests::crowd::{Crowd, CrowdSettings, Decision, Loss};
use cowrite_tests::process::Place;
use cowrite_tests::server::ServerProcess;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn thirty_people_lose_nothing_when_their_server_is_killed() {
    let place = Place::new();
    let mut server = ServerProcess::on_disk(&place.path("data"), &[]);
    let mut crowd = Crowd::gather(&[server.address()], CrowdSettings::default()).await;
    crowd.start_typing();
    crowd.until_accepted(300, PATIENCE).await;
    crowd.probe(server.address(), PATIENCE).await.unwrap();
    crowd.brace().await;
    server.kill_9();
    crowd.release_by_cut();
    server.restart();
    crowd.until_accepted(300, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    assert!(report.reconnects >= 30 && report.reopened >= 30, "{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged), (0, 0, 0), "{report:?}");
}

/// A few people who have typed and been heard, on documents that only grow.
async fn a_few(server: &ServerProcess) -> Crowd {
    let settings =
        CrowdSettings { clients: 4, documents: 2, deletes_percent: 0, formats_percent: 0, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&[server.address()], settings).await;
    crowd.start_typing();
    crowd.until_accepted(40, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    crowd.check(Loss::Never).await.unwrap();
    crowd
}

/// The checks fail where they have to: this server forgets everything.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_forgets_is_found_out() {
    let mut server = ServerProcess::with_flags(&["--memory"]);
    let mut crowd = a_few(&server).await;
    let accepted = crowd.accepted();
    crowd.probe(server.address(), PATIENCE).await.unwrap();
    server.restart();
    let forgotten = crowd.probe(server.address(), PATIENCE).await.unwrap_err();
    assert_eq!(forgotten.0.len() as u64, accepted, "{forgotten}");
    assert!(forgotten.0[0].ends_with("accepted) is not there"), "{forgotten}");
    // Everybody is told, and drops it; so it is gone, but not behind anybody's back.
    crowd.until_told(PATIENCE).await;
    crowd.decide(Decision::Discard, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let lost = crowd.check(Loss::Never).await.unwrap_err();
    assert_eq!(lost.0.len() as u64, accepted, "{lost}");
    assert!(lost.0[0].ends_with("is 0 times in the text"), "{lost}");
    let report = crowd.check(Loss::IfTold).await.unwrap();
    assert_eq!(report.losses_told, 4, "{report:?}");
}

/// What all restore is there once, though the log that they restore it into has no epoch yet.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_forgotten_can_be_restored_once() {
    let mut server = ServerProcess::with_flags(&["--memory"]);
    let mut crowd = a_few(&server).await;
    server.restart();
    crowd.until_told(PATIENCE).await;
    crowd.decide(Decision::Accept, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    crowd.check(Loss::Never).await.unwrap();
}

/// The checks fail where they have to: somebody tampers with two tokens.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_vandal_does_is_found_out() {
    let server = ServerProcess::with_flags(&["--memory"]);
    let mut crowd = a_few(&server).await;
    let client = NativeClient::connect(&server.url(), "dev:vandal", NativeSettings::default()).unwrap();
    let document = client.open(crowd.documents()[0].clone(), "").unwrap();
    document.opened().await.unwrap();
    // The first token goes, the second comes again at the end.
    let text = document.text();
    let ends: Vec<usize> = text.match_indices('⟩').map(|(at, end)| at + end.len()).collect();
    let (first, second) = (&text[..ends[0]], &text[ends[0]..ends[1]]);
    let rest = Utf16Length(Utf16Length::of(&text).0 - Utf16Length::of(first).0);
    let mut tamper = Operation::builder();
    tamper.delete(Utf16Length::of(first)).retain(rest).insert(second);
    let edit = document.edit(&tamper.build()).unwrap();
    document.when_accepted(edit).await.unwrap();
    let version = document.status().version;
    for person in crowd.people().iter().filter(|person| *person.id() == crowd.documents()[0]) {
        person.document().wait_until(|status| status.version >= version).await.unwrap();
    }
    crowd.settle(PATIENCE).await.unwrap();
    let found = crowd.check(Loss::Never).await.unwrap_err();
    assert_eq!(found.0.len(), 2, "{found}");
    let about = |token: &str, times: &str| found.0.iter().any(|what| what.contains(token) && what.ends_with(times));
    assert!(about(first, "is 0 times in the text") && about(second, "is 2 times in the text"), "{found}");
}
