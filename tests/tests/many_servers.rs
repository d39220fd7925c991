//! Many servers over one Redis, any of which may die: everybody ends with one text, and every
//! accepted edit is in it once.

use std::time::Duration;

use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;

const PATIENCE: Duration = Duration::from_secs(30);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn servers_die_links_break_redis_restarts_and_nothing_is_lost_or_doubled() {
    let mut redis = RedisProcess::on_disk(&[]);
    let mut servers: Vec<_> = (0..3).map(|_| ServerProcess::on_redis(&redis.url(), &[])).collect();
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    let settings = CrowdSettings { clients: 90, documents: 5, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&addresses, settings).await;
    crowd.start_typing();
    crowd.until_accepted(300, PATIENCE).await;
    for server in &mut servers {
        crowd.brace().await;
        server.kill_9();
        crowd.release_by_cut();
        crowd.until_accepted(200, PATIENCE).await;
        server.restart();
        crowd.cut();
        crowd.until_accepted(200, PATIENCE).await;
    }
    crowd.brace().await;
    redis.kill_9();
    crowd.release();
    redis.restart();
    crowd.until_accepted(300, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    println!("{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged), (0, 0, 0), "{report:?}");
    for server in &servers {
        crowd.probe(server.address(), PATIENCE).await.unwrap();
    }
}
