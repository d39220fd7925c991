//! Versions so large that Lua would print them in another way, and the last ones there are.

use bytes::Bytes;
use cowrite_protocol::operation::Document;
use cowrite_protocol::{DocumentId, DocumentType, Epoch, RichText, RunningHash, Version};
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::oplog::{Head, OpLog, Snapshot};
use cowrite_server::redis::RedisSettings;
use cowrite_tests::crowd::{Crowd, Loss};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;

use crate::stage::{PATIENCE, few, servers};

/// Makes a document that is empty after so many edits.
async fn begin_at(redis: &RedisProcess, document: &DocumentId, version: u64) {
    let (epoch, hash) = (Epoch::from_random(9), RunningHash::from_bytes([7; 16]));
    let mut connection = redis.connection().unwrap();
    let mut set = redis::cmd("HSET");
    set.arg(format!("cowrite:{{{document}}}:state")).arg("epoch").arg(epoch.to_string());
    set.arg("version").arg(version).arg("floor").arg(version).arg("hash").arg(hash.as_bytes());
    set.exec(&mut connection).unwrap();
    let mut content = Vec::new();
    RichText::encode(&RichText::to_operation(&Document::default()), &mut content);
    let head = Head { epoch: Some(epoch), version: Version::new(version).unwrap(), hash };
    let checksum = RichText::checksum(&Document::default());
    let log = RedisLog::new(RedisSettings::new(redis.url().parse().unwrap()));
    log.store_snapshot(document, Snapshot { head, checksum, content: Bytes::from(content) }).await.unwrap();
    assert_eq!(log.load_snapshot(document).await.unwrap().unwrap().head, head);
}

/// No key, field or value of the documents has a number as Lua prints large ones.
fn all_numbers_are_exact(redis: &RedisProcess, documents: &[DocumentId]) {
    for document in documents {
        let state = redis.command(&["HGETALL", &format!("cowrite:{{{document}}}:state")]);
        let log = redis.command(&["XINFO", "STREAM", &format!("cowrite:{{{document}}}:log")]);
        let all = format!("{state:?}{log:?}");
        assert!(!all.contains("e+"), "{all}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c22_versions_beyond_ten_to_the_fourteenth_are_exact() {
    let redis = RedisProcess::start(&[]);
    let starts = [99_999_999_999_990, (1 << 52) - 10, 100_000_000_000_000];
    let (_relays, servers) = servers(&redis, &["--snapshot-entries", "20", "--retained-entries", "20"]);
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    let documents: Vec<DocumentId> = (0..3).map(|number| format!("crowd-{number}").parse().unwrap()).collect();
    for (document, start) in documents.iter().zip(starts) {
        begin_at(&redis, document, start).await;
    }
    let mut crowd = Crowd::gather(&addresses, few()).await;
    crowd.start_typing();
    for _ in 0..3 {
        crowd.until_accepted(50, PATIENCE).await;
        crowd.brace().await;
        crowd.release_by_cut();
    }
    crowd.until_accepted(50, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    crowd.check(Loss::Never).await.unwrap();
    for person in crowd.people() {
        let start = starts[documents.iter().position(|document| document == person.id()).unwrap()];
        let version = person.document().status().version.get();
        assert!(version > start + 12, "{version}");
    }
    all_numbers_are_exact(&redis, &documents);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c22_behind_the_last_version_nothing_is_accepted_and_nothing_breaks() {
    let redis = RedisProcess::start(&[]);
    let (_relays, servers) = servers(&redis, &[]);
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    let last: DocumentId = "crowd-0".parse().unwrap();
    let most = Version::MAX.get();
    begin_at(&redis, &last, most - 20).await;
    let mut crowd = Crowd::gather(&addresses, few()).await;
    crowd.start_typing();
    crowd.until_accepted(100, PATIENCE).await;
    crowd.brace().await;
    crowd.release();
    // The others go on.
    crowd.until_accepted(100, PATIENCE).await;
    crowd.stop_typing().await;
    // In one step, since an append may still be under way.
    let both = "return redis.call('HGET', KEYS[1], 'version') .. ' ' .. redis.call('XLEN', KEYS[2])";
    let both = redis.text(&["EVAL", both, "2", "cowrite:{crowd-0}:state", "cowrite:{crowd-0}:log"]);
    let (version, entries) = both.split_once(' ').expect("there are two");
    let version: u64 = version.parse().expect("digits only");
    assert!((most - 20..=most).contains(&version), "{version}");
    assert_eq!(entries, (version - (most - 20)).to_string());
    let writers = crowd.people().iter().filter(|person| *person.id() == last);
    let said = writers.map(|person| person.document().status()).collect::<Vec<_>>();
    assert!(said.iter().all(|status| status.pending > 0), "{said:?}");
    assert!(said.iter().any(|status| status.accepted > 0), "{said:?}");
    all_numbers_are_exact(&redis, &[last]);
    for server in &servers {
        assert!(server.get("/healthz").await.is_some() && !server.log().contains("panicked"), "{}", server.log());
    }
}
