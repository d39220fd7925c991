//! What these tests are played on.

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::{Duration, Instant};

use cowrite_protocol::UserId;
use cowrite_server::auth::Identity;
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::redis::RedisSettings;
use cowrite_server::revocations::RevocationRequest;
use cowrite_tests::redis::{RedisCluster, RedisProcess};

/// A Redis, or a cluster, with keys of a case's own.
pub(crate) struct Place {
    pub(crate) url: String,
    prefix: String,
    _cluster: Option<Arc<RedisCluster>>,
    _redis: Option<RedisProcess>,
}

impl Place {
    pub(crate) fn single() -> Place {
        let redis = RedisProcess::start(&[]);
        Place { url: redis.url(), prefix: prefix(), _cluster: None, _redis: Some(redis) }
    }

    pub(crate) fn cluster() -> Place {
        let cluster = shared();
        Place { url: cluster.url(), prefix: prefix(), _cluster: Some(cluster), _redis: None }
    }

    /// The connections of one server.
    pub(crate) fn log(&self) -> RedisLog {
        log(&self.url, &self.prefix)
    }
}

/// The connections of one server to this Redis.
pub(crate) fn log(url: &str, prefix: &str) -> RedisLog {
    let settings = RedisSettings::new(url.parse().unwrap());
    RedisLog::new(RedisSettings { prefix: prefix.to_owned(), ..settings })
}

fn prefix() -> String {
    static NUMBER: AtomicU32 = AtomicU32::new(0);
    format!("case-{}", NUMBER.fetch_add(1, Ordering::Relaxed))
}

/// One for all cases that run at the same time, since it takes seconds to start. The last
/// one who has it stops it.
fn shared() -> Arc<RedisCluster> {
    static SHARED: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
    let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
    shared.upgrade().unwrap_or_else(|| {
        let cluster = Arc::new(RedisCluster::start(&[]));
        *shared = Arc::downgrade(&cluster);
        cluster
    })
}

pub(crate) fn user(name: &str) -> UserId {
    name.parse().unwrap()
}

/// A token of a user, issued at this second, with this name.
pub(crate) fn token(name: &str, issued: Option<u64>, id: Option<&str>) -> Identity {
    Identity {
        user: user(name),
        name: String::new(),
        lasts_ms: None,
        issued,
        token: id.map(str::to_owned),
        grants: Default::default(),
    }
}

/// All tokens of a user, issued until this second.
pub(crate) fn all_of(name: &str, issued_before: Option<u64>) -> RevocationRequest {
    RevocationRequest { user: user(name), document: None, token: None, issued_before }
}

/// Waits until it is true; how long that took.
pub(crate) async fn until(what: &str, mut reached: impl AsyncFnMut() -> bool) -> Duration {
    let start = Instant::now();
    while !reached().await {
        assert!(start.elapsed() < Duration::from_secs(20), "never that {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    start.elapsed()
}
