//! Tokens that the server signs for who shows its secret or key.

use cowrite_protocol::frame::{Code, Role};
use cowrite_tests::server::{Answer, SECRET, ServerProcess, mint, post, start_in_vain};
use serde_json::{Value, json};

use crate::caller::Caller;

const KEY: &str = "the-key-of-the-application";

async fn ask(server: &ServerProcess, key: &str, body: &str) -> Answer {
    let shown = format!("Bearer {key}");
    post(server.address(), "/v1/tokens", &[("authorization", &shown)], body).await.unwrap()
}

#[tokio::test]
async fn the_applications_servers_get_tokens_for_some_documents() {
    let picky = ["--jwt-issuer", "app", "--jwt-audience", "cowrite", "--log-level", "trace"];
    let server = ServerProcess::with_tokens(&[&["--memory", "--api-key", KEY], &picky[..]].concat());
    let wanted = json!({ "user": "ada", "name": "Ada", "documents": { "notes": "editor", "team-*": "viewer" } });
    let answer = ask(&server, KEY, &wanted.to_string()).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.head.to_lowercase().contains("cache-control: no-store"), "{answer:?}");
    let minted: Value = serde_json::from_str(&answer.body).unwrap();
    assert_eq!(minted["expires_in_ms"], 900_000);
    let token = minted["token"].as_str().unwrap();
    let mut ada = Caller::hello(&server, token).await.ok().unwrap();
    assert_eq!(ada.open("notes").await, Ok(Role::Editor));
    assert_eq!(ada.open("team-1").await, Ok(Role::Viewer));
    assert_eq!(ada.open("other").await, Err((Code::AccessDenied, 0)));
    let long = json!({ "user": "ada", "documents": {}, "for_ms": 3_600_000 }).to_string();
    let minted: Value = serde_json::from_str(&ask(&server, KEY, &long).await.body).unwrap();
    assert_eq!(minted["expires_in_ms"], 3_600_000);
    let log = server.log();
    assert!(!log.contains(KEY) && !log.contains(token) && !log.contains(SECRET), "{log}");
}

#[tokio::test]
async fn nobody_else_gets_one() {
    let server = ServerProcess::with_tokens(&["--memory", "--api-key", KEY]);
    let wanted = json!({ "user": "ada", "documents": { "*": "owner" } }).to_string();
    assert_eq!(ask(&server, KEY, &wanted).await.status, 200);
    let users = mint("ada", &[("*", "owner")]);
    for key in ["", "wrong", &KEY[1..], &format!("{KEY}x"), &KEY.to_uppercase(), &users, SECRET] {
        let answer = ask(&server, key, &wanted).await;
        assert_eq!((answer.status, answer.body.contains("ey")), (401, false), "{key}: {answer:?}");
    }
    let shown = format!("Bearer {KEY}");
    for headers in [&[][..], &[("authorization", KEY)], &[("authorization", &shown), ("authorization", &shown)]] {
        let answer = post(server.address(), "/v1/tokens", headers, &wanted).await.unwrap();
        assert_eq!(answer.status, 401, "{headers:?}: {answer:?}");
    }
    // Where there is no key, or nothing to sign with, there is no such page.
    let keyless = ServerProcess::with_tokens(&["--memory"]);
    assert_eq!(ask(&keyless, KEY, &wanted).await.status, 404);
    let developers = ServerProcess::with_flags(&["--memory", "--api-key", KEY]);
    assert_eq!(ask(&developers, KEY, &wanted).await.status, 404);
}

#[tokio::test]
async fn what_would_be_no_good_token_is_not_made() {
    let server = ServerProcess::with_tokens(&["--memory", "--api-key", KEY]);
    let many: Value = (0..257).map(|n| (format!("d{n}"), json!("viewer"))).collect();
    let longest: Value = (0..256).map(|n| (format!("{n}{}", "d".repeat(120)), json!("viewer"))).collect();
    for (body, status) in [
        ("", 400),
        ("{", 400),
        ("[]", 400),
        (r#"{"documents": {}}"#, 400),
        (r#"{"user": ""}"#, 400),
        (r#"{"user": "a\nb"}"#, 400),
        (r#"{"user": "ada", "admin": true}"#, 400),
        (r#"{"user": "ada", "documents": {"../a": "editor"}}"#, 400),
        (r#"{"user": "ada", "documents": {"a*b": "editor"}}"#, 400),
        (r#"{"user": "ada", "documents": {"a": "root"}}"#, 400),
        (r#"{"user": "ada", "for_ms": 0}"#, 400),
        (r#"{"user": "ada", "for_ms": 999}"#, 400),
        (r#"{"user": "ada", "for_ms": 90000000}"#, 400),
        (r#"{"user": "ada", "for_ms": -1}"#, 400),
        (&json!({ "user": "ada", "name": "x".repeat(257) }).to_string(), 400),
        (&json!({ "user": "ada", "documents": many }).to_string(), 400),
        (&json!({ "user": "ada", "documents": longest }).to_string(), 400),
        (&json!({ "user": "ada", "name": "x".repeat(70_000) }).to_string(), 413),
    ] {
        let answer = ask(&server, KEY, body).await;
        assert_eq!(answer.status, status, "{:.80}: {answer:?}", body);
        assert!(!answer.body.is_empty(), "{answer:?}");
    }
}

#[tokio::test]
async fn a_token_can_be_printed() {
    let server = ServerProcess::with_tokens(&["--memory"]);
    let secret = ["--jwt-secret", SECRET];
    let user = ["token", "--user", "ada", "--document", "team-*=commenter", "--document", "notes=editor"];
    let printed = start_in_vain(&[&secret[..], &user].concat());
    assert_eq!(printed.code, Some(0), "{printed:?}");
    let mut ada = Caller::hello(&server, printed.stdout.trim()).await.ok().unwrap();
    assert_eq!(ada.open("notes").await, Ok(Role::Editor));
    assert_eq!(ada.open("team-1").await, Ok(Role::Commenter));
    // The flags may also stand behind the word.
    let printed = start_in_vain(&[&user[..], &secret].concat());
    assert!(Caller::hello(&server, printed.stdout.trim()).await.is_ok());
    let without = start_in_vain(&user);
    assert_eq!(without.code, Some(2));
    assert!(without.stderr.contains("COWRITE_JWT_SECRET") && without.stdout.is_empty(), "{without:?}");
    let longer = start_in_vain(&[&secret[..], &user, &["--minutes", "1441"]].concat());
    assert_eq!(longer.code, Some(2), "{longer:?}");
}
