//! Keys that tokens are verified with.

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode};
use serde::de::DeserializeOwned;
use thiserror::Error;

use super::Secret;

/// A key, and the one algorithm that it is for: what a token says of itself never chooses how it is
/// verified.
#[derive(Clone, Debug)]
pub struct TokenKey {
    algorithm: Algorithm,
    id: Option<String>,
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

/// Nobody names keys longer, in bytes.
const ID_BYTES: usize = 256;

impl TokenKey {
    /// HS256 with a secret.
    pub fn secret(secret: &Secret) -> TokenKey {
        TokenKey { algorithm: Algorithm::HS256, id: None, key: DecodingKey::from_secret(secret.bytes()) }
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
                fits(length(&key)).then_some(TokenKey { algorithm, id: None, key })
            })
            .ok_or(PublicKeyError::Unreadable)
    }

    /// One key of a JWKS; `None` if it is not for verifying tokens by an algorithm that we speak. A
    /// secret in a public list is no secret, so it is never taken.
    pub(super) fn from_jwk(jwk: &serde_json::Value) -> Option<TokenKey> {
        let jwk: Jwk = serde::Deserialize::deserialize(jwk).ok()?;
        let decoded = |text: &str| text.len() / 4 * 3;
        let (algorithm, said) = match &jwk.algorithm {
            AlgorithmParameters::RSA(rsa) if (255..=513).contains(&decoded(&rsa.n)) && rsa.e.len() <= 8 => {
                (Algorithm::RS256, KeyAlgorithm::RS256)
            }
            AlgorithmParameters::EllipticCurve(point) if point.curve == EllipticCurve::P256 => {
                (Algorithm::ES256, KeyAlgorithm::ES256)
            }
            AlgorithmParameters::OctetKeyPair(pair) if pair.curve == EllipticCurve::Ed25519 => {
                (Algorithm::EdDSA, KeyAlgorithm::EdDSA)
            }
            _ => return None,
        };
        let common = &jwk.common;
        let for_tokens = common.key_algorithm.is_none_or(|algorithm| algorithm == said)
            && common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature)
            && common.key_id.as_ref().is_none_or(|id| id.len() <= ID_BYTES);
        if !for_tokens {
            return None;
        }
        let key = DecodingKey::from_jwk(&jwk).ok()?;
        Some(TokenKey { algorithm, id: jwk.common.key_id, key })
    }

    /// What it is for.
    pub(super) fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Its name in the list that it is of.
    pub(super) fn id(&self) -> Option<&str> {
        self.id.as_deref()
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

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// A public point of P-256, as its curve's base.
    fn point() -> Value {
        json!({ "kty": "EC", "crv": "P-256", "kid": "a",
            "x": "axfR8uEsQkf4vOblY6RA8ncDfYEt6zOg9KE5RdiYwpY", "y": "T-NC4v4af5uO5-tKfA-eFivOM1drMV7Oy7ZAaDe_UfU" })
    }

    #[test]
    fn a_list_gives_only_public_keys_for_verifying() {
        let with = |changes: Value| {
            let mut jwk = point();
            jwk.as_object_mut().unwrap().extend(changes.as_object().unwrap().clone());
            TokenKey::from_jwk(&jwk).map(|key| (key.algorithm(), key.id().map(str::to_owned)))
        };
        assert_eq!(with(json!({})), Some((Algorithm::ES256, Some("a".to_owned()))));
        assert!(with(json!({ "use": "sig", "alg": "ES256", "more": 1 })).is_some());
        for bad in [
            json!({ "use": "enc" }),
            json!({ "alg": "HS256" }),
            json!({ "alg": "RS256" }),
            json!({ "crv": "P-384" }),
            json!({ "kid": "a".repeat(257) }),
            json!({ "kty": "oct", "k": "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA" }),
            json!({ "kty": "RSA", "n": "AAAA", "e": "AQAB" }),
        ] {
            assert_eq!(with(bad.clone()), None, "{bad}");
        }
        assert!(TokenKey::from_jwk(&json!("a")).is_none());
    }

    #[test]
    fn a_text_that_is_no_public_key_is_refused() {
        let refused = |pem: &str| TokenKey::from_pem(pem).map(|key| key.algorithm());
        assert_eq!(refused("-----BEGIN PRIVATE KEY-----\n"), Err(PublicKeyError::Private));
        assert_eq!(refused("ssh-rsa AAAA"), Err(PublicKeyError::Unreadable));
        assert_eq!(refused(""), Err(PublicKeyError::Unreadable));
    }
}
