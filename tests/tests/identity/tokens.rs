//! Tokens in every wrong shape.

use std::time::{Duration, Instant};

use cowrite_protocol::frame::Code;
use cowrite_tests::raw::{RawSocket, WsFrame, hello, message};
use cowrite_tests::server::{SECRET, ServerProcess, mint, start_in_vain};
use serde_json::json;

use crate::caller::Caller;
use crate::forge::{Signer, base64url, claims, now};

const KEYS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/identity/keys");

fn key(name: &str) -> String {
    format!("{KEYS}/{name}.public.pem")
}

/// A server that believes the tests' secret and three public keys, of one issuer and for one audience.
fn picky() -> ServerProcess {
    let (rsa, ec, ed) = (key("rsa"), key("ec"), key("ed"));
    ServerProcess::with_tokens(&[
        "--memory",
        "--jwt-public-key",
        &rsa,
        "--jwt-public-key",
        &ec,
        "--jwt-public-key",
        &ed,
        "--jwt-issuer",
        "app",
        "--jwt-audience",
        "cowrite",
        "--log-level",
        "trace",
    ])
}

fn for_us() -> serde_json::Value {
    json!({ "iss": "app", "aud": "cowrite" })
}

#[tokio::test]
async fn every_algorithm_lets_in_who_it_should() {
    let server = picky();
    for signer in [Signer::secret(), Signer::rsa(), Signer::ec(), Signer::ed()] {
        let token = signer.token(None, for_us());
        let Ok(mut ada) = Caller::hello(&server, &token).await else { panic!("{token} is refused") };
        assert!(ada.open("notes").await.is_ok());
        // The name of a key chooses nothing here.
        let named = signer.token(Some("../../etc/passwd"), for_us());
        assert!(Caller::hello(&server, &named).await.is_ok());
    }
}

/// A good token for [`picky`], and wrong ones of every kind.
fn good_and_wrong() -> (String, Vec<(&'static str, String)>) {
    let secret = Signer::secret();
    let with = |changes: serde_json::Value| {
        let mut all = for_us();
        all.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
        secret.token(None, all)
    };
    let said = claims(for_us()).to_string();
    let headed = |header: serde_json::Value| secret.sign(&header.to_string(), &said);
    let good = with(json!({}));
    let (message, signature) = good.rsplit_once('.').unwrap();
    let (header, body) = message.split_once('.').unwrap();
    let unsigned = |algorithm: &str| format!("{}.{body}", base64url(&json!({ "alg": algorithm }).to_string()));
    let public = std::fs::read(key("rsa")).unwrap();
    let forged_body = base64url(&claims(json!({ "iss": "app", "aud": "cowrite", "sub": "root" })).to_string());
    let cut_signature = &signature[..signature.len() - 4];
    let mut wrong = vec![
        ("nothing", String::new()),
        ("a developer's", "dev:ada".to_owned()),
        ("dots", "..".to_owned()),
        ("no base64", "a!.b!.c!".to_owned()),
        ("none", unsigned("none") + "."),
        ("none, signed", format!("{}.{signature}", unsigned("none"))),
        ("None", unsigned("None") + "."),
        ("nONE", unsigned("nONE") + "."),
        ("no signature", format!("{message}.")),
        ("no signature at all", message.to_owned()),
        ("a cut signature", format!("{message}.{cut_signature}")),
        ("another's claims", format!("{header}.{forged_body}.{signature}")),
        ("another secret", Signer::of_secret(b"another secret of at least 32 bytes").token(None, for_us())),
        ("the public key as a secret", Signer::of_secret(&public).token(None, for_us())),
        ("the public key as a secret, trimmed", Signer::of_secret(public.trim_ascii()).token(None, for_us())),
        ("another key", Signer::ec2().token(None, for_us())),
        ("HS256 called RS256", headed(json!({ "alg": "RS256" }))),
        ("RS256 called HS256", Signer::rsa().sign(&json!({ "alg": "HS256" }).to_string(), &said)),
        ("ES256 called EdDSA", Signer::ec().sign(&json!({ "alg": "EdDSA" }).to_string(), &said)),
        ("HS384", headed(json!({ "alg": "HS384" }))),
        ("HS512", headed(json!({ "alg": "HS512" }))),
        ("PS256", Signer::rsa().sign(&json!({ "alg": "PS256" }).to_string(), &said)),
        ("an algorithm that is a number", headed(json!({ "alg": 256 }))),
        ("no algorithm", headed(json!({ "typ": "JWT" }))),
        ("two algorithms", secret.sign(r#"{"alg":"none","alg":"HS256"}"#, &said)),
        ("crit", headed(json!({ "alg": "HS256", "crit": ["exp"] }))),
        ("empty crit", headed(json!({ "alg": "HS256", "crit": [] }))),
        ("crit that is none", headed(json!({ "alg": "HS256", "crit": "b64" }))),
        ("a header that is no object", secret.sign("7", &said)),
        ("claims that are no object", secret.sign(r#"{"alg":"HS256"}"#, "[]")),
        ("claims that are no JSON", secret.sign(r#"{"alg":"HS256"}"#, "{")),
        ("a nest", secret.sign(r#"{"alg":"HS256"}"#, &format!("{}{}", "[".repeat(4_000), "]".repeat(4_000)))),
        ("two users", secret.sign(r#"{"alg":"HS256"}"#, &said.replacen('{', r#"{"sub":"eve","#, 1))),
        ("two tokens", format!("{good}{good}")),
        ("two tokens with a dot", format!("{good}.{good}")),
        ("two tokens with a space", format!("{good} {good}")),
        ("a fourth part", format!("{good}.")),
        ("a line break", format!("{good}\n")),
        ("Bearer", format!("Bearer {good}")),
        ("no exp", secret.sign(r#"{"alg":"HS256"}"#, r#"{"sub":"ada","iss":"app","aud":"cowrite"}"#)),
        ("exp null", with(json!({ "exp": null }))),
        ("exp as text", with(json!({ "exp": (now() + 60).to_string() }))),
        ("exp huge", with(json!({ "exp": 1e300 }))),
        ("exp infinite", secret.sign(r#"{"alg":"HS256"}"#, &said.replace("\"exp\":", "\"exp\":1e999,\"x\":"))),
        ("exp in an array", with(json!({ "exp": [now() + 60] }))),
        ("exp too far", with(json!({ "exp": now() + 25 * 3_600 }))),
        ("nbf ahead", with(json!({ "nbf": now() + 120 }))),
        ("nbf as text", with(json!({ "nbf": "0" }))),
        ("iat ahead", with(json!({ "iat": now() + 120 }))),
        ("no iat", with(json!({ "iat": null }))),
        ("iat long ago", with(json!({ "iat": now() - 48 * 3_600 }))),
        ("another issuer", with(json!({ "iss": "app2" }))),
        ("issuers", with(json!({ "iss": ["app"] }))),
        ("another audience", with(json!({ "aud": "cowrite2" }))),
        ("other audiences", with(json!({ "aud": ["a", "b"] }))),
        ("no audience", with(json!({ "aud": null }))),
        ("expired, and for another", with(json!({ "exp": now() - 3_600, "aud": "a" }))),
        ("expired, and of another key", Signer::ec2().token(None, json!({ "exp": 1, "iss": "app", "aud": "cowrite" }))),
        ("no user", with(json!({ "sub": null }))),
        ("a user that is none", with(json!({ "sub": "a\u{0}b" }))),
        ("a long name", with(json!({ "name": "x".repeat(257) }))),
        ("a document that is none", with(json!({ "cowrite": { "documents": { "../a": "editor" } } }))),
        ("a role that is none", with(json!({ "cowrite": { "documents": { "a": "root" } } }))),
        ("too long", with(json!({ "padding": "x".repeat(16 << 10) }))),
        ("much too long", with(json!({ "padding": "x".repeat(150 << 10) }))),
    ];
    // With every single bit of its signature's first bytes turned.
    for at in 0..4 {
        let turned = if signature.as_bytes()[at] == b'A' { 'B' } else { 'A' };
        let signature = format!("{}{turned}{}", &signature[..at], &signature[at + 1..]);
        wrong.push(("a turned bit", format!("{message}.{signature}")));
    }
    (good, wrong)
}

#[tokio::test]
async fn e2_every_wrong_token_is_refused_with_one_code() {
    let server = picky();
    let (good, wrong) = good_and_wrong();
    assert!(Caller::hello(&server, &good).await.is_ok());
    let mut told = Vec::new();
    for (what, token) in &wrong {
        let refusal = Caller::hello(&server, token).await.err();
        if refusal != Some((Code::Unauthorized, 0)) {
            told.push((what, refusal));
        }
    }
    assert_eq!(told, [], "these are answered otherwise");
    // Larger than any message: not even read.
    let megabyte = Signer::secret().token(None, json!({ "padding": "x".repeat(1 << 20) }));
    assert_eq!(Caller::hello(&server, &megabyte).await.err(), Some((Code::TooLarge, 0)));
    server.logs(&["a token is refused"]);
    let log = server.log();
    let (message, signature) = good.rsplit_once('.').unwrap();
    for secret in [SECRET, signature, message.split_once('.').unwrap().1] {
        assert!(!log.contains(secret), "the log tells {secret}");
    }
}

/// How much longer the slowest kind may take than the middle one: much more than the costliest signature
/// takes, and much less than a look at a file, a list or a network.
const CLIFF: Duration = Duration::from_millis(10);

/// Longer than any that is read, and short enough to be here at once.
const SHORT_BYTES: usize = 64 << 10;

#[tokio::test]
async fn e2_no_wrong_token_is_told_more_or_later_than_another() {
    let server = picky();
    let (_, wrong) = good_and_wrong();
    let mut quickest = vec![Duration::MAX; wrong.len()];
    let mut told = vec![Vec::new(); wrong.len()];
    // In turns, so that what else the machine does meets all of them; the quickest of each is what it costs.
    for _ in 0..8 {
        for ((_, token), (quickest, told)) in wrong.iter().zip(quickest.iter_mut().zip(&mut told)) {
            let mut socket = RawSocket::connect(server.address()).await;
            let began = Instant::now();
            socket.writer.frame(&WsFrame::binary(&message(&[hello(token)]))).await;
            *told = vec![socket.reader.next().await.unwrap()];
            *quickest = began.elapsed().min(*quickest);
            // That was why; the others only end it.
            while told.last().unwrap().close_code().is_none() {
                told.push(socket.reader.next().await.unwrap());
            }
        }
    }
    let first = &told[0];
    assert!(first.len() > 1);
    for ((what, _), told) in wrong.iter().zip(&told) {
        assert_eq!(told, first, "{what} is told otherwise than {}", wrong[0].0);
    }
    let mut sorted = quickest.clone();
    sorted.sort_unstable();
    let middle = sorted[sorted.len() / 2];
    // Of one that is long the sender knows that itself, and its way here takes the most of the time.
    let short = quickest.iter().zip(&wrong).filter(|(_, (_, token))| token.len() < SHORT_BYTES);
    let (slowest, what) = short.max_by_key(|(time, _)| **time).unwrap();
    println!("{} kinds: from {:?}, {middle:?} in the middle, to {slowest:?} ({})", wrong.len(), sorted[0], what.0);
    assert!(*slowest < middle + CLIFF, "{} takes {slowest:?}, and {middle:?} is usual", what.0);
}

#[tokio::test]
async fn e2_only_a_token_that_was_good_has_expired() {
    let server = ServerProcess::with_tokens(&["--memory", "--token-leeway-s", "5"]);
    let expired = |changes: serde_json::Value| Signer::secret().token(None, changes);
    let refused = async |token: String| Caller::hello(&server, &token).await.err().map(|(code, _)| code);
    assert_eq!(refused(expired(json!({ "exp": now() - 10 }))).await, Some(Code::TokenExpired));
    assert_eq!(refused(expired(json!({ "exp": 0 }))).await, Some(Code::TokenExpired));
    assert_eq!(refused(expired(json!({ "exp": now() - 3 }))).await, None);
    // Nobody asked for an audience here, so it is for somebody else.
    assert_eq!(refused(expired(json!({ "exp": now() - 10, "aud": "a" }))).await, Some(Code::Unauthorized));
    assert_eq!(refused(mint("ada", &[])).await, None);
}

#[tokio::test]
async fn h5_secrets_are_changed_without_a_pause() {
    let place = cowrite_tests::process::Place::new();
    let (old, new) = (place.path("old"), place.path("new"));
    std::fs::write(&old, "the secret of last year, long enough\n").unwrap();
    std::fs::write(&new, "the secret of this year, long enough\n").unwrap();
    let (old, new) = (old.to_str().unwrap(), new.to_str().unwrap());
    let server = ServerProcess::with_front_door(&["--memory", "--jwt-secret-file", new, "--jwt-secret-file", old]);
    for (secret, good) in [
        ("the secret of last year, long enough", true),
        ("the secret of this year, long enough", true),
        ("the secret of next year, long enough", false),
    ] {
        let token = Signer::of_secret(secret.as_bytes()).token(None, json!({}));
        assert_eq!(Caller::hello(&server, &token).await.is_ok(), good, "{secret}");
    }
}

#[test]
fn keys_that_are_none_are_refused_at_start() {
    let (private, p384, small) = (format!("{KEYS}/ec.pem"), key("p384"), key("rsa1024"));
    for (flags, says) in [
        (["--jwt-secret", "too short for anybody"], "at least 32 bytes"),
        (["--jwt-public-key", &private], "private key"),
        (["--jwt-public-key", &p384], "P-256"),
        (["--jwt-public-key", &small], "2048"),
        (["--jwt-public-key", "/no/such/file"], "/no/such/file"),
        (["--jwt-issuer", "app"], "--jwt-secret-file"),
    ] {
        let ended = start_in_vain(&[&["--memory", "--listen", "127.0.0.1:0"], &flags[..]].concat());
        assert_eq!(ended.code, Some(2), "{flags:?}: {ended:?}");
        assert!(ended.stderr.contains(says), "{flags:?}: {ended:?}");
        assert!(!ended.stderr.contains("too short for anybody"), "{ended:?}");
    }
}
