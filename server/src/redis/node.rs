//! One Redis server, and the connection to it that comes back by itself.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Client, Cmd, Value};

use super::settings::RedisSettings;
use super::topology::NodeAddress;
use super::trouble::Trouble;

/// Commands that may wait to be written; whoever brings more waits.
const QUEUE_COMMANDS: usize = 4_096;

/// After a connection could not be made, the next attempt waits this long at first, and
/// twice as long each time.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));

/// One server. Commands of many tasks share one connection; each is written as it comes.
pub(crate) struct Node {
    address: NodeAddress,
    settings: Arc<RedisSettings>,
    state: Mutex<LinkState>,
    connecting: tokio::sync::Mutex<()>,
}

#[derive(Default)]
struct LinkState {
    link: Option<(u64, MultiplexedConnection)>,
    /// The number of the last link.
    number: u64,
    failures: u32,
    failed: Option<(Instant, String)>,
}

impl Node {
    pub(super) fn new(address: NodeAddress, settings: Arc<RedisSettings>) -> Node {
        Node { address, settings, state: Mutex::default(), connecting: tokio::sync::Mutex::default() }
    }

    /// Asks one thing. An answer that does not come in time is given up with the connection.
    pub(crate) async fn request(&self, command: &Cmd) -> Result<Value, Trouble> {
        let (number, mut connection) = self.link().await?;
        let answer = command.query_async::<Value>(&mut connection).await;
        answer.map_err(|error| self.trouble(&error, number))
    }

    /// Asks for a slot that is moving here.
    pub(super) async fn request_asking(&self, command: &Cmd) -> Result<Value, Trouble> {
        let (number, mut connection) = self.link().await?;
        let mut pipeline = redis::pipe();
        pipeline.cmd("ASKING").ignore().add_command(command.clone());
        let answer = pipeline.query_async::<(Value,)>(&mut connection).await;
        answer.map(|(value,)| value).map_err(|error| self.trouble(&error, number))
    }

    /// What an error comes to. After one that leaves the connection in doubt, or tells
    /// that the server is not what it was, a new connection is made.
    pub(super) fn trouble(&self, error: &redis::RedisError, number: u64) -> Trouble {
        let trouble = Trouble::of(error, &self.address, true);
        let in_doubt = match &trouble {
            Trouble::Lost { .. } => true,
            Trouble::Refused { code, .. } => matches!(code.as_str(), "READONLY" | "MASTERDOWN" | "NOAUTH"),
            _ => false,
        };
        if in_doubt {
            let mut state = self.state();
            if state.link.as_ref().is_some_and(|(known, _)| *known == number) {
                state.link = None;
            }
        }
        trouble
    }

    /// The connection, made if there is none, and its number.
    pub(super) async fn link(&self) -> Result<(u64, MultiplexedConnection), Trouble> {
        if let Some(link) = &self.state().link {
            return Ok(link.clone());
        }
        let _turn = self.connecting.lock().await;
        {
            let state = self.state();
            if let Some(link) = &state.link {
                return Ok(link.clone());
            }
            if let Some((at, reason)) = &state.failed {
                let wait = BACKOFF.0.saturating_mul(1 << state.failures.min(10)).min(BACKOFF.1);
                if at.elapsed() < wait {
                    return Err(Trouble::Unreachable { node: self.address.clone(), reason: reason.clone() });
                }
            }
        }
        let made = connect(&self.address, &self.settings, &configured(&self.settings)).await;
        let mut state = self.state();
        match made {
            Ok(connection) => {
                (state.failures, state.failed) = (0, None);
                state.number += 1;
                let link = (state.number, connection);
                state.link = Some(link.clone());
                if state.number > 1 {
                    self.settings.metrics.reconnected();
                }
                tracing::info!(node = %self.address, "connected to Redis");
                Ok(link)
            }
            Err(trouble) => {
                if state.failures == 0 {
                    tracing::warn!(node = %self.address, %trouble, "no connection to Redis; trying on");
                }
                state.failures += 1;
                state.failed = Some((Instant::now(), trouble.to_string()));
                Err(trouble)
            }
        }
    }

    /// The number of the connection, if there is one.
    pub(super) fn link_number(&self) -> Option<u64> {
        self.state().link.as_ref().map(|(number, _)| *number)
    }

    fn state(&self) -> MutexGuard<'_, LinkState> {
        // Whole at every moment: each field is set in one step.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How every connection behaves.
pub(super) fn configured(settings: &RedisSettings) -> AsyncConnectionConfig {
    AsyncConnectionConfig::new()
        .set_connection_timeout(Some(settings.connect_within))
        .set_response_timeout(Some(settings.answer_within))
        .set_pipeline_buffer_size(QUEUE_COMMANDS)
}

/// Makes a connection.
pub(super) async fn connect(
    address: &NodeAddress,
    settings: &RedisSettings,
    config: &AsyncConnectionConfig,
) -> Result<MultiplexedConnection, Trouble> {
    let info = settings.url.at(address).connection().clone();
    let made = async { Client::open(info)?.get_multiplexed_async_connection_with_config(config).await }.await;
    made.map_err(|error| match Trouble::of(&error, address, false) {
        refused @ (Trouble::Refused { .. } | Trouble::Unreachable { .. }) => refused,
        other => Trouble::Unreachable { node: address.clone(), reason: other.to_string() },
    })
}
