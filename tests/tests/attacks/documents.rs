//! Names of documents that are none.

use cowrite_protocol::frame::{Code, ServerFrame};
use cowrite_tests::raw::{RawClient, open};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;

use crate::scene::Scene;

fn hostile() -> Vec<String> {
    let mut ids: Vec<String> = [
        "",
        " ",
        ".",
        "..",
        "../etc/passwd",
        "..\\x",
        "a/../b",
        "a/b",
        "/a",
        "a\\b",
        "%2e%2e",
        "a%00",
        "a%2fb",
        "{}",
        "{a}",
        "a{b}c",
        "}a{",
        "a}:state",
        "cowrite:{a}:log",
        "*",
        "a*",
        "?",
        "[a]",
        "a b",
        "a ",
        " a",
        "a\t",
        "a\n",
        "a\r\nSET x 1\r\n",
        "a\0",
        "\0",
        "-a",
        ":a",
        "_a",
        "~a",
        "a'b",
        "a\"b",
        "a;b",
        "a,b",
        "a|b",
        "a&b",
        "a#b",
        "a?b",
        "a@b",
        "a=b",
        "a+b",
        "a$b",
        "<a>",
        "а",
        "a\u{301}",
        "ａ",
        "a\u{200b}",
        "a\u{202e}b",
        "a\u{feff}",
        "ﬁ",
        "😀",
        "\u{7f}",
        "a\u{85}",
    ]
    .map(str::to_owned)
    .into();
    ids.extend([129, 10_000, 65_536, 200_000].map(|length| "x".repeat(length)));
    ids
}

/// Each is refused, and the connection goes on.
async fn all_are_refused(client: &mut RawClient) {
    for (request, document) in (100..).zip(hostile()) {
        client.say(&[open(request, &document)]).await;
        let answer = client.hear(|frame| match frame {
            ServerFrame::OpenRefused { request: of, code, .. } if *of == request => Some(*code),
            ServerFrame::Opened(opened) => panic!("{document:?} is opened as {opened:?}"),
            _ => None,
        });
        assert_eq!(answer.await, Code::BadDocumentId, "{document:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_a_name_that_is_none_is_refused_and_opens_nothing() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    all_are_refused(&mut client).await;
    assert_eq!(scene.server.metrics().await.value("cowrite_rooms"), Some(1.0), "the neighbour's");
    for good in ["a", "org:42", "A.b_c~d-e", &"x".repeat(128)] {
        client.open(good).await;
    }
    // A name that is no UTF-8 is no string.
    client.send(b"\x01\x01\x02\xff\xfe\0\0\0\0\0").await;
    crate::scene::ends_with(client, Code::Malformed).await;
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_names_that_differ_in_a_byte_are_two_documents() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let mut channels = Vec::new();
    for document in ["a", "A", "a.", "a..", "a-", "a:", "a:b", "ab", "a0", "a~"] {
        channels.push(client.open(document).await);
    }
    channels.sort();
    channels.dedup();
    assert_eq!(channels.len(), 10);
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e8_in_redis_no_name_reaches_a_key_of_another() {
    let redis = RedisProcess::start(&[]);
    let server = ServerProcess::on_redis(&redis.url(), &["--connections-per-user", "100"]);
    let scene = Scene::around(server).await;
    let mut client = scene.user("mallory").await;
    let before = keys(&redis);
    all_are_refused(&mut client).await;
    assert_eq!(keys(&redis), before, "no key for what was refused");
    let channel = client.open("org:42").await;
    let operation = cowrite_tests::raw::packed(&crate::neighbour::insert(0, "x"));
    assert_eq!(client.submit(channel, 1, 0, &operation).await, None);
    // Beside the documents' there are the server's own: whether Redis answers, and who is connected.
    let own = |key: &String| key.starts_with("cowrite:ready:") || key.starts_with("cowrite:{@");
    for key in keys(&redis).into_iter().filter(|key| !own(key)) {
        let of_a_document = ["{calm}", "{org:42}"].iter().any(|tag| key.starts_with(&format!("cowrite:{tag}:")));
        assert!(of_a_document, "{key} belongs to nobody");
        // What Redis Cluster takes for the slot: from the first brace to the next that closes.
        let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map(|(tag, _)| tag);
        assert!(tag == Some("calm") || tag == Some("org:42"), "{key} lies in the slot of {tag:?}");
    }
    scene.unharmed().await;
}

fn keys(redis: &RedisProcess) -> Vec<String> {
    let mut keys: Vec<String> = redis::FromRedisValue::from_redis_value(redis.command(&["KEYS", "*"])).unwrap();
    keys.sort();
    keys
}
