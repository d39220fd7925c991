//! Data folders and what is in Redis.

use std::time::{Duration, Instant};

use cowrite_protocol::frame::{ClientFrame, Outcome, Position, ServerFrame, Settlement};
use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::{DocumentId, DocumentType, OperationLimits, RichText, Version};
use cowrite_server::oplog::OpLog;
use cowrite_server::oplog::disk::{DiskLog, DiskSettings};
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::redis::RedisSettings;
use cowrite_tests::history::{replay, replay_to};
use cowrite_tests::process::Place;
use cowrite_tests::raw::{RawClient, packed};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use cowrite_tests::upgrade::{Golden, Kind, Work, facts};

fn disk_log(golden: &Golden, place: &Place) -> DiskLog {
    let clock = golden.clock(Kind::Disk);
    DiskLog::open(DiskSettings { clock, ..DiskSettings::new(golden.unpack_data(place)) }).unwrap()
}

fn redis_log(golden: &Golden, redis: &RedisProcess) -> RedisLog {
    let clock = Some(golden.clock(Kind::Redis));
    RedisLog::new(RedisSettings { clock, ..RedisSettings::new(redis.url().parse().unwrap()) })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_releases_documents_are_as_they_were() {
    for golden in Golden::all() {
        let place = Place::new();
        let found = facts(&disk_log(&golden, &place), &golden.work(Kind::Disk)).await;
        assert_eq!(found, golden.facts(Kind::Disk), "the data folder of {}", golden.version());
        let redis = golden.redis();
        let found = facts(&redis_log(&golden, &redis), &golden.work(Kind::Redis)).await;
        assert_eq!(found, golden.facts(Kind::Redis), "the Redis of {}", golden.version());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_releases_data_folder_is_served_and_what_was_in_flight_is_there_once() {
    for golden in Golden::all() {
        let place = Place::new();
        let mut server = ServerProcess::on_disk(&golden.unpack_data(&place), &[]);
        let texts = goes_on(&server, &golden, Kind::Disk).await;
        server.terminate();
        assert_eq!(server.wait().0, Some(0));
        let log = DiskLog::open(DiskSettings::new(place.path("data"))).unwrap();
        holds(&log, &golden, Kind::Disk, &texts).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_releases_redis_is_served_and_what_was_in_flight_is_there_once() {
    for golden in Golden::all() {
        let redis = golden.redis();
        let server = ServerProcess::on_redis(&redis.url(), &[]);
        let texts = goes_on(&server, &golden, Kind::Redis).await;
        holds(&RedisLog::new(RedisSettings::new(redis.url().parse().unwrap())), &golden, Kind::Redis, &texts).await;
    }
}

/// Each client of the release comes back, hears what became of its last operation, sends it again
/// nevertheless, and makes an edit. Gives the texts of those edits.
async fn goes_on(server: &ServerProcess, golden: &Golden, kind: Kind) -> Vec<(DocumentId, String)> {
    let (mut made, work) = (Vec::new(), golden.work(kind));
    let positions = positions(golden, kind, &work).await;
    for (number, (one, position)) in work.iter().zip(positions).enumerate() {
        let Work { document, user, client, seq, base, operation, version } = one;
        let mut raw = RawClient::greeted(server.address(), &format!("dev:{user}")).await;
        raw.say(&[ClientFrame::Open {
            request: 1,
            document: document.as_str(),
            client: Some(*client),
            position: Some(position),
            whole: false,
            in_flight: Some(*seq),
            state: "",
        }])
        .await;
        let opened = raw.hear(|frame| match frame {
            ServerFrame::Opened(opened) => Some(opened.clone()),
            _ => None,
        });
        let opened = opened.await;
        assert_eq!(opened.settlement, Settlement::Accepted(*version), "{one:?}");
        assert_eq!((opened.client, opened.last_seq, opened.epoch), (*client, *seq, position.epoch), "{one:?}");
        // Others have gone on in this test before.
        let before = made.iter().filter(|(id, _)| id == document).count() as u64;
        let facts = &golden.facts(kind)[document.as_str()];
        let head = Version::new(facts["version"].as_u64().unwrap() + before).unwrap();
        assert_eq!(opened.outcome, Outcome::Tail { head }, "{one:?}");
        assert_eq!(raw.submit(opened.channel, seq.get(), base.get(), operation).await, None);
        let text = format!("after {} {number}. \n", golden.version());
        let edit = packed(&Operation::builder().insert(&text).build());
        assert_eq!(raw.submit(opened.channel, seq.next().get(), head.get(), &edit).await, None);
        made.push((document.clone(), text));
    }
    // Answers go before they are counted.
    let start = Instant::now();
    loop {
        let metrics = server.metrics().await;
        let counted = |outcome: &str| metrics.value(&format!("cowrite_submits_total{{outcome=\"{outcome}\"}}"));
        let (accepted, duplicates) = (counted("accepted"), counted("duplicate"));
        if (accepted, duplicates) == (Some(work.len() as f64), Some(work.len() as f64)) {
            break;
        }
        assert!(start.elapsed() < Duration::from_secs(5), "{accepted:?} accepted, {duplicates:?} duplicates");
    }
    made
}

/// Where each client stood when it made its last operation.
async fn positions(golden: &Golden, kind: Kind, work: &[Work]) -> Vec<Position> {
    let (place, redis);
    let log: Box<dyn OpLog> = match kind {
        Kind::Disk => {
            place = Place::new();
            Box::new(disk_log(golden, &place))
        }
        Kind::Redis => {
            redis = golden.redis();
            Box::new(redis_log(golden, &redis))
        }
    };
    let mut positions = Vec::new();
    for Work { document, base, .. } in work {
        let at = replay_to(&*log, document, Some(*base)).await.unwrap();
        let epoch = log.open(document, None).await.unwrap().head.epoch;
        positions.push(Position { epoch, version: at.version, hash: at.hash });
    }
    positions
}

/// The log replays to the documents of the release, with the edits that were made since, each once.
async fn holds(log: &dyn OpLog, golden: &Golden, kind: Kind, made: &[(DocumentId, String)]) {
    let facts = golden.facts(kind);
    for (name, facts) in facts.as_object().unwrap() {
        let id: DocumentId = name.parse().unwrap();
        let replayed = replay(log, &id).await.unwrap();
        let mut expected = Document::from_delta(&facts["content"].to_string()).unwrap();
        let edits: Vec<&String> = made.iter().filter(|(document, _)| *document == id).map(|(_, text)| text).collect();
        for text in &edits {
            let edit = packed(&Operation::builder().insert(text).build());
            RichText::apply(&mut expected, &RichText::decode(&edit, &OperationLimits::NONE).unwrap()).unwrap();
        }
        assert_eq!(replayed.document, expected, "{id}");
        assert_eq!(replayed.version.get(), facts["version"].as_u64().unwrap() + edits.len() as u64, "{id}");
    }
}
