//! What servers and Redis hold when nobody is there.

use std::time::{Duration, Instant};

use tokio::time::sleep;

use super::stage::{Ground, Stage};
use crate::redis::{RedisProcess, reply_text};
use crate::server::{Metrics, ServerProcess};

/// All is given back within this time: rooms rest for a moment, and a connection that a hole has
/// swallowed is noticed by its silence.
const PATIENCE: Duration = Duration::from_secs(20);

/// Must be 0 when nobody is there.
const NOBODY: [&str; 6] = [
    "cowrite_connections",
    "cowrite_subscriptions",
    "cowrite_rooms",
    "cowrite_rooms_stalled",
    "cowrite_leases",
    "cowrite_undurable_entries",
];

/// Must be 0 ever.
const NEVER: [&str; 5] = [
    "cowrite_rooms_failed_total",
    "cowrite_divergences_total",
    "cowrite_documents_damaged_total",
    "cowrite_documents_quarantined_total",
    "cowrite_garbage_total",
];

/// Files beyond those that a server had open at first: connections to Redis that are kept, and the
/// one that asks.
const MORE_FILES: f64 = 12.0;

/// What was there before anybody came.
#[derive(Debug)]
pub(super) struct Baseline {
    arrivals: Vec<f64>,
    files: Vec<f64>,
    redis: Option<RedisFigures>,
}

/// What a Redis holds beside documents.
#[derive(Debug, Default)]
struct RedisFigures {
    clients: u64,
    channels: Vec<String>,
}

impl Baseline {
    /// Looks, before anybody has come.
    pub(super) async fn take(stage: &Stage) -> Baseline {
        let (mut arrivals, mut files) = (Vec::new(), Vec::new());
        for server in &stage.servers {
            server.process.until_ready(true, PATIENCE).await;
            let metrics = server.process.metrics().await;
            arrivals.push(metrics.sum("cowrite_arrivals"));
            files.push(metrics.sum("process_open_fds"));
        }
        Baseline { arrivals, files, redis: redis(stage).map(RedisFigures::take) }
    }

    /// Waits until all is as it was; what is not is told, after a while.
    pub(super) async fn until_back(&self, stage: &Stage) -> Vec<String> {
        let start = Instant::now();
        loop {
            let mut wrong = Vec::new();
            for (number, server) in stage.servers.iter().enumerate() {
                wrong.extend(self.of_server(number, &server.process).await);
            }
            if let (Some(before), Some(redis)) = (&self.redis, redis(stage)) {
                wrong.extend(before.compare(&RedisFigures::take(redis), stage.servers.len()));
                wrong.extend(unowned(redis));
            }
            if wrong.is_empty() || start.elapsed() > PATIENCE {
                return wrong;
            }
            sleep(Duration::from_millis(50)).await;
        }
    }

    async fn of_server(&self, number: usize, server: &ServerProcess) -> Vec<String> {
        let Some(answer) = server.get("/metrics").await else {
            return vec![format!("server {number} does not answer /metrics")];
        };
        let metrics = Metrics::parse(&answer.body);
        let mut most: Vec<(&str, f64)> = NOBODY.iter().chain(&NEVER).map(|name| (*name, 0.0)).collect();
        most.push(("cowrite_arrivals", self.arrivals[number]));
        most.push(("process_open_fds", self.files[number] + MORE_FILES));
        let over = most.into_iter().filter(|(name, most)| metrics.sum(name) > *most);
        let mut wrong: Vec<String> = over
            .map(|(name, most)| {
                format!("server {number}: {name} is {}, and should be {most} at most", metrics.sum(name))
            })
            .collect();
        if server.log().contains("panicked") {
            wrong.push(format!("server {number} panicked:\n{}", server.log()));
        }
        wrong
    }
}

impl RedisFigures {
    fn take(redis: &RedisProcess) -> RedisFigures {
        let clients = redis.info("connected_clients").and_then(|count| count.parse().ok()).unwrap_or_default();
        let mut channels = texts(redis, &["PUBSUB", "CHANNELS"]);
        channels.extend(texts(redis, &["PUBSUB", "SHARDCHANNELS"]));
        channels.sort();
        RedisFigures { clients, channels }
    }

    fn compare(&self, now: &RedisFigures, servers: usize) -> Vec<String> {
        let mut wrong = Vec::new();
        // A server may have made one that it makes only when it needs it.
        if now.clients > self.clients + 2 * servers as u64 {
            wrong.push(format!("Redis has {} connections, and had {}", now.clients, self.clients));
        }
        let new = now.channels.iter().filter(|channel| !self.channels.contains(channel));
        wrong.extend(new.map(|channel| format!("somebody still listens to {channel}")));
        wrong
    }
}

/// Keys that are neither a document's nor end by themselves.
fn unowned(redis: &RedisProcess) -> Vec<String> {
    let keys = texts(redis, &["KEYS", "*"]);
    let of_a_document = |key: &String| {
        let kind = key.strip_prefix("cowrite:{").and_then(|rest| rest.split_once("}:")).map(|(_, kind)| kind);
        matches!(kind, Some("state" | "log" | "snapshot" | "previous"))
    };
    let others = keys.into_iter().filter(|key| !of_a_document(key));
    // One that has gone since is -2.
    let endless = others.filter(|key| redis.text(&["PTTL", key]) == "-1");
    endless.map(|key| format!("the key {key} has no owner and no end")).collect()
}

fn texts(redis: &RedisProcess, words: &[&str]) -> Vec<String> {
    match redis.command(words) {
        redis::Value::Array(items) => items.iter().filter_map(reply_text).collect(),
        _ => Vec::new(),
    }
}

fn redis(stage: &Stage) -> Option<&RedisProcess> {
    match &stage.ground {
        Ground::Redis { process, .. } => Some(process),
        Ground::Disk(_) => None,
    }
}
