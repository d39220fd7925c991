//! Where tokens come from.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

type Answer = Pin<Box<dyn Future<Output = Option<String>> + Send>>;

/// Gives a token before each attempt to connect, and before the one in use ends.
#[derive(Clone)]
pub struct TokenSource(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Arc<str>),
    Asked(Arc<dyn Fn() -> Answer + Send + Sync>),
}

impl TokenSource {
    /// The same token each time. When it ends, so does the session.
    pub fn fixed(token: &str) -> TokenSource {
        TokenSource(Kind::Fixed(token.into()))
    }

    /// Asks for a fresh token each time; after `None` it is asked again later.
    pub fn asking<F>(ask: impl Fn() -> F + Send + Sync + 'static) -> TokenSource
    where
        F: Future<Output = Option<String>> + Send + 'static,
    {
        TokenSource(Kind::Asked(Arc::new(move || Box::pin(ask()))))
    }

    pub(super) fn is_fixed(&self) -> bool {
        matches!(self.0, Kind::Fixed(_))
    }

    pub(super) async fn token(self) -> Option<String> {
        match self.0 {
            Kind::Fixed(token) => Some((*token).to_owned()),
            Kind::Asked(ask) => ask().await,
        }
    }
}

impl From<&str> for TokenSource {
    fn from(token: &str) -> TokenSource {
        TokenSource::fixed(token)
    }
}

impl fmt::Debug for TokenSource {
    /// Never shows a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}
