//! Tokens that the application signs.

use std::io;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use cowrite_protocol::DocumentId;
use cowrite_protocol::frame::Code;
use jsonwebtoken::{Algorithm, decode_header};

use super::callback::Callback;
use super::claims::Claims;
use super::jwks::{GAP, Jwks, NoKeys};
use super::{Access, AccessFuture, AuthSettings, Denied, Granted, Identity, TokenFault, TokenKey, TokenRules};
use crate::wall_clock::WallClock;

/// The front door of an application: a JWT says who a user is; what they may do it says, too, unless
/// the application is asked.
pub struct JwtAccess {
    rules: TokenRules,
    keys: Vec<TokenKey>,
    jwks: Option<Arc<Jwks>>,
    callback: Option<Callback>,
    clock: WallClock,
}

/// Bytes of the longest token that is looked at.
pub const MOST_TOKEN_BYTES: usize = 16 << 10;

impl JwtAccess {
    /// One that believes what these settings say. Must be called in a tokio runtime.
    ///
    /// # Errors
    /// If the application is to be asked over `https`, and the system has no certificates by which it
    /// could be verified.
    pub fn new(settings: AuthSettings) -> io::Result<JwtAccess> {
        let AuthSettings { rules, secrets, public_keys, jwks, callback, clock, metrics } = settings;
        let keys = secrets.iter().map(TokenKey::secret).chain(public_keys).collect();
        let jwks = jwks.map(|jwks| Jwks::start(jwks, Arc::clone(&metrics))).transpose()?;
        let callback = callback.map(|callback| Callback::new(callback, metrics)).transpose()?;
        Ok(JwtAccess { rules, keys, jwks, callback, clock })
    }

    async fn identity(&self, token: &str) -> Result<Identity, Denied> {
        let believed = self.believe(token).await;
        believed.map_err(|fault| {
            tracing::debug!(%fault, "a token is refused");
            let retry_after_ms = if fault == TokenFault::NoList { GAP.as_millis() as u32 } else { 0 };
            Denied { code: fault.code(), retry_after_ms }
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
        let claims = self.claims(token, header.alg, header.kid.as_deref()).await?;
        claims.identity(&self.rules, UNIX_EPOCH + Duration::from_millis(self.clock.now_ms()))
    }

    /// What a token says that one of our keys has signed. The name of a key only chooses among keys
    /// that are known.
    async fn claims(&self, token: &str, algorithm: Algorithm, id: Option<&str>) -> Result<Claims, TokenFault> {
        let own: Vec<&TokenKey> = self.keys.iter().filter(|key| key.algorithm() == algorithm).collect();
        if let Some(claims) = own.iter().find_map(|key| key.claims(token)) {
            return Ok(claims);
        }
        let unsigned = if own.is_empty() { TokenFault::NoKey } else { TokenFault::Unsigned };
        match &self.jwks {
            // Only public keys are published.
            Some(jwks) if algorithm != Algorithm::HS256 => match jwks.keys(algorithm, id).await {
                Ok(keys) => keys.iter().find_map(|key| key.claims(token)).ok_or(TokenFault::Unsigned),
                Err(NoKeys::Unlisted) => Err(unsigned),
                Err(NoKeys::Unreachable) => Err(TokenFault::NoList),
            },
            _ => Err(unsigned),
        }
    }
}

impl Access for JwtAccess {
    fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity> {
        Box::pin(self.identity(token))
    }

    fn role<'a>(&'a self, identity: &'a Identity, document: &'a DocumentId) -> AccessFuture<'a, Granted> {
        if let Some(callback) = &self.callback {
            return Box::pin(callback.role(identity, document));
        }
        let role = identity.grants.role(document).ok_or(Denied::from(Code::AccessDenied));
        Box::pin(std::future::ready(role.map(|role| Granted { role, for_ms: None })))
    }
}
