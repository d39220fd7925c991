//! A server that runs out of file descriptors.

use std::time::{Duration, Instant};

use cowrite_tests::server::ServerProcess;

use crate::neighbour::Neighbour;
use crate::wire::{PATIENCE, connect, upgrade};

const SAYS: &str = "no connection can be taken";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b9_who_is_in_goes_on_and_who_comes_later_is_served_when_there_is_room_again() {
    let flags = ["--memory", "--connections", "1000", "--strangers", "1000", "--handshake-ms", "60000"];
    let mut server = ServerProcess::with_open_files(64, &flags);
    let warned = |line: &str| line.contains("fewer files may be open").then_some(());
    server.process().log().wait_for(PATIENCE, warned).expect("the start warns of it");
    let mut neighbour = Neighbour::sit_down(&server, 1).await;
    let mut taken = Vec::new();
    // The system itself takes those that the server does not.
    for _ in 0..200 {
        taken.push(connect(server.address()).await);
    }
    let began = Instant::now();
    let said = |line: &str| line.contains(SAYS).then_some(());
    server.process().log().wait_for(PATIENCE, said).expect("the shortage is logged");
    while began.elapsed() < Duration::from_secs(3) {
        neighbour.type_one().await;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let complaints = server.log().matches(SAYS).count();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((2..=seconds + 2).contains(&complaints), "{complaints} complaints in {seconds} s");
    drop(taken);
    let mut later = connect(server.address()).await;
    assert_eq!(upgrade(&mut later, &[]).await, 101);
    let metrics = server.metrics().await;
    assert!(metrics.value("cowrite_accept_failures_total").unwrap() >= 2.0);
    neighbour.type_one().await;
    assert!(server.process().is_running());
}

#[tokio::test]
async fn b9_by_default_so_many_are_let_in_as_leave_files_for_other_things() {
    let server = ServerProcess::with_open_files(100, &["--memory", "--strangers", "1000"]);
    let mut inside = Vec::new();
    let mut statuses = Vec::new();
    for _ in 0..60 {
        let mut stream = connect(server.address()).await;
        statuses.push(upgrade(&mut stream, &[]).await);
        inside.push(stream);
    }
    assert_eq!(statuses[..50], [101; 50]);
    assert_eq!(statuses[50..], [503; 10]);
    assert!(!server.log().contains(SAYS), "{}", server.log());
}
