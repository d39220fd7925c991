//! One Redis, servers, each with a network of its own to Redis, and a crowd.

use std::time::Duration;

use cowrite_tests::crowd::{Crowd, CrowdSettings, Loss, Report};
use cowrite_tests::redis::RedisProcess;
use cowrite_tests::relay::Relay;
use cowrite_tests::server::ServerProcess;

/// Nothing takes that long, unless it never comes.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// All that a test of trouble needs.
pub(crate) struct Stage {
    pub(crate) crowd: Crowd,
    pub(crate) servers: Vec<ServerProcess>,
    /// One from each server to Redis.
    pub(crate) relays: Vec<Relay>,
    pub(crate) redis: RedisProcess,
}

impl Stage {
    /// Two servers with these flags, over this Redis, and a few people who type.
    pub(crate) async fn over(redis: RedisProcess, flags: &[&str]) -> Stage {
        Stage::with(redis, flags, few()).await
    }

    /// The same with other people.
    pub(crate) async fn with(redis: RedisProcess, flags: &[&str], people: CrowdSettings) -> Stage {
        let (relays, servers) = servers(&redis, flags);
        let addresses: Vec<_> = servers.iter().map(ServerProcess::address).collect();
        let mut crowd = Crowd::gather(&addresses, people).await;
        crowd.start_typing();
        crowd.until_accepted(30, PATIENCE).await;
        Stage { crowd, servers, relays, redis }
    }

    /// How many connections people have made since they came.
    pub(crate) fn calls(&self) -> u64 {
        self.crowd.people().iter().map(|person| person.relay().accepted()).sum()
    }

    /// Life goes on; then everybody stops, and all is as it must be. No server has died.
    pub(crate) async fn end_well(&mut self) -> Report {
        self.crowd.until_accepted(50, PATIENCE).await;
        self.end().await
    }

    /// The same without waiting for life to go on.
    pub(crate) async fn end(&mut self) -> Report {
        self.crowd.settle(PATIENCE).await.unwrap();
        let report = self.crowd.check(Loss::Never).await.unwrap();
        assert_eq!((report.refused, report.unknown, report.diverged), (0, 0, 0), "{report:?}");
        for server in &self.servers {
            assert!(server.get("/healthz").await.is_some(), "a server has died:\n{}", server.log());
            assert!(!server.log().contains("panicked"), "{}", server.log());
        }
        report
    }
}

/// Two servers with these flags, each behind a relay of its own.
pub(crate) fn servers(redis: &RedisProcess, flags: &[&str]) -> (Vec<Relay>, Vec<ServerProcess>) {
    let relays: Vec<_> = (0..2).map(|_| Relay::to_redis(redis.address())).collect();
    let on = |relay: &Relay| ServerProcess::on_redis(&format!("redis://{}", relay.address()), flags);
    let servers = relays.iter().map(on).collect();
    (relays, servers)
}

/// Few enough for a test of a few seconds.
pub(crate) fn few() -> CrowdSettings {
    let latency = Duration::from_millis(30);
    CrowdSettings { clients: 12, documents: 3, pause_ms: 30, latency, ..CrowdSettings::default() }
}

/// What the append of a document has in it, and no other request once all is open: the name of
/// the channel that it publishes on.
pub(crate) fn append_to(document: &str) -> Vec<u8> {
    format!("{{{document}}}:live").into_bytes()
}
