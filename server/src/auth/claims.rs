//! What a token says, and whether it is believed.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use cowrite_protocol::frame::Code;
use serde::{Deserialize, Deserializer};
use thiserror::Error;

use super::{Grants, Identity, RoleName};

/// What is asked of every token, whoever signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRules {
    /// Who may have issued it (`iss`); empty: anybody who has the key.
    pub issuers: Vec<String>,
    /// Whom it must be for (`aud`): one of these. Empty: it must not name anybody.
    pub audiences: Vec<String>,
    /// How far the clocks of issuer and server may differ.
    pub leeway: Duration,
    /// How far ahead a token may end: what is revoked is remembered for no longer.
    pub longest: Duration,
}

impl Default for TokenRules {
    fn default() -> TokenRules {
        TokenRules {
            issuers: Vec::new(),
            audiences: Vec::new(),
            leeway: Duration::from_secs(30),
            longest: Duration::from_hours(24),
        }
    }
}

/// Why a token is not believed. Its bearer learns only that; the reason is in the server's log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// It is longer than any token is.
    #[error("it has {bytes} bytes, {most} are allowed")]
    TooLong {
        /// How long it is.
        bytes: usize,
        /// How long it may be.
        most: usize,
    },
    /// It is no token at all, or names an algorithm that is not spoken.
    #[error("its header cannot be read, or names an algorithm other than HS256, RS256, ES256 and EdDSA")]
    Header,
    /// It demands that something is understood which is not.
    #[error("it has critical extensions")]
    Critical,
    /// No key of that algorithm and name is known.
    #[error("no key for its algorithm and key id is known")]
    NoKey,
    /// Its key may be in a list that cannot be fetched now.
    #[error("no key for its algorithm and key id is known, and the list of keys (JWKS) cannot be had")]
    NoList,
    /// No key that fits has signed it; or its claims are not as they must be.
    #[error("it was not signed with a key that is known, or its claims are not as the documentation says")]
    Unsigned,
    /// The user, the display name or the token's own name is none.
    #[error("its `{claim}` is too long, empty or holds control characters")]
    BadText {
        /// Which claim.
        claim: &'static str,
    },
    /// More documents are listed than is allowed, or one is not a document.
    #[error("its documents are not valid: {count} of at most {most}")]
    BadDocuments {
        /// How many are listed.
        count: usize,
        /// How many may be.
        most: usize,
    },
    /// Somebody else issued it.
    #[error("its issuer is not one that this server believes")]
    Issuer,
    /// It is for somebody else.
    #[error("its audience is not this server")]
    Audience,
    /// Its time has not come.
    #[error("it begins, or was issued, in the future")]
    Early,
    /// It would outlive the memory of revocations.
    #[error("it lasts longer than {hours} h")]
    TooFar {
        /// How long a token may last.
        hours: u64,
    },
    /// It was good, and is no more.
    #[error("it has expired")]
    Expired,
}

impl TokenFault {
    /// What the client is told.
    pub fn code(self) -> Code {
        match self {
            TokenFault::Expired => Code::TokenExpired,
            // It may be as good as any.
            TokenFault::NoList => Code::Internal,
            _ => Code::Unauthorized,
        }
    }
}

/// What is read of a token; all else that it says is left alone.
#[derive(Deserialize)]
pub(super) struct Claims {
    sub: String,
    exp: Moment,
    name: Option<String>,
    nbf: Option<Moment>,
    /// Without it nobody could say when a revocation of the token may be forgotten.
    iat: Moment,
    iss: Option<String>,
    aud: Option<Audience>,
    jti: Option<String>,
    cowrite: Option<Cowrite>,
}

#[derive(Deserialize)]
struct Cowrite {
    #[serde(default)]
    documents: BTreeMap<String, RoleName>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Some(Vec<String>),
}

/// Seconds since 1970, perhaps a fraction; never negative, and no number so large that seconds are
/// not told apart any more.
struct Moment(f64);

impl<'de> Deserialize<'de> for Moment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Moment, D::Error> {
        const MOST: f64 = (1u64 << 53) as f64;
        let seconds = f64::deserialize(deserializer)?;
        if (0.0..=MOST).contains(&seconds) {
            return Ok(Moment(seconds));
        }
        Err(serde::de::Error::custom("no moment"))
    }
}

/// Bytes of a display name.
pub(super) const NAME_BYTES: usize = 256;

/// Bytes of a token's own name.
const TOKEN_ID_BYTES: usize = 128;

/// Documents and patterns that one token may list.
pub(super) const MOST_GRANTS: usize = 256;

impl Claims {
    /// Who the bearer is, if all of it holds now. That it has expired is only said of a token which
    /// is right in everything else.
    pub(super) fn identity(self, rules: &TokenRules, now: SystemTime) -> Result<Identity, TokenFault> {
        let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        let leeway = rules.leeway.as_secs_f64();
        let user = self.sub.parse().map_err(|_| TokenFault::BadText { claim: "sub" })?;
        let name = self.name.unwrap_or_default();
        plain("name", &name, NAME_BYTES)?;
        plain("jti", self.jti.as_deref().unwrap_or_default(), TOKEN_ID_BYTES)?;
        let grants = self.cowrite.map(Cowrite::grants).transpose()?.unwrap_or_default();
        let issued_by_us = |issuer: &String| self.iss.as_ref() == Some(issuer);
        if !rules.issuers.is_empty() && !rules.issuers.iter().any(issued_by_us) {
            return Err(TokenFault::Issuer);
        }
        let for_us = match &self.aud {
            None => rules.audiences.is_empty(),
            Some(Audience::One(one)) => rules.audiences.contains(one),
            Some(Audience::Some(some)) => some.iter().any(|one| rules.audiences.contains(one)),
        };
        if !for_us {
            return Err(TokenFault::Audience);
        }
        // One that claims to be issued later than now would outlive revocations to come.
        if [self.nbf.as_ref(), Some(&self.iat)].into_iter().flatten().any(|begin| begin.0 > now + leeway) {
            return Err(TokenFault::Early);
        }
        let left = self.exp.0 + leeway - now;
        let life = self.exp.0 - self.iat.0;
        if life.max(left) > rules.longest.as_secs_f64() + 2.0 * leeway {
            return Err(TokenFault::TooFar { hours: rules.longest.as_secs() / 3_600 });
        }
        if left <= 0.0 {
            return Err(TokenFault::Expired);
        }
        let issued = Some(self.iat.0 as u64);
        Ok(Identity { user, name, lasts_ms: Some((left * 1_000.0) as u64), issued, token: self.jti, grants })
    }
}

impl Cowrite {
    fn grants(self) -> Result<Grants, TokenFault> {
        let bad = TokenFault::BadDocuments { count: self.documents.len(), most: MOST_GRANTS };
        if self.documents.len() > MOST_GRANTS {
            return Err(bad);
        }
        let grant = |(pattern, role): (String, RoleName)| Some((pattern.parse().ok()?, role.0));
        let grants: Option<Vec<_>> = self.documents.into_iter().map(grant).collect();
        grants.map(Grants::new).ok_or(bad)
    }
}

fn plain(claim: &'static str, text: &str, most: usize) -> Result<(), TokenFault> {
    let fits = text.len() <= most && !text.chars().any(char::is_control);
    if fits { Ok(()) } else { Err(TokenFault::BadText { claim }) }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::frame::Role;
    use serde_json::{Value, json};

    use super::*;

    /// What is said of a token at the moment 1,000,000 by somebody who is called `cowrite`, and
    /// believes `app`; some of its claims are others.
    fn judge(changes: Value) -> Result<Identity, &'static str> {
        let mut claims = json!({ "sub": "ada", "iat": 999_990, "exp": 1_000_060, "iss": "app", "aud": "cowrite" });
        let Value::Object(changes) = changes else { panic!("an object") };
        claims.as_object_mut().unwrap().extend(changes);
        let claims: Claims = serde_json::from_value(claims).map_err(|_| "unreadable")?;
        let rules =
            TokenRules { issuers: vec!["app".into()], audiences: vec!["cowrite".into()], ..TokenRules::default() };
        let identity = claims.identity(&rules, UNIX_EPOCH + Duration::from_secs(1_000_000));
        identity.map_err(|fault| match fault {
            TokenFault::BadText { claim } => claim,
            TokenFault::BadDocuments { .. } => "documents",
            TokenFault::Issuer => "issuer",
            TokenFault::Audience => "audience",
            TokenFault::Early => "early",
            TokenFault::TooFar { .. } => "far",
            TokenFault::Expired => "expired",
            _ => "other",
        })
    }

    #[test]
    fn what_a_token_says_becomes_an_identity() {
        let documents = json!({ "documents": { "notes": "owner", "team-*": "viewer" } });
        let claims = json!({ "name": "Ada L.", "iat": 999_999.5, "jti": "t1", "cowrite": documents, "more": [1] });
        let identity = judge(claims).unwrap();
        assert_eq!((identity.user.as_str(), &*identity.name), ("ada", "Ada L."));
        assert_eq!((identity.lasts_ms, identity.issued), (Some(90_000), Some(999_999)));
        assert_eq!(identity.token.as_deref(), Some("t1"));
        assert_eq!(identity.grants.role(&"team-1".parse().unwrap()), Some(Role::Viewer));
        assert!(judge(json!({ "name": null, "cowrite": null, "jti": null })).unwrap().grants.is_empty());
    }

    #[test]
    fn each_claim_is_judged() {
        let many = |count: usize| (0..count).map(|n| (format!("d{n}"), json!("viewer"))).collect::<Value>();
        for (claims, said) in [
            (json!({ "sub": "" }), "sub"),
            (json!({ "sub": "a\nb" }), "sub"),
            (json!({ "sub": "a".repeat(129) }), "sub"),
            (json!({ "sub": 7 }), "unreadable"),
            (json!({ "name": "a".repeat(257) }), "name"),
            (json!({ "name": "a\u{7}" }), "name"),
            (json!({ "jti": "a".repeat(129) }), "jti"),
            (json!({ "iss": "another" }), "issuer"),
            (json!({ "iss": null }), "issuer"),
            (json!({ "iss": ["app"] }), "unreadable"),
            (json!({ "aud": "another" }), "audience"),
            (json!({ "aud": null }), "audience"),
            (json!({ "aud": [] }), "audience"),
            (json!({ "aud": ["another", "cowrite2"] }), "audience"),
            (json!({ "aud": 7 }), "unreadable"),
            (json!({ "nbf": 1_000_031 }), "early"),
            (json!({ "iat": 1_000_031 }), "early"),
            (json!({ "iat": null }), "unreadable"),
            (json!({ "iat": 1_000_000 - 2 * 24 * 3_600 }), "far"),
            (json!({ "exp": null }), "unreadable"),
            (json!({ "exp": "1000060" }), "unreadable"),
            (json!({ "exp": 1e300 }), "unreadable"),
            (json!({ "exp": u64::MAX }), "unreadable"),
            (json!({ "exp": -1 }), "unreadable"),
            (json!({ "exp": 1_000_000 + 24 * 3_600 + 31 }), "far"),
            (json!({ "exp": 999_970 }), "expired"),
            (json!({ "exp": 0 }), "expired"),
            (json!({ "exp": 0, "iss": "another" }), "issuer"),
            (json!({ "exp": 0, "nbf": 1_000_031 }), "early"),
            (json!({ "cowrite": { "documents": { "a b": "viewer" } } }), "documents"),
            (json!({ "cowrite": { "documents": { "a*b": "viewer" } } }), "documents"),
            (json!({ "cowrite": { "documents": { "a": "admin" } } }), "unreadable"),
            (json!({ "cowrite": { "documents": many(257) } }), "documents"),
        ] {
            assert_eq!(judge(claims.clone()), Err(said), "{claims}");
        }
        for good in [
            json!({ "aud": ["another", "cowrite"] }),
            json!({ "nbf": 1_000_030, "iat": 1_000_030 }),
            json!({ "exp": 999_971 }),
            json!({ "exp": 1_000_000 + 24 * 3_600 + 30 }),
            json!({ "cowrite": { "documents": many(256) } }),
        ] {
            assert!(judge(good.clone()).is_ok(), "{good}");
        }
    }

    #[test]
    fn a_token_for_somebody_is_not_for_whoever_has_no_name() {
        let claims = |audience: Value| {
            let claims = json!({ "sub": "ada", "iat": 0, "exp": 10, "aud": audience });
            serde_json::from_value::<Claims>(claims).unwrap().identity(&TokenRules::default(), UNIX_EPOCH)
        };
        assert!(claims(Value::Null).is_ok());
        assert_eq!(claims(json!("another")), Err(TokenFault::Audience));
    }
}
