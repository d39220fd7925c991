//! Keys that the application publishes as a list (JWKS), and changes when it likes.

use std::io;
use std::sync::{Arc, PoisonError, RwLock, Weak};
use std::time::Duration;

use axum::http::Request;
use http_body_util::Full;
use jsonwebtoken::Algorithm;
use serde::Deserialize;
use thiserror::Error;
use tokio::time::{Instant, sleep, sleep_until};

use super::web_client::{WebClient, WebError};
use super::{TokenKey, WebUrl};
use crate::metrics::FrontMetrics;

/// Where keys are published, and how long they are believed.
#[derive(Clone, Debug)]
pub struct JwksSettings {
    /// The address of the list.
    pub url: WebUrl,
    /// It is fetched this often.
    pub refresh: Duration,
    /// While it cannot be fetched, the last one is believed for so long.
    pub keep: Duration,
}

/// The list, as it was fetched last.
#[derive(Debug)]
pub(super) struct Jwks {
    web: WebClient,
    keep: Duration,
    known: RwLock<Known>,
    /// One fetches, the others wait for what it brings.
    turn: tokio::sync::Mutex<()>,
    metrics: Arc<FrontMetrics>,
}

#[derive(Clone, Debug, Default)]
struct Known {
    keys: Arc<[TokenKey]>,
    /// When these keys were fetched.
    fetched: Option<Instant>,
    /// When the last fetch began.
    tried: Option<Instant>,
    /// Whether the last one that ended brought nothing.
    failed: bool,
}

/// Why there is no key to verify a token with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum NoKeys {
    /// The list has none of that algorithm and name.
    Unlisted,
    /// The list could not be had, so nobody knows.
    Unreachable,
}

#[derive(Debug, Error)]
enum FetchError {
    #[error(transparent)]
    Web(#[from] WebError),
    #[error("the answer is not a list of keys ({{\"keys\": […]}})")]
    NoList,
    #[error("of {0} keys in the list none is a public key for RS256, ES256 or EdDSA")]
    NoneUsable(usize),
}

#[derive(Deserialize)]
struct List {
    keys: Vec<serde_json::Value>,
}

/// Bytes of a list.
const MOST_BYTES: usize = 256 << 10;

/// Keys of a list that are looked at.
const MOST_KEYS: usize = 64;

/// How long a fetch may take.
const WITHIN: Duration = Duration::from_secs(5);

/// Between the beginnings of two fetches there is at least this time, whatever tokens say.
pub(super) const GAP: Duration = Duration::from_secs(3);

/// After a fetch that brought nothing the next one is made so soon.
const AGAIN: Duration = Duration::from_secs(10);

impl Jwks {
    /// Begins to fetch the list, and goes on as long as it is wanted. Must be called in a tokio
    /// runtime.
    ///
    /// # Errors
    /// As [`WebClient::new`].
    pub(super) fn start(settings: JwksSettings, metrics: Arc<FrontMetrics>) -> io::Result<Arc<Jwks>> {
        let web = WebClient::new(settings.url, WITHIN, MOST_BYTES)?;
        let turn = tokio::sync::Mutex::default();
        let jwks = Jwks { web, keep: settings.keep, known: RwLock::default(), turn, metrics };
        let jwks = Arc::new(jwks);
        tokio::spawn(refresh(Arc::downgrade(&jwks), settings.refresh));
        Ok(jwks)
    }

    /// The keys for an algorithm, of that name; a token without a name means the only key there is.
    /// An unknown name has the list fetched anew, if that was not just done.
    pub(super) async fn keys(&self, algorithm: Algorithm, id: Option<&str>) -> Result<Vec<TokenKey>, NoKeys> {
        let found = self.listed(algorithm, id);
        if !found.is_empty() {
            return Ok(found);
        }
        self.fetch(Instant::now(), || !self.listed(algorithm, id).is_empty()).await;
        let found = self.listed(algorithm, id);
        match found.is_empty() {
            false => Ok(found),
            true if self.is_current() => Err(NoKeys::Unlisted),
            true => Err(NoKeys::Unreachable),
        }
    }

    fn listed(&self, algorithm: Algorithm, id: Option<&str>) -> Vec<TokenKey> {
        let known = self.known();
        if known.fetched.is_none_or(|fetched| fetched.elapsed() > self.keep) {
            return Vec::new();
        }
        let of_algorithm = known.keys.iter().filter(|key| key.algorithm() == algorithm);
        match id {
            Some(id) => of_algorithm.filter(|key| key.id() == Some(id)).cloned().collect(),
            None => {
                let all: Vec<TokenKey> = of_algorithm.cloned().collect();
                if all.len() == 1 { all } else { Vec::new() }
            }
        }
    }

    /// Whether what is known is what was published when it was last asked for.
    fn is_current(&self) -> bool {
        let known = self.known();
        known.fetched.is_some() && !known.failed
    }

    fn known(&self) -> Known {
        // Nothing that is done under the lock can panic.
        self.known.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Returns when a fetch has ended that began no earlier than `since`, or if `enough` is known
    /// when its turn comes; begins one if nobody has.
    async fn fetch(&self, since: Instant, enough: impl Fn() -> bool) {
        let _turn = self.turn.lock().await;
        if enough() {
            return;
        }
        if let Some(tried) = self.known().tried {
            if tried >= since {
                return;
            }
            sleep_until(tried + GAP).await;
        }
        self.note(|known| known.tried = Some(Instant::now()));
        match self.list().await {
            Ok(keys) => self.note(|known| {
                (known.keys, known.fetched, known.failed) = (keys.into(), Some(Instant::now()), false);
            }),
            // What was known stays known.
            Err(error) => {
                self.note(|known| known.failed = true);
                self.metrics.key_fetch_failed();
                tracing::warn!(url = %self.web.url(), %error, "the list of keys (JWKS) cannot be had");
            }
        }
    }

    async fn list(&self) -> Result<Vec<TokenKey>, FetchError> {
        let answer = self.web.ask(Request::new(Full::default())).await?;
        let list: List = serde_json::from_slice(&answer).map_err(|_| FetchError::NoList)?;
        let keys: Vec<TokenKey> = list.keys.iter().take(MOST_KEYS).filter_map(TokenKey::from_jwk).collect();
        if keys.is_empty() { Err(FetchError::NoneUsable(list.keys.len())) } else { Ok(keys) }
    }

    fn note(&self, change: impl FnOnce(&mut Known)) {
        change(&mut self.known.write().unwrap_or_else(PoisonError::into_inner));
    }
}

async fn refresh(jwks: Weak<Jwks>, every: Duration) {
    loop {
        let Some(listed) = jwks.upgrade() else { return };
        listed.fetch(Instant::now(), || false).await;
        let pause = if listed.is_current() { every } else { every.min(AGAIN) };
        drop(listed);
        sleep(pause).await;
    }
}
