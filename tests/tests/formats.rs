//! What a real server lets nobody put into a document, whoever tries.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on says so and fails")]

use std::time::{Duration, Instant};

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings, TokenSource};
use cowrite_client::{Event, session::SessionSettings};
use cowrite_protocol::frame::{ClientFrame, Code, Packed, ServerFrame};
use cowrite_protocol::operation::{Attributes, Component, Json, Operation};
use cowrite_protocol::{Channel, DocumentType, RichText, Utf16Length, Version};
use cowrite_tests::process::Place;
use cowrite_tests::raw::{RawClient, packed, submit};
use cowrite_tests::relay::{Relay, Ways};
use cowrite_tests::server::{ServerProcess, start_in_vain};
use tokio::time::timeout;

/// Nothing takes that long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(20);

fn set(json: &str) -> Attributes {
    Attributes::parse(json).unwrap()
}

fn text(text: &str, attributes: &str) -> Operation {
    Operation::from_components([Component::Insert { text: text.into(), attributes: set(attributes) }])
}

fn embed(json: &str) -> Operation {
    Operation::from_components([Component::embed(Json::parse(json).unwrap())])
}

fn formatted(length: u32, attributes: &str) -> Operation {
    Operation::from_components([Component::Retain { length: Utf16Length(length), attributes: set(attributes) }])
}

async fn user(server: &ServerProcess, name: &str) -> RawClient {
    RawClient::greeted(server.address(), &format!("dev:{name}")).await
}

/// Somebody with an honest client; the first half is to be kept.
async fn person(server: &ServerProcess, name: &str, document: &str) -> (NativeClient, DocumentClient) {
    let settings = NativeSettings { session: SessionSettings::new(7) };
    let client = NativeClient::connect(&server.url(), TokenSource::fixed(&format!("dev:{name}")), settings).unwrap();
    let document = client.open(document.parse().unwrap(), "").unwrap();
    timeout(PATIENCE, document.opened()).await.expect("it opens").unwrap();
    (client, document)
}

/// The document as Quill's delta, as somebody sees it who opens it now.
async fn content(server: &ServerProcess, document: &str) -> String {
    RichText::to_json(&person(server, "reader", document).await.1.document())
}

async fn submit_in_parts(
    client: &mut RawClient,
    channel: Channel,
    seq: u64,
    base: u64,
    edit: &Operation,
) -> Option<Code> {
    client.say_in_parts(channel, &submit(channel, seq, base, &packed(edit))).await;
    client.answer(channel).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_hostile_gets_into_a_rich_text() {
    let server = ServerProcess::with_flags(&["--memory", "--formats", "rich"]);
    let mut mallory = user(&server, "mallory").await;
    let channel = mallory.open("notes").await;
    assert_eq!(mallory.submit(channel, 1, 0, &packed(&text("read me\n", "{}"))).await, None);
    let nested = format!(r#"{{"bold":{}true{}}}"#, "[".repeat(30), "]".repeat(30));
    let long = format!(r#"{{"link":"https://{}"}}"#, "x".repeat(5_000));
    let attributes = [
        r#"{"link":"javascript:alert(document.cookie)"}"#,
        r#"{"link":"JaVaScRiPt:alert(1)"}"#,
        r#"{"link":"\u0001javascript:alert(1)"}"#,
        r#"{"link":"java\nscript:alert(1)"}"#,
        r#"{"link":" javascript:alert(1)"}"#,
        r#"{"link":"data:text/html,<script>alert(1)</script>"}"#,
        r#"{"link":{"href":"vbscript:x"}}"#,
        r#"{"link":{"href":"/","onclick":"alert(1)"}}"#,
        r#"{"bold":true,"onmouseover":"alert(1)"}"#,
        r#"{"style":"position:fixed;inset:0"}"#,
        r#"{"__proto__":{"admin":true}}"#,
        r#"{"header":{"level":1}}"#,
        r#"{"header":99999}"#,
        &nested,
        &long,
    ];
    let embeds = [
        r#"{"iframe":"https://example.org"}"#,
        r#"{"image":"javascript:alert(1)"}"#,
        r#"{"image":"data:image/svg+xml,<svg onload=alert(1)>"}"#,
        r#"{"image":{"src":"x","onerror":"alert(1)"}}"#,
        r#"{"image":"a.png","onerror":"alert(1)"}"#,
        r#"{"video":"javascript:alert(1)"}"#,
        r#"{"script":"alert(1)"}"#,
        "{}",
    ];
    let in_text = attributes.iter().map(|set| text("click", set));
    let on_text = attributes.iter().map(|set| formatted(4, set));
    let hidden = Operation::from_components([
        Component::insert("harmless"),
        Component::retain(2),
        Component::delete(1),
        Component::Embed { value: Json::parse(r#"{"break":true}"#).unwrap(), attributes: set(attributes[0]) },
    ]);
    let hostile: Vec<Operation> =
        in_text.chain(on_text).chain(embeds.iter().map(|value| embed(value))).chain([hidden]).collect();
    let mut seq = 1;
    for edit in &hostile {
        seq += 1;
        assert_eq!(mallory.submit(channel, seq, 1, &packed(edit)).await, Some(Code::ForbiddenContent), "{edit:?}");
    }
    // The same number again is told the same, and no number is left over for something else.
    assert_eq!(mallory.submit(channel, seq, 1, &packed(&text("x", "{}"))).await, Some(Code::ForbiddenContent));
    // Lost work that one claims to have comes in by another door.
    mallory
        .say(&[ClientFrame::Restore {
            channel,
            base: Version::new(1).unwrap(),
            operation: Packed(&packed(&hostile[0])),
        }])
        .await;
    let refused = mallory.hear(|frame| match frame {
        ServerFrame::Restored { refused, .. } => Some(*refused),
        _ => None,
    });
    assert_eq!(refused.await, Some(Code::ForbiddenContent));
    mallory.goes_on().await.unwrap();
    let good = text("a link", r#"{"link":"https://example.org","bold":true}"#);
    assert_eq!(mallory.submit(channel, seq + 1, 1, &packed(&good)).await, None);
    assert_eq!(
        content(&server, "notes").await,
        r#"{"ops":[{"insert":"a link","attributes":{"bold":true,"link":"https://example.org"}},{"insert":"read me\n"}]}"#
    );
    let counted = server.metrics().await.sum("cowrite_forbidden_edits_total");
    assert_eq!(counted, hostile.len() as f64 + 1.0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_edits_gets_it_back_and_the_others_never_see_it() {
    let server = ServerProcess::with_flags(&["--memory", "--formats", "rich"]);
    let (_ada, ada) = person(&server, "ada", "notes").await;
    let (_ben, ben) = person(&server, "ben", "notes").await;
    let mut told = ada.events();
    let first = ada.edit(&text("words\n", "{}")).unwrap();
    timeout(PATIENCE, ada.when_accepted(first)).await.unwrap().unwrap();
    let bad = text("click", r#"{"link":"javascript:alert(1)"}"#);
    ada.edit(&bad).unwrap();
    let (code, operation) = timeout(PATIENCE, async {
        loop {
            if let Event::Rejected { code, operation, .. } = told.recv().await.unwrap() {
                return (code, operation);
            }
        }
    })
    .await
    .expect("she is told");
    assert_eq!((code, operation), (Code::ForbiddenContent, bad));
    assert_eq!(ada.text(), "words\n");
    let next = ada.edit(&text("more ", r#"{"bold":true}"#)).unwrap();
    timeout(PATIENCE, ada.when_accepted(next)).await.unwrap().unwrap();
    timeout(PATIENCE, ben.wait_until(|status| status.version.get() == 2)).await.unwrap().unwrap();
    assert_eq!((ben.text(), ben.document() == ada.document()), ("more words\n".to_owned(), true));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d5_a_refusal_that_never_arrived_is_told_once_when_its_author_is_back() {
    let server = ServerProcess::with_flags(&["--memory", "--formats", "rich"]);
    let relay = Relay::to(server.address());
    let url = format!("ws://{}/v1/socket", relay.address());
    let settings = NativeSettings { session: SessionSettings::new(7) };
    let client = NativeClient::connect(&url, TokenSource::fixed("dev:ada"), settings).unwrap();
    let ada = client.open("notes".parse().unwrap(), "").unwrap();
    timeout(PATIENCE, ada.opened()).await.expect("it opens").unwrap();
    let mut told = ada.events();
    let first = ada.edit(&text("words\n", "{}")).unwrap();
    timeout(PATIENCE, ada.when_accepted(first)).await.unwrap().unwrap();
    let refused = async || server.metrics().await.sum("cowrite_forbidden_edits_total");

    relay.hole(Ways::Down);
    ada.edit(&text("click", r#"{"link":"javascript:alert(1)"}"#)).unwrap();
    let behind = ada.edit(&text("more ", r#"{"bold":true}"#)).unwrap();
    let deadline = Instant::now() + PATIENCE;
    while refused().await < 1.0 {
        assert!(Instant::now() < deadline, "it never arrives");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    relay.cut();
    relay.heal();
    client.wake();
    timeout(PATIENCE, ada.when_accepted(behind)).await.unwrap().unwrap();
    assert_eq!(refused().await, 2.0, "it was judged twice");
    let mut refusals = 0;
    while let Ok(event) = told.try_recv() {
        refusals += usize::from(matches!(event, Event::Rejected { .. }));
    }
    assert_eq!((refusals, ada.text().as_str()), (1, "more words\n"));
    assert_eq!(content(&server, "notes").await, RichText::to_json(&ada.document()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_document_has_the_format_that_the_file_says() {
    let place = Place::new();
    let file = place.path("formats.json");
    let formats = r#"{
        "formats": {"tasks": {"attributes": {"list": {"one_of": ["checked", "unchecked"]}}, "embeds": {"due": {"integer": [0, 4102444800]}}}},
        "documents": {"*": "plain", "task-*": "tasks", "wild": "any"}
    }"#;
    std::fs::write(&file, formats).unwrap();
    let flags = ["--memory", "--formats", file.to_str().unwrap()];
    let server = ServerProcess::with_flags(&flags);
    let checked = start_in_vain(&[&["check-config", "--dev", "--listen", "127.0.0.1:0"][..], &flags].concat());
    assert_eq!(checked.code, Some(0), "{checked:?}");
    assert!(checked.stdout.contains("tasks for task-*") && checked.stdout.contains("plain for *"), "{checked:?}");
    let done = text("\n", r#"{"list":"checked"}"#);
    let due = embed(r#"{"due":1700000000}"#);
    let strange = text("x", r#"{"strange":[1]}"#);
    let forbidden = Some(Code::ForbiddenContent);
    let mut client = user(&server, "ada").await;
    for (document, expected) in [("other", [forbidden; 3]), ("task-1", [None, None, forbidden]), ("wild", [None; 3])] {
        let channel = client.open(document).await;
        for (seq, (edit, expected)) in (1..).zip([&done, &due, &strange].into_iter().zip(expected)) {
            assert_eq!(client.submit(channel, seq, 0, &packed(edit)).await, expected, "{document}: {edit:?}");
        }
        assert_eq!(client.submit(channel, 4, 0, &packed(&text("plain\n", "{}"))).await, None, "{document}");
    }
}

#[test]
fn a_file_that_makes_no_sense_starts_no_server() {
    let place = Place::new();
    let file = place.path("formats.json");
    for (content, says) in [
        ("not JSON", "expected"),
        (r#"{"documents": {"*": "nice"}}"#, "documents.*"),
        (r#"{"formats": {"a": {"attributes": {"b": "bolean"}}}, "documents": {"*": "a"}}"#, "formats.a.attributes.b"),
    ] {
        std::fs::write(&file, content).unwrap();
        let here = ["--dev", "--memory", "--listen", "127.0.0.1:0", "--formats", file.to_str().unwrap()];
        for flags in [&here[..], &[&["check-config"][..], &here].concat()] {
            let ended = start_in_vain(flags);
            assert_eq!(ended.code, Some(2), "{ended:?}");
            assert!(ended.stderr.contains("--formats") && ended.stderr.contains(says), "{ended:?}");
        }
    }
    let open = start_in_vain(&["check-config", "--dev", "--memory", "--listen", "127.0.0.1:0"]);
    assert_eq!(open.code, Some(0), "{open:?}");
    assert!(open.stdout.lines().any(|line| line.starts_with("warning") && line.contains("--formats")), "{open:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_there_before_its_format_stays_readable_and_can_be_removed() {
    let place = Place::new();
    let data = place.path("data");
    let script = r#"{"link":"javascript:alert(1)"}"#;
    {
        let server = ServerProcess::on_disk(&data, &[]);
        let mut client = user(&server, "ada").await;
        let channel = client.open("old").await;
        assert_eq!(client.submit(channel, 1, 0, &packed(&text("click", script))).await, None);
        assert_eq!(client.submit(channel, 2, 1, &packed(&embed(r#"{"iframe":"x"}"#))).await, None);
        server.terminate();
        let mut server = server;
        assert_eq!(server.wait().0, Some(0));
    }
    let server = ServerProcess::on_disk(&data, &["--formats", "rich"]);
    let mut client = user(&server, "ada").await;
    let channel = client.open("old").await;
    assert!(content(&server, "old").await.contains("javascript"), "the log is what it is");
    // It can be typed into, and not be made more of.
    let beside = Operation::from_components([Component::retain(6), Component::insert("!")]);
    assert_eq!(client.submit(channel, 1, 2, &packed(&beside)).await, None);
    assert_eq!(client.submit(channel, 2, 3, &packed(&text("b", script))).await, Some(Code::ForbiddenContent));
    let clean = Operation::from_components([
        Component::delete(1),
        Component::Retain { length: Utf16Length(5), attributes: set(r#"{"link":null}"#) },
    ]);
    assert_eq!(client.submit(channel, 3, 3, &packed(&clean)).await, None);
    assert_eq!(content(&server, "old").await, r#"{"ops":[{"insert":"click!"}]}"#);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_large_edit_is_looked_through_in_linear_time() {
    let server = ServerProcess::with_flags(&["--memory", "--formats", "rich"]);
    let mut client = user(&server, "mallory").await;
    let channel = client.open("large").await;
    // As many links as components are allowed, each as long as an address may be, in all; then one bad.
    let link = |number: usize, scheme: &str| Component::Insert {
        text: "x".into(),
        attributes: Attributes::from_pairs([("link", Json::string(&format!("{scheme}:{number:0100}")))]),
    };
    let mut times = Vec::new();
    for (round, count) in [12_500, 25_000, 50_000].into_iter().enumerate() {
        let links = (0..count).map(|number| link(number, "https")).chain([link(0, "javascript")]);
        let edit = Operation::from_components(links);
        let began = Instant::now();
        let seq = round as u64 + 1;
        assert_eq!(submit_in_parts(&mut client, channel, seq, 0, &edit).await, Some(Code::ForbiddenContent));
        times.push(began.elapsed());
    }
    println!("12,500, 25,000 and 50,000 links: {times:?}");
    assert!(times[2] < times[1] * 4 + Duration::from_secs(2), "{times:?}");
    // One value of megabytes, and a set of as many members.
    let huge = text("x", &format!(r#"{{"link":"https://{}"}}"#, "a".repeat(8 << 20)));
    let members: String = (0..200_000).map(|number| format!("\"k{number}\":1,")).collect();
    let wide = text("x", &format!(r#"{{"link":{{{members}"href":"/"}}}}"#));
    for (seq, edit) in [(4, huge), (5, wide)] {
        let began = Instant::now();
        assert_eq!(submit_in_parts(&mut client, channel, seq, 0, &edit).await, Some(Code::ForbiddenContent));
        assert!(began.elapsed() < Duration::from_secs(6), "{:?}", began.elapsed());
    }
    client.goes_on().await.unwrap();
}
