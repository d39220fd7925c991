//! What a server with a front door is started with.

use std::sync::Arc;

use super::{CallbackSettings, JwksSettings, Secret, TokenKey, TokenRules};
use crate::metrics::FrontMetrics;
use crate::wall_clock::WallClock;

/// Which tokens are believed. At least one key is needed, or nobody gets in.
#[derive(Clone, Debug, Default)]
pub struct AuthSettings {
    /// What is asked of a token beside its signature.
    pub rules: TokenRules,
    /// Secrets of HS256; tokens are minted with the first.
    pub secrets: Vec<Secret>,
    /// Public keys of the application.
    pub public_keys: Vec<TokenKey>,
    /// Public keys that the application publishes.
    pub jwks: Option<JwksSettings>,
    /// Who says what a user may do; `None`: the token.
    pub callback: Option<CallbackSettings>,
    /// By which tokens have begun and ended; default the machine's.
    pub clock: WallClock,
    /// Where is counted how the application answers.
    pub metrics: Arc<FrontMetrics>,
}
