//! Whoever reads the log stops reading.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use cowrite_tests::process::{free_port, target_folder};
use cowrite_tests::server::{Metrics, get, start_in_vain};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Killed when dropped, stopped or not.
struct Killed(Child);

impl Drop for Killed {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
    assert!(sent.success());
}

async fn metrics(address: SocketAddr) -> Metrics {
    let page = get(address, "/metrics").await.expect("it answers although nobody reads its log");
    Metrics::parse(&page.body)
}

/// A WebSocket that is made and dropped: some log lines.
async fn pass_by(address: SocketAddr) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    let request = format!(
        "GET /v1/socket HTTP/1.1\r\nhost: {address}\r\nconnection: upgrade\r\nupgrade: websocket\r\n\
        sec-websocket-version: 13\r\nsec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-protocol: cowrite.v1\r\n\r\n"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let answered = tokio::time::timeout(Duration::from_secs(10), stream.read(&mut [0; 512])).await;
    assert!(answered.expect("the server goes on").unwrap() > 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h3_a_log_that_nobody_reads_stops_nobody_and_its_lines_are_counted() {
    // Built, if it is not.
    assert_eq!(start_in_vain(&["--version"]).code, Some(0));
    let program = ["debug", "release"].map(|profile| target_folder().join(profile).join("cowrite-server"));
    let own = std::env::current_exe().unwrap();
    let program = program.iter().find(|program| own.starts_with(program.parent().unwrap())).unwrap();

    let mut reader = Killed(Command::new("cat").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let address = SocketAddr::from(([127, 0, 0, 1], free_port()));
    let mut server = Command::new(program);
    server.env_clear().args(["--dev", "--memory", "--log-level", "debug", "--log-format", "json", "--listen"]);
    server.arg(address.to_string()).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut server = Killed(server.stderr(reader.0.stdin.take().unwrap()).spawn().unwrap());
    let mut said = String::new();
    BufReader::new(server.0.stdout.take().unwrap()).read_line(&mut said).unwrap();
    assert!(said.starts_with("listening"), "{said:?}");
    assert_eq!(metrics(address).await.value("cowrite_log_lines_dropped_total"), Some(0.0));

    signal(&reader.0, "STOP");
    let deadline = Instant::now() + Duration::from_secs(60);
    while metrics(address).await.value("cowrite_log_lines_dropped_total") == Some(0.0) {
        assert!(Instant::now() < deadline, "no line is ever dropped");
        for _ in 0..100 {
            pass_by(address).await;
        }
    }
    let began = Instant::now();
    assert_eq!(get(address, "/healthz").await.expect("it lives").status, 200);
    assert!(began.elapsed() < Duration::from_secs(2), "{:?}", began.elapsed());

    // When it reads again, no more are dropped.
    signal(&reader.0, "CONT");
    loop {
        let before = metrics(address).await.value("cowrite_log_lines_dropped_total");
        for _ in 0..10 {
            pass_by(address).await;
        }
        if metrics(address).await.value("cowrite_log_lines_dropped_total") == before {
            break;
        }
        assert!(Instant::now() < deadline, "lines are dropped for ever");
    }
}
