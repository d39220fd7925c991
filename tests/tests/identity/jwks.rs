//! Keys that the application publishes, changes, and sometimes cannot be asked for.

use std::time::Duration;

use cowrite_protocol::frame::{Code, Role};
use cowrite_tests::server::ServerProcess;
use futures_util::future::join_all;
use serde_json::json;

use crate::application::Application;
use crate::caller::Caller;
use crate::forge::Signer;

fn server(application: &Application, refresh_s: &str) -> ServerProcess {
    let url = application.url("/keys");
    ServerProcess::with_front_door(&["--memory", "--jwks-url", &url, "--jwks-refresh-s", refresh_s])
}

async fn refused(server: &ServerProcess, token: &str) -> Option<Code> {
    Caller::hello(server, token).await.err().map(|(code, _)| code)
}

#[tokio::test]
async fn h5_keys_change_and_nobody_who_is_inside_notices() {
    let application = Application::start();
    let (old, new) = (Signer::ec(), Signer::ec2());
    application.publishes(&[old.jwk("2025")]);
    let server = server(&application, "1");
    let mut ada = Caller::hello(&server, &old.token(Some("2025"), json!({}))).await.ok().unwrap();
    assert_eq!(ada.open("a").await, Ok(Role::Editor));
    // The new key is published beside the old one: each is good, the new one at once.
    application.publishes(&[old.jwk("2025"), new.jwk("2026")]);
    let mut eve = Caller::hello(&server, &new.token(Some("2026"), json!({ "sub": "eve" }))).await.ok().unwrap();
    assert_eq!(eve.open("a").await, Ok(Role::Editor));
    assert_eq!(refused(&server, &old.token(Some("2025"), json!({}))).await, None);
    // The old one is published no more.
    application.publishes(&[new.jwk("2026")]);
    application.fetched_anew().await;
    assert_eq!(refused(&server, &old.token(Some("2025"), json!({}))).await, Some(Code::Unauthorized));
    // Nor is it good under the name of another.
    assert_eq!(refused(&server, &old.token(Some("2026"), json!({}))).await, Some(Code::Unauthorized));
    assert_eq!(ada.open("b").await, Ok(Role::Editor));
    assert_eq!(eve.open("b").await, Ok(Role::Editor));
}

#[tokio::test]
async fn while_the_list_cannot_be_had_the_last_one_is_believed() {
    let application = Application::start();
    let (known, other) = (Signer::rsa(), Signer::ec2());
    application.publishes(&[known.jwk("a")]);
    let server = server(&application, "1");
    assert_eq!(refused(&server, &known.token(Some("a"), json!({}))).await, None);
    for (status, body) in [
        (500, "{}"),
        (200, "no JSON"),
        (200, "{}"),
        (200, r#"{"keys": []}"#),
        (200, r#"{"keys": [{"kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "kid": "b"}]}"#),
    ] {
        application.publishes_instead(status, body);
        application.fetched_anew().await;
        assert_eq!(refused(&server, &known.token(Some("a"), json!({}))).await, None, "{status} {body}");
    }
    // Whether that key is good nobody knows now: come back.
    let unknown = Caller::hello(&server, &other.token(Some("b"), json!({}))).await.err();
    assert!(matches!(unknown, Some((Code::Internal, _))), "{unknown:?}");
    application.publishes(&[known.jwk("a"), other.jwk("b")]);
    assert_eq!(refused(&server, &other.token(Some("b"), json!({}))).await, None);
}

#[tokio::test]
async fn a_server_starts_without_the_list_and_takes_it_when_it_comes() {
    let application = Application::start();
    let server = server(&application, "3600");
    let token = Signer::ed().token(Some("a"), json!({}));
    assert_eq!(refused(&server, &token).await, Some(Code::Internal));
    application.publishes(&[Signer::ed().jwk("a")]);
    assert_eq!(refused(&server, &token).await, None);
}

#[tokio::test]
async fn tokens_that_name_unknown_keys_do_not_make_the_server_ask_and_ask() {
    let application = Application::start();
    let known = Signer::ec();
    application.publishes(&[known.jwk("a")]);
    let server = server(&application, "3600");
    assert_eq!(refused(&server, &known.token(Some("a"), json!({}))).await, None);
    let (before, begun) = (application.fetches(), std::time::Instant::now());
    let url = application.url("/keys");
    let strange = ["b", "../a", &url, "a\u{0}", "", "' or 1=1"];
    let tokens = strange.iter().cycle().take(60).map(|id| known.token(Some(id), json!({})));
    let refusals = join_all(tokens.map(|token| async {
        let token = token;
        refused(&server, &token).await
    }))
    .await;
    assert!(refusals.iter().all(|code| *code == Some(Code::Unauthorized)), "{refusals:?}");
    let most = 2 + begun.elapsed().as_secs() as usize / 3;
    assert!(application.fetches() - before <= most, "{} fetches for 60 tokens", application.fetches() - before);
    // Who names a key that is known waits for none of it.
    let begun = std::time::Instant::now();
    let (strange, good) = (known.token(Some("c"), json!({})), known.token(Some("a"), json!({})));
    let (_, good) = tokio::join!(refused(&server, &strange), async {
        let refused = refused(&server, &good).await;
        (refused, begun.elapsed())
    });
    assert_eq!(good.0, None);
    assert!(good.1 < Duration::from_secs(2), "{good:?}");
}

#[tokio::test]
async fn a_published_key_signs_by_its_own_algorithm_and_never_as_a_secret() {
    let application = Application::start();
    let signer = Signer::ec();
    let mut hmac = Signer::secret().jwk("c");
    hmac["alg"] = json!("HS256");
    application.publishes(&[signer.jwk("a"), Signer::rsa().jwk("b"), hmac]);
    let server = server(&application, "3600");
    let claims = crate::forge::claims(json!({})).to_string();
    let under = |signer: &Signer, algorithm: &str, id: &str| {
        signer.sign(&json!({ "alg": algorithm, "kid": id }).to_string(), &claims)
    };
    assert_eq!(refused(&server, &under(&signer, "ES256", "a")).await, None);
    // The only one of its algorithm needs no name.
    assert_eq!(refused(&server, &signer.token(None, json!({}))).await, None);
    let public = signer.jwk("a").to_string();
    for token in [
        under(&signer, "ES256", "b"),
        under(&signer, "RS256", "a"),
        under(&signer, "none", "a"),
        under(&Signer::secret(), "HS256", "c"),
        under(&Signer::of_secret(public.as_bytes()), "HS256", "a"),
        under(&Signer::ec2(), "ES256", "a"),
    ] {
        assert_eq!(refused(&server, &token).await, Some(Code::Unauthorized));
    }
}
