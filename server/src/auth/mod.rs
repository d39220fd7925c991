//! The front door: who is this, what may they do, and is that still so.

mod access;
mod api_key;
mod callback;
mod claims;
mod developer;
mod grants;
mod identity;
mod jwks;
mod jwt;
mod mint;
mod permit;
mod revocable;
mod role_cache;
mod role_name;
mod secret;
mod settings;
mod token_key;
mod web_client;

pub use access::{Access, AccessFuture, Denied, Granted};
pub use api_key::{ApiKey, ApiKeyError};
pub use callback::CallbackSettings;
pub use claims::{TokenFault, TokenRules};
pub use developer::DeveloperAccess;
pub use grants::{DocumentPattern, Grants, PatternError};
pub use identity::Identity;
pub use jwks::JwksSettings;
pub use jwt::{JwtAccess, MOST_TOKEN_BYTES};
pub use mint::{MintError, Minter, Minting};
pub use permit::{Action, Permit};
pub use revocable::RevocableAccess;
pub use role_name::{NoRole, RoleName};
pub use secret::{Secret, WeakSecret};
pub use settings::AuthSettings;
pub use token_key::{PublicKeyError, TokenKey};
pub use web_client::{BadWebUrl, WebUrl};
