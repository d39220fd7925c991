//! The live channel: cut, slow, and with anything in it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cowrite_client::native::{DocumentClient, NativeClient, NativeSettings};
use cowrite_protocol::operation::Operation;
use cowrite_tests::crowd::Crowd;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::{Live, Then};
use cowrite_tests::server::ServerProcess;
use redis::{PushInfo, PushKind, Value};
use tokio::time::timeout;

use crate::stage::{PATIENCE, Stage, append_to, few, servers};

/// So late at most somebody at another server sees an edit of which the feed lost word, however
/// quiet it is: well before the periodic look.
const REPAIRED_WITHIN: Duration = Duration::from_secs(8);

/// Somebody who only reads, at one server.
struct Reader {
    _client: NativeClient,
    documents: Vec<DocumentClient>,
}

impl Reader {
    async fn at(server: &ServerProcess, crowd: &Crowd) -> Reader {
        let client = NativeClient::connect(&server.url(), "dev:watcher", NativeSettings::default()).unwrap();
        let documents: Vec<_> = crowd.documents().into_iter().map(|id| client.open(id, "").unwrap()).collect();
        for document in &documents {
            timeout(PATIENCE, document.opened()).await.unwrap().unwrap();
        }
        Reader { _client: client, documents }
    }

    /// Has seen all that everybody else has, who rests.
    async fn sees_all(&self, crowd: &Crowd, within: Duration) {
        for (document, id) in self.documents.iter().zip(crowd.documents()) {
            let person = crowd.people().iter().find(|person| *person.id() == id).unwrap();
            let version = person.document().status().version;
            let seen = timeout(within, document.wait_until(|status| status.version >= version)).await;
            assert!(seen.is_ok(), "{:?}, not yet version {version}", document.status());
            assert_eq!(document.text(), person.document().text());
        }
    }
}

/// Everybody writes at the first server, so the second learns all by the feed alone.
async fn one_sided(redis: RedisProcess, flags: &[&str]) -> (Stage, Reader) {
    let (relays, servers) = servers(&redis, flags);
    let mut crowd = Crowd::gather(&[servers[0].address()], few()).await;
    let reader = Reader::at(&servers[1], &crowd).await;
    crowd.start_typing();
    crowd.until_accepted(30, PATIENCE).await;
    (Stage { crowd, servers, relays, redis }, reader)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c11_subscribers_that_are_killed_come_back_and_read_what_they_missed() {
    let (mut stage, reader) = one_sided(RedisProcess::start(&[]), &[]).await;
    for _ in 0..3 {
        stage.crowd.brace().await;
        // The way back is barred for a while.
        let bars: Vec<_> = (0..5).map(|_| stage.relays[1].catch(b"SSUBSCRIBE", Then::LoseRequest)).collect();
        stage.redis.command(&["CLIENT", "KILL", "TYPE", "pubsub"]);
        stage.crowd.release();
        stage.crowd.until_accepted(30, PATIENCE).await;
        stage.crowd.settle(PATIENCE).await.unwrap();
        assert!(bars.iter().any(|bar| !bar.is_caught()), "nothing was missed");
        for mut bar in bars {
            bar.caught(PATIENCE).await;
        }
        // Nobody writes any more: no later batch shows that something is missing.
        reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
        stage.crowd.start_typing();
    }
    stage.end_well().await;
    reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c13_whoever_has_an_empty_document_open_sees_its_first_edit_though_the_feed_lost_it() {
    let redis = RedisProcess::start(&[]);
    let (relays, servers) = servers(&redis, &["--look-ms", "300"]);
    relays[1].live(Live::Lost);
    let open = |server: &ServerProcess, name: &str| {
        let client = NativeClient::connect(&server.url(), name, NativeSettings::default()).unwrap();
        let document = client.open("empty".parse().unwrap(), "").unwrap();
        (client, document)
    };
    let (writer, reader) = (open(&servers[0], "dev:writer"), open(&servers[1], "dev:reader"));
    timeout(PATIENCE, reader.1.opened()).await.unwrap().unwrap();
    timeout(PATIENCE, writer.1.opened()).await.unwrap().unwrap();
    writer.1.edit(&Operation::builder().insert("first").build()).unwrap();
    let seen = timeout(REPAIRED_WITHIN, reader.1.wait_until(|status| status.version.get() == 1)).await;
    assert!(seen.is_ok(), "{:?}", reader.1.status());
    assert_eq!(reader.1.text(), "first");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c12_a_subscriber_that_takes_too_much_at_once_is_not_killed_for_ever() {
    let redis = RedisProcess::start(&["client-output-buffer-limit pubsub 64kb 32kb 1"]);
    let (mut stage, reader) = one_sided(redis, &[]).await;
    stage.crowd.brace().await;
    stage.crowd.release();
    // Somebody pastes what no subscriber can take.
    let id = "heap".parse().unwrap();
    let writer = NativeClient::connect(&stage.servers[0].url(), "dev:writer", NativeSettings::default()).unwrap();
    let heap = writer.open(id, "").unwrap();
    timeout(PATIENCE, heap.opened()).await.unwrap().unwrap();
    let other = NativeClient::connect(&stage.servers[1].url(), "dev:other", NativeSettings::default()).unwrap();
    let seen = other.open("heap".parse().unwrap(), "").unwrap();
    timeout(PATIENCE, seen.opened()).await.unwrap().unwrap();
    let killed = stage.servers.iter().map(|server| server.log().matches("connection for subscriptions broke").count());
    assert_eq!(killed.sum::<usize>(), 0);
    for _ in 0..5 {
        let edit = heap.edit(&Operation::builder().insert(&"x".repeat(200_000)).build()).unwrap();
        timeout(PATIENCE, heap.when_accepted(edit)).await.unwrap().unwrap();
    }
    let version = heap.status().version;
    let there = timeout(REPAIRED_WITHIN, seen.wait_until(|status| status.version >= version)).await;
    assert!(there.is_ok(), "{:?}, not yet {version}:\n{}", seen.status(), stage.servers[1].log());
    assert_eq!(seen.text(), heap.text());
    stage.crowd.settle(PATIENCE).await.unwrap();
    reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
    let broke = |server: &ServerProcess| server.log().matches("connection for subscriptions broke").count();
    assert!((1..=10).contains(&broke(&stage.servers[1])), "{} times", broke(&stage.servers[1]));
    stage.crowd.start_typing();
    stage.end_well().await;
    reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c13_batches_that_are_lost_doubled_and_swapped_change_nothing() {
    let (mut stage, reader) = one_sided(RedisProcess::start(&[]), &["--look-ms", "1500"]).await;
    for live in [Live::Doubled, Live::Swapped, Live::Lost] {
        stage.crowd.brace().await;
        stage.relays.iter().for_each(|relay| relay.live(live));
        stage.crowd.release();
        stage.crowd.until_accepted(60, PATIENCE).await;
        // Also the last one, which no later one shows to be missing.
        stage.crowd.settle(PATIENCE).await.unwrap();
        reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
        stage.relays.iter().for_each(|relay| relay.live(Live::Whole));
        stage.crowd.start_typing();
    }
    stage.end_well().await;
    reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b3_what_a_server_appended_before_it_died_is_found_by_the_others() {
    let (mut stage, reader) = one_sided(RedisProcess::start(&[]), &["--look-ms", "500"]).await;
    stage.crowd.brace().await;
    // The other server hears nothing of it, and nobody comes there to tell.
    stage.relays[1].live(Live::Lost);
    let mut caught = stage.relays[0].catch(&append_to("crowd-0"), Then::LoseReply);
    stage.crowd.release();
    caught.caught(PATIENCE).await;
    stage.servers[0].kill_9();
    let state = |field| stage.redis.text(&["HGET", "cowrite:{crowd-0}:state", field]);
    let head: u64 = state("version").parse().unwrap();
    let seen = reader.documents[0].wait_until(|status| status.version.get() >= head);
    let seen = timeout(REPAIRED_WITHIN, seen).await;
    assert!(seen.is_ok(), "{:?}, not yet {head}", reader.documents[0].status());
    stage.relays[1].live(Live::Whole);
    stage.servers[0].restart();
    stage.crowd.wake();
    stage.end_well().await;
    reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c15_a_room_that_fell_behind_what_is_kept_loads_anew_and_begins_no_life() {
    let flags = ["--snapshot-entries", "10", "--retained-entries", "10", "--redis-retained-hours", "0"];
    let (mut stage, reader) = one_sided(RedisProcess::start(&[]), &[&flags[..], &["--look-ms", "1500"]].concat()).await;
    stage.crowd.brace().await;
    stage.relays[1].live(Live::Lost);
    stage.crowd.release();
    stage.crowd.until_accepted(200, PATIENCE).await;
    stage.crowd.settle(PATIENCE).await.unwrap();
    reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
    stage.relays[1].live(Live::Whole);
    for server in &stage.servers {
        let metrics = server.metrics().await;
        let lost = metrics.sum("cowrite_histories_lost_total") + metrics.sum("cowrite_epochs_begun_total");
        assert_eq!(lost, 0.0, "nothing was lost: {metrics:?}\n{}", server.log());
    }
    stage.crowd.start_typing();
    let report = stage.end_well().await;
    assert_eq!(report.reopened, 0, "who is at the other server has not noticed: {report:?}");
    reader.sees_all(&stage.crowd, REPAIRED_WITHIN).await;
}

/// Hears the live channels, to say it again.
struct Eavesdropper {
    heard: Arc<Mutex<BTreeMap<String, Vec<Vec<u8>>>>>,
    connection: redis::aio::MultiplexedConnection,
}

impl Eavesdropper {
    async fn on(redis: &RedisProcess, channels: &[String]) -> Eavesdropper {
        let heard = Arc::<Mutex<BTreeMap<String, Vec<Vec<u8>>>>>::default();
        let hears = heard.clone();
        let settings = redis::AsyncConnectionConfig::new().set_push_sender(move |push: PushInfo| {
            if let (PushKind::SMessage, [Value::BulkString(channel), Value::BulkString(message)]) =
                (push.kind, &push.data[..])
            {
                let channel = String::from_utf8(channel.clone()).unwrap();
                hears.lock().unwrap().entry(channel).or_default().push(message.clone());
            }
            Ok::<(), redis::aio::SendError>(())
        });
        let url = format!("{}?protocol=resp3", redis.url());
        let client = redis::Client::open(url).unwrap();
        let mut connection = client.get_multiplexed_async_connection_with_config(&settings).await.unwrap();
        for channel in channels {
            redis::cmd("SSUBSCRIBE").arg(channel).query_async::<Value>(&mut connection).await.unwrap();
        }
        Eavesdropper { heard, connection }
    }

    fn heard(&self, channel: &str) -> Vec<Vec<u8>> {
        self.heard.lock().unwrap().get(channel).cloned().unwrap_or_default()
    }

    async fn say(&mut self, channel: &str, message: &[u8]) {
        let heard: u64 =
            redis::cmd("SPUBLISH").arg(channel).arg(message).query_async(&mut self.connection).await.unwrap();
        assert!(heard >= 2, "both servers hear it");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c13_whatever_is_published_by_hand_only_the_log_counts() {
    let mut stage = Stage::over(RedisProcess::start(&[]), &[]).await;
    let channels: Vec<_> =
        stage.crowd.documents().iter().map(|document| format!("cowrite:{{{document}}}:live")).collect();
    let mut hand = Eavesdropper::on(&stage.redis, &channels).await;
    stage.crowd.until_accepted(100, PATIENCE).await;
    let before = stage.calls();
    stage.crowd.brace().await;
    let old: Vec<_> = channels.iter().map(|channel| hand.heard(channel)).collect();
    assert!(old.iter().all(|messages| messages.len() > 5));
    // What was said before, and the other way round.
    for message in old[0].iter().chain(old[0].iter().rev()) {
        hand.say(&channels[0], message).await;
    }
    // Noise, and true messages that are cut or damaged.
    let last = old[0].last().unwrap();
    for noise in [&b""[..], b"\x00", b"\x01", b"\x01\x00", b"hello", &[255; 1_000]] {
        hand.say(&channels[0], noise).await;
    }
    for at in 0..last.len() {
        hand.say(&channels[0], &last[..at]).await;
        let mut damaged = last.clone();
        damaged[at] ^= 0x55;
        hand.say(&channels[0], &damaged).await;
    }
    stage.crowd.release();
    stage.crowd.until_accepted(60, PATIENCE).await;
    // Of another life, with versions that are yet to come: another document's.
    for _ in 0..20 {
        for message in hand.heard(&channels[2]).iter().rev().take(3) {
            hand.say(&channels[1], message).await;
        }
        stage.crowd.until_accepted(5, PATIENCE).await;
    }
    for server in &stage.servers {
        let metrics = server.metrics().await;
        let sum = |name| metrics.sum(name);
        assert!(sum("cowrite_garbage_total") >= 6.0, "{metrics:?}");
        assert_eq!((sum("cowrite_rooms_failed_total"), sum("cowrite_histories_lost_total")), (0.0, 0.0));
    }
    let report = stage.end_well().await;
    assert_eq!((report.reopened, stage.calls()), (0, before), "nobody has noticed: {report:?}");
}
