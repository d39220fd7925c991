//! Accepted edits a second through one server, against the limit.

use std::time::{Duration, Instant};

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use futures_util::future::join_all;

use super::limit::appends;
use crate::load::Writer;
use crate::pinning::pin;

/// Redis and the server share one core, the load has the other.
pub(super) async fn measure(each: Duration) {
    println!("\nAccepted edits a second, one server; Redis and server on core 0, the load on core 1");
    pin(std::process::id(), "1");
    let mut limits = Vec::new();
    for documents in [1, 50] {
        let mut redis = RedisProcess::start(&[]);
        pin(redis.process().pid(), "0");
        let limit = appends(&redis, documents, each).await;
        println!("  the script alone, {documents} documents, one append under way in each: {limit:.0}/s");
        limits.push(limit);
    }
    for (documents, writers, limit) in
        [(1, 1, limits[0]), (1, 20, limits[0]), (50, 1, limits[1]), (50, 4, limits[1]), (50, 10, limits[1])]
    {
        let mut redis = RedisProcess::start(&[]);
        let mut server = ServerProcess::on_redis(&redis.url(), &[]);
        pin(redis.process().pid(), "0");
        pin(server.process().pid(), "0");
        let mut all = Vec::new();
        for document in 0..documents {
            for writer in 0..writers {
                all.push(Writer::open(server.address(), &format!("w{writer}"), &format!("d{document}")).await);
            }
        }
        let (begun, end) = (Instant::now(), Instant::now() + each);
        let written = join_all(
            all.into_iter().map(|mut writer| tokio::spawn(async move { writer.write_until(end, None).await })),
        )
        .await;
        let accepted: usize = written.iter().map(|sample| sample.as_ref().unwrap().len()).sum();
        let rate = accepted as f64 / begun.elapsed().as_secs_f64();
        println!(
            "  {documents} documents x {writers} writers, each waits for its ack: {rate:.0}/s, {:.2} of the limit",
            rate / limit
        );
    }
    pin(std::process::id(), "0,1");
}
