//! Versions, offsets and lengths at the edges of integers.

use std::time::Duration;

use cowrite_protocol::frame::{ClientFrame, Code, Outcome, Position, ServerFrame};
use cowrite_protocol::{Checksum, ClientSeq, Cursor, Epoch, RunningHash, Selection, Utf16Offset, Version};
use cowrite_tests::process::Place;
use cowrite_tests::raw::{full, packed, submit};
use cowrite_tests::server::ServerProcess;

use crate::identity::text;
use crate::neighbour::insert;
use crate::scene::{Scene, ends_with};

const EDGES: [u64; 14] = [
    0,
    1,
    (1 << 31) - 1,
    1 << 31,
    (1 << 32) - 1,
    1 << 32,
    (1 << 53) - 2,
    (1 << 53) - 1,
    1 << 53,
    (1 << 53) + 1,
    (1 << 62) - 1,
    1 << 63,
    u64::MAX - 1,
    u64::MAX,
];

/// The bytes of a number as the wire has it.
pub(crate) fn varint(mut number: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    while number >= 0x80 {
        bytes.push(number.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    bytes.push(number.to_le_bytes()[0]);
    bytes
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_a_base_that_does_not_exist_is_refused_and_the_next_edit_taken() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    // A document that is further than the other: its versions mean nothing there.
    let long = client.open("long").await;
    for seq in 1..=5 {
        assert_eq!(client.submit(long, seq, seq - 1, &packed(&insert(0, "x"))).await, None);
    }
    let mut opened = client.open_as("short", None).await.unwrap();
    let (mut seq, mut version) = (0, 0);
    for base in [version + 1, 5].into_iter().chain(EDGES.into_iter().skip(2)) {
        seq += 1;
        client.say(&[submit(opened.channel, seq, base, &packed(&insert(0, "no")))]).await;
        if base > Version::MAX.get() {
            ends_with(client, Code::Malformed).await;
            client = scene.user("mallory").await;
            opened = client.open_as("short", Some(opened.client)).await.unwrap();
        } else {
            assert_eq!(client.answer(opened.channel).await, Some(Code::BaseAhead), "{base}");
        }
        seq += 1;
        assert_eq!(client.submit(opened.channel, seq, version, &packed(&insert(0, "y"))).await, None, "after {base}");
        version += 1;
        if version >= 5 {
            // Else what belongs to the other document would exist here too.
            assert!(base >= 5);
        }
    }
    assert_eq!(text(&scene, "short").await, "y".repeat(usize::try_from(version).unwrap()));
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_form_of_number_that_does_not_exist_is_malformed() {
    let scene = Scene::set(&[]).await;
    for form in [0, 1, 32, 1 << 7, 1 << 12, 1 << 54, 1 << 56, 1 << 62, 1 << 63, u64::MAX] {
        for (seq, base) in [(varint(form), varint(1 << 6)), (varint(1 << 6 | 1), varint(form))] {
            let mut client = scene.user("mallory").await;
            let channel = client.open("forms").await;
            client.send(&[vec![2], varint(u64::from(channel.0)), seq, base, vec![2, 5, b'x']].concat()).await;
            ends_with(client, Code::Malformed).await;
        }
    }
    assert_eq!(text(&scene, "forms").await, "");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_below_what_the_room_remembers_closes_the_channel_and_touches_nothing() {
    let place = Place::new();
    let flags =
        ["--snapshot-entries", "5", "--retained-entries", "0", "--idle-ms", "0", "--connections-per-user", "100"];
    let mut server = ServerProcess::on_disk(&place.path("data"), &flags);
    let mut client = cowrite_tests::raw::RawClient::greeted(server.address(), "dev:mallory").await;
    let opened = client.open_as("old", None).await.unwrap();
    for seq in 1..=20 {
        assert_eq!(client.submit(opened.channel, seq, seq - 1, &packed(&insert(0, "x"))).await, None);
    }
    // A room that is loaded anew begins at a snapshot; one is stored a moment after its entries.
    server.restart();
    let scene = Scene::around(server).await;
    let mut client = scene.user("mallory").await;
    let opened = client.open_as("old", Some(opened.client)).await.unwrap();
    let answer = client.submit(opened.channel, 21, 0, &packed(&insert(0, "y"))).await;
    assert_eq!(answer, Some(Code::Behind));
    let opened = client.open_as("old", Some(opened.client)).await.unwrap();
    assert_eq!(client.submit(opened.channel, 21, 20, &packed(&insert(0, "y"))).await, None);
    assert_eq!(text(&scene, "old").await, format!("y{}", "x".repeat(20)));
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d3_lengths_at_every_edge_and_sums_that_wrap_are_refused() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let channel = client.open("edges").await;
    assert_eq!(client.submit(channel, 1, 0, &packed(&insert(0, "abc"))).await, None);
    let (retain, delete) = (|length: u64| varint(length << 2), |length: u64| varint(length << 2 | 2));
    let (bold, x) = (|length: u64| [varint(length << 4 | 3), vec![16, 1, b'b', 1]].concat(), b"\x05x".to_vec());
    let mut hostile = Vec::new();
    for edge in EDGES.into_iter().filter(|edge| !(1..4).contains(edge)) {
        hostile.push([retain(edge), x.clone()].concat());
        hostile.push(delete(edge));
        hostile.push(bold(edge));
        // Text that announces more than there is.
        hostile.push([varint(edge.max(9) << 2 | 1), b"x".to_vec()].concat());
        hostile.push([varint(edge.max(9) << 4 | 7), b"x".to_vec()].concat());
        hostile.push([varint(edge.max(9) << 4 | 11), b"{}".to_vec()].concat());
        // Attributes: their number, a key's length, a value's length.
        hostile.push([vec![0x33], varint(edge.max(18)), vec![1, b'b', 1]].concat());
        hostile.push([vec![0x33, 16], varint(edge.max(9)), vec![b'b', 1]].concat());
        hostile.push([vec![0x33, 16, 1, b'b'], varint(edge.max(9)), vec![b'1']].concat());
    }
    let max = u64::from(u32::MAX);
    for (a, b) in [(max, 2), (max, max), (max - 3, 4), (1 << 31, 1 << 31), (max, 1)] {
        hostile.push([retain(a), retain(b), x.clone()].concat());
        hostile.push([delete(a), delete(b)].concat());
        hostile.push([retain(a), delete(b)].concat());
        hostile.push([delete(a), retain(b), x.clone()].concat());
        hostile.push([bold(a), bold(b)].concat());
        hostile.push([retain(a), x.clone(), retain(b), x.clone()].concat());
    }
    // Numbers with more bytes than they need, or than there are.
    hostile.extend([vec![0x84, 0x00], vec![0xff; 9], vec![0xff; 11], vec![0x80; 10], vec![0x80]]);
    let mut seq = 1;
    for operation in &hostile {
        seq += 1;
        let code = client.submit(channel, seq, 1, operation).await;
        let refused = [Code::BadOperation, Code::PastEnd, Code::OperationTooLarge, Code::DocumentTooLarge];
        assert!(code.is_some_and(|code| refused.contains(&code)), "{operation:02x?}: {code:?}");
    }
    assert!(hostile.len() > 130, "{}", hostile.len());
    assert_eq!(client.submit(channel, seq + 1, 1, &packed(&insert(3, "d"))).await, None);
    assert_eq!(text(&scene, "edges").await, "abcd");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn positions_that_nobody_can_have_are_answered_with_the_document() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let opened = client.open_as("here", None).await.unwrap();
    assert_eq!(client.submit(opened.channel, 1, 0, &packed(&insert(0, "abc"))).await, None);
    for version in EDGES.into_iter().filter_map(Version::new) {
        for epoch in [None, opened.epoch, Epoch::new(u64::MAX)] {
            for in_flight in [None, Some(ClientSeq::NONE), Some(ClientSeq::MAX)] {
                let position = Some(Position { epoch, version, hash: RunningHash::from_bytes([7; 16]) });
                let mut client = scene.user("mallory").await;
                let client_id = Some(opened.client);
                client
                    .say(&[ClientFrame::Open {
                        request: u32::MAX,
                        document: "here",
                        client: client_id,
                        position,
                        whole: false,
                        in_flight,
                        state: "",
                    }])
                    .await;
                let (request, outcome) = client
                    .hear(|frame| match frame {
                        ServerFrame::Opened(opened) => Some((opened.request, opened.outcome)),
                        _ => None,
                    })
                    .await;
                assert_eq!(request, u32::MAX);
                assert!(!matches!(outcome, Outcome::Tail { .. }), "{version} {epoch:?}: {outcome:?}");
                let whole = client.hear(|frame| match frame {
                    ServerFrame::Snapshot(snapshot) => Some(snapshot.version.get()),
                    _ => None,
                });
                assert_eq!(whole.await, 1);
            }
        }
    }
    assert_eq!(text(&scene, "here").await, "abc");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_compared_at_a_version_that_cannot_be_ends_that_channel_alone() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let calm = client.open("calm").await;
    for version in EDGES.into_iter().filter_map(Version::new).filter(|version| version.get() > 1) {
        let channel = client.open("compared").await;
        client.say(&[ClientFrame::Verify { channel, version, hash: u64::MAX, checksum: Checksum(u64::MAX) }]).await;
        assert_eq!(client.answer(channel).await, Some(Code::Diverged), "{version}");
    }
    client.say(&[ClientFrame::Close { channel: calm }]).await;
    assert_eq!(client.goes_on().await, Ok(()));
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cursor_beyond_the_end_is_shown_at_the_end_however_it_is_said() {
    let scene = Scene::set(&[]).await;
    let (mut author, mut reader) = (scene.user("mallory").await, scene.user("reader").await);
    let (channel, _) = (author.open("short").await, reader.open("short").await);
    assert_eq!(author.submit(channel, 1, 0, &packed(&insert(0, "abc"))).await, None);
    let selection = |anchor, head| Cursor(vec![Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) }]);
    let mut seq = 1;
    for (anchor, head) in [(u32::MAX, u32::MAX), (0, u32::MAX), (u32::MAX, 0), (1 << 31, 4), (5, 6)] {
        let cursor = selection(anchor, head);
        author.say(&[ClientFrame::Cursor { channel, version: full(seq), cursor: cursor.clone() }]).await;
        let length = 2 + u32::try_from(seq).unwrap();
        let shown = reader.hear(|frame| match frame {
            ServerFrame::Cursors { cursors, .. } => cursors.first().map(|(_, cursor)| cursor.clone()),
            _ => None,
        });
        assert_eq!(shown.await, selection(anchor.min(length), head.min(length)));
        // The same with an edit.
        seq += 1;
        let (operation, base) = (packed(&insert(0, "x")), full(seq - 1));
        let submit = cowrite_protocol::frame::Submit {
            channel,
            seq: full(seq),
            base,
            operation: cowrite_protocol::frame::Packed(&operation),
        };
        author.say(&[ClientFrame::SubmitCursor { cursor, submit }]).await;
        assert_eq!(author.answer(channel).await, None);
        let shown = reader.hear(|frame| match frame {
            ServerFrame::CommitCursor { cursor, .. } => Some(cursor.clone()),
            _ => None,
        });
        assert_eq!(shown.await, selection(anchor.min(length + 1), head.min(length + 1)), "with an edit");
    }
    // A cursor at a version that does not exist is nobody's.
    for version in EDGES.into_iter().filter(|version| (100..1 << 53).contains(version)) {
        author.say(&[ClientFrame::Cursor { channel, version: full(version), cursor: selection(0, 0) }]).await;
    }
    let none = reader
        .hear_within(Duration::from_millis(300), |frame| matches!(frame, ServerFrame::Cursors { .. }).then_some(()));
    assert_eq!(none.await, None);
    assert_eq!(author.goes_on().await, Ok(()));
    scene.unharmed().await;
}
