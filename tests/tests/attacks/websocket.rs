//! Below Cowrite's frames: frames of WebSocket that are wrong, endless or too many.

use std::time::Duration;

use cowrite_protocol::frame::{ClientFrame, Code};
use cowrite_tests::raw::{Ending, RawClient, RawSocket, WsFrame, message};

use crate::scene::{Scene, ends_with};

fn ping() -> Vec<u8> {
    message(&[ClientFrame::Ping])
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_frames_that_the_standard_forbids_end_the_connection_as_malformed() {
    let scene = Scene::set(&[]).await;
    let mut wrong: Vec<(String, Vec<WsFrame>)> = Vec::new();
    for reserved in 1..8 {
        wrong.push((format!("reserved bits {reserved}"), vec![WsFrame { reserved, ..WsFrame::binary(&ping()) }]));
        wrong.push((format!("a ping with reserved bits {reserved}"), vec![WsFrame { reserved, ..WsFrame::ping(b"") }]));
    }
    for opcode in [3, 4, 5, 6, 7, 11, 12, 13, 14, 15] {
        wrong.push((format!("opcode {opcode}"), vec![WsFrame::of(opcode, b"x")]));
    }
    wrong.push(("no mask".into(), vec![WsFrame { masked: false, ..WsFrame::binary(&ping()) }]));
    wrong.push(("a ping without mask".into(), vec![WsFrame { masked: false, ..WsFrame::ping(b"x") }]));
    wrong.push(("a ping of 126 bytes".into(), vec![WsFrame::ping(&[7; 126])]));
    wrong.push(("a pong of 70,000 bytes".into(), vec![WsFrame::of(10, &[7; 70_000])]));
    wrong.push(("a close of 126 bytes".into(), vec![WsFrame::close(&[3; 126])]));
    wrong.push(("a ping in fragments".into(), vec![WsFrame::ping(b"x").unfinished()]));
    wrong.push(("a continuation of nothing".into(), vec![WsFrame::continuation(b"x")]));
    wrong.push((
        "a message within a message".into(),
        vec![WsFrame::binary(b"x").unfinished(), WsFrame::binary(&ping())],
    ));
    wrong.push(("text within a message".into(), vec![WsFrame::binary(b"x").unfinished(), WsFrame::text(b"x")]));
    for bytes in [&b"\xff\xfe"[..], b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe2\x82"] {
        wrong.push((format!("text of {bytes:02x?}"), vec![WsFrame::text(bytes)]));
    }
    for (what, frames) in wrong {
        for greeted in [false, true] {
            let mut client = if greeted { scene.user("mallory").await } else { scene.stranger().await };
            for frame in &frames {
                client.writer.frame(frame).await;
            }
            assert_eq!(client.ending().await, Ending::told(Code::Malformed), "{what}, greeted: {greeted}");
        }
    }
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_close_is_answered_whatever_it_says() {
    let scene = Scene::set(&[]).await;
    for payload in [
        &b""[..],
        &1_000_u16.to_be_bytes(),
        &1_005_u16.to_be_bytes(),
        &0_u16.to_be_bytes(),
        &9_999_u16.to_be_bytes(),
        b"\x03",
    ] {
        let mut client = scene.user("mallory").await;
        client.writer.frame(&WsFrame::close(payload)).await;
        // It ends, with a close of the server's or without.
        let ending = client.ending().await;
        assert!(ending.close.is_none_or(|code| (1_000..5_000).contains(&code)), "{payload:02x?}: {ending:?}");
    }
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a17_a_message_in_fragments_of_any_size_is_one_message() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let channel = client.open("fragments").await;
    let operation = cowrite_tests::raw::packed(&crate::neighbour::insert(0, "whole"));
    let bytes = message(&[cowrite_tests::raw::submit(channel, 1, 0, &operation)]);
    client.writer.frame(&WsFrame::binary(b"").unfinished()).await;
    for byte in &bytes {
        client.writer.frame(&WsFrame::continuation(&[*byte]).unfinished()).await;
        // Control frames may come between.
        client.writer.frame(&WsFrame::ping(b"between")).await;
        client.writer.frame(&WsFrame::continuation(b"").unfinished()).await;
    }
    client.writer.frame(&WsFrame::continuation(b"")).await;
    assert_eq!(client.answer(channel).await, None);
    assert_eq!(crate::identity::text(&scene, "fragments").await, "whole");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_what_is_above_the_limit_is_too_large_however_it_comes_and_is_not_kept() {
    let scene = Scene::set(&[]).await;
    let limit = 256 << 10;
    // Whole, announced only, and in fragments of several sizes, greeted or not.
    for greeted in [false, true] {
        let client = async || if greeted { scene.user("mallory").await } else { scene.stranger().await };
        let mut whole = client().await;
        whole.send(&vec![8; limit + 1]).await;
        ends_with(whole, Code::TooLarge).await;
        for announced in [limit as u64 + 1, 1 << 32, (1 << 63) - 1] {
            let mut only_announced = client().await;
            only_announced.writer.frame(&WsFrame::binary(&[8; 10]).announcing(announced)).await;
            ends_with(only_announced, Code::TooLarge).await;
        }
        for size in [1_000, 100_000] {
            let mut fragments = client().await;
            fragments.writer.frame(&WsFrame::binary(&vec![8; size]).unfinished()).await;
            for _ in 0..=limit / size {
                fragments.writer.frame(&WsFrame::continuation(&vec![8; size]).unfinished()).await;
            }
            ends_with(fragments, Code::TooLarge).await;
        }
    }
    scene.unharmed_within(16 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_messages_never_finished_hold_no_more_than_the_limit_each() {
    let scene = Scene::set(&[]).await;
    let mut unfinished = Vec::new();
    for number in 0..100 {
        let mut client = if number % 2 == 0 { scene.user("mallory").await } else { scene.stranger().await };
        client.writer.frame(&WsFrame::binary(&vec![8; 60_000]).unfinished()).await;
        for _ in 0..3 {
            client.writer.frame(&WsFrame::continuation(&vec![8; 60_000]).unfinished()).await;
        }
        // Fragments of nothing, of which any number fits into any limit.
        let nothing = WsFrame::continuation(b"").unfinished().encode().repeat(10_000);
        client.writer.send(&nothing).await;
        unfinished.push(client);
    }
    let grown = scene.grown();
    println!("100 messages of 240 kB never finished: {} KiB", grown >> 10);
    assert!(grown < 100 * (512 << 10) + (16 << 20), "{} KiB", grown >> 10);
    drop(unfinished);
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f9_compression_is_not_negotiated() {
    let scene = Scene::set(&[]).await;
    let offer = "permessage-deflate; client_max_window_bits, permessage-deflate, x-webkit-deflate-frame";
    let socket = RawSocket::upgrade(scene.server.address(), &[("sec-websocket-extensions", offer)]).await.unwrap();
    assert!(!socket.head().to_ascii_lowercase().contains("sec-websocket-extensions"), "{}", socket.head());
    let mut client = RawClient::on(socket).greet("dev:mallory").await;
    // Who compresses all the same sets a bit that means nothing here.
    client.writer.frame(&WsFrame { reserved: 4, ..WsFrame::binary(&[0x4a, 0x4c, 0x4c, 0x04]) }).await;
    ends_with(client, Code::Malformed).await;
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e1_an_upgrade_that_is_none_gets_no_socket() {
    let scene = Scene::set(&[]).await;
    let at = scene.server.address();
    for (header, status) in [
        (("origin", "https://app.example.evil"), "403"),
        (("origin", "null"), "403"),
        (("origin", "http://localhost.evil"), "403"),
        (("origin", "http://127.0.0.1.evil:80"), "403"),
        (("origin", "http://evil/?http://localhost"), "403"),
    ] {
        let head = RawSocket::upgrade(at, &[header]).await.unwrap_err();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{header:?}: {head}");
    }
    // Two of them, of which one is good.
    let two = [("origin", "http://localhost"), ("origin", "https://evil")];
    assert!(RawSocket::upgrade(at, &two).await.is_err());
    assert!(RawSocket::upgrade(at, &[]).await.is_ok(), "who is no browser names none");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_pings_that_nobody_reads_the_answers_of_takes_no_memory() {
    let scene = Scene::set(&[]).await;
    let mut socket = RawSocket::with_small_buffer(scene.server.address()).await;
    let pings = WsFrame::ping(&[7; 125]).encode().repeat(1_000);
    let mut sent = 0;
    // Until the server takes no more, or has taken enough.
    while sent < 200 && tokio::time::timeout(Duration::from_millis(500), socket.writer.send(&pings)).await == Ok(true) {
        sent += 1;
    }
    let grown = scene.grown();
    println!("{sent},000 pings unanswered: {} KiB", grown >> 10);
    assert!(grown < 16 << 20, "{} KiB after {sent},000 pings", grown >> 10);
    drop(socket);
    scene.unharmed().await;
}
