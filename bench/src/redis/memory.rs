//! What a document and an entry cost in Redis.

use std::time::{Duration, Instant};

use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;

use crate::load::Writer;

const ENTRIES: u64 = 10_000;
const DOCUMENTS: u64 = 1_000;

/// Memory of Redis before and after.
pub(super) async fn measure() {
    println!("\nMemory of Redis");
    let redis = RedisProcess::start(&[]);
    let server = ServerProcess::on_redis(&redis.url(), &["--snapshot-entries", "1000000", "--idle-ms", "600000"]);
    let mut writer = Writer::open(server.address(), "ann", "long").await;
    writer.write_for(1).await;
    let before = used(&redis);
    writer.write_for(ENTRIES).await;
    let after = used(&redis);
    println!("  an entry of one typed character: {:.0} bytes ({ENTRIES} entries)", (after - before) / ENTRIES as f64);
    drop(writer);
    drop(server);

    let server = ServerProcess::on_redis(&redis.url(), &["--idle-ms", "0"]);
    let before = used(&redis);
    for document in 0..DOCUMENTS {
        Writer::open(server.address(), "ann", &format!("d{document}")).await.write_for(10).await;
    }
    // Every room stores its snapshot when it is left, and is forgotten.
    let patience = Instant::now() + Duration::from_secs(20);
    while server.metrics().await.value("cowrite_rooms").expect("rooms are counted") > 0.0 {
        assert!(Instant::now() < patience, "rooms stay open");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let after = used(&redis);
    println!(
        "  an idle document of 10 characters, its 10 entries, one client record and snapshot: {:.0} bytes ({DOCUMENTS} documents)",
        (after - before) / DOCUMENTS as f64
    );
}

fn used(redis: &RedisProcess) -> f64 {
    redis.info("used_memory").and_then(|bytes| bytes.parse().ok()).expect("INFO tells used_memory")
}
