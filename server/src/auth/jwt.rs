//! Tokens that the application signs.

use std::time::SystemTime;

use cowrite_protocol::DocumentId;
use cowrite_protocol::frame::Code;
use jsonwebtoken::{Algorithm, decode_header};

use super::claims::Claims;
use super::{Access, AccessFuture, AuthSettings, Denied, Granted, Identity, TokenFault, TokenKey, TokenRules};

/// The front door of an application: a JWT says who a user is, and what it grants.
pub struct JwtAccess {
    rules: TokenRules,
    keys: Vec<TokenKey>,
}

/// Bytes of the longest token that is looked at.
pub const MOST_TOKEN_BYTES: usize = 16 << 10;

impl JwtAccess {
    /// One that believes what these settings say.
    pub fn new(settings: AuthSettings) -> JwtAccess {
        let AuthSettings { rules, secrets, public_keys } = settings;
        let keys = secrets.iter().map(TokenKey::secret).chain(public_keys).collect();
        JwtAccess { rules, keys }
    }

    async fn identity(&self, token: &str) -> Result<Identity, Denied> {
        let believed = self.believe(token).await;
        believed.map_err(|fault| {
            tracing::debug!(%fault, "a token is refused");
            fault.code().into()
        })
    }

    async fn believe(&self, token: &str) -> Result<Identity, TokenFault> {
        // Before anything is made of it: what follows costs as much as the token is long.
        if token.len() > MOST_TOKEN_BYTES {
            return Err(TokenFault::TooLong { bytes: token.len(), most: MOST_TOKEN_BYTES });
        }
        let header = decode_header(token).map_err(|_| TokenFault::Header)?;
        if !matches!(header.alg, Algorithm::HS256 | Algorithm::RS256 | Algorithm::ES256 | Algorithm::EdDSA) {
            return Err(TokenFault::Header);
        }
        if header.crit.is_some() {
            return Err(TokenFault::Critical);
        }
        let mut fitting = self.keys.iter().filter(|key| key.algorithm() == header.alg).peekable();
        if fitting.peek().is_none() {
            return Err(TokenFault::NoKey);
        }
        let claims = fitting.find_map(|key| key.claims::<Claims>(token)).ok_or(TokenFault::Unsigned)?;
        claims.identity(&self.rules, SystemTime::now())
    }
}

impl Access for JwtAccess {
    fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity> {
        Box::pin(self.identity(token))
    }

    fn role<'a>(&'a self, identity: &'a Identity, document: &'a DocumentId) -> AccessFuture<'a, Granted> {
        let role = identity.grants.role(document).ok_or(Denied::from(Code::AccessDenied));
        Box::pin(std::future::ready(role.map(|role| Granted { role, for_ms: None })))
    }
}
