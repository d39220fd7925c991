//! What readers who take nothing cost, on a document that is edited as fast as one can.

use std::time::{Duration, Instant};

use cowrite_protocol::operation::Operation;
use cowrite_tests::process::Place;
use cowrite_tests::raw::{RawClient, RawSocket, packed};
use cowrite_tests::server::ServerProcess;

const READERS: usize = 100;
const SECONDS: u64 = 10;

/// A hundred of them beside one writer.
pub(crate) async fn measure() {
    let fast = ["--submits-per-second", "1000000", "--submit-burst", "1000000", "--frames-per-second", "1000000"];
    let place = Place::new();
    // On disk: in memory the log itself would be what grows.
    let server = ServerProcess::on_disk(&place.path("data"), &[&["--connections-per-user", "200"], &fast[..]].concat());
    let mut writer = RawClient::greeted(server.address(), "dev:writer").await;
    let channel = writer.open("hot").await;
    let operation =
        packed(&Operation::builder().insert("one more line of some fifty characters, as people type\n").build());
    let mut edits = 0;
    let mut write = async |time: Duration| {
        let (start, before) = (Instant::now(), edits);
        while start.elapsed() < time {
            assert_eq!(writer.submit(channel, edits + 1, edits, &operation).await, None);
            edits += 1;
        }
        (edits - before) as f64 / start.elapsed().as_secs_f64()
    };
    let start = server.resident_bytes();
    let alone = write(Duration::from_secs(SECONDS)).await;
    let empty = server.resident_bytes();
    let mut stuck = Vec::new();
    for _ in 0..READERS {
        let socket = RawSocket::with_small_buffer(server.address()).await;
        let mut client = RawClient::on(socket).greet("dev:reader").await;
        client.open("hot").await;
        stuck.push(client);
    }
    let beside = write(Duration::from_secs(SECONDS)).await;
    println!(
        "{READERS} readers who take nothing, on a document that one writer edits for {SECONDS} s, each edit accepted before the next"
    );
    println!(
        "  {alone:.0} edits/s alone, {beside:.0} beside them; {} MiB at the start, {} MiB when they came after {SECONDS} s, {} MiB at the end",
        start >> 20,
        empty >> 20,
        server.resident_bytes() >> 20
    );
}
