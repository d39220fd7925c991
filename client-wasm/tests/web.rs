//! The module in a browser, with sockets, timers and a clock of the test's own.

#![cfg(target_family = "wasm")]
#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

mod stage;

use cowrite_client_wasm::Refusal;
use cowrite_protocol::frame::{
    Activity, Author, ClientFrame, Code, Commit, Member, MemberChange, Packed, ProtocolVersion, Rate, Role,
    ServerFrame, Terms,
};
use cowrite_protocol::{
    AuthorNumber, ClientId, ClientSeq, Cursor, DocumentType, Operation, RichText, RunningHash, Utf16Offset, Version,
};
use stage::{CHANNEL, CLIENT, Play};
use wasm_bindgen_test::{wasm_bindgen_test, wasm_bindgen_test_configure};

wasm_bindgen_test_configure!(run_in_browser);

fn packed(delta: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    RichText::encode(&Operation::from_delta(delta).unwrap(), &mut bytes);
    bytes
}

#[wasm_bindgen_test]
fn what_cannot_be_done_is_thrown_as_a_code() {
    let play = Play::new();
    let client = play.client();
    assert_eq!(client.open("../etc", ""), Err(Refusal("bad_document_id")));
    assert_eq!(client.open("notes", &"x".repeat(3_000)), Err(Refusal("too_large")));
    let doc = client.open("notes", "").unwrap();
    assert_eq!(client.open("notes", ""), Err(Refusal("already_open")));
    assert_eq!(client.insert(doc, 0, "a", None), Err(Refusal("not_loaded")));
    assert_eq!(client.insert(doc, 0, "a", Some("[]".into())), Err(Refusal("bad_delta")));
    assert_eq!(client.apply(doc, "{}"), Err(Refusal("bad_delta")));
    assert_eq!(client.apply(doc, "[{\"insert\":\"\\ud83c\"}]"), Err(Refusal("splits_pair")));
    assert_eq!(client.text(doc + 1), Err(Refusal("closed")));
    client.status(doc).unwrap();
    assert_eq!(
        play.events().last().unwrap(),
        r#"{"type":"status","doc":1,"state":"connecting","local":0,"accepted":0,"durable":null,"pending":0,"stored":null,"reviewing":false,"in_flight":0,"version":0,"can_undo":false,"can_redo":false}"#
    );
    client.close_document(doc).unwrap();
    assert_eq!(client.text(doc), Err(Refusal("closed")));
    client.close();
    assert_eq!(client.connect(), Err(Refusal("closed")));
    assert_eq!(play.stage.count(), 0);
}

#[wasm_bindgen_test]
fn an_edit_goes_out_and_is_accepted() {
    let play = Play::new();
    play.client().connect().unwrap();
    assert_eq!(
        play.events(),
        [r#"{"type":"need_token"}"#, r#"{"type":"link","state":"connecting","retry_in_ms":null,"code":null}"#]
    );
    play.client().token("secret", false).unwrap();
    assert_eq!(play.stage.address(), "ws://host/socket cowrite.v1 arraybuffer");
    let play = Play::new();
    play.connect();
    play.events();
    let doc = play.open("héllo", Role::Editor);
    let told = play.events();
    assert!(
        told.contains(&r#"{"type":"opened","doc":1,"role":"editor","number":4,"user":"ada","first":true}"#.into()),
        "{told:?}"
    );
    assert_eq!(
        told.last().unwrap(),
        r#"{"type":"status","doc":1,"state":"online","local":0,"accepted":0,"durable":0,"pending":0,"stored":null,"reviewing":false,"in_flight":0,"version":5,"can_undo":false,"can_redo":false}"#
    );
    assert_eq!((play.client().text(doc).unwrap(), play.client().length(doc).unwrap()), ("héllo".into(), 5));

    play.client().insert(doc, 5, "\"\n", Some("{\"bold\":true}".into())).unwrap();
    let delta = r#"[{"retain":5},{"insert":"\"\n","attributes":{"bold":true}}]"#;
    assert_eq!(
        play.events(),
        [
            format!(r#"{{"type":"change","doc":1,"origin":"local","user":null,"delta":{delta}}}"#),
            r#"{"type":"status","doc":1,"state":"online","local":1,"accepted":0,"durable":0,"pending":1,"stored":null,"reviewing":false,"in_flight":1,"version":5,"can_undo":true,"can_redo":false}"#
                .into(),
        ]
    );
    assert_eq!(play.client().pending(doc).unwrap(), delta);
    play.hear(|frame| {
        assert!(matches!(&frame, ClientFrame::SubmitStill(submit) if submit.operation.0 == packed(delta)), "{frame:?}")
    });
    let (version, seq) = (Version::new(6).unwrap(), ClientSeq::new(1).unwrap());
    let hash = RunningHash::ZERO.advance(version, &CLIENT, seq, &packed(delta));
    play.say(&[ServerFrame::Ack { channel: CHANNEL, seq: 1, version: 6, hash: hash.byte() }]);
    assert_eq!(
        play.events(),
        [
            r#"{"type":"status","doc":1,"state":"online","local":1,"accepted":1,"durable":1,"pending":0,"stored":null,"reviewing":false,"in_flight":0,"version":6,"can_undo":true,"can_redo":false}"#
        ]
    );
    assert_eq!(play.client().pending(doc).unwrap(), "[]");
    assert_eq!(
        play.client().contents(doc).unwrap(),
        r#"[{"insert":"héllo"},{"insert":"\"\n","attributes":{"bold":true}}]"#
    );

    for (refused, code) in [
        (play.client().delete(doc, 6, 2), "out_of_range"),
        (play.client().format(doc, 0, 99, "{\"a\":1}"), "out_of_range"),
        (play.client().format(doc, 0, 1, "x"), "bad_delta"),
    ] {
        assert_eq!(refused, Err(Refusal(code)));
    }
}

#[wasm_bindgen_test]
fn an_edit_of_one_place_of_plain_text_is_told_without_json() {
    let play = Play::new();
    play.connect();
    let doc = play.open("héllo", Role::Editor);
    play.events();
    let client = play.client();
    client.insert(doc, 5, "🏆\"", None).unwrap();
    client.delete(doc, 0, 2).unwrap();
    client.apply(doc, r#"[{"retain":1},{"delete":2},{"insert":"x"}]"#).unwrap();
    client.insert(doc, 0, "", None).unwrap();
    client.apply(doc, r#"[{"delete":1},{"retain":1},{"insert":"y"}]"#).unwrap();
    let told: Vec<_> = play.events().into_iter().filter(|event| !event.starts_with(r#"{"type":"status""#)).collect();
    assert_eq!(
        told,
        [
            r#"{"type":"edited","doc":1,"at":5,"deleted":0,"inserted":"🏆\""}"#,
            r#"{"type":"edited","doc":1,"at":0,"deleted":2,"inserted":""}"#,
            r#"{"type":"edited","doc":1,"at":1,"deleted":2,"inserted":"x"}"#,
            r#"{"type":"edited","doc":1,"at":0,"deleted":0,"inserted":""}"#,
            r#"{"type":"change","doc":1,"origin":"local","user":null,"delta":[{"delete":1},{"retain":1},{"insert":"y"}]}"#,
        ]
    );
}

#[wasm_bindgen_test]
fn a_refused_edit_is_taken_back() {
    let play = Play::new();
    play.connect();
    let doc = play.open("abc", Role::Editor);
    play.client().delete(doc, 0, 3).unwrap();
    play.events();
    play.say(&[ServerFrame::Reject { channel: CHANNEL, seq: ClientSeq::new(1).unwrap(), code: Code::ReadOnly }]);
    assert_eq!(
        play.events(),
        [
            r#"{"type":"change","doc":1,"origin":"reject","user":null,"delta":[{"insert":"abc"}]}"#,
            r#"{"type":"rejected","doc":1,"from":1,"to":1,"code":"read_only","delta":[{"delete":3}]}"#,
            r#"{"type":"status","doc":1,"state":"online","local":1,"accepted":1,"durable":1,"pending":0,"stored":null,"reviewing":false,"in_flight":0,"version":5,"can_undo":false,"can_redo":false}"#,
        ]
    );
    let play = Play::new();
    play.connect();
    let doc = play.open("abc", Role::Viewer);
    assert_eq!(play.client().delete(doc, 0, 1), Err(Refusal("read_only")));
}

#[wasm_bindgen_test]
fn others_and_their_carets_are_shown() {
    let play = Play::new();
    play.connect();
    let doc = play.open("abc", Role::Editor);
    play.events();
    let member = |number, user: &str, state: &str| {
        MemberChange::Here(Member {
            number: AuthorNumber(number),
            user: user.parse().unwrap(),
            name: "\"B\"".into(),
            activity: Activity::Typing,
            state: state.into(),
        })
    };
    let (author, bob) = (AuthorNumber(2), ClientId::from_bytes([8; 16]));
    let operation = packed("[{\"insert\":\"x\"}]");
    play.say(&[
        ServerFrame::Members {
            channel: CHANNEL,
            changes: vec![member(2, "bob", "no JSON"), member(4, "ada", "{\"a\":1}")],
        },
        ServerFrame::Cursors { channel: CHANNEL, version: 5, cursors: vec![(author, Cursor::caret(Utf16Offset(3)))] },
        ServerFrame::Author {
            channel: CHANNEL,
            author: Author { number: author, client: bob, user: "bob".parse().unwrap(), seq: ClientSeq::NONE },
        },
        ServerFrame::CommitStill(Commit {
            channel: CHANNEL,
            author,
            version: 6,
            seq: cowrite_protocol::frame::Abbreviated::of(1, 1),
            operation: Packed(&operation),
        }),
    ]);
    assert_eq!(
        play.events(),
        [
            r#"{"type":"change","doc":1,"origin":"remote","user":"bob","delta":[{"insert":"x"}]}"#,
            r#"{"type":"presence","doc":1}"#,
            r#"{"type":"status","doc":1,"state":"online","local":0,"accepted":0,"durable":0,"pending":0,"stored":null,"reviewing":false,"in_flight":0,"version":6,"can_undo":false,"can_redo":false}"#,
        ]
    );
    assert_eq!(
        play.client().members(doc).unwrap(),
        concat!(
            r#"[{"number":2,"user":"bob","name":"\"B\"","state":null,"active":"typing","self":false},"#,
            r#"{"number":4,"user":"ada","name":"\"B\"","state":{"a":1},"active":"typing","self":true}]"#
        )
    );
    let carets = play.client().carets(doc).unwrap();
    assert_eq!(carets[1..], [2, 4, 4]);
    play.client().set_cursor(doc, 1, 2).unwrap();
    play.hear(|frame| assert!(matches!(frame, ClientFrame::Cursor { .. })));
    assert_eq!(play.client().carets(doc).unwrap()[0], carets[0], "nobody has come or gone");
    // The second within a tenth of a second waits for its time.
    play.client().clear_cursor(doc).unwrap();
    play.hears_nothing();
    play.stage.advance(101);
    play.hear(|frame| assert!(matches!(frame, ClientFrame::Cursor { cursor, .. } if cursor.0.is_empty())));
}

#[wasm_bindgen_test]
fn a_host_may_call_in_from_an_event() {
    let play = Play::with(|client, event| {
        if event.contains("\"edited\"") && client.length(1).unwrap() < 6 {
            let before = client.text(1).unwrap();
            client.insert(1, 0, "x", None).unwrap();
            assert!(client.text(1).unwrap().ends_with(&format!("x{before}")));
        }
    });
    play.connect();
    let doc = play.open("abc", Role::Editor);
    play.events();
    play.client().insert(doc, 3, "d", None).unwrap();
    assert_eq!(play.client().text(doc).unwrap(), "xxabcd");
    let told = play.events();
    let edits = told.iter().filter(|event| event.contains("\"edited\"")).count();
    assert_eq!(edits, 3, "{told:?}");
    assert!(told.last().unwrap().contains(r#""local":3,"#), "{told:?}");
}

#[wasm_bindgen_test]
fn a_lost_link_comes_back_and_nothing_comes_after_a_close() {
    let play = Play::new();
    play.connect();
    let doc = play.open("abc", Role::Editor);
    play.events();
    play.stage.event("close");
    let told = play.events();
    assert!(told[0].starts_with(r#"{"type":"link","state":"offline","retry_in_ms":"#), "{told:?}");
    assert!(told.last().unwrap().contains(r#""state":"offline""#), "{told:?}");
    play.client().insert(doc, 3, "d", None).unwrap();
    assert_eq!(play.client().pending(doc).unwrap(), r#"[{"retain":3},{"insert":"d"}]"#);
    play.events();
    // The first retry is within a second.
    play.stage.advance(1_100);
    assert_eq!(play.events()[0], r#"{"type":"need_token"}"#);
    play.client().token("secret", false).unwrap();
    assert_eq!(play.stage.count(), 2);
    play.client().close();
    assert!(play.stage.is_closed() && !play.stage.is_heard());
    assert_eq!(play.stage.timer_count(), 0);
    assert_eq!(play.client().insert(doc, 0, "x", None), Err(Refusal("closed")));
    assert_eq!(play.client().pending(doc).unwrap(), r#"[{"retain":3},{"insert":"d"}]"#);
    play.events();
    play.stage.advance(100_000);
    assert!(play.events().is_empty());
}

#[wasm_bindgen_test]
fn a_wake_up_puts_a_silent_link_to_the_test() {
    let play = Play::new();
    play.connect();
    play.open("abc", Role::Editor);
    for name in ["offline", "online", "pageshow", "resume", "visibilitychange"] {
        play.stage.page_event(name);
        while_presence(&play);
        play.say(&[ServerFrame::Pong]);
    }
    play.client().wake().unwrap();
    play.hear(|frame| assert_eq!(frame, ClientFrame::Ping));
    play.events();
    // No answer in two seconds: the link is given up, and another attempt is planned.
    play.stage.advance(2_001);
    assert!(play.stage.is_closed() && !play.stage.is_heard());
    assert!(play.events()[0].contains("offline"));
    play.client().wake().unwrap();
    assert_eq!(play.events()[0], r#"{"type":"need_token"}"#);
}

#[wasm_bindgen_test]
fn a_page_that_is_left_has_no_socket_and_one_that_is_back_connects_at_once() {
    let play = Play::new();
    play.connect();
    play.open("abc", Role::Editor);
    play.events();
    play.stage.page_event("pagehide");
    assert!(play.stage.is_closed() && !play.stage.is_heard());
    assert!(play.events().iter().any(|event| event.contains("offline")));
    play.stage.page_event("pageshow");
    assert_eq!(play.events()[0], r#"{"type":"need_token"}"#);
}

/// The next thing said is a ping; a page that comes in sight says so before.
fn while_presence(play: &Play) {
    let mut pinged = false;
    while !pinged {
        play.hear(|frame| match frame {
            ClientFrame::Ping => pinged = true,
            ClientFrame::Presence { activity, .. } => assert_eq!(activity, Activity::Active),
            frame => panic!("{frame:?}"),
        });
    }
}

#[wasm_bindgen_test]
fn a_token_is_replaced_in_time_and_the_socket_stays() {
    let play = Play::new();
    play.connect();
    let rate = Rate { per_second: 100, burst: 200 };
    let terms = Terms { submits: rate, presence: rate, connections: 10, token_ms: Some(5_000) };
    play.say(&[ServerFrame::Terms(terms)]);
    play.open("abc", Role::Editor);
    play.events();
    play.stage.advance(4_100);
    assert_eq!(play.events(), [r#"{"type":"need_token"}"#]);
    play.client().token("fresh", false).unwrap();
    play.hear(|frame| assert_eq!(frame, ClientFrame::Token { token: "fresh" }));
    assert_eq!(play.stage.count(), 1);
}

#[wasm_bindgen_test]
fn a_refusal_is_told_and_the_next_sign_in_goes_on_with_what_is_pending() {
    let play = Play::new();
    play.connect();
    let doc = play.open("abc", Role::Editor);
    play.client().insert(doc, 3, "d", None).unwrap();
    play.events();
    let speaks = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
    play.say(&[ServerFrame::Error { code: Code::Unauthorized, retry_after_ms: 0, speaks }]);
    let told = play.events();
    assert!(
        told.contains(&r#"{"type":"link","state":"stopped","retry_in_ms":null,"code":"unauthorized"}"#.into()),
        "{told:?}"
    );
    assert!(told.contains(&r#"{"type":"closed","doc":1,"code":"unauthorized","retry":false}"#.into()), "{told:?}");
    assert_eq!(play.client().insert(doc, 0, "x", None), Err(Refusal("unauthorized")));
    assert_eq!(play.client().pending(doc).unwrap(), r#"[{"retain":3},{"insert":"d"}]"#);
    play.client().refresh_token().unwrap();
    let told = play.events();
    assert!(told.contains(&r#"{"type":"need_token"}"#.into()), "{told:?}");
    assert!(told.last().unwrap().contains(r#""state":"connecting","local":1,"accepted":0"#), "{told:?}");
    play.client().token("secret", false).unwrap();
    assert_eq!(play.stage.count(), 2);
}

#[wasm_bindgen_test]
fn without_a_socket_it_tries_again() {
    let play = Play::new();
    play.stage.refuse();
    play.client().connect().unwrap();
    play.client().token("secret", false).unwrap();
    assert!(play.events().last().unwrap().starts_with(r#"{"type":"link","state":"offline""#));
    play.stage.advance(1_100);
    assert_eq!(play.events()[0], r#"{"type":"need_token"}"#);
    play.client().token_failed().unwrap();
    assert!(play.events().last().unwrap().contains("offline"));
}
