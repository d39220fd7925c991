//! Which pages may talk to the server.

use cowrite_tests::server::ServerProcess;

use crate::wire::{Head, ask, connect, upgrade};

const FLAGS: [&str; 3] =
    ["--memory", "--allowed-origins", "https://app.example.com,https://*.example.org,http://intern.test:3000"];

/// The status of the answer to an upgrade with these lines.
async fn upgraded(server: &ServerProcess, lines: &[&str]) -> u16 {
    upgrade(&mut connect(server.address()).await, lines).await
}

async fn asked(server: &ServerProcess, request: &str) -> Head {
    ask(&mut connect(server.address()).await, request).await.unwrap()
}

#[tokio::test]
async fn e1_only_pages_that_are_allowed_get_a_socket() {
    let server = ServerProcess::with_flags(&FLAGS);
    for good in
        ["https://app.example.com", "https://a.example.org", "https://a.b.example.org", "http://intern.test:3000"]
    {
        assert_eq!(upgraded(&server, &[&format!("origin: {good}")]).await, 101, "{good}");
    }
    let foreign = [
        "null",
        "",
        "https://evil.test",
        "http://app.example.com",
        "https://app.example.com:443",
        "https://app.example.com:8443",
        "https://APP.example.com",
        "HTTPS://app.example.com",
        "https://app.example.com.",
        "https://app.example.com.evil.test",
        "https://app.example.comevil.test",
        "https://evil-app.example.com",
        "https://sub.app.example.com",
        "https://app.example.com@evil.test",
        "https://evil.test/?https://app.example.com",
        "https://example.org",
        "https://.example.org",
        "https://evilexample.org",
        "https://a.example.org.evil.test",
        "https://a.example.org:8443",
        "https://evil.test#.example.org",
        "http://intern.test",
        "http://intern.test:30000",
        "file://",
        "chrome-extension://abcdef",
    ];
    for bad in foreign {
        assert_eq!(upgraded(&server, &[&format!("origin: {bad}")]).await, 403, "{bad}");
    }
    let two = ["origin: https://app.example.com", "origin: https://evil.test"];
    assert_eq!(upgraded(&server, &two).await, 403);
    let metrics = server.metrics().await;
    let refused = metrics.value("cowrite_connections_refused_total{reason=\"origin\"}").unwrap();
    assert_eq!(refused as usize, foreign.len() + 1);
    // None of them has become a connection.
    assert_eq!(metrics.value("cowrite_connections_total"), Some(4.0));
}

#[tokio::test]
async fn e1_pages_of_this_machine_are_let_in_by_developers_alone() {
    let here = "origin: http://localhost:5173";
    let developers = ServerProcess::with_flags(&["--memory"]);
    assert_eq!(upgraded(&developers, &[here]).await, 101);
    // Nobody is allowed who was not named.
    for flags in [&["--memory"][..], &FLAGS] {
        let server = ServerProcess::with_tokens(flags);
        assert_eq!(upgraded(&server, &[here]).await, 403, "{flags:?}");
        assert_eq!(upgraded(&server, &["origin: https://evil.test"]).await, 403, "{flags:?}");
        assert_eq!(upgraded(&server, &[]).await, 101, "{flags:?}");
    }
}

#[tokio::test]
async fn e1_programs_need_no_origin_unless_it_is_required() {
    let server = ServerProcess::with_flags(&FLAGS);
    assert_eq!(upgraded(&server, &[]).await, 101);
    let strict = ServerProcess::with_flags(&[&FLAGS[..], &["--require-origin"]].concat());
    assert_eq!(upgraded(&strict, &[]).await, 403);
    assert_eq!(upgraded(&strict, &["origin: https://app.example.com"]).await, 101);
}

#[tokio::test]
async fn browsers_are_told_which_pages_may_ask_over_http() {
    let server = ServerProcess::with_flags(&FLAGS);
    let preflight = async |origin: &str| {
        let request = format!(
            "OPTIONS /v1/tokens HTTP/1.1\r\nhost: test\r\norigin: {origin}\r\n\
            access-control-request-method: POST\r\naccess-control-request-headers: authorization\r\n\r\n"
        );
        asked(&server, &request).await
    };
    let allowed = preflight("https://app.example.com").await;
    assert_eq!(allowed.status, 204);
    assert_eq!(allowed.field("access-control-allow-origin"), Some("https://app.example.com"));
    assert!(allowed.field("access-control-allow-headers").unwrap().contains("authorization"));
    assert!(allowed.field("access-control-allow-methods").unwrap().contains("POST"));
    assert_eq!(allowed.field("access-control-allow-credentials"), None);
    assert_eq!(allowed.field("vary"), Some("origin"));
    for origin in ["https://evil.test", "null", "https://app.example.com.evil.test"] {
        let refused = preflight(origin).await;
        assert_eq!((refused.status, refused.field("access-control-allow-origin")), (403, None), "{origin}");
        // A browser sends simple requests without asking before.
        let request =
            format!("POST /v1/tokens HTTP/1.1\r\nhost: test\r\norigin: {origin}\r\ncontent-length: 0\r\n\r\n");
        let refused = asked(&server, &request).await;
        assert_eq!((refused.status, refused.field("access-control-allow-origin")), (403, None), "{origin}");
    }
    let request = "GET /v1/nothing HTTP/1.1\r\nhost: test\r\norigin: https://a.example.org\r\n\r\n";
    let answered = asked(&server, request).await;
    assert_eq!(answered.status, 404);
    assert_eq!(answered.field("access-control-allow-origin"), Some("https://a.example.org"));
    assert_eq!(answered.field("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn answers_are_what_they_say_they_are() {
    let server = ServerProcess::with_flags(&FLAGS);
    for path in ["/healthz", "/metrics", "/v1/nothing", "/nothing"] {
        let head = asked(&server, &format!("GET {path} HTTP/1.1\r\nhost: test\r\n\r\n")).await;
        assert_eq!(head.field("x-content-type-options"), Some("nosniff"), "{path}");
        assert_eq!(head.field("referrer-policy"), Some("no-referrer"), "{path}");
        assert_eq!(head.field("access-control-allow-origin"), None, "{path}");
    }
}
