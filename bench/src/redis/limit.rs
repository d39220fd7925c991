//! What Redis can do with the append script, driven by nothing but a pipelined client.

use std::time::{Duration, Instant};

use cowrite_tests::redis::RedisProcess;
use futures_util::future::join_all;
use redis::aio::MultiplexedConnection;

const SCRIPT: &str = concat!(
    include_str!("../../../server/src/oplog/redis/scripts/prelude.lua"),
    include_str!("../../../server/src/oplog/redis/scripts/append.lua")
);

/// Appends a second of this many documents at once, each with one append under way, over
/// one connection. An entry is what a typed character makes.
pub(super) async fn appends(redis: &RedisProcess, documents: usize, each: Duration) -> f64 {
    let client = redis::Client::open(redis.url()).unwrap();
    let config = redis::AsyncConnectionConfig::new().set_response_timeout(None);
    let connection = client.get_multiplexed_async_connection_with_config(&config).await.unwrap();
    let sha: String = redis::cmd("SCRIPT").arg("LOAD").arg(SCRIPT).query_async(&mut connection.clone()).await.unwrap();
    let end = Instant::now() + each;
    let begun = Instant::now();
    let writers = (0..documents).map(|document| {
        let (connection, sha) = (connection.clone(), sha.clone());
        tokio::spawn(async move { write(connection, &sha, document, end).await })
    });
    let appended: u64 = join_all(writers).await.into_iter().map(Result::unwrap).sum();
    appended as f64 / begun.elapsed().as_secs_f64()
}

async fn write(mut connection: MultiplexedConnection, sha: &str, document: usize, end: Instant) -> u64 {
    let key = |kind| format!("limit:{{{document}}}:{kind}");
    let (mut version, mut hash) = (0_u64, [0_u8; 16]);
    while Instant::now() < end {
        let mut after = [0; 16];
        after[..8].copy_from_slice(&(version + 1).to_le_bytes());
        let mut call = redis::cmd("EVALSHA");
        call.arg(sha).arg(2).arg(key("state")).arg(key("log"));
        call.arg(if version == 0 { "" } else { "000000000000000a" }).arg(version).arg(&hash);
        call.arg("000000000000000a").arg(&after).arg("").arg(key("live")).arg(&[1_u8; 34]).arg(1 << 20);
        call.arg(&[7_u8; 16]).arg(version + 1).arg(1).arg("ann").arg(&[1_u8; 40]).arg(&after);
        let answer: Vec<redis::Value> = call.query_async(&mut connection).await.unwrap();
        assert!(matches!(&answer[0], redis::Value::BulkString(word) if word == b"committed"), "{answer:?}");
        (version, hash) = (version + 1, after);
    }
    version
}
