//! A client of somebody else's, which writes operations in its own way, and loses the answers.

use cowrite_protocol::frame::{ClientFrame, Code, Outcome, ServerFrame, Settlement};
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{Channel, ClientSeq, OperationLimits};
use cowrite_tests::process::Place;
use cowrite_tests::raw::{RawClient, open_as, packed, submit};
use cowrite_tests::server::ServerProcess;

use crate::identity::text;
use crate::neighbour::insert;
use crate::scene::Scene;

/// A way of writing an operation on `abcd` that is not the normal form.
const FORMS: [(&str, &[u8]); 9] = [
    ("a deletion before an insertion", b"\x04\x0a\x05X"),
    ("insertions on both sides of a deletion", b"\x04\x05X\x0a\x05Y"),
    ("adjacent insertions", b"\x08\x05X\x05Y"),
    ("adjacent deletions", b"\x04\x06\x06\x05X"),
    ("adjacent retains", b"\x04\x04\x05X"),
    ("a retain at the end", b"\x08\x05X\x08"),
    ("nothing but retains", b"\x04\x04"),
    ("formats one by one", b"\x13\x10\x01b\x01\x13\x10\x01b\x01\x17X\x10\x01b\x01\x17Y\x10\x01b\x01"),
    ("all of it in pieces", b"\x06\x05X\x06\x05Y\x06\x06"),
];

/// What is no operation in any way of writing it.
const NONE: [(&str, &[u8]); 5] = [
    ("a retain of nothing", b"\x00\x05X"),
    ("an insertion of nothing", b"\x04\x01"),
    ("a deletion of nothing", b"\x02\x05X"),
    ("a format of nothing", b"\x03\x10\x01b\x01"),
    ("half a pair", b"\x0d\xed\xa0\xbd"),
];

/// `abcd`, then one edit and another that was made on the same version.
async fn meet(client: &mut RawClient, document: &str, first: &[u8], second: &[u8]) {
    let channel = client.open(document).await;
    assert_eq!(client.submit(channel, 1, 0, &packed(&insert(0, "abcd"))).await, None);
    assert_eq!(client.submit(channel, 2, 1, first).await, None, "{first:02x?}");
    assert_eq!(client.submit(channel, 3, 1, second).await, None, "{second:02x?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_an_operation_in_another_form_is_the_same_operation_everywhere() {
    let scene = Scene::set(&["--submits-per-second", "10000", "--submit-burst", "10000"]).await;
    let mut client = scene.user("mallory").await;
    for (number, (what, form)) in FORMS.into_iter().enumerate() {
        let meant = Operation::decode(form, &OperationLimits::NONE).unwrap();
        assert_ne!(packed(&meant), form, "{what} is the normal form");
        // Somebody has the document open and is told of it.
        let mut reader = scene.user("reader").await;
        let document = format!("told-{number}");
        reader.open(&document).await;
        for (at, place) in [1, 2, 3].into_iter().enumerate() {
            let other = packed(&insert(place, "other"));
            for (order, [first, second]) in [[form, &other], [&other, form]].into_iter().enumerate() {
                let twins = ["foreign", "normal"].map(|form| format!("{form}-{number}-{at}-{order}"));
                meet(&mut client, &twins[0], first, second).await;
                let normal = |bytes: &[u8]| if bytes == form { packed(&meant) } else { bytes.to_vec() };
                meet(&mut client, &twins[1], &normal(first), &normal(second)).await;
                assert_eq!(text(&scene, &twins[0]).await, text(&scene, &twins[1]).await, "{what}, beside {place}");
            }
        }
        meet(&mut client, &document, form, &packed(&insert(0, "z"))).await;
        let mut told = Vec::new();
        while told.len() < 3 {
            let commit = reader.hear(|frame| match frame {
                ServerFrame::Commit(commit) => Some(commit.operation.0.to_vec()),
                _ => None,
            });
            told.push(commit.await);
        }
        assert_eq!(told[1], packed(&meant), "{what} is told in its normal form");
    }
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d2_what_is_no_operation_in_any_form_is_refused_and_the_next_edit_taken() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let channel = client.open("none").await;
    assert_eq!(client.submit(channel, 1, 0, &packed(&insert(0, "abcd"))).await, None);
    let mut seq = 1;
    for (what, form) in NONE {
        assert_eq!(client.submit(channel, seq + 1, 1, form).await, Some(Code::BadOperation), "{what}");
        seq += 2;
        assert_eq!(client.submit(channel, seq, 1, &packed(&insert(4, "e"))).await, None, "after {what}");
    }
    assert_eq!(text(&scene, "none").await, "abcdeeeee");
    scene.unharmed().await;
}

/// Comes back under its name with this in flight; gives the channel.
async fn back(scene: &Scene, name: cowrite_protocol::ClientId, in_flight: u64, last: u64) -> (RawClient, Channel) {
    let mut client = scene.user("mallory").await;
    let ClientFrame::Open { request, document, client: id, position, whole, state, .. } =
        open_as(1, "lost", Some(name))
    else {
        unreachable!()
    };
    let in_flight = ClientSeq::new(in_flight);
    client.say(&[ClientFrame::Open { request, document, client: id, position, whole, in_flight, state }]).await;
    let opened = client.hear(|frame| match frame {
        ServerFrame::Opened(opened) => Some(opened.clone()),
        _ => None,
    });
    let opened = opened.await;
    assert_eq!((opened.settlement, opened.outcome), (Settlement::NotAccepted, Outcome::Snapshot));
    assert_eq!(opened.last_seq.get(), last);
    (client, opened.channel)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d5_a_refusal_whose_answer_was_lost_is_told_again_or_judged_anew_and_never_both() {
    let place = Place::new();
    let flags = ["--connections-per-user", "100"];
    let server = ServerProcess::on_disk(&place.path("data"), &flags);
    let mut scene = Scene::around(server).await;
    let mut client = scene.user("mallory").await;
    let opened = client.open_as("lost", None).await.unwrap();
    let (name, mut channel) = (opened.client, opened.channel);
    assert_eq!(client.submit(channel, 1, 0, &packed(&insert(0, "abcd"))).await, None);
    let (bad, good) = (packed(&insert(9, "x")), packed(&insert(4, "!")));
    let past_end = Some(Code::PastEnd);

    // The same stay is told the same, whatever it holds the second time.
    assert_eq!(client.submit(channel, 2, 1, &bad).await, past_end);
    assert_eq!(client.submit(channel, 2, 1, &bad).await, past_end);
    assert_eq!(client.submit(channel, 2, 1, &good).await, past_end);
    assert_eq!(text(&scene, "lost").await, "abcd");

    // Nobody hears the answer. Whoever comes back is told that it was not accepted, asks again and is
    // refused again, also by a server that was started anew.
    for restarted in [false, true] {
        client.say(&[submit(channel, 2, 1, &bad)]).await;
        drop(client);
        if restarted {
            scene.server.restart();
        }
        (client, channel) = back(&scene, name, 2, 1).await;
        assert_eq!(client.submit(channel, 2, 1, &bad).await, past_end);
    }

    // What would fit now is judged anew, and then it is accepted: no refusal of it is ever told again.
    drop(client);
    (client, channel) = back(&scene, name, 2, 1).await;
    assert_eq!(client.submit(channel, 2, 1, &good).await, None);
    assert_eq!(client.submit(channel, 2, 1, &bad).await, None, "the answer is that of the entry");
    assert_eq!(client.submit(channel, 3, 2, &packed(&insert(5, "?"))).await, None);
    assert_eq!(text(&scene, "lost").await, "abcd!?");
    scene.unharmed().await;
}
