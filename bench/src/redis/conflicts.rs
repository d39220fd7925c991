//! How often servers that write one document meet.

use std::time::{Duration, Instant};

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use futures_util::future::join_all;

use crate::load::Writer;
use crate::sample::Sample;

const SERVERS: usize = 3;
const WRITERS: usize = 30;

/// Three servers, one document, thirty writers on each at 10 edits a second.
pub(super) async fn measure(each: Duration) {
    println!("\nOne document on {SERVERS} servers, {WRITERS} writers on each at 10 edits/s");
    let redis = RedisProcess::start(&[]);
    let servers: Vec<_> = (0..SERVERS).map(|_| ServerProcess::on_redis(&redis.url(), &[])).collect();
    let mut writers = Vec::new();
    for server in &servers {
        for writer in 0..WRITERS {
            writers.push(Writer::open(server.address(), &format!("w{writer}"), "one").await);
        }
    }
    let end = Instant::now() + each;
    let written = join_all(writers.into_iter().enumerate().map(|(index, mut writer)| {
        tokio::spawn(async move {
            tokio::time::sleep(Duration::from_millis(index as u64)).await;
            writer.write_until(end, Some(Duration::from_millis(100))).await
        })
    }))
    .await;
    let mut all = Sample::default();
    written.into_iter().for_each(|sample| all.join(sample.unwrap()));
    let (mut conflicts, mut appends) = (0.0, 0.0);
    for server in &servers {
        let metrics = server.metrics().await;
        conflicts += metrics.value("cowrite_appends_total{outcome=\"conflict\"}").expect("conflicts are counted");
        appends += metrics.value("cowrite_appends_total{outcome=\"committed\"}").expect("appends are counted");
    }
    let edits = all.len() as f64;
    println!("  accepted: {all}");
    println!(
        "  {conflicts:.0} conflicts, {appends:.0} appends for {edits:.0} edits: {:.1} conflicts per 1,000 edits",
        1e3 * conflicts / edits
    );
}
