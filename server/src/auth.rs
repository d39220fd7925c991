//! Who is this, may they open, may they write: the places where the front door stands.

use std::future::Future;
use std::pin::Pin;

use cowrite_protocol::frame::{Code, Role};
use cowrite_protocol::{DocumentId, UserId};

/// An answer of the front door, which may have to ask somebody.
pub type AccessFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Code>> + Send + 'a>>;

/// Who a connection belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The display name; may be empty.
    pub name: String,
}

/// Decides who may do what. Asked for every connection and every `Open`; the role that
/// it grants is checked on every submit.
pub trait Access: Send + Sync + 'static {
    /// Who the bearer of this token is.
    fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity>;

    /// What that user may do with a document.
    fn role<'a>(&'a self, identity: &'a Identity, document: &'a DocumentId) -> AccessFuture<'a, Role>;
}

/// Developer mode: a token `dev:NAME` is the user NAME, and everybody may write. A server
/// in this mode listens on loopback only.
#[derive(Clone, Copy, Debug, Default)]
pub struct DeveloperAccess;

impl DeveloperAccess {
    /// Who the bearer of a developer's token is.
    ///
    /// # Errors
    /// `Unauthorized` for any other token.
    pub fn identity(token: &str) -> Result<Identity, Code> {
        let name = token.strip_prefix("dev:").ok_or(Code::Unauthorized)?;
        let user: UserId = name.parse().map_err(|_| Code::Unauthorized)?;
        Ok(Identity { name: user.as_str().to_owned(), user })
    }
}

impl Access for DeveloperAccess {
    fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity> {
        Box::pin(std::future::ready(Self::identity(token)))
    }

    fn role<'a>(&'a self, _: &'a Identity, _: &'a DocumentId) -> AccessFuture<'a, Role> {
        Box::pin(std::future::ready(Ok(Role::Editor)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_developers_token_names_the_user() {
        assert_eq!(DeveloperAccess::identity("dev:Ada").map(|identity| identity.name), Ok("Ada".to_owned()));
        for bad in ["", "Ada", "dev:", "dev:\n"] {
            assert_eq!(DeveloperAccess::identity(bad), Err(Code::Unauthorized), "{bad:?}");
        }
    }
}
