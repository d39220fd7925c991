//! A reader that does not read, and a client whose greeting is long on its way.

use std::time::Duration;

use cowrite_client::native::{NativeClient, NativeSettings};
use cowrite_client::{LinkState, Loss};
use cowrite_protocol::frame::{ClientFrame, Code, ServerFrame};
use tokio::time::timeout;

use crate::peer::Peer;
use crate::typist::{Typist, insert, until_members};
use cowrite_tests::process::Place;
use cowrite_tests::relay::{Relay, Ways};
use cowrite_tests::server::ServerProcess;

const PATIENCE: Duration = Duration::from_secs(20);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_who_takes_no_byte_is_given_up_and_slows_nobody() {
    let place = Place::new();
    let server = ServerProcess::on_disk(&place.path("data"), &["--stuck-ms", "500"]);
    let mut writer = Typist::sit_down(&server.url(), "long", 0).await;
    let edit = writer.document.edit(&insert(0, &"a long text. ".repeat(100_000))).unwrap();
    writer.document.when_accepted(edit).await.unwrap();

    let mut stuck = Peer::with_small_buffer(server.address()).await;
    stuck.say(&[crate::peer::hello("dev:stuck")]).await;
    stuck.hear(|frame| matches!(frame, ServerFrame::Welcome(_)).then_some(())).await;
    stuck.say(&[crate::peer::open(1, "long"), ClientFrame::Ping]).await;
    until_members(&writer.document, 2).await;
    // It never reads again; the other goes on meanwhile.
    writer.type_to(100, 5).await;
    until_members(&writer.document, 1).await;
    drop(stuck);
    writer.finish().await;
    let version = writer.document.status().version.get();
    let reader = Typist::sit_down(&server.url(), "long", 1).await;
    assert_eq!(reader.text_at(version).await, writer.document.text());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_who_reads_late_is_caught_up_and_misses_nothing() {
    let place = Place::new();
    // So small a queue is soon full.
    let server = ServerProcess::on_disk(&place.path("data"), &["--queue-bytes", "1024"]);
    let writer = Typist::sit_down(&server.url(), "busy", 0).await;
    let mut late = Peer::with_small_buffer(server.address()).await;
    late.say(&[crate::peer::hello("dev:late")]).await;
    late.hear(|frame| matches!(frame, ServerFrame::Welcome(_)).then_some(())).await;
    late.open("busy").await;
    // More than all buffers of the system on the way hold.
    for _ in 0..300 {
        let edit = writer.document.edit(&insert(0, &"a kilobyte or two. ".repeat(100))).unwrap();
        writer.document.when_accepted(edit).await.unwrap();
    }
    let last = writer.document.status().version.get();
    assert_eq!(last, 300);
    let mut composed = 0;
    // What it has not read it still can, one by one or composed, up to the last.
    let mut version = 0;
    while version < last {
        version = late
            .hear(|frame| match frame {
                ServerFrame::Commit(commit) | ServerFrame::CommitStill(commit) => {
                    let next: u64 = version + 1;
                    assert_eq!(commit.version, next.to_le_bytes()[0], "a gap after {version}");
                    Some(next)
                }
                ServerFrame::Entry { version: next, .. } => {
                    assert_eq!(next.get(), version + 1);
                    Some(next.get())
                }
                ServerFrame::Composed { version: next, .. } => {
                    assert!(next.get() > version);
                    composed += 1;
                    Some(next.get())
                }
                _ => None,
            })
            .await;
    }
    assert!(composed > 0, "it was never behind");
}

/// The greeting takes longer to come than the server waits for it. That is nobody's mistake: the
/// client comes again, and is welcome once the network is as it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_heard_too_late_comes_again() {
    let server = ServerProcess::with_flags(&["--memory", "--hello-ms", "300"]);
    let relay = Relay::to(server.address());
    relay.delay(Ways::Up, Duration::from_secs(1));
    let url = format!("ws://{}/v1/socket", relay.address());
    let client = NativeClient::connect(&url, "dev:ada", NativeSettings::default()).unwrap();
    let document = client.open("late".parse().unwrap(), "").unwrap();
    let mut link = client.link();
    let ended = link.wait_for(|state| matches!(state, LinkState::Offline { .. } | LinkState::Stopped(_)));
    let ended = *timeout(PATIENCE, ended).await.unwrap().unwrap();
    let LinkState::Offline { loss, .. } = ended else { panic!("it has given up: {ended:?}") };
    assert_eq!(loss, Some(Loss::Code(Code::Silent)));
    relay.delay(Ways::Up, Duration::ZERO);
    timeout(PATIENCE, document.opened()).await.unwrap().unwrap();
}
