//! Keys that tokens are verified with.

use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::Secret;

/// A key, and the one algorithm that it is for: what a token says of itself never chooses how it is
/// verified.
#[derive(Clone, Debug)]
pub struct TokenKey {
    algorithm: Algorithm,
    key: DecodingKey,
}

/// Why a text is no public key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum PublicKeyError {
    /// It would sign.
    #[error("this is a private key, which no server needs: give the public one (openssl pkey -pubout)")]
    Private,
    /// It cannot be read, or is none of those.
    #[error(
        "no public key in PEM form: -----BEGIN PUBLIC KEY-----, of RSA (2048 to 4096 bits), ECDSA P-256 or Ed25519"
    )]
    Unreadable,
}

/// The length in bytes that a modulus of 2048 to 4096 bits has.
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=512;

/// What PKCS#1 adds to a modulus: tags, lengths, a zero, the exponent.
const PKCS1_BYTES: std::ops::RangeInclusive<usize> = 7..=20;

impl TokenKey {
    /// HS256 with a secret.
    pub fn secret(secret: &Secret) -> TokenKey {
        TokenKey { algorithm: Algorithm::HS256, key: DecodingKey::from_secret(secret.bytes()) }
    }

    /// RS256, ES256 or EdDSA, as the key is.
    ///
    /// # Errors
    /// If the text is not a public key of these kinds.
    pub fn from_pem(pem: &str) -> Result<TokenKey, PublicKeyError> {
        if pem.contains("PRIVATE KEY") {
            return Err(PublicKeyError::Private);
        }
        let length = |key: &DecodingKey| key.try_get_as_bytes().map_or(0, <[u8]>::len);
        let kinds: [(Algorithm, fn(&[u8]) -> _, fn(usize) -> bool); 3] = [
            (Algorithm::RS256, DecodingKey::from_rsa_pem, |bytes| {
                (MODULUS_BYTES.start() + PKCS1_BYTES.start()..=MODULUS_BYTES.end() + PKCS1_BYTES.end()).contains(&bytes)
            }),
            // A point, in full or compressed; other curves have longer ones.
            (Algorithm::ES256, DecodingKey::from_ec_pem, |bytes| bytes == 65 || bytes == 33),
            (Algorithm::EdDSA, DecodingKey::from_ed_pem, |bytes| bytes == 32),
        ];
        kinds
            .into_iter()
            .find_map(|(algorithm, read, fits)| {
                let key: DecodingKey = read(pem.as_bytes()).ok()?;
                fits(length(&key)).then_some(TokenKey { algorithm, key })
            })
            .ok_or(PublicKeyError::Unreadable)
    }

    /// What it is for.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// What a token says that was signed with this key; `None` if it was not, or says something
    /// else. Nothing of the claims is looked at yet.
    pub(super) fn claims<T: DeserializeOwned>(&self, token: &str) -> Option<T> {
        let mut only_signature = Validation::new(self.algorithm);
        only_signature.required_spec_claims.clear();
        only_signature.validate_exp = false;
        only_signature.validate_aud = false;
        decode(token, &self.key, &only_signature).ok().map(|data| data.claims)
    }
}
