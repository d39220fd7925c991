//! Clients and tokens of earlier releases.

use std::time::{SystemTime, UNIX_EPOCH};

use cowrite_protocol::frame::{ClientFrame, Code, ProtocolVersion, ServerFrame};
use cowrite_tests::process::{Place, WallClock};
use cowrite_tests::raw::{RawClient, hello};
use cowrite_tests::server::ServerProcess;
use cowrite_tests::upgrade::{Golden, Kind};

/// A server on the release's data folder, at the time of day when the release wrote it.
fn back_then(golden: &Golden, place: &Place) -> ServerProcess {
    let clock = WallClock::new();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let then = golden.made_ms(Kind::Disk) / 1_000;
    clock.step(i64::try_from(then).unwrap() - i64::try_from(now).unwrap());
    let data = golden.unpack_data(place);
    ServerProcess::with_tokens_and_clock(&clock, &["--data", data.to_str().unwrap()])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b13_a_client_of_every_release_is_served() {
    for golden in Golden::all() {
        let place = Place::new();
        let server = back_then(&golden, &place);
        let mut client = RawClient::connect(server.address()).await;
        let messages = golden.client_messages();
        client.send(&messages[0]).await;
        let spoken = client.hear(|frame| match frame {
            ServerFrame::Welcome(welcome) => Some((welcome.version, welcome.user.clone())),
            _ => None,
        });
        assert_eq!(spoken.await, (ProtocolVersion(1), "eve".parse().unwrap()), "{}", golden.version());
        client.send(&messages[1]).await;
        let epoch = client.hear(|frame| match frame {
            ServerFrame::Opened(opened) => Some(opened.epoch),
            _ => None,
        });
        let epoch = epoch.await.map(|epoch| epoch.to_string());
        assert_eq!(epoch.as_deref(), golden.facts(Kind::Disk)["minutes"]["epoch"].as_str());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b13_a_client_of_another_protocol_is_told_which_are_spoken() {
    let server = ServerProcess::with_flags(&["--memory"]);
    let range = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
    let say = async |oldest, newest| {
        let mut client = RawClient::connect(server.address()).await;
        let (oldest, newest) = (ProtocolVersion(oldest), ProtocolVersion(newest));
        client.say(&[ClientFrame::Hello { oldest, newest, token: "dev:ada" }]).await;
        client
            .hear(|frame| match frame {
                ServerFrame::Error { code, speaks, .. } => Some(Err((*code, *speaks))),
                ServerFrame::Welcome(welcome) => Some(Ok(welcome.version)),
                _ => None,
            })
            .await
    };
    let (below, above) = (range.0.0.checked_sub(1), range.1.0.checked_add(1));
    for (oldest, newest) in [(below, below), (above, above), (above, Some(255))] {
        let (oldest, newest) = (oldest.unwrap(), newest.unwrap());
        assert_eq!(say(oldest, newest).await, Err((Code::VersionNotSpoken, range)), "{oldest} to {newest}");
    }
    // One that also speaks others is served by what both do.
    assert_eq!(say(0, 255).await, Ok(range.1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_revoked_before_the_upgrade_is_revoked_after_it() {
    for golden in Golden::all() {
        let place = Place::new();
        let server = back_then(&golden, &place);
        let (good, revoked) = golden.tokens();
        RawClient::greeted(server.address(), &good).await;
        let mut client = RawClient::connect(server.address()).await;
        client.say(&[hello(&revoked)]).await;
        assert_eq!(client.ending().await.code, Some(Code::TokenRevoked), "{}", golden.version());
    }
}
