//! Connections that never come to the point.

use std::time::{Duration, Instant};

use cowrite_tests::server::ServerProcess;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::neighbour::{Neighbour, p99, resident_kib};
use crate::wire::{ask, closed, connect, upgrade_request};

/// What a request may take by default, and how much later its end may be seen here.
const DEADLINE: Duration = Duration::from_secs(5);
const SLACK: Duration = Duration::from_secs(3);

/// What a neighbour bears on a machine that other tests share; alone it is a few milliseconds.
const BEARABLE: Duration = Duration::from_millis(500);

/// Types until all are closed; gives the slowest of the best 99 %.
async fn type_until_closed(neighbour: &mut Neighbour, closing: &mut JoinSet<Duration>) -> Duration {
    let mut took = Vec::new();
    let began = Instant::now();
    while !closing.is_empty() {
        assert!(began.elapsed() < DEADLINE + SLACK, "{} are still open", closing.len());
        took.push(neighbour.type_one().await);
        while let Some(lived) = closing.try_join_next() {
            let lived = lived.unwrap();
            assert!(lived < DEADLINE + SLACK, "closed only after {lived:?}");
            assert!(lived > DEADLINE / 2, "closed already after {lived:?}");
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    p99(took)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_heads_that_drip_in_end_at_the_deadline_and_cost_nothing() {
    let mut server = ServerProcess::with_flags(&["--memory", "--strangers", "1000"]);
    let mut neighbour = Neighbour::sit_down(&server, 1).await;
    let alone = neighbour.p99_of(100).await;
    let before = resident_kib(&mut server);
    let mut dripping = JoinSet::new();
    for _ in 0..500 {
        let (reader, mut writer) = connect(server.address()).await.into_split();
        let began = Instant::now();
        dripping.spawn(async move {
            let drip = async {
                for byte in upgrade_request(&[]).bytes() {
                    if writer.write_all(&[byte]).await.is_err() {
                        break;
                    }
                    tokio::time::sleep(Duration::from_secs(1)).await;
                }
                std::future::pending::<()>().await
            };
            let mut reader = reader;
            let mut end = [0];
            tokio::select! {
                () = drip => unreachable!("it never ends"),
                read = tokio::io::AsyncReadExt::read(&mut reader, &mut end) => {
                    assert!(!matches!(read, Ok(1..)), "half a head was answered");
                }
            }
            began.elapsed()
        });
    }
    let most = resident_kib(&mut server);
    let beside = type_until_closed(&mut neighbour, &mut dripping).await;
    println!("500 dripping heads: {before} -> {most} KiB; p99 {alone:?} alone, {beside:?} beside them");
    // The buffer of a head is 8 KiB, and is there once a byte has come.
    assert!(most.saturating_sub(before) < 500 * 20, "{before} -> {most} KiB");
    assert!(beside < BEARABLE, "{alone:?} alone, {beside:?} beside them");
    let metrics = server.metrics().await;
    assert_eq!(metrics.value("cowrite_connections_refused_total{reason=\"header_timeout\"}"), Some(500.0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f3_five_thousand_that_never_speak_are_closed_and_harm_nobody() {
    let mut server = ServerProcess::with_flags(&["--memory", "--strangers", "10000", "--connections", "10000"]);
    let mut neighbour = Neighbour::sit_down(&server, 1).await;
    let alone = neighbour.p99_of(100).await;
    let before = resident_kib(&mut server);
    let mut silent = JoinSet::new();
    for _ in 0..5_000 {
        let mut stream = connect(server.address()).await;
        let began = Instant::now();
        silent.spawn(async move { closed(&mut stream, began).await });
    }
    let most = resident_kib(&mut server);
    let beside = type_until_closed(&mut neighbour, &mut silent).await;
    println!("5000 silent connections: {before} -> {most} KiB; p99 {alone:?} alone, {beside:?} beside them");
    // What is not spoken on has no buffer.
    assert!(most.saturating_sub(before) < 5_000 * 3, "{before} -> {most} KiB");
    assert!(beside < BEARABLE, "{alone:?} alone, {beside:?} beside them");
    let metrics = server.metrics().await;
    assert_eq!(metrics.value("cowrite_connections_refused_total{reason=\"header_timeout\"}"), Some(5_000.0));
    // The neighbour's, and the one that asks.
    assert_eq!(metrics.value("cowrite_arrivals"), Some(2.0));
}

#[tokio::test]
async fn a_connection_that_was_answered_may_ask_again_but_not_linger() {
    let server = ServerProcess::with_flags(&["--memory", "--handshake-ms", "1000"]);
    let mut stream = connect(server.address()).await;
    for _ in 0..3 {
        let head = ask(&mut stream, "GET /no HTTP/1.1\r\nhost: test\r\n\r\n").await.unwrap();
        assert_eq!(head.status, 404);
        assert_eq!(head.field("content-length"), Some("0"));
    }
    let lingered = closed(&mut stream, Instant::now()).await;
    assert!(lingered > Duration::from_millis(500) && lingered < Duration::from_secs(4), "{lingered:?}");
}

#[tokio::test]
async fn heads_are_bounded_in_size_and_number_of_fields() {
    let server = ServerProcess::with_flags(&["--memory"]);
    let status = async |lines: &[&str]| {
        let mut stream: TcpStream = connect(server.address()).await;
        ask(&mut stream, &upgrade_request(lines)).await.map(|head| head.status)
    };
    assert_eq!(status(&["x: y"]).await, Some(101));
    let long = format!("x: {}", "y".repeat(20 << 10));
    assert_eq!(status(&[&long]).await, Some(431));
    assert_eq!(status(&["x: y"; 100]).await, Some(431));
    // 20 MB of it are not read to the end.
    let endless = format!("x: {}", "y".repeat(20 << 20));
    let began = Instant::now();
    let refused = status(&[&endless]).await;
    assert!(refused.is_none_or(|status| status == 431), "{refused:?}");
    assert!(began.elapsed() < Duration::from_secs(5));
}
