//! The front door: who is this, what may they do, and is that still so.

mod access;
mod api_key;
mod developer;
mod grants;
mod identity;
mod permit;

pub use access::{Access, AccessFuture, Denied, Granted};
pub use api_key::{ApiKey, ApiKeyError};
pub use developer::DeveloperAccess;
pub use grants::{DocumentPattern, Grants, PatternError};
pub use identity::Identity;
pub use permit::{Action, Permit};
