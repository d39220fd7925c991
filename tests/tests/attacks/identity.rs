//! Nobody writes in another's name, and nobody's numbers lock anybody out.

use cowrite_protocol::frame::{ClientFrame, Code, Outcome, Packed, ServerFrame};
use cowrite_protocol::{Channel, ClientId, ClientSeq};
use cowrite_tests::raw::{RawClient, open_as, packed, submit};

use crate::neighbour::{PATIENCE, insert};
use crate::scene::{Scene, ends_with};

/// The text of a document, as somebody sees it who opens it now.
pub(crate) async fn text(scene: &Scene, document: &str) -> String {
    let reader = crate::neighbour::Neighbour::sit_down(&scene.server.url(), document, "reader").await;
    reader.document.text()
}

async fn opened_by(scene: &Scene, user: &str, document: &str) -> (RawClient, Channel, ClientId) {
    let mut client = scene.user(user).await;
    let opened = client.open_as(document, None).await.unwrap();
    (client, opened.channel, opened.client)
}

/// An edit that inserts this at the start of the document.
fn typed(text: &str) -> Vec<u8> {
    packed(&insert(0, text))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_a_stolen_client_id_is_refused_and_its_owner_notices_nothing() {
    let scene = Scene::set(&[]).await;
    let (mut victim, channel, client) = opened_by(&scene, "victim", "shared").await;
    assert_eq!(victim.submit(channel, 1, 0, &typed("a")).await, None);

    let mut attacker = scene.user("mallory").await;
    for _ in 0..20 {
        // Were it let in for a moment, this would take the victim's next number.
        attacker.say(&[open_as(1, "shared", Some(client)), submit(channel, 2, 1, &typed("forged"))]).await;
        let refused = attacker.hear(|frame| match frame {
            ServerFrame::OpenRefused { code, .. } => Some(*code),
            _ => None,
        });
        assert_eq!(refused.await, Code::ForeignClient);
    }
    // In a document of its own it may even have that id, and commits under it there.
    let own = attacker.open_as("other", Some(client)).await.unwrap();
    assert_eq!(attacker.submit(own.channel, 2, 0, &typed("forged")).await, None);

    // The victim's channel was neither superseded nor fenced, and its next number is free.
    assert_eq!(victim.submit(channel, 2, 1, &typed("b")).await, None);
    drop(victim);
    // Also when it is not there.
    assert_eq!(attacker.open_as("shared", Some(client)).await, Err(Code::ForeignClient));
    let mut victim = scene.user("victim").await;
    let opened = victim.open_as("shared", Some(client)).await.unwrap();
    assert_eq!(
        (opened.client, opened.last_seq, opened.outcome),
        (client, ClientSeq::new(2).unwrap(), Outcome::Snapshot)
    );
    assert_eq!(victim.submit(opened.channel, 3, 2, &typed("c")).await, None);
    assert_eq!(text(&scene, "shared").await, "cba");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_a_name_that_the_server_alone_writes_under_is_refused() {
    let scene = Scene::set(&[]).await;
    let mut attacker = scene.user("mallory").await;
    for epoch in [None, cowrite_protocol::Epoch::new(1), cowrite_protocol::Epoch::new(u64::MAX)] {
        let reserved = ClientId::restoration(epoch);
        assert_eq!(attacker.open_as("shared", Some(reserved)).await, Err(Code::ForeignClient));
    }
    attacker.open("shared").await;
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_number_used_before_commits_nothing_again() {
    let scene = Scene::set(&[]).await;
    let (mut client, channel, _) = opened_by(&scene, "mallory", "shared").await;
    for seq in 1..=3 {
        assert_eq!(client.submit(channel, seq, seq - 1, &typed("x")).await, None);
    }
    // The last one again is told its old answer, whatever it holds this time.
    assert_eq!(client.submit(channel, 3, 2, &typed("x")).await, None);
    assert_eq!(client.submit(channel, 3, 3, &typed("other")).await, None);
    for (seq, base) in [(2, 1), (2, 3), (1, 0), (0, 3)] {
        assert_eq!(client.submit(channel, seq, base, &typed("other")).await, Some(Code::SeqReused), "{seq}");
    }
    assert_eq!(text(&scene, "shared").await, "xxx");
    assert_eq!(client.submit(channel, 4, 3, &typed("y")).await, None);
    assert_eq!(text(&scene, "shared").await, "yxxx");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_number_zero_is_refused_and_not_passed_over_in_silence() {
    let scene = Scene::set(&[]).await;
    let (mut client, channel, _) = opened_by(&scene, "mallory", "shared").await;
    assert_eq!(client.submit(channel, 0, 0, &typed("x")).await, Some(Code::SeqReused));
    assert_eq!(client.submit(channel, 1, 0, &typed("y")).await, None);
    assert_eq!(text(&scene, "shared").await, "y");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e6_numbers_that_jump_are_taken_or_refused_and_lock_nobody_out() {
    let scene = Scene::set(&[]).await;
    let (mut client, channel, id) = opened_by(&scene, "mallory", "shared").await;
    assert_eq!(client.submit(channel, 2, 0, &typed("a")).await, None);
    assert_eq!(client.submit(channel, 4, 1, &typed("b")).await, None);
    for far in [4 + ClientSeq::MAX_JUMP + 1, 1 << 31, 1 << 32, ClientSeq::MAX.get() - 1, ClientSeq::MAX.get()] {
        assert_eq!(client.submit(channel, far, 2, &typed("far")).await, Some(Code::SeqJump), "{far}");
    }
    assert_eq!(client.submit(channel, 5, 2, &typed("c")).await, None);
    // What is no number at all ends the connection; the client's own future is as it was.
    for beyond in [ClientSeq::MAX.get() + 1, (1 << 55) - 1, u64::MAX] {
        client.say(&[submit(channel, beyond, 3, &typed("beyond"))]).await;
        ends_with(client, Code::Malformed).await;
        client = scene.user("mallory").await;
        let opened = client.open_as("shared", Some(id)).await.unwrap();
        assert_eq!((opened.channel, opened.last_seq.get()), (channel, 5));
    }
    assert_eq!(client.submit(channel, 5 + ClientSeq::MAX_JUMP, 3, &typed("d")).await, None);
    assert_eq!(client.submit(channel, 6 + ClientSeq::MAX_JUMP, 4, &typed("e")).await, None);
    assert_eq!(text(&scene, "shared").await, "edcba");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a8_the_old_connection_of_a_client_commits_nothing_any_more() {
    let scene = Scene::set(&[]).await;
    let (mut old, channel, id) = opened_by(&scene, "mallory", "shared").await;
    assert_eq!(old.submit(channel, 1, 0, &typed("a")).await, None);
    for round in 0..10 {
        let last = 1 + round;
        let mut new = scene.user("mallory").await;
        let opened = new.open_as("shared", Some(id)).await.unwrap();
        assert_eq!(opened.last_seq.get(), last);
        // It does not know yet, or does not care.
        old.say(&[submit(channel, last + 1, last, &typed("late"))]).await;
        assert_eq!(old.answer(channel).await, Some(Code::Superseded));
        old.say(&[submit(channel, last + 1, last, &typed("late"))]).await;
        assert_eq!(old.answer(channel).await, Some(Code::UnknownChannel));
        assert_eq!(new.submit(channel, last + 1, last, &typed("b")).await, None);
        old = new;
    }
    assert_eq!(text(&scene, "shared").await, format!("{}a", "b".repeat(10)));
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn e7_a_channel_that_was_not_opened_is_refused_alike_whether_the_document_is_there_or_not() {
    let scene = Scene::set(&[]).await;
    let mut owner = scene.user("owner").await;
    let theirs = owner.open("private").await;
    assert_eq!(owner.submit(theirs, 1, 0, &typed("secret")).await, None);

    let mut attacker = scene.user("mallory").await;
    let mine = attacker.open("mine").await;
    assert_ne!(mine, theirs);
    let operation = typed("x");
    let mut answers = Vec::new();
    for channel in [theirs, Channel(1_000_000), Channel(u32::MAX)] {
        let (version, checksum) = (cowrite_protocol::Version::ZERO, cowrite_protocol::Checksum(0));
        let cursor = cowrite_protocol::Cursor::default();
        for frame in [
            submit(channel, 1, 0, &operation),
            ClientFrame::Cursor { channel, version: cowrite_tests::raw::full(0), cursor },
            ClientFrame::Presence { channel, activity: Default::default(), state: Some("{}") },
            ClientFrame::Verify { channel, version, hash: 0, checksum },
            ClientFrame::Restore { channel, base: version, operation: Packed(&operation) },
            ClientFrame::Part { channel, total: Some(10), bytes: Packed(b"x") },
            ClientFrame::Close { channel },
        ] {
            attacker.say(&[frame]).await;
            let answer = attacker.hear(|frame| match frame {
                ServerFrame::Closed { channel: of, code, retry_after_ms } if *of == channel => {
                    Some((*code, *retry_after_ms))
                }
                _ => None,
            });
            answers.push(answer.await);
        }
    }
    assert_eq!(answers, vec![(Code::UnknownChannel, 0); 21], "the same for what is there and what is not");
    // A frame of another channel within a transfer is none either.
    let whole = cowrite_tests::raw::message(&[submit(theirs, 1, 1, &operation)]);
    attacker
        .say(&[ClientFrame::Part { channel: mine, total: u32::try_from(whole.len()).ok(), bytes: Packed(&whole) }])
        .await;
    ends_with(attacker, Code::Malformed).await;
    assert_eq!(text(&scene, "private").await, "secret");
    // The owner was told nothing of all this but who is here.
    owner.say(&[ClientFrame::Ping]).await;
    let heard = tokio::time::timeout(
        PATIENCE,
        owner.hear(|frame| match frame {
            ServerFrame::Pong => Some(true),
            ServerFrame::Members { .. } | ServerFrame::Cursors { .. } => None,
            _ => Some(false),
        }),
    );
    assert!(heard.await.unwrap());
    scene.unharmed().await;
}
