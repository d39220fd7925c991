//! Roles that the application is asked for, however it behaves.

use std::time::Duration;

use cowrite_protocol::frame::{Code, Role};
use cowrite_tests::server::{SECRET, ServerProcess, mint};
use futures_util::future::join_all;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep};

use crate::application::{Application, Manner};
use crate::caller::Caller;
use crate::forge::{Signer, now};

const CALLBACK_SECRET: &str = "the secret of the callback, long enough";

fn server(url: &str, holds_ms: &str) -> ServerProcess {
    let asks = ["--access-callback", url, "--access-callback-secret", CALLBACK_SECRET];
    let times = ["--access-callback-ms", "500", "--access-holds-ms", holds_ms];
    ServerProcess::with_tokens(&[&["--memory"], &asks[..], &times].concat())
}

/// What a fresh connection of this user is told.
async fn opens(server: &ServerProcess, token: &str, document: &str) -> Result<Role, (Code, u32)> {
    Caller::hello(server, token).await.ok().unwrap().open(document).await
}

#[tokio::test]
async fn the_application_decides_and_knows_who_asks() {
    let application = Application::start();
    application.grants("ada", "notes", Some("owner"));
    application.grants("eve", "notes", Some("viewer"));
    let server = server(&application.url("/access"), "5000");
    // What the token says of documents does not count.
    let ada = Signer::secret().token(None, json!({ "jti": "t-1" }));
    assert_eq!(opens(&server, &ada, "notes").await, Ok(Role::Owner));
    assert_eq!(opens(&server, &ada, "secret").await, Err((Code::AccessDenied, 0)));
    assert_eq!(opens(&server, &mint("eve", &[("*", "owner")]), "notes").await, Ok(Role::Viewer));
    let asked = &application.asked()[0];
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    assert_eq!(body, json!({ "user": "ada", "document": "notes", "token": "t-1" }));
    let header = |name: &str| asked.headers[name].to_str().unwrap();
    assert_eq!(header("content-type"), "application/json");
    let time: u64 = header("cowrite-timestamp").parse().unwrap();
    assert!(now().abs_diff(time) < 30);
    let signed = format!("{time}.{}", asked.body);
    let verified = |secret: &str| {
        let key = DecodingKey::from_secret(secret.as_bytes());
        jsonwebtoken::crypto::verify(header("cowrite-signature"), signed.as_bytes(), &key, Algorithm::HS256).unwrap()
    };
    assert!(verified(CALLBACK_SECRET));
    assert!(!verified(SECRET));
    let log = server.log();
    assert!(!log.contains(CALLBACK_SECRET), "{log}");
}

#[tokio::test]
async fn a_crowd_is_one_question() {
    let application = Application::start();
    application.grants("ada", "notes", Some("editor"));
    application.behaves(Manner::Slow(200));
    let server = server(&application.url("/access"), "60000");
    let token = Signer::secret().token(None, json!({ "jti": "t-1" }));
    let mut callers = Vec::new();
    for _ in 0..8 {
        callers.push(Caller::hello(&server, &token).await.ok().unwrap());
    }
    let roles = join_all(callers.iter_mut().map(|caller| caller.open("notes"))).await;
    assert_eq!(roles, [Ok(Role::Editor); 8]);
    assert_eq!(application.asked().len(), 1);
    // Another document, user or token is another question.
    assert_eq!(callers[0].open("other").await, Err((Code::AccessDenied, 0)));
    application.grants("eve", "notes", Some("viewer"));
    let eve = Signer::secret().token(None, json!({ "sub": "eve", "jti": "t-1" }));
    assert_eq!(opens(&server, &eve, "notes").await, Ok(Role::Viewer));
    application.grants("ada", "notes", Some("commenter"));
    let link = Signer::secret().token(None, json!({ "jti": "t-2" }));
    assert_eq!(opens(&server, &link, "notes").await, Ok(Role::Commenter));
}

#[tokio::test]
async fn e10_whatever_is_no_plain_answer_lets_nobody_in() {
    let application = Application::start();
    application.grants("ada", "notes", Some("owner"));
    let server = server(&application.url("/access"), "100");
    let token = mint("ada", &[("*", "owner")]);
    let mut ada = Caller::hello(&server, &token).await.ok().unwrap();
    let yes = json!({ "user": "ada", "document": "notes", "role": "owner" });
    let with = |name: &str, value: Value| {
        let mut answer = yes.clone();
        answer[name] = value;
        Manner::Says(200, answer.to_string())
    };
    let without = |name: &str| {
        let mut answer = yes.clone();
        answer.as_object_mut().unwrap().remove(name);
        Manner::Says(200, answer.to_string())
    };
    for manner in [
        Manner::Says(500, yes.to_string()),
        Manner::Says(403, String::new()),
        Manner::Says(404, String::new()),
        Manner::Says(201, yes.to_string()),
        Manner::Says(204, String::new()),
        Manner::Redirects,
        Manner::Slow(2_000),
        Manner::Says(200, String::new()),
        Manner::Says(200, "owner".to_owned()),
        Manner::Says(200, "[]".to_owned()),
        Manner::Says(200, format!("{yes}{yes}")),
        with("padding", json!("x".repeat(8 << 10))),
        with("user", json!("eve")),
        with("user", json!("Ada")),
        with("document", json!("notes2")),
        with("document", json!(null)),
        with("role", json!("root")),
        with("role", json!(["owner"])),
        with("role", json!(true)),
        with("for_ms", json!(-1)),
        with("for_ms", json!("1000")),
        without("user"),
        without("document"),
        without("role"),
    ] {
        application.behaves(manner.clone());
        let begun = Instant::now();
        let answer = settled(&mut ada, Code::Unavailable).await;
        assert!(matches!(answer, Err((Code::Unavailable, retry_ms)) if retry_ms > 0), "{manner:?}: {answer:?}");
        assert!(begun.elapsed() < Duration::from_secs(10), "{manner:?}");
        application.behaves(Manner::Right);
        assert!(opened_and_closed(&mut ada).await, "{manner:?}");
    }
    drop(application);
    let down = settled(&mut ada, Code::Unavailable).await;
    assert!(matches!(down, Err((Code::Unavailable, retry_ms)) if retry_ms > 0), "{down:?}");
    server.logs(&["the application does not say what a user may do"]);
}

#[tokio::test]
async fn e10_answers_are_forgotten_soon_and_as_soon_as_the_application_says() {
    let application = Application::start();
    let server = server(&application.url("/access"), "600000");
    let mut ada = Caller::hello(&server, &mint("ada", &[])).await.ok().unwrap();
    // A "no" is not kept long, however long answers hold.
    assert_eq!(ada.open("notes").await, Err((Code::AccessDenied, 0)));
    application.grants_for("ada", "notes", Some("editor"), Some(400));
    let begun = Instant::now();
    assert!(opened_and_closed(&mut ada).await);
    assert!(begun.elapsed() < Duration::from_secs(10));
    application.grants("ada", "notes", None);
    let answer = settled(&mut ada, Code::AccessDenied).await;
    assert_eq!(answer, Err((Code::AccessDenied, 0)));
}

/// Opens again and again until the answer is this code: what was answered before holds a moment.
async fn settled(caller: &mut Caller, code: Code) -> Result<Role, (Code, u32)> {
    let deadline = Instant::now() + Duration::from_secs(10);
    loop {
        let answer = caller.open("notes").await;
        if matches!(answer, Err((refused, _)) if refused == code) || Instant::now() > deadline {
            return answer;
        }
        if answer.is_ok() {
            caller.close().await;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Opens until it is let in, and closes again.
async fn opened_and_closed(caller: &mut Caller) -> bool {
    let deadline = Instant::now() + Duration::from_secs(10);
    while caller.open("notes").await.is_err() {
        if Instant::now() > deadline {
            return false;
        }
        sleep(Duration::from_millis(20)).await;
    }
    caller.close().await;
    true
}
