//! Clients that come by way of a proxy, or say so.

use cowrite_tests::server::ServerProcess;
use tokio::net::TcpStream;

use crate::wire::{connect, connect_from, upgrade};

/// Asks for a socket from an address, as a proxy of these clients would.
async fn asked(server: &ServerProcess, from: [u8; 4], forwarded: &[&str]) -> (u16, TcpStream) {
    let mut stream = connect_from(from, server.address()).await;
    let lines: Vec<String> = forwarded.iter().map(|value| format!("x-forwarded-for: {value}")).collect();
    let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
    let status = upgrade(&mut stream, &lines).await;
    (status, stream)
}

#[tokio::test]
async fn nobody_is_believed_who_was_not_named() {
    let server = ServerProcess::with_flags(&["--memory", "--strangers", "2"]);
    let here = [127, 0, 0, 1];
    let mut inside = Vec::new();
    for number in 0..2 {
        let (status, stream) = asked(&server, here, &[&format!("203.0.113.{number}")]).await;
        assert_eq!(status, 101);
        inside.push(stream);
    }
    assert_eq!(asked(&server, here, &["203.0.113.9"]).await.0, 429, "an invented address has places of its own");
}

#[tokio::test]
async fn behind_a_proxy_each_client_has_its_own_places() {
    for proxies in ["1", "127.0.0.7"] {
        let server = ServerProcess::with_flags(&["--memory", "--strangers", "2", "--trusted-proxies", proxies]);
        let proxy = [127, 0, 0, 7];
        let mut inside = Vec::new();
        for client in ["203.0.113.1", "203.0.113.1", "203.0.113.2"] {
            let (status, stream) = asked(&server, proxy, &[client]).await;
            assert_eq!(status, 101, "{proxies}: {client}");
            inside.push(stream);
        }
        // What it writes itself stands left of what the proxy appends.
        for invented in [&["198.51.100.1, 203.0.113.1"][..], &["198.51.100.1", "203.0.113.1"], &["203.0.113.1:4711"]] {
            assert_eq!(asked(&server, proxy, invented).await.0, 429, "{proxies}: {invented:?}");
        }
        assert_eq!(asked(&server, proxy, &["203.0.113.2"]).await.0, 101);
        // A subscriber of IPv6 has one network, not one address.
        for (number, status) in [(1, 101), (2, 101), (3, 429)] {
            let (seen, stream) = asked(&server, proxy, &[&format!("2001:db8::{number}")]).await;
            assert_eq!(seen, status, "{proxies}: {number}");
            inside.push(stream);
        }
        // The proxy itself has as many connections as it needs.
        for _ in 0..10 {
            inside.push(connect_from(proxy, server.address()).await);
        }
        assert_eq!(asked(&server, proxy, &["203.0.113.3"]).await.0, 101);
    }
}

#[tokio::test]
async fn who_comes_around_the_proxy_is_not_believed() {
    let server = ServerProcess::with_flags(&["--memory", "--strangers", "1", "--trusted-proxies", "127.0.0.7"]);
    let inside = connect(server.address()).await;
    assert_eq!(asked(&server, [127, 0, 0, 1], &["203.0.113.1"]).await.0, 429);
    drop(inside);
}
