//! How a release's golden is written: real servers, and clients that do a little of everything.

use std::path::Path;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use cowrite_protocol::operation::Operation;
use cowrite_protocol::{Channel, ClientId, ClientSeq, Utf16Length, Version};
use cowrite_server::oplog::disk::{DiskLog, DiskSettings};
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::redis::RedisSettings;
use serde_json::json;
use tokio::time::sleep;

use super::facts::{Work, facts};
use super::files::hex;
use super::golden::{Golden, Kind};
use super::record::KeptClient;
use crate::process::Place;
use crate::raw::{RawClient, packed};
use crate::redis::RedisProcess;
use crate::server::{ServerProcess, mint, mint_for, post};

/// What the application's servers show to revoke something.
const API_KEY: &str = "the-tests-own-key-forty-bytes-or-nearly-so";

/// Snapshots are made, and entries behind them trimmed, within what these clients do.
const FLAGS: [&str; 6] = ["--snapshot-entries", "50", "--retained-entries", "20", "--api-key", API_KEY];

/// Nothing takes that long.
const PATIENCE: Duration = Duration::from_secs(20);

/// Documents, and how many lines are typed into each beside what makes it special.
const DOCUMENTS: [(&str, u64); 3] = [("minutes", 12), ("novel", 160), ("letter", 3)];

/// Writes the golden of this program's release into a folder, which is made.
///
/// # Panics
/// If something does not work.
pub async fn write(folder: &Path) {
    let golden = Golden::at(folder);
    write_disk(&golden).await;
    write_redis(&golden).await;
}

async fn write_disk(golden: &Golden) {
    let place = Place::new();
    let data = place.path("data");
    let mut server = ServerProcess::with_tokens(&[&["--data", data.to_str().unwrap()], &FLAGS[..]].concat());
    let (typists, mut work) = type_all(&server).await;
    work.push(keep_one(golden, &server).await);
    let day = Duration::from_hours(24);
    let [good, revoked] = ["cyd", "dan"].map(|user| mint_for(user, &[("*", "editor")], day));
    revoke(&server, "dan").await;
    // As a crash leaves it: with entries behind the snapshot, and nothing tidied up.
    server.kill_9();
    drop(typists);
    golden.put_data(&data);
    golden.tell(Kind::Disk, now_ms(), &work, Some((&good, &revoked)));
    let copy = Place::new();
    let log = DiskLog::open(DiskSettings::new(golden.unpack_data(&copy))).unwrap();
    golden.add_facts(Kind::Disk, facts(&log, &work).await);
}

async fn write_redis(golden: &Golden) {
    let redis = RedisProcess::start(&[]);
    let flags = ["--redis", &redis.url(), "--redis-retained-hours", "0"];
    let mut server = ServerProcess::with_tokens(&[&flags, &FLAGS[..]].concat());
    let (typists, work) = type_all(&server).await;
    revoke(&server, "dan").await;
    server.kill_9();
    drop(typists);
    golden.put_redis(&redis);
    golden.tell(Kind::Redis, now_ms(), &work, None);
    let copy = golden.redis();
    let log = RedisLog::new(RedisSettings::new(copy.url().parse().unwrap()));
    golden.add_facts(Kind::Redis, facts(&log, &work).await);
}

/// Two clients at each document, by turns; gives them, and the last operation of each. Those of the
/// letter have gone, so a snapshot has all of it; those of the others are there.
async fn type_all(server: &ServerProcess) -> (Vec<Typist>, Vec<Work>) {
    let (mut here, mut work) = (Vec::new(), Vec::new());
    for (document, lines) in DOCUMENTS {
        let mut typists = [Typist::come(server, "ada", document).await, Typist::come(server, "bob", document).await];
        let mut head = 0;
        for line in 0..lines {
            let typist = &mut typists[usize::from(line % 3 == 0)];
            let text = format!("{} {line}. \n", typist.user);
            typist.submit(&mut head, &Operation::builder().insert(&text).build()).await;
        }
        if document == "letter" {
            for operation in special() {
                typists[0].submit(&mut head, &operation).await;
            }
            typists[1].submit(&mut head, &Operation::builder().insert("P.S. ").build()).await;
        }
        work.extend(typists.iter().filter_map(|typist| typist.last.clone()));
        if document != "letter" {
            here.extend(typists);
        }
    }
    // Three of the novel, one of the letter.
    until(server, "cowrite_snapshots_total{outcome=\"stored\"}", 4).await;
    (here, work)
}

/// Formats, an embed, characters of two units, deletions; on a text that is longer.
fn special() -> Vec<Operation> {
    let deltas = [
        r#"{"ops":[{"insert":"Dear Ada 👩‍🚀,","attributes":{"bold":true,"color":"red"}},{"insert":"\n","attributes":{"header":1}}]}"#,
        r#"{"ops":[{"retain":5},{"insert":{"image":"data:,x"},"attributes":{"alt":"é"}}]}"#,
        r#"{"ops":[{"retain":5,"attributes":{"bold":null,"italic":true}},{"retain":1},{"delete":3}]}"#,
    ];
    deltas.iter().map(|delta| Operation::from_delta(delta).unwrap()).collect()
}

/// A client keeps a document: its last submit is in the log, its answer never came, and it typed on.
async fn keep_one(golden: &Golden, server: &ServerProcess) -> Work {
    let token = mint("eve", &[("*", "editor")]);
    let mut client = KeptClient::new("minutes", &token, None);
    client.drive(server.address(), |client| client.is_in_step() && client.device().is_some()).await;
    let messages: Vec<String> = client.sent()[..2].iter().map(|message| hex(message)).collect();
    golden.put("client.json", &json!(messages));
    let base = client.engine().version();
    let (first, second) = ("kept 1. \n", "kept 2. \n");
    let operation = Operation::builder().insert(first).build();
    client.edit(&operation);
    client.send_only().await;
    until(server, "cowrite_submits_total{outcome=\"accepted\"}", base.get()).await;
    client.edit(&Operation::builder().retain(Utf16Length::of(first)).insert(second).build());
    client.store();
    let (held, engine) = (client.device().expect("it is kept"), client.engine());
    let record = json!({ "document": "minutes", "user": "eve", "base": hex(&held.0), "work": hex(&held.1) });
    golden.put("record.json", &record);
    Work {
        document: "minutes".parse().unwrap(),
        user: "eve".parse().unwrap(),
        client: engine.client().expect("it has an id"),
        seq: engine.in_flight().expect("its answer never came"),
        base,
        operation: packed(&operation),
        version: base.next(),
    }
}

/// A client that types, by hand.
struct Typist {
    user: &'static str,
    document: &'static str,
    raw: RawClient,
    channel: Channel,
    client: ClientId,
    seq: ClientSeq,
    last: Option<Work>,
}

impl Typist {
    async fn come(server: &ServerProcess, user: &'static str, document: &'static str) -> Typist {
        let token = mint(user, &[("*", "editor")]);
        let mut raw = RawClient::greeted(server.address(), &token).await;
        let opened = raw.open_as(document, None).await.unwrap();
        let (channel, client, seq) = (opened.channel, opened.client, ClientSeq::default());
        Typist { user, document, raw, channel, client, seq, last: None }
    }

    /// Submits an operation that was made on the head, and waits for its ack.
    async fn submit(&mut self, head: &mut u64, operation: &Operation) {
        self.seq = self.seq.next();
        let operation = packed(operation);
        assert_eq!(self.raw.submit(self.channel, self.seq.get(), *head, &operation).await, None);
        let base = Version::new(*head).unwrap();
        *head += 1;
        let (document, user) = (self.document.parse().unwrap(), self.user.parse().unwrap());
        let (client, seq, version) = (self.client, self.seq, base.next());
        self.last = Some(Work { document, user, client, seq, base, operation, version });
    }
}

async fn revoke(server: &ServerProcess, user: &str) {
    let bearer = format!("Bearer {API_KEY}");
    let headers = [("authorization", &*bearer), ("content-type", "application/json")];
    let body = json!({ "user": user }).to_string();
    let answer = post(server.address(), "/v1/revocations", &headers, &body).await.unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// Waits until a server counts so many at least.
async fn until(server: &ServerProcess, series: &str, count: u64) {
    let start = Instant::now();
    while server.metrics().await.value(series).unwrap_or_default() < count as f64 {
        assert!(start.elapsed() < PATIENCE, "{series} never comes to {count}");
        sleep(Duration::from_millis(20)).await;
    }
}

fn now_ms() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
