//! Readers that do not read.

use std::time::{Duration, Instant};

use cowrite_protocol::frame::{ClientFrame, ServerFrame};
use cowrite_protocol::{Channel, Version};
use cowrite_tests::raw::{RawClient, RawSocket, RawWriter, WsFrame, message, open, packed, submit};

use crate::neighbour::{Neighbour, PATIENCE, insert};
use crate::scene::Scene;

/// A document is edited as fast as the server can, and not as fast as it allows by default.
const FULL_SPEED: [&str; 4] = ["--submits-per-second", "100000", "--submit-burst", "100000"];

/// The log keeps next to nothing. One in memory else holds its last ten thousand entries, which is
/// more than any queue.
const FORGETFUL: [&str; 4] = ["--snapshot-entries", "10", "--retained-entries", "10"];

/// What answers may take that are asked for and not read: twice the queue, and those to one message more,
/// each small one with what its keeping takes.
const ANSWERS: u64 = 24 << 20;

/// One who has opened a document with a small buffer, and reads no byte from here on.
async fn stuck(scene: &Scene, document: &str) -> RawClient {
    let socket = RawSocket::with_small_buffer(scene.server.address()).await;
    let mut client = RawClient::on(socket).greet("dev:stuck").await;
    client.open(document).await;
    client
}

/// Edits so often, as fast as the server takes it; gives the slowest.
async fn edit_at_full_speed(writer: &mut Neighbour, edits: usize, bytes: usize) -> Duration {
    let text = "x".repeat(bytes);
    let mut slowest = Duration::ZERO;
    for edit in 0..edits {
        let began = Instant::now();
        // In turn written and taken away, so that it is the traffic that grows and not the text.
        let operation = match edit % 2 {
            0 => insert(0, &text),
            _ => cowrite_protocol::operation::OperationBuilder::default()
                .delete(cowrite_protocol::Utf16Length(u32::try_from(bytes).unwrap()))
                .build(),
        };
        let edit = writer.document.edit(&operation).unwrap();
        tokio::time::timeout(PATIENCE, writer.document.when_accepted(edit)).await.unwrap().unwrap();
        slowest = slowest.max(began.elapsed());
    }
    slowest
}

async fn until_members(document: &cowrite_client::native::DocumentClient, count: usize) {
    let deadline = Instant::now() + PATIENCE;
    while document.members().len() != count {
        assert!(Instant::now() < deadline, "never {count} people, but {}", document.members().len());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_one_who_reads_nothing_costs_its_queue_and_is_given_up() {
    let scene = Scene::set(&[&FULL_SPEED[..], &["--stuck-ms", "3000"]].concat()).await;
    let mut writer = Neighbour::sit_down(&scene.server.url(), "busy", "writer").await;
    edit_at_full_speed(&mut writer, 400, 20_000).await;
    let before = scene.grown();
    let client = stuck(&scene, "busy").await;
    until_members(&writer.document, 2).await;
    let began = Instant::now();
    // Far more than its queue and all buffers of the system on the way hold.
    let slowest = edit_at_full_speed(&mut writer, 600, 20_000).await;
    let grown = scene.grown().saturating_sub(before);
    println!("one stuck reader, 600 edits in {:?}, the slowest {slowest:?}: {} KiB", began.elapsed(), grown >> 10);
    assert!(grown < 24 << 20, "{} KiB", grown >> 10);
    assert!(slowest < Duration::from_secs(1), "{slowest:?}");
    until_members(&writer.document, 1).await;
    assert!(began.elapsed() < Duration::from_secs(15), "given up after {:?}", began.elapsed());
    drop(client);
    scene.unharmed().await;
}

/// What a queue of a mebibyte may cost: the frame on its way, and what the allocator does not give back.
const ONE_QUEUE: u64 = 8 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_one_who_reads_nothing_costs_the_same_however_much_is_written() {
    // Small edits wait as they are, large ones in parts.
    for (bytes, edits) in [(20_000, 2_000), (200_000, 200)] {
        let scene = Scene::set(&[&FULL_SPEED[..], &FORGETFUL].concat()).await;
        let mut writer = Neighbour::sit_down(&scene.server.url(), "busy", "writer").await;
        // The room keeps some megabytes of entries for those who come back, and has them now.
        edit_at_full_speed(&mut writer, edits / 4, bytes).await;
        let client = stuck(&scene, "busy").await;
        until_members(&writer.document, 2).await;
        let before = scene.grown();
        for half in ["first", "second"] {
            let slowest = edit_at_full_speed(&mut writer, edits / 2, bytes).await;
            let (grown, written) = (scene.grown().saturating_sub(before), edits / 4 * bytes);
            println!("{half} {} KiB for a stuck reader: {} KiB more, slowest {slowest:?}", written >> 10, grown >> 10);
            assert!(grown < ONE_QUEUE, "{} KiB for one who reads nothing", grown >> 10);
            assert!(slowest < Duration::from_secs(1), "{slowest:?}");
        }
        assert_eq!(writer.document.members().len(), 2, "it was there all the time");
        drop(client);
        scene.unharmed().await;
    }
}

/// Of so many documents a reader misses a megabyte each.
const BUSY: usize = 20;

/// What it may cost that one of them at a time is on its way, while buffers of the system take some: each
/// is composed once, by a room that keeps what it composed of. All at once cost seventy megabytes.
const ONE_AFTER_THE_OTHER: u64 = 40 << 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_one_who_is_behind_in_many_documents_is_led_on_in_one_after_the_other() {
    let scene = Scene::set(&FULL_SPEED).await;
    let names: Vec<_> = (0..BUSY).map(|number| format!("busy-{number}")).collect();
    let socket = RawSocket::with_small_buffer(scene.server.address()).await;
    let mut reader = RawClient::on(socket).greet("dev:stuck").await;
    for name in &names {
        reader.open(name).await;
    }
    for name in &names {
        let writer = Neighbour::sit_down(&scene.server.url(), name, "writer").await;
        for _ in 0..100 {
            let edit = writer.document.edit(&insert(0, &"x".repeat(10_000))).unwrap();
            tokio::time::timeout(PATIENCE, writer.document.when_accepted(edit)).await.unwrap().unwrap();
        }
    }
    let before = scene.grown();
    // What waited were small commits. Where the first composition has come, all of them have gone out, and
    // every room has been told that there is room. Where it has taken an edit since, it has done what it does then.
    reader.hear(|frame| matches!(frame, ServerFrame::Composed { .. }).then_some(())).await;
    for name in &names {
        let writer = Neighbour::sit_down(&scene.server.url(), name, "writer").await;
        for _ in 0..2 {
            let edit = writer.document.edit(&insert(0, "y")).unwrap();
            tokio::time::timeout(PATIENCE, writer.document.when_accepted(edit)).await.unwrap().unwrap();
        }
    }
    let grown = scene.grown().saturating_sub(before);
    println!("{BUSY} documents of which one who reads no more has missed a megabyte each: {} KiB more", grown >> 10);
    assert!(grown < ONE_AFTER_THE_OTHER, "{} KiB for one who reads nothing", grown >> 10);
    // It goes on, and misses nothing of any.
    for _ in 0..names.len() / 2 {
        reader.hear(|frame| matches!(frame, ServerFrame::Composed { .. }).then_some(())).await;
    }
    drop(reader);
    scene.unharmed_within(192 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_a_hundred_who_read_nothing_cost_a_hundred_queues_at_most() {
    let scene = Scene::alone(&[&FULL_SPEED[..], &["--stuck-ms", "4000"]].concat()).await;
    let mut writer = Neighbour::sit_down(&scene.server.url(), "hot", "writer").await;
    edit_at_full_speed(&mut writer, 400, 20_000).await;
    let mut readers = Vec::new();
    for _ in 0..100 {
        readers.push(stuck(&scene, "hot").await);
    }
    until_members(&writer.document, 101).await;
    let before = scene.grown();
    let began = Instant::now();
    let slowest = edit_at_full_speed(&mut writer, 600, 20_000).await;
    let grown = scene.grown().saturating_sub(before);
    println!(
        "FIGURE: 100 stuck readers on a hot document, 600 edits in {:?}, the slowest {slowest:?}: {} MiB more, {} MiB resident",
        began.elapsed(),
        grown >> 20,
        scene.server.resident_bytes() >> 20
    );
    // Commits are encoded once for all, so that a hundred queues share their bytes.
    assert!(grown < 100 << 20, "{} MiB", grown >> 20);
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
    until_members(&writer.document, 1).await;
    drop(readers);
    scene.unharmed_within(96 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_that_nobody_reads_take_bounded_memory() {
    let scene = Scene::set(&[]).await;
    // Each asks for many answers in few bytes.
    let unknown = Channel(1_000_000);
    let request = |frame: ClientFrame<'_>| {
        let one = message(&[frame]);
        one.repeat((200 << 10) / one.len())
    };
    let version = Version::ZERO;
    let checksum = cowrite_protocol::Checksum(0);
    for (what, many) in [
        ("pings", request(ClientFrame::Ping)),
        ("closes of unknown channels", request(ClientFrame::Close { channel: unknown })),
        ("opens of no document", request(open(1, ""))),
        ("opens of an open one", request(open(1, "busy"))),
        ("empty submits", request(submit(Channel(1), 1, u64::from(u32::MAX), b""))),
        ("comparisons", request(ClientFrame::Verify { channel: unknown, version, hash: 0, checksum })),
    ] {
        let before = scene.grown();
        let mut client = stuck(&scene, "busy").await;
        let frame = WsFrame::binary(&many).encode();
        let mut sent = 0_u64;
        let most = 64 << 20;
        while sent < most && takes(&mut client.writer, &frame).await {
            sent += frame.len() as u64;
        }
        let grown = scene.grown().saturating_sub(before);
        println!("{} KiB of {what} without reading: {} KiB held", sent >> 10, grown >> 10);
        assert!(grown < ANSWERS, "{} KiB held by {} KiB of {what}", grown >> 10, sent >> 10);
        drop(client);
    }
    scene.unharmed_within(96 << 20).await;
}

/// Whether the server takes this within a moment.
async fn takes(writer: &mut RawWriter, bytes: &[u8]) -> bool {
    tokio::time::timeout(Duration::from_millis(700), writer.send(bytes)).await == Ok(true)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f2_documents_that_nobody_reads_are_not_held_once_for_each_who_asked() {
    let scene = Scene::set(&[]).await;
    let mut writer = scene.user("writer").await;
    let channel = writer.open("large").await;
    let text = packed(&insert(0, &"x".repeat(4 << 20)));
    writer.say_in_parts(channel, &submit(channel, 1, 0, &text)).await;
    assert_eq!(writer.answer(channel).await, None);
    let before = scene.grown();
    let mut readers = Vec::new();
    for _ in 0..30 {
        let socket = RawSocket::with_small_buffer(scene.server.address()).await;
        let mut reader = RawClient::on(socket).greet("dev:stuck").await;
        reader.say(&[open(1, "large")]).await;
        // Opened goes before the document itself.
        let opened = reader.hear(|frame| matches!(frame, ServerFrame::Opened(_)).then_some(()));
        opened.await;
        readers.push(reader);
    }
    let grown = scene.grown().saturating_sub(before);
    println!("a document of 4 MiB asked for by 30 who do not read it: {} MiB held", grown >> 20);
    assert!(grown < 30 << 20, "{} MiB held", grown >> 20);
    drop(readers);
    scene.unharmed_within(96 << 20).await;
}
