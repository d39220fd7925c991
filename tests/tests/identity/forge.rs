//! Tokens of every shape, good and bad.

use std::time::{SystemTime, UNIX_EPOCH};

use cowrite_tests::server::SECRET;
use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, EncodingKey};
use serde_json::{Value, json};

/// A key that signs, of those beside this file.
pub(crate) struct Signer {
    key: EncodingKey,
    algorithm: Algorithm,
}

impl Signer {
    /// The tests' secret.
    pub(crate) fn secret() -> Signer {
        Signer::of_secret(SECRET.as_bytes())
    }

    /// HS256 with any secret.
    pub(crate) fn of_secret(secret: &[u8]) -> Signer {
        Signer { key: EncodingKey::from_secret(secret), algorithm: Algorithm::HS256 }
    }

    /// RS256.
    pub(crate) fn rsa() -> Signer {
        let key = EncodingKey::from_rsa_pem(include_bytes!("keys/rsa.pem")).unwrap();
        Signer { key, algorithm: Algorithm::RS256 }
    }

    /// ES256.
    pub(crate) fn ec() -> Signer {
        let key = EncodingKey::from_ec_pem(include_bytes!("keys/ec.pem")).unwrap();
        Signer { key, algorithm: Algorithm::ES256 }
    }

    /// ES256 with another key.
    pub(crate) fn ec2() -> Signer {
        let key = EncodingKey::from_ec_pem(include_bytes!("keys/ec2.pem")).unwrap();
        Signer { key, algorithm: Algorithm::ES256 }
    }

    /// EdDSA.
    pub(crate) fn ed() -> Signer {
        let key = EncodingKey::from_ed_pem(include_bytes!("keys/ed.pem")).unwrap();
        Signer { key, algorithm: Algorithm::EdDSA }
    }

    /// The public half, as it stands in a list of keys.
    pub(crate) fn jwk(&self, id: &str) -> Value {
        let mut jwk = serde_json::to_value(Jwk::from_encoding_key(&self.key, self.algorithm).unwrap()).unwrap();
        jwk["kid"] = json!(id);
        jwk
    }

    /// A token with the usual header, a name for its key, and these claims beside the usual ones.
    pub(crate) fn token(&self, key_id: Option<&str>, changes: Value) -> String {
        let mut header = json!({ "typ": "JWT", "alg": self.algorithm });
        if let Some(id) = key_id {
            header["kid"] = json!(id);
        }
        self.sign(&header.to_string(), &claims(changes).to_string())
    }

    /// A token with exactly this header and these claims, whatever they are.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let message = format!("{}.{}", base64url(header), base64url(claims));
        let signature = jsonwebtoken::crypto::sign(message.as_bytes(), &self.key, self.algorithm).unwrap();
        format!("{message}.{signature}")
    }
}

/// Ada may edit everything, for a minute; with changes.
pub(crate) fn claims(changes: Value) -> Value {
    let mut claims =
        json!({ "sub": "ada", "iat": now(), "exp": now() + 60, "cowrite": { "documents": { "*": "editor" } } });
    let Value::Object(changes) = changes else { panic!("an object") };
    for (name, value) in changes {
        claims[name] = value;
    }
    claims
}

/// Seconds since 1970.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs()
}

/// Without padding.
pub(crate) fn base64url(text: &str) -> String {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let mut out = String::new();
    for chunk in text.as_bytes().chunks(3) {
        let bits = chunk.iter().fold(0u32, |bits, byte| bits << 8 | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for index in 0..=chunk.len() {
            out.push(char::from(ALPHABET[(bits >> (18 - 6 * index) & 63) as usize]));
        }
    }
    out
}
