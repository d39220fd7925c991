//! One document is read, removed and set back by an operator while people are at work on it.

use cowrite_protocol::operation::Document;
use cowrite_protocol::{DocumentId, DocumentType, OperationLimits, RichText, Version};
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::oplog::{OpLog, ReadOutcome};
use cowrite_server::redis::RedisSettings;
use cowrite_tests::crowd::{Crowd, Decision, Person};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::exported;

use super::scene::*;

const KEYS: [&str; 4] = ["state", "log", "snapshot", "previous"];

/// Those who work on the document that is touched, and those who work on the other.
fn concerned(crowd: &Crowd) -> (Vec<&Person>, Vec<&Person>) {
    let first = &crowd.documents()[0];
    crowd.people().iter().partition(|person| person.id() == first)
}

/// The others have noticed nothing of it.
async fn others_go_on(crowd: &Crowd) {
    let (_, others) = concerned(crowd);
    until_each_accepted(&others, 5).await;
    assert!(!others.iter().any(|person| is_told(person)), "somebody at another document is told of a loss");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h4_a_document_that_is_removed_under_its_people_is_not_brought_back_by_what_is_pending() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &["--snapshot-entries", "10"]);
    let crowd = gather(&servers).await;
    let removed = crowd.documents()[0].clone();
    crowd.brace().await;
    let before = field(&redis, &removed, "epoch");
    // All at once: what is left of a document would be put together again.
    let keys = KEYS.map(|kind| key(&removed, kind));
    redis.command(&["DEL", &keys[0], &keys[1], &keys[2], &keys[3]]);
    crowd.release();
    let (people, _) = concerned(&crowd);
    until("all at the removed one are told", || people.iter().all(|person| is_told(person))).await;
    others_go_on(&crowd).await;
    // They type on, and still nothing of it is written until somebody decides.
    let version = field(&redis, &removed, "version");
    assert!(["", "0"].contains(&&version[..]), "somebody has written it up to version {version}");
    assert!(people.iter().all(|person| person.document().status().pending > 0));
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
    assert_ne!(field(&redis, &removed, "epoch"), before, "a name that was used before");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h4_a_document_that_is_set_back_under_its_people_is_told_as_a_loss() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &["--snapshot-entries", "10"]);
    let crowd = gather(&servers).await;
    let document = crowd.documents()[0].clone();
    let dumps = KEYS.map(|kind| dump(&redis, &key(&document, kind)));
    let before = field(&redis, &document, "epoch");
    let (people, _) = concerned(&crowd);
    until_each_accepted(&people, 10).await;
    crowd.brace().await;
    let mut restore = redis::pipe();
    restore.atomic();
    for (kind, dump) in KEYS.iter().zip(&dumps) {
        match dump {
            Some(dump) => restore.cmd("RESTORE").arg(key(&document, kind)).arg(0).arg(&dump[..]).arg("REPLACE"),
            None => restore.cmd("DEL").arg(key(&document, kind)),
        };
    }
    restore.exec(&mut redis.connection().unwrap()).unwrap();
    crowd.release();
    let (people, _) = concerned(&crowd);
    until("all at that document are told", || people.iter().all(|person| is_told(person))).await;
    others_go_on(&crowd).await;
    nothing_is_lost(&crowd);
    let report = end(crowd, Decision::Discard).await;
    assert_eq!(report.diverged, 0, "a client had to find out by itself: {report:?}");
    assert_ne!(field(&redis, &document, "epoch"), before, "what lost history goes on under its name");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn h4_an_export_while_all_type_is_one_version_of_the_document() {
    let redis = RedisProcess::start(&[]);
    let servers = Servers::start(redis.address(), &[]);
    let crowd = gather(&servers).await;
    let document = crowd.documents()[0].clone();
    let mut exports = Vec::new();
    for round in 0..20 {
        until_each_accepted(&crowd.people()[..1].iter().collect::<Vec<_>>(), 1).await;
        let export = exported(servers.all[round % 2].address(), &document, "dev:exporter").await.unwrap();
        exports.push(export);
    }
    let log = RedisLog::new(RedisSettings::new(redis.url().parse().unwrap()));
    for (version, content) in &exports {
        assert_eq!(*content, RichText::to_json(&replayed(&log, &document, *version).await), "at version {version}");
    }
    assert!(exports.windows(2).any(|two| two[0].0 < two[1].0), "nobody typed meanwhile");
    end_without_loss(crowd).await;
}

fn dump(redis: &RedisProcess, key: &str) -> Option<Vec<u8>> {
    redis::cmd("DUMP").arg(key).query(&mut redis.connection().unwrap()).unwrap()
}

/// The document as the entries up to a version make it.
async fn replayed(log: &RedisLog, id: &DocumentId, version: u64) -> Document {
    let (mut document, mut at) = (Document::default(), Version::ZERO);
    while at.get() < version {
        let ReadOutcome::Entries(entries) = log.read(id, at, 1 << 20).await.unwrap() else {
            panic!("nothing was trimmed")
        };
        for entry in entries.into_iter().take_while(|entry| entry.version.get() <= version) {
            let operation = RichText::decode(&entry.operation, &OperationLimits::NONE).unwrap();
            RichText::apply(&mut document, &operation).unwrap();
            at = entry.version;
        }
    }
    document
}
