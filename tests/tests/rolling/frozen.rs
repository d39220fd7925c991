//! A server that stands still for a while, as a paused machine does, and goes on as if nothing
//! had been.

use std::time::Duration;

use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::server::ServerProcess;
use tokio::time::{Instant, sleep_until};

const PATIENCE: Duration = Duration::from_secs(30);

/// How long it stands still in seconds, if `COWRITE_FROZEN_S` says nothing else: longer than answers of
/// Redis (1 s here) and silent clients (3 s) are waited for. What ends after 30 s, a user's connections and
/// what others know of who is here, is outlasted by more than that, or in simulated time.
const FROZEN: u64 = 5;

/// From here on nobody tells the clients that their server is gone: they find out by themselves.
const LONG: u64 = 40;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b5_a_frozen_server_comes_back_and_neither_appends_nor_serves_what_is_stale() {
    let redis = RedisProcess::on_disk(&[]);
    let flags = ["--ping-ms", "1000", "--silence-ms", "3000", "--redis-answer-ms", "1000"];
    let servers: Vec<_> = (0..2).map(|_| ServerProcess::on_redis(&redis.url(), &flags)).collect();
    let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
    let settings = CrowdSettings { clients: 24, documents: 3, ..CrowdSettings::default() };
    let mut crowd = Crowd::gather(&addresses, settings).await;
    crowd.start_typing();
    crowd.until_accepted(300, PATIENCE).await;

    crowd.until_loaded(20).await;
    let frozen = std::env::var("COWRITE_FROZEN_S").map_or(FROZEN, |seconds| seconds.parse().unwrap());
    servers[0].freeze();
    let thaw = Instant::now() + Duration::from_secs(frozen);
    // What they have sent waits in its sockets; they come back by the other.
    crowd.until_loaded(20).await;
    crowd.retarget(&addresses[1..]);
    if frozen < LONG {
        crowd.people().iter().for_each(|person| person.relay().fin());
    }
    crowd.until_accepted(400, PATIENCE).await;
    sleep_until(thaw).await;
    servers[0].thaw();
    // Whoever comes to it from the first moment on finds all that was accepted meanwhile.
    crowd.probe(addresses[0], PATIENCE).await.unwrap();
    crowd.retarget(&addresses);
    crowd.cut();
    crowd.until_accepted(300, PATIENCE).await;
    crowd.settle(PATIENCE).await.unwrap();
    let report = crowd.check(Loss::Never).await.unwrap();
    println!("{report:?}");
    assert_eq!((report.refused, report.unknown, report.diverged), (0, 0, 0), "{report:?}");
}
