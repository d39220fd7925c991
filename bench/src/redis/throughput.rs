//! Accepted edits a second through one server, against the limit.

use std::time::{Duration, Instant};

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use futures_util::future::join_all;

use super::limit::appends;
use crate::load::Writer;

/// Nothing is kept on a core: the bare client has the machine to itself, and so have server and
/// load together.
pub(super) async fn measure(each: Duration) {
    println!("\nAccepted edits a second, one server");
    let mut limits = Vec::new();
    for documents in [1, 50] {
        let redis = RedisProcess::start(&[]);
        let limit = appends(&redis, documents, each).await;
        println!("  the script alone, {documents} documents, one append under way in each: {limit:.0}/s");
        limits.push(limit);
    }
    for (documents, writers, limit) in
        [(1, 1, limits[0]), (1, 20, limits[0]), (50, 1, limits[1]), (50, 4, limits[1]), (50, 10, limits[1])]
    {
        let redis = RedisProcess::start(&[]);
        let server = ServerProcess::on_redis(&redis.url(), &[]);
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
}
