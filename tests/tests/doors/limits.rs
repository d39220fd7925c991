//! How many may come in.

use std::time::Instant;

use cowrite_tests::server::ServerProcess;
use tokio::net::TcpStream;

use crate::neighbour::Neighbour;
use crate::wire::{PATIENCE, ask, connect, connect_from, upgrade, upgrade_request};

/// Waits until a new connection is upgraded again.
async fn until_let_in(server: &ServerProcess) -> TcpStream {
    let deadline = Instant::now() + PATIENCE;
    loop {
        let mut stream = connect(server.address()).await;
        if upgrade(&mut stream, &[]).await == 101 {
            return stream;
        }
        assert!(Instant::now() < deadline, "nobody is let in again:\n{}", server.log());
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
}

#[tokio::test]
async fn f4_strangers_of_an_address_are_limited_and_places_come_back() {
    let server = ServerProcess::with_flags(&["--memory", "--strangers", "5"]);
    // Who is known does not count, however many they are.
    let mut known = Vec::new();
    for number in 0..8 {
        known.push(Neighbour::sit_down(&server, number).await);
    }
    // Some have a socket and have not said who they are, some have not even asked for one.
    let mut strangers = Vec::new();
    for number in 0..5 {
        let mut stream = connect(server.address()).await;
        if number < 3 {
            assert_eq!(upgrade(&mut stream, &[]).await, 101, "{number}");
        }
        strangers.push(stream);
    }
    for _ in 0..3 {
        let mut sixth = connect(server.address()).await;
        let head = ask(&mut sixth, &upgrade_request(&[])).await.expect("it is told why");
        assert_eq!((head.status, head.field("retry-after")), (429, Some("1")));
    }
    // Another address is another matter, and so are those who are in.
    let mut elsewhere = connect_from([127, 0, 0, 2], server.address()).await;
    assert_eq!(upgrade(&mut elsewhere, &[]).await, 101);
    known[7].type_one().await;
    strangers.pop();
    let sixth = until_let_in(&server).await;
    let mut seventh = connect(server.address()).await;
    assert_eq!(upgrade(&mut seventh, &[]).await, 429);
    drop((strangers, sixth));
    drop(until_let_in(&server).await);
    drop(until_let_in(&server).await);
    let metrics = server.metrics().await;
    assert!(metrics.value("cowrite_connections_refused_total{reason=\"address\"}").unwrap() >= 4.0);
}

#[tokio::test]
async fn f4_all_connections_together_are_limited() {
    let server = ServerProcess::with_flags(&["--memory", "--connections", "4"]);
    let mut inside = Neighbour::sit_down(&server, 1).await;
    let mut others = Vec::new();
    for from in [1, 2, 3] {
        let mut stream = connect_from([127, 0, 0, from], server.address()).await;
        assert_eq!(upgrade(&mut stream, &[]).await, 101);
        others.push(stream);
    }
    for from in [1, 2, 9] {
        let mut fifth = connect_from([127, 0, 0, from], server.address()).await;
        let head = ask(&mut fifth, &upgrade_request(&[])).await.expect("it is told why");
        assert_eq!((head.status, head.field("retry-after")), (503, Some("1")));
    }
    inside.type_one().await;
    drop(others);
    let again = until_let_in(&server).await;
    let metrics = server.metrics().await;
    assert!(metrics.value("cowrite_connections_refused_total{reason=\"total\"}").unwrap() >= 3.0);
    drop(again);
}
