//! Where Redis is and what is asked of it.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use redis::{ConnectionAddr, ConnectionInfo, IntoConnectionInfo, ProtocolVersion};
use thiserror::Error;

use super::topology::NodeAddress;
use crate::metrics::LogMetrics;
use crate::oplog::WallClock;

/// Where a Redis server, or any node of a cluster, is: `redis://[user:password@]host[:port][/db]`
/// or `unix:///path`.
#[derive(Clone)]
pub struct RedisUrl(ConnectionInfo);

/// Why a text is not a [`RedisUrl`].
#[derive(Debug, Error)]
#[error("not the address of a Redis server, such as redis://127.0.0.1:6379: {0}")]
pub struct ParseRedisUrlError(redis::RedisError);

impl RedisUrl {
    pub(crate) fn connection(&self) -> &ConnectionInfo {
        &self.0
    }

    /// Another node, reached in the same way.
    pub(super) fn at(&self, node: &NodeAddress) -> RedisUrl {
        let known = self.0.clone();
        RedisUrl(match known.addr() {
            ConnectionAddr::Tcp(..) => known.set_addr(ConnectionAddr::Tcp(node.host.clone(), node.port)),
            _ => known,
        })
    }
}

impl FromStr for RedisUrl {
    type Err = ParseRedisUrlError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let info = text.into_connection_info().map_err(ParseRedisUrlError)?;
        let protocol = info.redis_settings().clone().set_protocol(ProtocolVersion::RESP3);
        Ok(RedisUrl(info.set_redis_settings(protocol)))
    }
}

/// Without user and password: this is written into logs.
impl fmt::Display for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.addr().fmt(f)
    }
}

impl fmt::Debug for RedisUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl PartialEq for RedisUrl {
    fn eq(&self, other: &Self) -> bool {
        self.0.addr() == other.0.addr()
            && self.0.redis_settings().db() == other.0.redis_settings().db()
            && self.0.redis_settings().username() == other.0.redis_settings().username()
    }
}

/// What is promised of an accepted edit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum RedisDurability {
    /// Nothing beyond what the operator's Redis does by itself.
    #[default]
    Unconfirmed,
    /// Redis has synced it to its disk: `appendonly yes` and `appendfsync always`, which
    /// is checked at the start.
    Disk,
    /// So many replicas have it before the durable watermark moves.
    Replicas(u8),
}

/// Why a text names no [`RedisDurability`].
#[derive(Clone, Copy, Debug, Error)]
#[error("one of `unconfirmed`, `disk` and `replicas:N` with N from 1 to 9")]
pub struct ParseRedisDurabilityError;

impl FromStr for RedisDurability {
    type Err = ParseRedisDurabilityError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "unconfirmed" => Ok(RedisDurability::Unconfirmed),
            "disk" => Ok(RedisDurability::Disk),
            _ => match text.strip_prefix("replicas:").map(str::parse) {
                Some(Ok(replicas @ 1..=9)) => Ok(RedisDurability::Replicas(replicas)),
                _ => Err(ParseRedisDurabilityError),
            },
        }
    }
}

/// How Redis is used.
#[derive(Clone, Debug)]
pub struct RedisSettings {
    /// Where it is; in a cluster, any node that knows the others.
    pub url: RedisUrl,
    /// What all keys and channels begin with, so that two deployments can share one Redis.
    pub prefix: String,
    /// What is promised of an accepted edit.
    pub durability: RedisDurability,
    /// With [`RedisDurability::Replicas`]: when edits stay unconfirmed for this long, none is
    /// accepted until they are.
    pub confirm_within: Duration,
    /// Connecting takes this long at most.
    pub connect_within: Duration,
    /// An answer takes this long at most; one that does not come has an unknown outcome.
    pub answer_within: Duration,
    /// Trying again at another node, or after a refusal that passes, goes on for this long.
    pub retry_for: Duration,
    /// Entries younger than this are kept behind a snapshot, in milliseconds, as long as
    /// their document's log is below `retained_bytes`.
    pub retained_ms: u64,
    /// Bytes of one document's log in Redis above which age keeps no entry.
    pub retained_bytes: u64,
    /// The clock of client records; `None` for Redis' own, which is one for all servers.
    pub clock: Option<WallClock>,
    /// Where troubles are counted.
    pub metrics: Arc<LogMetrics>,
}

impl RedisSettings {
    /// The defaults, for this Redis.
    pub fn new(url: RedisUrl) -> RedisSettings {
        RedisSettings {
            url,
            prefix: "cowrite".to_owned(),
            durability: RedisDurability::default(),
            confirm_within: Duration::from_secs(10),
            connect_within: Duration::from_secs(2),
            answer_within: Duration::from_secs(2),
            retry_for: Duration::from_secs(3),
            retained_ms: 7 * 24 * 60 * 60 * 1000,
            retained_bytes: 16 << 20,
            clock: None,
            metrics: Arc::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_without_its_password() {
        let url: RedisUrl = "redis://ann:secret@127.0.0.1:7000/2".parse().unwrap();
        assert_eq!(format!("{url} {url:?}"), "127.0.0.1:7000 127.0.0.1:7000");
        assert!("http://127.0.0.1".parse::<RedisUrl>().is_err());
    }

    #[test]
    fn classes_of_durability_are_named() {
        assert_eq!("replicas:2".parse::<RedisDurability>().unwrap(), RedisDurability::Replicas(2));
        for wrong in ["", "replicas", "replicas:0", "replicas:x", "everysec"] {
            assert!(wrong.parse::<RedisDurability>().is_err(), "{wrong}");
        }
    }
}
