//! Few bytes that ask for much memory or time.

use std::time::{Duration, Instant};

use cowrite_protocol::Channel;
use cowrite_protocol::frame::{ClientFrame, Code, Packed, ServerFrame};
use cowrite_tests::raw::{RawClient, packed, submit};

use crate::identity::text;
use crate::neighbour::insert;
use crate::numbers::varint;
use crate::scene::{Scene, ends_with};

/// What answering may take beyond what the bytes themselves take. Ours is a build without
/// optimisation, on a machine that runs other tests.
const SOON: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_announced_lengths_take_no_memory() {
    let scene = Scene::set(&[]).await;
    for length in [1 << 20, u64::from(u32::MAX), 1 << 32, 1 << 40, u64::MAX >> 1, u64::MAX] {
        let length = varint(length);
        let mut stranger = scene.stranger().await;
        stranger.send(&[vec![0, 1, 1], length.clone(), b"dev:a".to_vec()].concat()).await;
        ends_with(stranger, Code::Malformed).await;
        let channel = |client: Channel| varint(u64::from(client.0));
        let frames: [fn(Vec<u8>, Vec<u8>) -> Vec<u8>; 9] = [
            // The document of an open, and its state.
            |_, length| [vec![1, 9], length, b"abc".to_vec()].concat(),
            |_, length| [vec![1, 9, 1, b'd', 0, 0, 0, 0], length, b"{}".to_vec()].concat(),
            // The operation of a submit, and the cursor of one.
            |channel, length| [vec![2], channel, vec![65, 64], length, vec![5, b'x']].concat(),
            |channel, length| [vec![4], length, vec![1, 0], channel].concat(),
            // A cursor, a state, a token, a part, a restoration.
            |channel, length| [vec![5], channel, vec![64], length, vec![1, 0]].concat(),
            |channel, length| [vec![6], channel, vec![0, 1], length, b"{}".to_vec()].concat(),
            |_, length| [vec![9], length, b"dev:a".to_vec()].concat(),
            |channel, length| [vec![11], channel, vec![0], length, vec![1]].concat(),
            |channel, length| [vec![12], channel, vec![0], length, vec![5, b'x']].concat(),
        ];
        for (number, frame) in frames.into_iter().enumerate() {
            let mut client = scene.user("mallory").await;
            let opened = client.open("bombs").await;
            client.send(&frame(channel(opened), length.clone())).await;
            let ending = client.ending().await;
            assert_eq!(ending.code, Some(Code::Malformed), "frame {number} of length {length:02x?}");
        }
        // A frame of a kind that may be skipped, of more bytes than there are.
        let mut client = scene.user("mallory").await;
        client.send(&[vec![100], length, vec![1]].concat()).await;
        ends_with(client, Code::Malformed).await;
    }
    for total in [(16 << 20) + 1_025, 1 << 31, u32::MAX] {
        let mut client = scene.user("mallory").await;
        let channel = client.open("bombs").await;
        client.say(&[ClientFrame::Part { channel, total: Some(total), bytes: Packed(&[1]) }]).await;
        ends_with(client, Code::TooLarge).await;
    }
    scene.unharmed_within(16 << 20).await;
}

/// So many insertions, each told apart from its neighbours.
fn pieces(count: usize, piece: &[u8]) -> Vec<u8> {
    piece.repeat(count)
}

async fn submit_in_parts(
    client: &mut RawClient,
    channel: Channel,
    seq: u64,
    base: u64,
    operation: &[u8],
) -> Option<Code> {
    client.say_in_parts(channel, &submit(channel, seq, base, operation)).await;
    client.answer(channel).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_a_million_components_are_refused_by_their_count() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let channel = client.open("bombs").await;
    // Plain retains and deletes that join into two components are counted as what they are.
    let bold_and_plain = [&b"\x17a\x10\x01b\x01"[..], b"\x05a"].concat();
    let many: [(&str, Vec<u8>); 4] = [
        ("insertions in turn with attributes", pieces(500_000, &bold_and_plain)),
        ("retains in turn with deletes", pieces(500_000, &[4, 6])),
        ("embeds", pieces(1_000_000, b"\x2b{}")),
        ("insertions in turn with retains", pieces(500_000, &[5, b'x', 4])),
    ];
    let began = Instant::now();
    for (seq, (what, operation)) in (1..).zip(&many) {
        let began = Instant::now();
        let code = submit_in_parts(&mut client, channel, seq, 0, operation).await;
        assert_eq!(code, Some(Code::OperationTooLarge), "{what}");
        println!("{} KiB of {what}: refused in {:?}", operation.len() >> 10, began.elapsed());
    }
    assert!(began.elapsed() < SOON * 4, "{:?}", began.elapsed());
    assert_eq!(client.submit(channel, 5, 0, &packed(&insert(0, "x"))).await, None);
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d7_two_operations_of_a_hundred_thousand_runs_meet_in_linear_time() {
    let scene = Scene::set(&[]).await;
    let (mut one, mut other) = (scene.user("mallory").await, scene.user("malice").await);
    let channel = one.open("bombs").await;
    other.open("bombs").await;
    let length = 200_000;
    let whole = packed(&insert(0, &"x".repeat(length)));
    assert_eq!(submit_in_parts(&mut one, channel, 1, 0, &whole).await, None);
    // One unit bold, one left as it is, and so on: as many runs as components are allowed.
    let (bold, other_way) = (b"\x13\x10\x01b\x01\x04", b"\x13\x10\x01b\x00\x04");
    let mut times = Vec::new();
    for (round, runs) in [12_500, 25_000, 50_000].into_iter().enumerate() {
        let (round, began) = (round as u64, Instant::now());
        let base = 1 + 2 * round;
        assert_eq!(submit_in_parts(&mut one, channel, 2 + round, base, &pieces(runs, bold)).await, None);
        assert_eq!(submit_in_parts(&mut other, channel, 1 + round, base, &pieces(runs, other_way)).await, None);
        times.push(began.elapsed());
    }
    println!("two of 25,000, 50,000 and 100,000 components: {times:?}");
    // Twice as many take twice as long, and not four times; the start of each costs the same.
    assert!(times[2] < times[1] * 4 + SOON / 2, "{times:?}");
    assert!(times[2] < SOON * 2, "{times:?}");
    assert_eq!(text(&scene, "bombs").await.len(), length);
    scene.unharmed_within(200 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn d6_json_too_deep_or_sets_too_large_are_refused() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let channel = client.open("bombs").await;
    let array = |depth: usize| [vec![b'['; depth], vec![b']'; depth]].concat();
    let object = |depth: usize| [b"{\"a\":".repeat(depth), b"1".to_vec(), vec![b'}'; depth]].concat();
    let value = |json: &[u8]| [b"\x17x\x10\x01a".to_vec(), varint(json.len() as u64 + 2), json.to_vec()].concat();
    let embed = |json: &[u8]| [varint((json.len() as u64) << 4 | 11), json.to_vec()].concat();
    let set = |keys: usize| {
        let keys: Vec<u8> =
            (0..keys).flat_map(|key| [&b"\x08"[..], format!("k{key:07}").as_bytes(), &[1]].concat()).collect();
        keys
    };
    let attributes = |count: usize| [b"\x17x".to_vec(), varint(count as u64 + 15), set(count)].concat();
    let mut hostile = vec![
        (value(&b"[".repeat(10_000)), Code::BadOperation),
        (embed(&b"{\"a\":".repeat(10_000)), Code::BadOperation),
        (attributes(65), Code::OperationTooLarge),
        (attributes(100_000), Code::OperationTooLarge),
    ];
    for depth in [33, 10_000, 80_000] {
        hostile.push((value(&array(depth)), Code::BadOperation));
        hostile.push((value(&object(depth)), Code::BadOperation));
        hostile.push((embed(&object(depth)), Code::BadOperation));
    }
    for (seq, (operation, code)) in (1..).zip(&hostile) {
        let told = submit_in_parts(&mut client, channel, seq, 0, operation).await;
        assert_eq!(told, Some(*code), "{:?}…", String::from_utf8_lossy(&operation[..20.min(operation.len())]));
    }
    let seq = hostile.len() as u64 + 1;
    assert_eq!(client.submit(channel, seq, 0, &value(&array(32))).await, None);
    assert_eq!(client.submit(channel, seq + 1, 1, &attributes(64)).await, None);
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_mean_something_to_javascript_and_markup_arrive_as_they_are() {
    let scene = Scene::set(&[]).await;
    let (mut author, mut reader) = (scene.user("mallory").await, scene.user("reader").await);
    let (channel, _) = (author.open("inert").await, reader.open("inert").await);
    let keys = ["__proto__", "constructor", "prototype", "toString", "hasOwnProperty", "<script>", "__defineGetter__"];
    for (seq, key) in (1..).zip(keys) {
        let json = format!("{{\"{key}\":{{\"polluted\":true}}}}");
        let key_bytes = [varint(key.len() as u64), key.as_bytes().to_vec()].concat();
        let value = [varint(json.len() as u64 + 2), json.as_bytes().to_vec()].concat();
        let operation = [
            [b"\x17x\x10".to_vec(), key_bytes, value].concat(),
            [varint((json.len() as u64) << 4 | 11), json.as_bytes().to_vec()].concat(),
        ]
        .concat();
        assert_eq!(author.submit(channel, seq, seq - 1, &operation).await, None, "{key}");
        let arrived = reader.hear(|frame| match frame {
            ServerFrame::Commit(commit) => Some(commit.operation.0.to_owned()),
            _ => None,
        });
        assert_eq!(arrived.await, operation, "{key}");
    }
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_edit_on_an_old_version_is_carried_over_all_that_is_remembered_in_bounded_time() {
    let mut scene = Scene::alone(&["--submits-per-second", "10000", "--submit-burst", "10000"]).await;
    let mut client = scene.user("mallory").await;
    let channel = client.open("bombs").await;
    let whole = packed(&insert(0, &"x".repeat(100_000)));
    assert_eq!(submit_in_parts(&mut client, channel, 1, 0, &whole).await, None);
    // Entries with few bytes and many components, each of which is carried over all of the next edit.
    let (mut seq, mut filled) = (1, 0);
    let pieces_of = |value: u64| pieces(30_000, &[&b"\x13\x10\x01b"[..], &varint(value % 2 + 1), &[4]].concat());
    while filled < 3 << 20 {
        let operation = pieces_of(seq);
        let base = seq;
        seq += 1;
        assert_eq!(submit_in_parts(&mut client, channel, seq, base, &operation).await, None);
        filled += operation.len();
    }
    let mut late = scene.user("late").await;
    late.open("bombs").await;
    let (operation, began) = (pieces_of(0), Instant::now());
    let (carried, times) =
        tokio::join!(submit_in_parts(&mut late, channel, 1, 1, &operation), scene.neighbour.type_at(20, 40));
    println!(
        "60,000 components carried over {} such entries: {carried:?} after {:?}; the neighbour meanwhile p50 {:?}, p99 {:?}",
        seq - 1,
        began.elapsed(),
        times.percentile(50),
        times.percentile(99)
    );
    assert_eq!(carried, None);
    assert!(times.percentile(50) < Duration::from_millis(50), "{times:?}");
    assert!(times.percentile(99) < SOON, "{times:?}");
    scene.unharmed_within(600 << 20).await;
}
