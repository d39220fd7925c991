//! Who a connection belongs to.

use cowrite_protocol::UserId;

use super::Grants;

/// What a token says, once it is believed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The user.
    pub user: UserId,
    /// The display name; may be empty.
    pub name: String,
    /// So many milliseconds the token is good for from the moment at which it was checked, the
    /// leeway included; `None`: for ever. A span, not a time of day: a clock that steps afterwards
    /// changes nothing.
    pub lasts_ms: Option<u64>,
    /// When it was issued (`iat`), in seconds since 1970. What revokes tokens of a user names a time
    /// and means those of before; a token that does not say is of before.
    pub issued: Option<u64>,
    /// The token's own name (`jti`), by which it alone can be revoked.
    pub token: Option<String>,
    /// What the token itself grants.
    pub grants: Grants,
}
