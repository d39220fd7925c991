//! Tokens that this server signs itself, for who shows its key or secret.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cowrite_protocol::UserId;
use cowrite_protocol::frame::Role;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use serde::Serialize;
use thiserror::Error;

use super::claims::{MOST_GRANTS, NAME_BYTES};
use super::{AuthSettings, DocumentPattern, MOST_TOKEN_BYTES, RoleName};

/// Signs tokens that the same settings believe.
#[derive(Clone)]
pub struct Minter {
    key: EncodingKey,
    issuer: Option<String>,
    audience: Option<String>,
    longest: Duration,
}

/// What a token shall say.
#[derive(Clone, Debug)]
pub struct Minting {
    /// Whose it is.
    pub user: UserId,
    /// The display name; may be empty.
    pub name: String,
    /// What it grants.
    pub documents: Vec<(DocumentPattern, Role)>,
    /// How long it is good for.
    pub lasts: Duration,
}

/// Why there is no token.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum MintError {
    /// It would be refused.
    #[error("a token lasts from 1 s to {most} s, not {asked} s")]
    Lasts {
        /// What was asked for, in seconds.
        asked: u64,
        /// The longest, in seconds.
        most: u64,
    },
    /// It would be refused.
    #[error("a token lists at most {most} documents, not {asked}")]
    Documents {
        /// What was asked for.
        asked: usize,
        /// The most.
        most: usize,
    },
    /// It would be refused.
    #[error("a display name has at most {most} bytes and no control characters")]
    Name {
        /// The most.
        most: usize,
    },
    /// It would be refused.
    #[error("the token would have {bytes} bytes, {most} are allowed: list fewer documents")]
    TooLong {
        /// How long it would be.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// The system has no random bits, or nothing can be signed.
    #[error("the token cannot be signed")]
    Failed,
}

#[derive(Serialize)]
struct Said<'a> {
    sub: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    name: &'a str,
    iat: u64,
    exp: u64,
    jti: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    iss: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    aud: Option<&'a str>,
    cowrite: Documents,
}

#[derive(Serialize)]
struct Documents {
    documents: BTreeMap<String, RoleName>,
}

impl Minter {
    /// One that signs with the first secret, in the name of the first issuer, for the first audience;
    /// `None` if there is no secret.
    pub fn new(settings: &AuthSettings) -> Option<Minter> {
        let secret = settings.secrets.first()?;
        Some(Minter {
            key: EncodingKey::from_secret(secret.bytes()),
            issuer: settings.rules.issuers.first().cloned(),
            audience: settings.rules.audiences.first().cloned(),
            longest: settings.rules.longest,
        })
    }

    /// Signs a token, with a random name of its own (`jti`).
    ///
    /// # Errors
    /// If no such token would be believed.
    pub fn mint(&self, minting: &Minting) -> Result<String, MintError> {
        let (asked, most) = (minting.lasts.as_secs(), self.longest.as_secs());
        if !(1..=most).contains(&asked) {
            return Err(MintError::Lasts { asked, most });
        }
        if minting.documents.len() > MOST_GRANTS {
            return Err(MintError::Documents { asked: minting.documents.len(), most: MOST_GRANTS });
        }
        if minting.name.len() > NAME_BYTES || minting.name.chars().any(char::is_control) {
            return Err(MintError::Name { most: NAME_BYTES });
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random).map_err(|_| MintError::Failed)?;
        let iat = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let documents = minting.documents.iter().map(|(pattern, role)| (pattern.to_string(), RoleName(*role)));
        let said = Said {
            sub: minting.user.as_str(),
            name: &minting.name,
            iat,
            exp: iat + asked,
            jti: format!("{:032x}", u128::from_be_bytes(random)),
            iss: self.issuer.as_deref(),
            aud: self.audience.as_deref(),
            cowrite: Documents { documents: documents.collect() },
        };
        let token = encode(&Header::new(Algorithm::HS256), &said, &self.key).map_err(|_| MintError::Failed)?;
        if token.len() > MOST_TOKEN_BYTES {
            return Err(MintError::TooLong { bytes: token.len(), most: MOST_TOKEN_BYTES });
        }
        Ok(token)
    }
}
