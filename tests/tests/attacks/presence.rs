//! Who is seen is who the token says, and nobody is seen too often.

use std::time::{Duration, Instant};

use cowrite_protocol::frame::{Activity, ClientFrame, Code, Member, MemberChange, ServerFrame};
use cowrite_protocol::{Channel, Cursor, Selection, Utf16Offset, Version};
use cowrite_tests::raw::{RawClient, full, open, packed};

use crate::neighbour::insert;
use crate::scene::{Scene, ends_with};

/// The next member that this client is told of under the name.
async fn shown(client: &mut RawClient, user: &str) -> Member {
    client
        .hear(|frame| match frame {
            ServerFrame::Members { changes, .. } => changes.iter().find_map(|change| match change {
                MemberChange::Here(member) if member.user.as_str() == user => Some(member.clone()),
                _ => None,
            }),
            _ => None,
        })
        .await
}

fn caret(channel: Channel, version: u64, at: u32) -> ClientFrame<'static> {
    ClientFrame::Cursor { channel, version: full(version), cursor: Cursor::caret(Utf16Offset(at)) }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_member_is_shown_under_its_tokens_name_whatever_its_state_claims() {
    let scene = Scene::set(&[]).await;
    let mut reader = scene.user("reader").await;
    reader.open("shared").await;
    let forged = r#"{"user":"owner","name":"Owner","number":0,"__proto__":{"admin":true}}"#;
    let mut author = scene.user("mallory").await;
    let ClientFrame::Open { request, document, client, position, whole, in_flight, .. } = open(1, "shared") else {
        unreachable!()
    };
    author.say(&[ClientFrame::Open { request, document, client, position, whole, in_flight, state: forged }]).await;
    let channel = author.hear(|frame| match frame {
        ServerFrame::Opened(opened) => Some(opened.channel),
        _ => None,
    });
    let channel = channel.await;
    let member = shown(&mut reader, "mallory").await;
    assert_eq!((member.name.as_str(), member.state.as_str()), ("mallory", forged), "its own word is its state alone");
    author.say(&[ClientFrame::Presence { channel, activity: Activity::Typing, state: Some("null") }]).await;
    let member = shown(&mut reader, "mallory").await;
    assert_eq!((member.name.as_str(), member.state.as_str(), member.activity), ("mallory", "null", Activity::Typing));
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_name_with_markup_arrives_as_the_letters_it_is_made_of() {
    let scene = Scene::set(&["--log-format", "json", "--log-level", "debug"]).await;
    let mut reader = scene.user("reader").await;
    reader.open("shared").await;
    for name in
        ["<img src=x onerror=alert(1)>", "javascript:alert(1)", "\"},{\"level\":\"ERROR", "\u{202e}nna", "{{7*7}}"]
    {
        let mut author = scene.user(name).await;
        author.open("shared").await;
        let member = shown(&mut reader, name).await;
        assert_eq!(member.name, name);
    }
    for name in ["a\u{0}b", "a\r\nb", "\u{1b}[31mred", "", &"x".repeat(129)] {
        let mut stranger = scene.stranger().await;
        stranger.say(&[cowrite_tests::raw::hello(&format!("dev:{name}"))]).await;
        ends_with(stranger, Code::Unauthorized).await;
    }
    for line in scene.server.log().lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("not one line: {line}"));
        assert_ne!(line["level"], "ERROR", "{line}");
    }
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_a_flood_of_cursors_reaches_others_at_the_rooms_tick_and_ends_at_the_last() {
    let scene = Scene::set(&[]).await;
    let (mut author, mut reader) = (scene.user("mallory").await, scene.user("reader").await);
    let (channel, _) = (author.open("shared").await, reader.open("shared").await);
    assert_eq!(author.submit(channel, 1, 0, &packed(&insert(0, &"x".repeat(10_000)))).await, None);
    // No more than twice its burst, so that the last is taken soon.
    let (began, last) = (Instant::now(), 80);
    let flood = async {
        for at in 1..=last {
            author.say(&[caret(channel, 1, at)]).await;
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    let (mut ticks, mut shown) = (0, 0);
    let heard = async {
        while shown != last {
            let next = reader.hear(|frame| match frame {
                ServerFrame::Cursors { cursors, .. } => {
                    assert_eq!(cursors.len(), 1);
                    Some(cursors[0].1.0[0].head.0)
                }
                _ => None,
            });
            let next = next.await;
            assert!(next > shown, "{next} after {shown}");
            (shown, ticks) = (next, ticks + 1);
        }
    };
    tokio::join!(flood, heard);
    let most = began.elapsed().as_millis() / 100 + 2;
    println!("{last} cursors at 1 kHz: {ticks} frames to each reader in {:?}", began.elapsed());
    assert!(ticks <= most, "{ticks} frames where {most} fit");
    assert!(began.elapsed() < Duration::from_secs(8), "{:?}", began.elapsed());
    // Who goes on for ever is read at its rate, and nobody else notices.
    for at in 0..2_000 {
        author.say(&[caret(channel, 1, at)]).await;
    }
    let (began, mut more) = (Instant::now(), 0);
    while began.elapsed() < Duration::from_secs(1) {
        let wanted = |frame: &ServerFrame<'_>| matches!(frame, ServerFrame::Cursors { .. }).then_some(());
        more += u32::from(reader.hear_within(Duration::from_millis(100), wanted).await.is_some());
    }
    assert!((1..=12).contains(&more), "{more} frames in a second");
    assert_eq!(reader.submit(channel, 1, 1, &packed(&insert(0, "y"))).await, None);
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_what_is_larger_than_announced_is_refused_and_shown_to_nobody() {
    let scene = Scene::set(&[]).await;
    let mut reader = scene.user("reader").await;
    let channel = reader.open("shared").await;
    let large = "x".repeat(2_049);
    let many = Cursor(vec![Selection::caret(Utf16Offset(0)); 65]);
    let operation = packed(&insert(0, "x"));
    let submit = cowrite_protocol::frame::Submit {
        channel,
        seq: full(1),
        base: full(0),
        operation: cowrite_protocol::frame::Packed(&operation),
    };
    for frame in [
        ClientFrame::Presence { channel, activity: Activity::Active, state: Some(&large) },
        ClientFrame::Cursor { channel, version: full(0), cursor: many.clone() },
        ClientFrame::SubmitCursor { cursor: many.clone(), submit },
        ClientFrame::Open {
            request: 2,
            document: "other",
            client: None,
            position: None,
            whole: false,
            in_flight: None,
            state: &large,
        },
    ] {
        let mut author = scene.user("mallory").await;
        assert_eq!(author.open("shared").await, channel);
        author.say(std::slice::from_ref(&frame)).await;
        assert_eq!(author.goes_on().await, Err(cowrite_tests::raw::Ending::told(Code::TooLarge)), "{frame:?}");
    }
    let mut seen = Vec::new();
    while let Some(state) = reader
        .hear_within(Duration::from_millis(300), |frame| match frame {
            ServerFrame::Members { changes, .. } => changes.iter().find_map(|change| match change {
                MemberChange::Here(member) => Some(member.state.clone()),
                MemberChange::Left(_) => None,
            }),
            ServerFrame::Cursors { cursors, .. } => panic!("{cursors:?}"),
            _ => None,
        })
        .await
    {
        seen.push(state);
    }
    assert!(seen.iter().all(String::is_empty), "{seen:?}");
    assert_eq!(crate::identity::text(&scene, "shared").await, "");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e9_presence_reaches_only_those_who_have_the_document_open() {
    let scene = Scene::set(&[]).await;
    let (mut author, mut outsider) = (scene.user("mallory").await, scene.user("outsider").await);
    let channel = author.open("shared").await;
    let theirs = outsider.open("elsewhere").await;
    author.say(&[caret(channel, 0, 0), caret(theirs, 0, 0)]).await;
    assert_eq!(author.answer(theirs).await, Some(Code::UnknownChannel), "a cursor on a channel that is not open");
    let version = Version::ZERO;
    author.say(&[ClientFrame::Verify { channel, version, hash: 0, checksum: cowrite_protocol::Checksum(0) }]).await;
    let heard = outsider.hear_within(Duration::from_millis(400), |frame| match frame {
        ServerFrame::Members { channel, changes } if *channel == theirs => {
            let of_mallory = |change: &MemberChange| matches!(change, MemberChange::Here(member) if member.user.as_str() == "mallory");
            changes.iter().any(of_mallory).then_some(())
        }
        ServerFrame::Snapshot(_) => None,
        _ => Some(()),
    });
    assert_eq!(heard.await, None);
    scene.unharmed().await;
}
