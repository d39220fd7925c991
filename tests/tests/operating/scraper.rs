//! Scrapers that hardly read.

use std::time::{Duration, Instant};

use cowrite_tests::server::ServerProcess;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpSocket;
use tokio::time::sleep;

use crate::people::{Person, until};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h3_scrapers_that_read_a_byte_a_second_hold_nothing_up() {
    let server = ServerProcess::with_flags(&["--memory"]);
    let ann = Person::sit_down(&server, "dev:ann", "notes").await;
    let before = server.metrics().await;
    let mut scrapers = Vec::new();
    for _ in 0..50 {
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_recv_buffer_size(2 << 10).unwrap();
        let mut stream = socket.connect(server.address()).await.unwrap();
        // Page after page is asked for, and none is read.
        let request = format!("GET /metrics HTTP/1.1\r\nhost: {}\r\n\r\n", server.address());
        stream.write_all(request.repeat(50).as_bytes()).await.unwrap();
        scrapers.push(tokio::spawn(async move {
            while stream.read_u8().await.is_ok() {
                sleep(Duration::from_secs(1)).await;
            }
        }));
    }
    let began = Instant::now();
    for _ in 0..50 {
        ann.write("a").await;
    }
    let now = server.metrics().await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    let grown = |name: &str| now.value(name).unwrap() - before.value(name).unwrap();
    // Each has a page or two made for it, and no more before it reads.
    assert!(grown("process_resident_memory_bytes") < 32e6, "{} bytes", grown("process_resident_memory_bytes"));
    scrapers.iter().for_each(tokio::task::JoinHandle::abort);
    until("their sockets are closed", || async {
        server.metrics().await.value("process_open_fds") <= before.value("process_open_fds").map(|open| open + 5.0)
    })
    .await;
}
