//! Developer mode: everybody's word is taken.

use cowrite_protocol::frame::{Code, Role};
use cowrite_protocol::{DocumentId, UserId};

use super::{Access, AccessFuture, Granted, Grants, Identity};

/// A token `dev:NAME` is the user NAME, and everybody may write. A server in this mode listens on
/// loopback only.
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
        let name = user.as_str().to_owned();
        Ok(Identity { user, name, lasts_ms: None, issued: None, token: None, grants: Grants::default() })
    }
}

impl Access for DeveloperAccess {
    fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity> {
        Box::pin(std::future::ready(Self::identity(token).map_err(Into::into)))
    }

    fn role<'a>(&'a self, _: &'a Identity, _: &'a DocumentId) -> AccessFuture<'a, Granted> {
        Box::pin(std::future::ready(Ok(Granted { role: Role::Editor, for_ms: None })))
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
