//! An entry that makes no sense: its document alone stands still.

use bytes::Bytes;
use cowrite_client::engine::StatusState;
use cowrite_protocol::operation::Operation;
use cowrite_protocol::{ClientId, DocumentId, DocumentType, Epoch, RichText, UserId, Utf16Length};
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::oplog::{AppendOutcome, Batch, Head, Member, OpLog};
use cowrite_server::redis::RedisSettings;
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::start_in_vain;
use tokio::time::{Instant, sleep};

use crate::stage::{PATIENCE, Stage};

const POISONED: &str = "crowd-0";

/// Writes bytes to the log as an entry's operation, past every server; gives where it stood before.
async fn poison(redis: &RedisProcess, operation: Vec<u8>) -> Head {
    let log = RedisLog::new(RedisSettings::new(redis.url().parse().unwrap()));
    let document: DocumentId = POISONED.parse().unwrap();
    let (client, user) = (ClientId::from_bytes([99; 16]), "stranger".parse::<UserId>().unwrap());
    loop {
        let opened = log.open(&document, Some((client, user.clone()))).await.unwrap();
        let (head, record) = (opened.head, opened.client.unwrap());
        let client_seq = record.last.map_or(cowrite_protocol::ClientSeq::NONE, |(seq, _)| seq).next();
        let hash_after = head.hash.advance(head.version.next(), &client, client_seq, &operation);
        let member = Member {
            client,
            client_seq,
            generation: record.generation,
            user: user.clone(),
            operation: Bytes::from(operation.clone()),
        };
        let new_epoch = Epoch::from_random(7);
        let batch = Batch { expected: head, new_epoch, members: vec![member], hash_after, time_ms: 0 };
        match log.append(&document, batch).await {
            AppendOutcome::Committed { .. } => return head,
            // People type on.
            AppendOutcome::Conflict { .. } => {}
            outcome => panic!("{outcome:?}"),
        }
    }
}

/// An operator cuts the history at this version; gives how that ended.
fn cut(redis: &RedisProcess, at: u64) -> (Option<i32>, String) {
    let ended = start_in_vain(&["--redis", &redis.url(), "--cut-log", &format!("{POISONED}@{at}")]);
    (ended.code, ended.stdout + &ended.stderr)
}

async fn quarantined(stage: &Stage) -> f64 {
    let mut sum = 0.0;
    for server in &stage.servers {
        sum += server.metrics().await.sum("cowrite_documents_quarantined");
    }
    sum
}

async fn until_quarantined(stage: &Stage, servers: f64) {
    let start = Instant::now();
    while quarantined(stage).await != servers {
        assert!(start.elapsed() < PATIENCE, "{} are, not {servers}", quarantined(stage).await);
        sleep(std::time::Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn c17_a_poison_entry_stops_its_own_document_until_an_operator_takes_it_out() {
    let mut far = Vec::new();
    RichText::encode(&Operation::builder().retain(Utf16Length(1 << 30)).insert("far").build(), &mut far);
    let redis = RedisProcess::start(&[]);
    let mut stage = Stage::over(redis, &["--look-ms", "500"]).await;
    for operation in [vec![255; 9], far] {
        stage.crowd.brace().await;
        let head = poison(&stage.redis, operation).await;
        stage.crowd.release();
        until_quarantined(&stage, 2.0).await;
        // The others go on.
        stage.crowd.until_accepted(50, PATIENCE).await;
        let ill = || stage.crowd.people().iter().filter(|person| person.id().as_str() == POISONED);
        assert!(ill().all(|person| person.document().status().state != StatusState::Online));
        assert!(ill().all(|person| person.document().status().pending > 0), "nothing was given up");
        for server in &stage.servers {
            server.logs(&[POISONED, &head.version.next().to_string()]);
        }
        // Nothing is stored that leads there.
        let (code, said) = cut(&stage.redis, head.version.get() + 1_000);
        assert_eq!(code, Some(2), "{said}");
        let (code, said) = cut(&stage.redis, head.version.get());
        assert_eq!(code, Some(0), "{said}");
        assert_eq!(stage.redis.text(&["EXISTS", &format!("cowrite:{{{POISONED}}}:damaged")]), "1");
        until_quarantined(&stage, 0.0).await;
        stage.crowd.until_accepted(50, PATIENCE).await;
    }
    stage.end_well().await;
}
