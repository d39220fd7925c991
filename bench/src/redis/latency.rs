//! What the append to Redis adds to the time until an edit is accepted.

use std::time::{Duration, Instant};

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use futures_util::future::join_all;

use crate::load::Writer;
use crate::pinning::pin;
use crate::sample::Sample;

const DOCUMENTS: usize = 50;

/// The same load on a server with its log in memory and on one with Redis.
pub(super) async fn measure(each: Duration) {
    println!("\nTime until an edit is accepted: {DOCUMENTS} documents, one writer each at 10 edits/s");
    pin(std::process::id(), "1");
    let memory = run(&mut ServerProcess::with_flags(&["--memory"]), each).await;
    println!("  memory: {memory}");
    for (name, settings) in
        [("Redis", &[][..]), ("Redis, appendfsync always", &["appendonly yes", "appendfsync always"])]
    {
        let mut redis = RedisProcess::start(settings);
        pin(redis.process().pid(), "0");
        let over = run(&mut ServerProcess::on_redis(&redis.url(), &[]), each).await;
        let added = |share| (over.percentile(share).as_secs_f64() - memory.percentile(share).as_secs_f64()) * 1e3;
        println!("  {name}: {over}; added by the append: p50 {:.2} ms, p99 {:.2} ms", added(0.5), added(0.99));
    }
    pin(std::process::id(), "0,1");
}

async fn run(server: &mut ServerProcess, each: Duration) -> Sample {
    pin(server.process().pid(), "0");
    let mut writers = Vec::new();
    for document in 0..DOCUMENTS {
        writers.push(Writer::open(server.address(), "ann", &format!("d{document}")).await);
    }
    let end = Instant::now() + each;
    let pause = Some(Duration::from_millis(100));
    let written = join_all(writers.into_iter().enumerate().map(|(index, mut writer)| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(2 * index as u64)).await;
            writer.write_until(end, pause).await
        })
    }))
    .await;
    let mut all = Sample::default();
    written.into_iter().for_each(|sample| all.join(sample.unwrap()));
    all
}
