//! Snapshots that are not what they say, written by hand.

use cowrite_protocol::DocumentId;
use cowrite_tests::crowd::{Crowd, Decision, Person};
use cowrite_tests::redis::RedisProcess;

use super::scene::*;

const OFTEN: [&str; 2] = ["--snapshot-entries", "10"];

fn get(redis: &RedisProcess, key: &str) -> Vec<u8> {
    redis::cmd("GET").arg(key).query(&mut redis.connection().unwrap()).unwrap()
}

fn set(redis: &RedisProcess, key: &str, value: &[u8]) {
    redis::cmd("SET").arg(key).arg(value).exec(&mut redis.connection().unwrap()).unwrap();
}

/// Both that are kept.
fn both(document: &DocumentId) -> [String; 2] {
    ["snapshot", "previous"].map(|kind| key(document, kind))
}

async fn until_there_are_two(redis: &RedisProcess, crowd: &Crowd) {
    let stored = |id: &DocumentId| both(id).iter().all(|key| redis.text(&["EXISTS", key]) == "1");
    let documents = crowd.documents();
    until("there are two snapshots of each", || documents.iter().all(stored)).await;
}

/// A corrupt one, one of another document, an older one: each is ignored or led on from, and
/// nothing is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_snapshots_that_are_not_the_newest_whole_one_cost_nothing() {
    let redis = RedisProcess::start(&[]);
    let mut servers = Servers::start(redis.address(), &OFTEN);
    let crowd = gather(&servers).await;
    until_there_are_two(&redis, &crowd).await;
    let documents = crowd.documents();
    let old: Vec<Vec<u8>> = documents.iter().map(|id| get(&redis, &both(id)[1])).collect();
    for round in 0..4 {
        crowd.brace().await;
        servers.all.iter_mut().for_each(|server| server.kill_9());
        for (number, document) in documents.iter().enumerate() {
            let [newest, previous] = both(document);
            match round {
                0 => flip(&redis, &newest),
                1 => [&newest, &previous].iter().for_each(|key| flip(&redis, key)),
                2 => set(&redis, &newest, &get(&redis, &both(&documents[1 - number])[1])),
                _ => set(&redis, &newest, &old[number]),
            }
        }
        servers.all.iter_mut().for_each(|server| server.restart());
        crowd.release_by_cut();
        crowd.until_accepted(40, PATIENCE).await;
        let loud = round == 3 || servers.said("a stored snapshot is damaged and is ignored");
        assert!(loud, "nothing is said in round {round}");
    }
    end_without_loss(crowd).await;
}

/// Changes a byte in the middle.
fn flip(redis: &RedisProcess, key: &str) {
    let mut snapshot = get(redis, key);
    let middle = snapshot.len() / 2;
    snapshot[middle] ^= 1;
    set(redis, key, &snapshot);
}

/// Snapshots that are ahead of a log that was set back are ignored; what the log has lost is
/// told.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_snapshots_ahead_of_the_log_are_ignored() {
    let (redis, mut servers, crowd, earlier) = set_back().await;
    for (document, earlier) in crowd.documents().iter().zip(&earlier) {
        for (kind, dump) in ["state", "log"].iter().zip(earlier) {
            restore(&redis, &key(document, kind), dump);
        }
    }
    all_hear_of_it(&mut servers, crowd, "a snapshot is ahead of the log and is ignored").await;
}

/// Snapshots of another history of the document, not ahead of the log, are ignored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c16_snapshots_of_another_history_are_ignored() {
    let (redis, mut servers, mut crowd, earlier) = set_back().await;
    let documents = crowd.documents();
    let foreign: Vec<_> = documents.iter().map(|id| both(id).map(|key| get(&redis, &key))).collect();
    let versions: Vec<u64> = documents.iter().map(|id| field(&redis, id, "snapshot").parse().unwrap()).collect();
    for (document, earlier) in documents.iter().zip(&earlier) {
        for (kind, dump) in ["state", "log", "snapshot", "previous"].iter().zip(earlier) {
            restore(&redis, &key(document, kind), dump);
        }
    }
    servers.all.iter_mut().for_each(|server| server.restart());
    crowd.release_by_cut();
    crowd.until_told(PATIENCE).await;
    crowd.stop_typing().await;
    crowd.decide(Decision::Discard, PATIENCE).await;
    crowd.start_typing();
    let beyond = |id: &DocumentId, version: u64| field(&redis, id, "version").parse::<u64>().unwrap() > version;
    until("the log is beyond the snapshots", || documents.iter().zip(&versions).all(|(id, at)| beyond(id, *at))).await;
    crowd.brace().await;
    servers.all.iter_mut().for_each(|server| server.kill_9());
    for (document, foreign) in documents.iter().zip(&foreign) {
        both(document).iter().zip(foreign).for_each(|(key, snapshot)| set(&redis, key, snapshot));
    }
    servers.all.iter_mut().for_each(|server| server.restart());
    crowd.release_by_cut();
    crowd.until_accepted(40, PATIENCE).await;
    assert!(servers.said("does not lead to"), "{}", servers.all[0].log());
    end(crowd, Decision::Discard).await;
}

/// A crowd in the middle of typing whose servers are dead, and what Redis held a while ago.
async fn set_back() -> (RedisProcess, Servers, Crowd, Vec<[Vec<u8>; 4]>) {
    let redis = RedisProcess::start(&[]);
    let mut servers = Servers::start(redis.address(), &OFTEN);
    let crowd = gather(&servers).await;
    until_there_are_two(&redis, &crowd).await;
    // All keys of a document at one moment.
    let dump = |id: &DocumentId| {
        let keys = ["state", "log", "snapshot", "previous"].map(|kind| key(id, kind));
        let mut all = redis::pipe();
        all.atomic();
        keys.iter().for_each(|key| {
            all.cmd("DUMP").arg(key);
        });
        all.query(&mut redis.connection().unwrap()).unwrap()
    };
    let earlier: Vec<[Vec<u8>; 4]> = crowd.documents().iter().map(dump).collect();
    let then: Vec<u64> = crowd.documents().iter().map(|id| field(&redis, id, "version").parse().unwrap()).collect();
    let everybody: Vec<&Person> = crowd.people().iter().collect();
    until_each_accepted(&everybody, 3).await;
    let newer = |id: &DocumentId, version: u64| {
        let state = redis.command(&["EXISTS", &both(id)[0]]) == redis::Value::Int(1);
        state && field(&redis, id, "snapshot").parse::<u64>().unwrap() > version + 10
    };
    let documents = crowd.documents();
    until("both snapshots are newer", || documents.iter().zip(&then).all(|(id, at)| newer(id, *at))).await;
    crowd.brace().await;
    servers.all.iter_mut().for_each(|server| server.kill_9());
    (redis, servers, crowd, earlier)
}

async fn all_hear_of_it(servers: &mut Servers, mut crowd: Crowd, words: &str) {
    servers.all.iter_mut().for_each(|server| server.restart());
    crowd.release_by_cut();
    crowd.until_told(PATIENCE).await;
    assert!(servers.said(words), "{}", servers.all[0].log());
    crowd.stop_typing().await;
    nothing_is_lost(&crowd);
    end(crowd, Decision::Discard).await;
}

fn restore(redis: &RedisProcess, key: &str, dump: &[u8]) {
    let mut restore = redis::cmd("RESTORE");
    restore.arg(key).arg(0).arg(dump).arg("REPLACE");
    restore.exec(&mut redis.connection().unwrap()).unwrap();
}
