//! Nothing from a socket counts before its `Hello` is accepted.

use std::time::{Duration, Instant};

use cowrite_protocol::frame::{ClientFrame, Code, ProtocolVersion};
use cowrite_tests::raw::{Ending, RawClient, RawSocket, WsFrame, hello, message, open};

use crate::cuts::goldens;
use crate::scene::{Scene, ends_with};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_frame_but_hello_ends_a_connection_that_has_not_greeted() {
    let scene = Scene::set(&[]).await;
    for (name, bytes) in goldens() {
        if name == "hello" {
            continue;
        }
        let mut client = scene.stranger().await;
        client.send(&bytes).await;
        assert_eq!(client.ending().await, Ending::told(Code::HelloExpected), "{name}");
        // Also one that comes with the Hello, and so before its answer.
        let mut client = scene.stranger().await;
        client.send(&[message(&[hello("dev:mallory")]), bytes].concat()).await;
        assert_eq!(client.ending().await, Ending::told(Code::HelloExpected), "{name} behind Hello");
    }
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_frames_before_hello_open_nothing_and_cost_nothing() {
    let scene = Scene::set(&[]).await;
    let many: Vec<u8> = (0..10_000).flat_map(|number| message(&[open(number, &format!("d{number}"))])).collect();
    for chunk in [200_000, 13] {
        let mut client = scene.stranger().await;
        for piece in many.chunks(chunk) {
            client.send(piece).await;
        }
        ends_with(client, Code::HelloExpected).await;
    }
    let mut client = scene.stranger().await;
    client.send(&[message(&[hello("dev:mallory")]), many.clone()].concat()).await;
    ends_with(client, Code::HelloExpected).await;
    assert_eq!(scene.server.metrics().await.value("cowrite_rooms"), Some(1.0), "the neighbour's");
    scene.unharmed_within(16 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_second_hello_ends_the_connection() {
    let scene = Scene::set(&[]).await;
    for token in ["dev:mallory", "dev:neighbour", ""] {
        let mut client = scene.user("mallory").await;
        client.say(&[hello(token)]).await;
        ends_with(client, Code::HelloExpected).await;
    }
    let mut client = scene.stranger().await;
    client.say(&[hello("dev:mallory"), hello("dev:neighbour")]).await;
    ends_with(client, Code::HelloExpected).await;
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_who_does_not_say_hello_in_time_is_closed_whatever_else_it_does() {
    let scene = Scene::set(&["--hello-ms", "600"]).await;
    let at = scene.server.address();
    let began = Instant::now();
    let silent = RawClient::connect(at);
    let pinging = async {
        let mut socket = RawSocket::connect(at).await;
        // Signs of life are none of a greeting.
        while socket.writer.frame(&WsFrame::ping(b"here")).await && began.elapsed() < Duration::from_secs(5) {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    };
    let dribbling = async {
        let mut client = RawClient::connect(at).await;
        for byte in WsFrame::binary(&message(&[hello("dev:mallory")])).encode() {
            if !client.writer.send(&[byte]).await {
                break;
            }
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        client.ending().await
    };
    let fragments = async {
        let mut client = RawClient::connect(at).await;
        client.writer.frame(&WsFrame::binary(b"").unfinished()).await;
        while client.writer.frame(&WsFrame::continuation(b"").unfinished()).await
            && began.elapsed() < Duration::from_secs(5)
        {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    };
    let (silent, pinged, dribbled, fragmented) = tokio::join!(silent, pinging, dribbling, fragments);
    ends_with(silent, Code::Silent).await;
    assert_eq!(dribbled.code, Some(Code::Silent));
    // The server waits 2 s for the other side's close, and then closes by itself.
    assert!(pinged < Duration::from_secs(5), "{pinged:?}");
    assert!(fragmented < Duration::from_secs(5), "{fragmented:?}");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn text_and_versions_not_spoken_are_refused_with_their_codes() {
    let scene = Scene::set(&[]).await;
    for text in [&b""[..], b"hello", &message(&[hello("dev:mallory")])] {
        let mut client = scene.stranger().await;
        client.writer.frame(&WsFrame::text(text)).await;
        ends_with(client, Code::Malformed).await;
        let mut client = scene.user("mallory").await;
        client.writer.frame(&WsFrame::text(text)).await;
        ends_with(client, Code::Malformed).await;
    }
    for (oldest, newest) in [(0, 0), (2, 2), (2, 255), (255, 255), (2, 1), (1, 0)] {
        let mut client = scene.stranger().await;
        let (oldest, newest) = (ProtocolVersion(oldest), ProtocolVersion(newest));
        client.say(&[ClientFrame::Hello { oldest, newest, token: "dev:mallory" }]).await;
        ends_with(client, Code::VersionNotSpoken).await;
    }
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_in_a_header_or_the_address_is_not_looked_at_and_not_logged() {
    let scene = Scene::set(&["--log-level", "trace"]).await;
    let at = scene.server.address();
    let headers = [("authorization", "Bearer dev:hidden-token"), ("cookie", "token=dev:hidden-token")];
    let mut client = RawClient::on(RawSocket::upgrade(at, &headers).await.unwrap());
    client.say(&[open(1, "secret")]).await;
    ends_with(client, Code::HelloExpected).await;
    // One in Hello that is wrong appears nowhere either.
    let mut client = scene.stranger().await;
    client.say(&[hello("hidden-token")]).await;
    ends_with(client, Code::Unauthorized).await;
    let log = scene.server.log();
    assert!(!log.contains("hidden-token"), "{log}");
    scene.unharmed().await;
}
