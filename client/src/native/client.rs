//! A client of one server.

use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;

use cowrite_protocol::{DocumentId, UserId};
use thiserror::Error;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::http::Uri;

use super::document::DocumentClient;
use super::driver::Driver;
use super::shared::Shared;
use super::token::TokenSource;
use crate::session::{LinkState, OpenError, SessionSettings};

/// How a client behaves.
#[derive(Clone, Copy, Debug)]
pub struct NativeSettings {
    /// The session's own settings. Two clients of one seed retry at the same moments.
    pub session: SessionSettings,
}

impl Default for NativeSettings {
    /// A seed of the operating system's.
    fn default() -> NativeSettings {
        NativeSettings { session: SessionSettings::new(RandomState::new().build_hasher().finish()) }
    }
}

/// Why there is no client. What happens later is told by its link and its documents.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// This is not an address.
    #[error("{url:?} is not an address")]
    BadUrl {
        /// What was given.
        url: String,
    },
    /// This driver speaks plain WebSocket only: put a proxy before it for TLS.
    #[error("the address has to begin with ws://, not {scheme}://")]
    Scheme {
        /// What it begins with.
        scheme: String,
    },
}

/// A client of one server: one task, one socket, any number of documents. It comes back
/// by itself whenever the connection is lost. Dropping it ends it, and gives up what is
/// pending.
pub struct NativeClient {
    shared: Arc<Shared>,
    task: Option<JoinHandle<()>>,
}

impl NativeClient {
    /// Starts to connect to `url`, such as `ws://127.0.0.1:8080/v1/socket`. Must be
    /// called within a tokio runtime.
    ///
    /// # Errors
    /// If the address cannot be one.
    pub fn connect(
        url: &str,
        tokens: impl Into<TokenSource>,
        settings: NativeSettings,
    ) -> Result<NativeClient, ConnectError> {
        let bad = || ConnectError::BadUrl { url: url.to_owned() };
        let uri: Uri = url.parse().map_err(|_| bad())?;
        let scheme = uri.scheme_str().ok_or_else(bad)?;
        if scheme != "ws" {
            return Err(ConnectError::Scheme { scheme: scheme.to_owned() });
        }
        if uri.host().is_none_or(str::is_empty) {
            return Err(bad());
        }
        let shared = Arc::new(Shared::new(settings.session, tokens.into()));
        shared.act_and_wake(|state, now| state.session.connect(now));
        let driver = Driver::new(shared.clone(), uri);
        Ok(NativeClient { shared, task: Some(tokio::spawn(driver.run())) })
    }

    /// Opens a document; wait for it by [`DocumentClient::opened`]. `state` is what other
    /// members see of this one: JSON, may be empty.
    ///
    /// # Errors
    /// If this client has it open already.
    pub fn open(&self, document: DocumentId, state: &str) -> Result<DocumentClient, OpenError> {
        let (handle, status) = self.shared.act_and_wake(|shared, now| {
            let handle = shared.session.open(document, state, now)?;
            Ok((handle, shared.add(handle)))
        })?;
        Ok(DocumentClient::new(self.shared.clone(), handle, status))
    }

    /// The connection, now and whenever it changes.
    pub fn link(&self) -> watch::Receiver<LinkState> {
        self.shared.link.subscribe()
    }

    /// The user that the server knows us as, once it has greeted.
    pub fn user(&self) -> Option<UserId> {
        self.shared.read(|state| state.session.user().cloned())
    }

    /// Takes tokens from here on from another source, and asks it now. A connection that holds
    /// goes on under the new token; a client that was stopped because the server refused the
    /// former one starts again, with all that is pending. It must be the same user's while
    /// work is pending, or the client stops with [`Code::ForeignClient`].
    ///
    /// [`Code::ForeignClient`]: cowrite_protocol::frame::Code::ForeignClient
    pub fn set_tokens(&self, tokens: impl Into<TokenSource>) {
        self.shared.act_and_wake(|state, now| {
            state.tokens = (state.tokens.0 + 1, tokens.into());
            state.session.refresh_token(now);
        });
    }

    /// Looks now whether the connection lives; a client that waits tries at once.
    pub fn wake(&self) {
        self.shared.act_and_wake(|state, now| state.session.handle_wake(now));
    }

    /// Closes the connection, and waits until the last messages have left.
    pub async fn close(mut self) {
        self.end();
        if let Some(task) = self.task.take() {
            // It ends with the runtime at the latest.
            let _ = task.await;
        }
    }

    fn end(&self) {
        self.shared.act_and_wake(|state, _| state.closed = true);
    }
}

impl Drop for NativeClient {
    fn drop(&mut self) {
        self.end();
    }
}
