//! One client at full speed, of one kind of frame after the other, while somebody else works.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Activity, ClientFrame, ServerFrame};
use cowrite_protocol::{Channel, DocumentType};
use cowrite_tests::raw::{RawClient, WsFrame, full, message, open, packed, submit};

use crate::neighbour::{Times, insert};
use crate::scene::Scene;

/// How often the neighbour types, and how long it is watched for each flood.
const PER_SECOND: u32 = 10;
const EDITS: u32 = 20;

/// What a flood may make of the neighbour's edits: their time without it, so many times over, and a
/// little. The attacker takes a core of the same machine for itself, and so may other tests.
const RATIO: u32 = 5;
const SLACK_OF_MEDIAN: Duration = Duration::from_millis(20);
/// A burst that is allowed is felt for a moment: a thousand documents, which a client may have open, are
/// opened at once when it comes back. Ours is a build without optimisation.
const SLACK_OF_P99: Duration = Duration::from_millis(500);

/// Writes as fast as it is taken, reads what comes, until the neighbour has typed.
struct Flood {
    task: tokio::task::JoinHandle<()>,
    sent: Arc<AtomicU64>,
    heard: Arc<AtomicU64>,
}

impl Flood {
    /// `next` gives the bytes to send; it is told how many messages were before.
    fn of(client: RawClient, mut next: impl FnMut(u64) -> Vec<u8> + Send + 'static) -> Flood {
        let (sent, heard) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let (mut reader, mut writer) = client.into_halves();
        let (writes, reads) = (sent.clone(), heard.clone());
        let task = tokio::spawn(async move {
            let writing = async {
                for number in 0.. {
                    if !writer.send(&next(number)).await {
                        break;
                    }
                    writes.fetch_add(1, Ordering::Relaxed);
                    // Whoever reads has its turn too.
                    tokio::task::yield_now().await;
                }
            };
            let reading = async {
                while let Some(frame) = reader.wait().await {
                    let frames = decode_server(&frame.payload, usize::MAX);
                    let answers = frames.filter(|frame| {
                        matches!(
                            frame,
                            Ok(ServerFrame::Busy { .. } | ServerFrame::OpenRefused { .. } | ServerFrame::Error { .. })
                        )
                    });
                    reads.fetch_add(answers.count() as u64, Ordering::Relaxed);
                }
            };
            tokio::join!(writing, reading);
        });
        Flood { task, sent, heard }
    }
}

impl Drop for Flood {
    fn drop(&mut self) {
        self.task.abort();
    }
}

fn one(frames: &[ClientFrame<'_>]) -> Vec<u8> {
    WsFrame::binary(&message(frames)).encode()
}

async fn flooding(scene: &Scene, what: &str) -> Flood {
    let mut client = scene.user("mallory").await;
    let channel: Channel = client.open("flooded").await;
    match what {
        "submits" => Flood::of(client, move |number| one(&[submit(channel, number + 1, 0, &packed(&insert(0, "x")))])),
        "submits, many a message" => Flood::of(client, move |number| {
            let operation = packed(&insert(0, "x"));
            let frames: Vec<_> = (1..500).map(|one| submit(channel, number * 500 + one, 0, &operation)).collect();
            one(&frames)
        }),
        "opens of new documents" => Flood::of(client, |number| {
            let request = u32::try_from(number).unwrap_or(0);
            one(&[open(request, &format!("new{number}"))])
        }),
        "opens and closes" => Flood::of(client, move |_| one(&[ClientFrame::Close { channel }, open(1, "flooded")])),
        "pings of cowrite" => Flood::of(client, |_| one(&[ClientFrame::Ping])),
        "pings of websocket" => Flood::of(client, |_| WsFrame::ping(b"x").encode()),
        "cursors" => Flood::of(client, move |_| {
            one(&[ClientFrame::Cursor { channel, version: full(0), cursor: cowrite_protocol::Cursor::default() }])
        }),
        "states" => Flood::of(client, move |number| {
            let state = format!("{number:02000}");
            one(&[ClientFrame::Presence { channel, activity: Activity::Active, state: Some(&state) }])
        }),
        "frames of nothing" => Flood::of(client, |_| WsFrame::binary(b"").encode().repeat(100)),
        "comparisons" => Flood::of(client, move |_| {
            let version = cowrite_protocol::Version::ZERO;
            let checksum = cowrite_protocol::RichText::checksum(&Default::default());
            one(&[ClientFrame::Verify { channel, version, hash: 0, checksum }])
        }),
        other => unreachable!("{other}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_a_flood_on_one_document_leaves_the_neighbours_p99_where_it_was() {
    let mut scene = Scene::alone(&[]).await;
    let calm = scene.neighbour.type_at(PER_SECOND * 2, EDITS * 2).await;
    let bounds = (calm.percentile(50) * RATIO + SLACK_OF_MEDIAN, calm.percentile(99) * RATIO + SLACK_OF_P99);
    println!(
        "without a flood: p50 {:?}, p99 {:?}; with one at most {bounds:?}",
        calm.percentile(50),
        calm.percentile(99)
    );
    let mut failed = Vec::new();
    for what in [
        "submits",
        "submits, many a message",
        "opens of new documents",
        "opens and closes",
        "pings of cowrite",
        "pings of websocket",
        "cursors",
        "states",
        "frames of nothing",
        "comparisons",
    ] {
        let flood = flooding(&scene, what).await;
        let times: Times = scene.neighbour.type_at(PER_SECOND, EDITS).await;
        let (sent, heard) = (flood.sent.load(Ordering::Relaxed), flood.heard.load(Ordering::Relaxed));
        println!(
            "{what}: p50 {:?}, p99 {:?}; {sent} messages in 2 s, {heard} told to wait or refused, {} MiB more",
            times.percentile(50),
            times.percentile(99),
            scene.grown() >> 20
        );
        if times.percentile(50) > bounds.0 || times.percentile(99) > bounds.1 {
            failed.push(what);
        }
        drop(flood);
    }
    assert!(failed.is_empty(), "the neighbour suffers from {failed:?}");
    scene.unharmed_within(96 << 20).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f4_submits_above_the_rate_are_told_when_to_come_again_and_then_taken() {
    let scene = Scene::set(&[]).await;
    let mut client = scene.user("mallory").await;
    let channel = client.open("fast").await;
    let (mut accepted, mut busy) = (0, 0);
    while busy < 20 {
        let operation = packed(&insert(0, "x"));
        client.say(&[submit(channel, accepted + 1, accepted, &operation)]).await;
        let wait = client.hear(|frame| match frame {
            ServerFrame::Ack { .. } => Some(None),
            ServerFrame::Busy { seq, retry_after_ms, code, .. } => {
                assert_eq!((seq.get(), *code), (accepted + 1, cowrite_protocol::frame::Code::RateLimited));
                Some(Some(*retry_after_ms))
            }
            ServerFrame::Reject { .. } | ServerFrame::Closed { .. } => panic!("{frame:?}"),
            _ => None,
        });
        match wait.await {
            None => accepted += 1,
            Some(ms) => {
                assert!((1..=1_000).contains(&ms), "{ms}");
                busy += 1;
                tokio::time::sleep(Duration::from_millis(u64::from(ms))).await;
            }
        }
        assert!(accepted < 2_000, "no limit is met");
    }
    assert_eq!(crate::identity::text(&scene, "fast").await.len() as u64, accepted, "all that was taken, once");
    scene.unharmed().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn f7_documents_opened_and_left_at_full_speed_are_not_kept() {
    let scene = Scene::set(&["--idle-ms", "200"]).await;
    let mut client = scene.user("mallory").await;
    let mut opened = Vec::new();
    for number in 0..400 {
        opened.push(client.open(&format!("d{number}")).await);
    }
    client.say(&[open(9_999, "d0")]).await;
    let refused = |frame: &ServerFrame<'_>| match frame {
        ServerFrame::OpenRefused { request: 9_999, code, .. } => Some(*code),
        _ => None,
    };
    assert_eq!(client.hear(refused).await, cowrite_protocol::frame::Code::AlreadyOpen);
    for channel in opened {
        client.say(&[ClientFrame::Close { channel }]).await;
    }
    assert_eq!(client.goes_on().await, Ok(()));
    let deadline = std::time::Instant::now() + crate::neighbour::PATIENCE;
    while scene.server.metrics().await.value("cowrite_rooms") != Some(1.0) {
        assert!(std::time::Instant::now() < deadline, "rooms stay open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    scene.unharmed_within(24 << 20).await;
}
