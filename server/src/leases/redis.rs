//! Leases that all servers on one Redis share.

use std::collections::HashMap;
use std::fmt::Write;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ::redis::Value;
use cowrite_protocol::UserId;
use futures_util::future::join_all;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};

use super::lease::{Lease, LeaseFuture, LeaseRefused, LeaseSettings, Leases};
use super::local::RETRY_AFTER_MS;
use super::table::{Name, Table};
use crate::redis::{Script, Topology, Trouble, slot_of};

/// Leases in Redis, renewed by one task of this server.
///
/// While Redis does not answer this server counts its own connections alone, so a user may have
/// `limit` of them at each server; nobody could edit anything then anyway. What it grants in that
/// time is known to Redis with the next renewal.
pub struct RedisLeases {
    shared: Arc<Shared>,
    keeping: JoinHandle<()>,
}

struct Shared {
    topology: Topology,
    settings: LeaseSettings,
    table: Arc<Table>,
    /// Random: what this process calls its leases by, before their numbers.
    server: String,
    take: Script,
    renew: Script,
    release: Script,
    /// Whether this server counts alone at the moment.
    alone: AtomicBool,
}

/// Users are spread over so many hash tags, and so over the servers of a cluster; the leases
/// of each are renewed together.
const BUCKETS: u16 = 64;

/// Leases renewed or released by one call at most: Redis does nothing else meanwhile.
const BATCH: usize = 500;

/// A lease that is refused is asked for again after this time or later.
const SHORTEST_RETRY_MS: u32 = 1_000;

/// After a renewal that failed the next comes this soon.
const RENEW_AGAIN: Duration = Duration::from_secs(1);

const PRELUDE: &str = include_str!("scripts/prelude.lua");

impl RedisLeases {
    /// Leases over these connections. Must be called in a tokio runtime.
    pub(crate) fn start(topology: Topology, settings: LeaseSettings) -> RedisLeases {
        let shared = Arc::new(Shared {
            topology,
            settings,
            table: Table::new(settings.most, true),
            // Nothing is random only on a machine that cannot do anything else either.
            server: format!("{:016x}", getrandom::u64().unwrap_or_default()),
            take: Script::new(PRELUDE, include_str!("scripts/take.lua")),
            renew: Script::new(PRELUDE, include_str!("scripts/renew.lua")),
            release: Script::new(PRELUDE, include_str!("scripts/release.lua")),
            alone: AtomicBool::new(false),
        });
        let keeping = tokio::spawn(keep(Arc::clone(&shared)));
        RedisLeases { shared, keeping }
    }
}

impl Leases for RedisLeases {
    fn take<'a>(&'a self, user: &'a UserId, limit: u32) -> LeaseFuture<'a> {
        Box::pin(self.shared.take(user, limit))
    }

    fn held(&self) -> usize {
        self.shared.table.count()
    }

    fn alone(&self) -> bool {
        self.shared.alone.load(Ordering::Relaxed)
    }
}

impl Drop for RedisLeases {
    fn drop(&mut self) {
        self.keeping.abort();
    }
}

/// What Redis said about one more lease.
enum Verdict {
    Taken,
    Full(u32),
}

impl Shared {
    async fn take(&self, user: &UserId, limit: u32) -> Result<Lease, LeaseRefused> {
        let most = self.settings.most;
        let unavailable = LeaseRefused::Unavailable { most, retry_after_ms: RETRY_AFTER_MS };
        // Dropped from here on, it is released, whatever Redis has made of it.
        let lease = self.table.ask(user.as_str()).ok_or(unavailable)?;
        let answer = timeout(self.settings.answer_within, self.ask(&lease, limit)).await;
        let trouble = match answer {
            Ok(Ok(Verdict::Taken)) => {
                self.together();
                self.table.grant(&lease);
                return Ok(lease);
            }
            Ok(Ok(Verdict::Full(ends_in_ms))) => {
                self.together();
                return Err(LeaseRefused::Full { limit, retry_after_ms: ends_in_ms.max(SHORTEST_RETRY_MS) });
            }
            Ok(Err(trouble)) => trouble.to_string(),
            Err(_) => format!("no answer within {:?}", self.settings.answer_within),
        };
        if !self.alone.swap(true, Ordering::Relaxed) {
            tracing::warn!(trouble, "connections of users are counted by this server alone until Redis answers");
        }
        let granted = self.table.grant_below(&lease, limit);
        if granted { Ok(lease) } else { Err(LeaseRefused::Full { limit, retry_after_ms: RETRY_AFTER_MS }) }
    }

    async fn ask(&self, lease: &Lease, limit: u32) -> Result<Verdict, Trouble> {
        let key = self.key(&lease.user);
        let mut call = self.take.call(&[&key]);
        call.arg(limit).arg(self.expiry_ms()).arg(self.name(lease.number));
        let answer = self.topology.ask(slot_of(&key), Some(&self.take), &call).await?;
        let Value::Array(words) = answer else { return Err(Trouble::Nonsense("a lease")) };
        match &words[..] {
            [Value::BulkString(word)] if word == b"taken" => Ok(Verdict::Taken),
            [Value::BulkString(word), Value::BulkString(ms)] if word == b"full" => {
                let ms = std::str::from_utf8(ms).ok().and_then(|ms| ms.parse::<u32>().ok());
                ms.map(Verdict::Full).ok_or(Trouble::Nonsense("a time"))
            }
            _ => Err(Trouble::Nonsense("a lease")),
        }
    }

    /// Redis answers.
    fn together(&self) {
        if self.alone.swap(false, Ordering::Relaxed) {
            tracing::info!("connections of users are counted over all servers again");
        }
    }

    /// Renews everything; whether that worked.
    async fn renew_all(&self) -> bool {
        let expiry = [self.expiry_ms().to_string()];
        match self.for_each(&self.renew, &expiry, self.table.granted()).await {
            Ok(0) => true,
            Ok(anew) => {
                tracing::info!(leases = anew, "leases of connections had ended, and are taken back");
                true
            }
            Err(trouble) => {
                tracing::debug!(%trouble, "leases of connections are not renewed");
                false
            }
        }
    }

    async fn release_all(&self) {
        let released = self.table.take_released();
        if let Err(trouble) = self.for_each(&self.release, &[], released).await {
            tracing::debug!(%trouble, "leases of connections are not released, and end by themselves");
        }
    }

    /// Runs a script on leases, those of a bucket together; the sum of its answers.
    async fn for_each(&self, script: &Script, first: &[String], leases: Vec<Name>) -> Result<i64, Trouble> {
        let mut buckets: HashMap<u16, Vec<Name>> = HashMap::new();
        for name in leases {
            buckets.entry(bucket(&name.0)).or_default().push(name);
        }
        let calls = buckets.values().flat_map(|leases| leases.chunks(BATCH)).map(async |leases| {
            let keys: Vec<String> = leases.iter().map(|(user, _)| self.key(user)).collect();
            let mut call = script.call(&keys.iter().map(String::as_str).collect::<Vec<_>>());
            call.arg(first).arg(leases.iter().map(|(_, number)| self.name(*number)).collect::<Vec<_>>());
            match self.topology.ask(slot_of(&keys[0]), Some(script), &call).await? {
                Value::Int(answer) => Ok(answer),
                _ => Err(Trouble::Nonsense("a number of leases")),
            }
        });
        join_all(calls).await.into_iter().sum()
    }

    fn key(&self, user: &str) -> String {
        key(&self.topology.settings().prefix, user)
    }

    fn name(&self, number: u64) -> String {
        format!("{}:{number}", self.server)
    }

    fn expiry_ms(&self) -> u64 {
        u64::try_from(self.settings.expiry.as_millis()).unwrap_or(u64::MAX)
    }
}

/// Renews and releases, one after the other: a renewal that is overtaken by a release would
/// bring the lease back.
async fn keep(shared: Arc<Shared>) {
    let every = shared.settings.renew_every;
    let mut renewals = interval_at(Instant::now() + every, every);
    renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = renewals.tick() => {
                if !shared.renew_all().await {
                    renewals.reset_after(RENEW_AGAIN.min(every));
                }
            }
            () = shared.table.released.notified() => {
                // What is released together is told together.
                sleep(Duration::from_millis(1)).await;
                shared.release_all().await;
            }
        }
    }
}

/// The hash tag begins with a sign that no document id has, so no key is ever a document's.
fn key(prefix: &str, user: &str) -> String {
    format!("{prefix}:{{@{:02}}}:connections:{}", bucket(user), escaped(user))
}

fn bucket(user: &str) -> u16 {
    slot_of(&escaped(user)) % BUCKETS
}

/// A user id may hold anything but control characters. Two different ones stay different.
fn escaped(user: &str) -> String {
    let mut name = String::with_capacity(user.len());
    for byte in user.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'.' | b'_' | b'-' | b'@' | b'|' => name.push(char::from(byte)),
            // Writing into a string never fails.
            _ => drop(write!(name, "%{byte:02x}")),
        }
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_id_cannot_name_another_key_or_slot() {
        assert_eq!(escaped("auth0|ada@example.com"), "auth0|ada@example.com");
        assert_eq!(escaped("a{b}:c %7b"), "a%7bb%7d%3ac%20%257b");
        for user in ["{x}", "}", "ada", "é", "a:b", "{@01}"] {
            let key = key("cowrite", user);
            assert_eq!(slot_of(&key), slot_of(&format!("{{@{:02}}}", bucket(user))), "{key}");
            assert_eq!(key.matches(['{', '}']).count(), 2, "{key}");
        }
    }
}
