//! Where a client connects to, and as whom.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

/// Where a client connects to, and as whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// The server's address, such as `wss://host/v1/socket`; one that begins with `/` is the page's own host's.
    pub url: Rc<str>,
    /// Where tokens come from.
    pub token: TokenSource,
}

impl Settings {
    /// Settings for a server and a source of tokens; a text is a token that never changes.
    pub fn new(url: &str, token: impl Into<TokenSource>) -> Settings {
        Settings { url: url.into(), token: token.into() }
    }
}

type Answer = Pin<Box<dyn Future<Output = Option<String>>>>;

/// Gives a token before each attempt to connect, and before the one in use ends. Two are
/// equal if they hold the same token, or ask the same function.
#[derive(Clone)]
pub struct TokenSource(Kind);

#[derive(Clone)]
enum Kind {
    Fixed(Rc<str>),
    Asked(Rc<dyn Fn() -> Answer>),
}

impl TokenSource {
    /// The same token each time. When it ends, so does the client's connection.
    pub fn fixed(token: &str) -> TokenSource {
        TokenSource(Kind::Fixed(token.into()))
    }

    /// Asks for a fresh token each time; after `None` it is asked again later.
    pub fn asking<F>(ask: impl Fn() -> F + 'static) -> TokenSource
    where
        F: Future<Output = Option<String>> + 'static,
    {
        TokenSource(Kind::Asked(Rc::new(move || Box::pin(ask()))))
    }

    /// The token, or who will have it.
    pub(super) fn token(&self) -> Result<Rc<str>, Answer> {
        match &self.0 {
            Kind::Fixed(token) => Ok(token.clone()),
            Kind::Asked(ask) => Err(ask()),
        }
    }
}

impl From<&str> for TokenSource {
    fn from(token: &str) -> TokenSource {
        TokenSource::fixed(token)
    }
}

impl From<String> for TokenSource {
    fn from(token: String) -> TokenSource {
        TokenSource::fixed(&token)
    }
}

impl PartialEq for TokenSource {
    fn eq(&self, other: &TokenSource) -> bool {
        match (&self.0, &other.0) {
            (Kind::Fixed(one), Kind::Fixed(other)) => one == other,
            (Kind::Asked(one), Kind::Asked(other)) => Rc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl fmt::Debug for TokenSource {
    /// Never shows a token.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenSource")
    }
}
