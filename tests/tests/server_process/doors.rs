//! Who is let in, and when the server does not even start.

use cowrite_protocol::frame::ServerFrame;
use tokio_tungstenite::tungstenite::http::StatusCode;

use crate::peer::Peer;
use cowrite_tests::process::Place;
use cowrite_tests::server::{ServerProcess, start_in_vain};

#[test]
fn h2_a_server_that_cannot_serve_says_why_and_does_not_start() {
    let place = Place::new();
    let data = place.path("data");
    let data = data.to_str().unwrap();
    let file = place.path("file");
    std::fs::write(&file, "not a folder").unwrap();
    let server = ServerProcess::on_disk(&place.path("data"), &[]);
    let taken = server.address().to_string();
    for (flags, says) in [
        (&["--dev", "--listen", "127.0.0.1:0", "--data", data][..], "locked"),
        (&["--dev", "--listen", "127.0.0.1:0", "--data", file.to_str().unwrap()], "can not be written"),
        (&["--dev", "--listen", "0.0.0.0:0", "--memory"], "loopback"),
        (&["--dev", "--listen", "[::]:0", "--memory"], "loopback"),
        (&["--listen", "127.0.0.1:0", "--memory"], "--dev"),
        (&["--dev-unsafe-any-address", "--listen", "0.0.0.0:0", "--memory"], "--dev"),
        (&["--dev", "--listen", &taken, "--memory"], "cannot listen"),
        (&["--dev", "--memory", "--listen", "127.0.0.1:0", "--static", "/no/such/folder"], "--static"),
        (&["--dev", "--memory", "--hello-ms", "0"], "--hello-ms"),
        (&["--dev", "--memory", "--log-level", "cowrite=loudly"], "--log-level"),
    ] {
        let ended = start_in_vain(flags);
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{flags:?}: {ended:?}");
        assert_eq!(ended.stdout, "", "{flags:?}");
    }
}

#[test]
fn the_log_is_json_if_asked_for() {
    let place = Place::new();
    let mut server = ServerProcess::on_disk(&place.path("data"), &["--log-format", "json"]);
    server.terminate();
    let (code, log) = server.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.lines().count() > 0 && log.lines().all(|line| line.starts_with('{') && line.ends_with('}')), "{log}");
}

#[tokio::test]
async fn pages_of_other_sites_are_turned_away_before_the_upgrade() {
    let place = Place::new();
    let server = ServerProcess::on_disk(&place.path("data"), &[]);
    for origin in ["http://example.com", "null", "http://localhost.example.com:8080"] {
        let refused = Peer::upgrade(server.address(), &[("origin", origin)]).await;
        assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN), "{origin}");
    }
    let other = Peer::upgrade(server.address(), &[("sec-websocket-protocol", "chat")]).await;
    assert_eq!(other.err(), Some(StatusCode::BAD_REQUEST));
    for origin in ["http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:8080"] {
        assert!(Peer::upgrade(server.address(), &[("origin", origin)]).await.is_ok(), "{origin}");
    }
}

#[tokio::test]
async fn a_server_that_goes_down_says_that_it_is_not_ready_and_takes_nobody() {
    let place = Place::new();
    let mut server = ServerProcess::on_disk(&place.path("data"), &["--spread-ms", "60000", "--shutdown-ms", "60000"]);
    let mut guest = Peer::greeted(server.address(), "guest").await;
    assert!(get(server.address(), "/readyz").await.contains(" 200 "));
    let listen = server.address().to_string();
    let asked = |check: &str| start_in_vain(&["--listen", &listen, check]).code;
    assert_eq!((asked("--health-check"), asked("--health-check=/readyz")), (Some(0), Some(0)));
    server.terminate();
    guest.hear(|frame| matches!(frame, ServerFrame::GoAway { .. }).then_some(())).await;
    assert!(get(server.address(), "/readyz").await.contains(" 503 "));
    assert!(get(server.address(), "/healthz").await.contains(" 200 "));
    assert_eq!((asked("--health-check"), asked("--health-check=/readyz")), (Some(0), Some(1)));
    let refused = Peer::upgrade(server.address(), &[]).await;
    assert_eq!(refused.err(), Some(StatusCode::SERVICE_UNAVAILABLE));
    // It ends as soon as the last one has left.
    drop(guest);
    assert_eq!(server.wait().0, Some(0));
    let gone = start_in_vain(&["--listen", &listen, "--health-check"]);
    assert_eq!(gone.code, Some(1));
    assert!(gone.stderr.contains("does not answer"), "{gone:?}");
}

#[tokio::test]
async fn any_address_is_for_developers_who_say_so_and_pages_of_other_sites_stay_out() {
    let mut server = ServerProcess::on_any_address(&["--memory", "--dev-unsafe-any-address"]);
    let here = (std::net::Ipv4Addr::LOCALHOST, server.address().port()).into();
    let refused = Peer::upgrade(here, &[("origin", "http://example.com")]).await;
    assert_eq!(refused.err(), Some(StatusCode::FORBIDDEN));
    assert!(Peer::upgrade(here, &[("origin", "http://localhost:8080")]).await.is_ok());
    server.terminate();
    let (code, log) = server.wait();
    assert_eq!(code, Some(0), "{log}");
    assert!(log.contains("WARN") && log.contains("UNSAFE"), "{log}");
}

#[tokio::test]
async fn pages_and_the_package_are_served_and_nothing_else() {
    let place = Place::new();
    let (pages, package) = (place.path("pages"), place.path("package"));
    for folder in [&pages, &package] {
        std::fs::create_dir(folder).unwrap();
    }
    std::fs::write(place.path("secret.txt"), "secret").unwrap();
    std::fs::write(pages.join("index.html"), "the page").unwrap();
    std::fs::write(package.join("engine.wasm"), "the engine").unwrap();
    #[cfg(unix)]
    std::os::unix::fs::symlink(place.path("secret.txt"), pages.join("link.txt")).unwrap();
    let folders = ["--static", pages.to_str().unwrap(), "--package", package.to_str().unwrap()];
    let server = ServerProcess::on_disk(&place.path("data"), &folders);
    let get = |path: &'static str| get(server.address(), path);
    for (path, holds) in [
        ("/", "the page"),
        ("/", "content-type: text/html"),
        ("/", "cache-control: no-cache"),
        ("/index.html?version=1", "the page"),
        ("/cowrite/engine.wasm", "content-type: application/wasm"),
        ("/cowrite/engine.wasm", "the engine"),
        ("/healthz", " 200 "),
        ("/readyz", "ready"),
        ("/secret.txt", " 404 "),
        ("/link.txt", " 404 "),
        ("/../secret.txt", " 404 "),
        ("/%2e%2e/secret.txt", " 404 "),
        ("/cowrite/../../secret.txt", " 404 "),
        ("/cowrite/..%2fsecret.txt", " 404 "),
        ("//../secret.txt", " 404 "),
    ] {
        let answer = get(path).await;
        assert!(answer.contains(holds), "{path}: {answer}");
        assert!(!answer.ends_with("secret"), "{path}: {answer}");
    }
}

/// A request whose path no library has made tidy before.
async fn get(address: std::net::SocketAddr, path: &str) -> String {
    let answer = cowrite_tests::server::get(address, path).await.unwrap();
    format!("{}\r\n\r\n{}", answer.head, answer.body)
}
