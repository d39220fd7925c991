//! What is checked before a server starts on a Redis: whether it can keep the promise.

use std::collections::HashMap;

use redis::{Client, Connection, RedisResult, Value};
use thiserror::Error;

use super::settings::{RedisDurability, RedisSettings};
use super::slots::{SLOTS, SlotMap, slot_of};
use super::topology::NodeAddress;

/// Why a server does not start on this Redis.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RedisDoorError {
    /// It cannot be reached or does not let us in.
    #[error("Redis at {url} cannot be reached: {reason}; start it, or correct --redis")]
    Unreachable {
        /// Its address.
        url: String,
        /// What the system or Redis said.
        reason: String,
    },
    /// It is too old.
    #[error("Redis at {url} is version {found}, 7 or newer is needed: older ones have no sharded channels")]
    TooOld {
        /// Its address.
        url: String,
        /// Its version.
        found: String,
    },
    /// It would throw documents away when memory is short.
    #[error(
        "Redis at {url} has maxmemory-policy {policy}, so it would throw away documents when memory is short: set it to noeviction"
    )]
    Evicts {
        /// Its address.
        url: String,
        /// The policy.
        policy: String,
    },
    /// A command that is needed is not permitted.
    #[error(
        "Redis at {url} does not let this user do what is needed: {reason}; allow ~{prefix}:* &{prefix}:* +@read +@write +@connection +@scripting +@pubsub -@dangerous +time +info +config|get +wait +cluster|slots"
    )]
    NotPermitted {
        /// Its address.
        url: String,
        /// What the keys begin with.
        prefix: String,
        /// What Redis said.
        reason: String,
    },
    /// It is a replica.
    #[error("Redis at {url} is a replica, or cannot write now: {reason}; name the primary by --redis")]
    ReadOnly {
        /// Its address.
        url: String,
        /// What Redis said.
        reason: String,
    },
    /// A cluster does not serve all documents.
    #[error(
        "the Redis cluster of {url} has no master for {missing} of its 16384 slots: assign them (`redis-cli --cluster fix`), or wait for its failover"
    )]
    Incomplete {
        /// The address that was asked.
        url: String,
        /// How many slots nobody serves.
        missing: usize,
    },
    /// The promise that was asked for is not the one that it keeps.
    #[error("Redis at {url} cannot promise durability `{asked}`: {reason}")]
    NotDurable {
        /// Its address.
        url: String,
        /// The class that was asked for.
        asked: &'static str,
        /// What stands in the way.
        reason: String,
    },
}

/// In how many slots of a master a start is rehearsed, if slots are moving.
const REHEARSALS: usize = 3;

/// Checks a Redis, or every master of a cluster; blocks for a few round trips each, and for
/// the connection timeout at most where one cannot be reached.
pub(crate) fn check(settings: &RedisSettings) -> Result<(), RedisDoorError> {
    let mut connection = connect(settings)?;
    let found = info(&mut connection).map_err(|error| refusal(settings, &error))?;
    if found.get("cluster_enabled").is_none_or(|enabled| enabled != "1") {
        keeps_promises(settings, &found, &mut connection)?;
        return rehearse(settings, &mut connection, "start").map_err(|error| refusal(settings, &error));
    }
    let map = slots(settings, &mut connection)?;
    for address in map.masters() {
        let master = RedisSettings { url: settings.url.at(&address), ..settings.clone() };
        let mut connection = connect(&master)?;
        let found = info(&mut connection).map_err(|error| refusal(&master, &error))?;
        keeps_promises(&master, &found, &mut connection)?;
        // A slot that is just moving away takes no new keys, so there is another choice.
        let tags = (0_u32..).map(|number| format!("start-{number}"));
        let own = tags.filter(|tag| map.master(slot_of(tag)) == Some(&address)).take(REHEARSALS);
        let mut rehearsed = Ok(());
        for tag in own {
            rehearsed = rehearse(&master, &mut connection, &tag);
            if !rehearsed.as_ref().is_err_and(|error| matches!(error.code(), Some("MOVED" | "ASK" | "TRYAGAIN"))) {
                break;
            }
        }
        rehearsed.map_err(|error| refusal(&master, &error))?;
    }
    tracing::info!(redis = %settings.url, masters = map.masters().len(), "Redis is a cluster");
    Ok(())
}

fn connect(settings: &RedisSettings) -> Result<Connection, RedisDoorError> {
    let url = settings.url.to_string();
    let unreachable =
        |error: redis::RedisError| RedisDoorError::Unreachable { url: url.clone(), reason: error.to_string() };
    let client = Client::open(settings.url.connection().clone()).map_err(unreachable)?;
    let connection = client.get_connection_with_timeout(settings.connect_within).map_err(unreachable)?;
    let within = Some(settings.answer_within);
    connection.set_read_timeout(within).and_then(|()| connection.set_write_timeout(within)).map_err(unreachable)?;
    Ok(connection)
}

/// Which master has which slot, if each has one.
fn slots(settings: &RedisSettings, connection: &mut Connection) -> Result<SlotMap, RedisDoorError> {
    let answer = redis::cmd("CLUSTER").arg("SLOTS").query::<Value>(connection);
    let answer = answer.map_err(|error| refusal(settings, &error))?;
    let map = SlotMap::parse(&answer, &NodeAddress::of(&settings.url)).unwrap_or_default();
    let missing = (0..SLOTS).filter(|slot| map.master(*slot).is_none()).count();
    if missing > 0 {
        return Err(RedisDoorError::Incomplete { url: settings.url.to_string(), missing });
    }
    Ok(map)
}

/// Whether this server, as it is set up, keeps what it is given.
fn keeps_promises(
    settings: &RedisSettings,
    info: &HashMap<String, String>,
    connection: &mut Connection,
) -> Result<(), RedisDoorError> {
    let url = settings.url.to_string();
    let version = info.get("redis_version").cloned().unwrap_or_default();
    let major: u32 = version.split('.').next().and_then(|major| major.parse().ok()).unwrap_or(0);
    if major < 7 {
        return Err(RedisDoorError::TooOld { url, found: version });
    }
    let policy = info.get("maxmemory_policy").cloned().unwrap_or_default();
    if policy != "noeviction" {
        return Err(RedisDoorError::Evicts { url, policy });
    }
    durable(settings, info, connection)?;
    if info.get("aof_enabled").is_none_or(|enabled| enabled != "1") {
        tracing::warn!(redis = %url, "Redis keeps no append-only file: accepted edits are gone when it ends; set `appendonly yes`");
    }
    Ok(())
}

fn info(connection: &mut Connection) -> RedisResult<HashMap<String, String>> {
    let text: String = redis::cmd("INFO").query(connection)?;
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    Ok(lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

/// Does everything once that the op log will do, under keys of its own with this hash tag;
/// one by one, since Redis names a command that is not permitted only outside a script.
fn rehearse(settings: &RedisSettings, connection: &mut Connection, tag: &str) -> RedisResult<()> {
    // Another server may rehearse at this moment.
    let own = getrandom::u64().unwrap_or_default();
    let key = |kind: &str| format!("{}:{{{tag}}}:{own:x}{kind}", settings.prefix);
    let (state, log, other) = (key("state"), key("log"), key("other"));
    let channel = format!("{}:{{{tag}}}:live", settings.prefix);
    let commands: [&[&str]; 27] = [
        &["TIME"],
        &["HSET", &state, "a", "1", "b", "2"],
        &["HGET", &state, "a"],
        &["HMGET", &state, "a", "b"],
        &["HGETALL", &state],
        &["HSCAN", &state, "0"],
        &["HDEL", &state, "a"],
        &["XADD", &log, "1-0", "a", "1"],
        &["XRANGE", &log, "-", "+"],
        &["XREVRANGE", &log, "+", "-", "COUNT", "1"],
        &["XTRIM", &log, "MINID", "=", "1-0"],
        &["MEMORY", "USAGE", &log],
        &["RENAME", &log, &other],
        &["SET", &log, "a"],
        &["EXISTS", &log],
        &["GET", &log],
        &["EVAL", "redis.call('DEL', KEYS[1], KEYS[2], KEYS[3])", "3", &state, &log, &other],
        // The name of the next.
        &["SCRIPT", "LOAD", "return 1"],
        &["EVALSHA", "e0e1f9fabfc9d4800c877a703b823ac0578ff8db", "0"],
        &["ZADD", &state, "1", "a"],
        &["ZSCORE", &state, "a"],
        &["ZCARD", &state],
        &["ZRANGE", &state, "0", "0", "WITHSCORES"],
        &["ZREM", &state, "a"],
        &["ZREMRANGEBYSCORE", &state, "-inf", "1"],
        &["PEXPIRE", &state, "1"],
        &["SPUBLISH", &channel, "a"],
    ];
    for words in commands {
        redis::cmd(words[0]).arg(&words[1..]).query::<Value>(connection)?;
    }
    for command in ["SSUBSCRIBE", "SUNSUBSCRIBE"] {
        // A push answers it, which nobody here waits for; an error would answer what follows.
        redis::cmd(command).arg(&channel).set_no_response(true).exec(connection)?;
        redis::cmd("PING").exec(connection)?;
    }
    Ok(())
}

fn refusal(settings: &RedisSettings, error: &redis::RedisError) -> RedisDoorError {
    let (url, reason) = (settings.url.to_string(), error.to_string());
    let text = reason.to_ascii_uppercase();
    // The last is how it is said of a command within a script.
    if ["NOPERM", "PERMISSION", "THE USER EXECUTING THE SCRIPT"].iter().any(|word| text.contains(word)) {
        RedisDoorError::NotPermitted { url, prefix: settings.prefix.clone(), reason }
    } else if text.contains("READONLY") || text.contains("READ ONLY") || text.contains("REPLICA") {
        RedisDoorError::ReadOnly { url, reason }
    } else {
        RedisDoorError::Unreachable { url, reason }
    }
}

fn durable(
    settings: &RedisSettings,
    info: &HashMap<String, String>,
    connection: &mut Connection,
) -> Result<(), RedisDoorError> {
    let not = |asked, reason: String| Err(RedisDoorError::NotDurable { url: settings.url.to_string(), asked, reason });
    match settings.durability {
        RedisDurability::Unconfirmed => Ok(()),
        RedisDurability::Disk => {
            if info.get("aof_enabled").is_none_or(|enabled| enabled != "1") {
                return not("disk", "it keeps no append-only file; set `appendonly yes`".to_owned());
            }
            let mut command = redis::cmd("CONFIG");
            match command.arg("GET").arg("appendfsync").query::<HashMap<String, String>>(connection) {
                Ok(found) if found.get("appendfsync").is_some_and(|policy| policy == "always") => Ok(()),
                Ok(found) => {
                    let policy = found.get("appendfsync").cloned().unwrap_or_default();
                    not("disk", format!("it has appendfsync {policy}; set it to `always`"))
                }
                Err(error) => not("disk", format!("its setting of appendfsync cannot be read: {error}")),
            }
        }
        RedisDurability::Replicas(wanted) => {
            let connected: u8 = info.get("connected_slaves").and_then(|count| count.parse().ok()).unwrap_or(0);
            if connected < wanted {
                // They may be back soon. Until then nothing is called durable, and before long
                // nothing is accepted; clients keep what is pending.
                tracing::error!(redis = %settings.url, wanted, connected, "Redis has fewer replicas than edits are to be confirmed by");
            }
            Ok(())
        }
    }
}
