//! Flags of the front door.

use std::time::Duration;

use clap::Args;

use super::secret::{hidden, in_file};
use crate::auth::{AuthSettings, Secret, TokenKey, TokenRules};

/// Who a user is, and what they may do.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Identity and permission")]
pub(super) struct AuthFlags {
    /// The secret of HS256 with which the application signs its users' tokens: at least 32 bytes.
    /// Give it by the environment or by --jwt-secret-file, since others of this machine can read
    /// command lines.
    #[arg(long, env = "COWRITE_JWT_SECRET", hide_env_values = true, value_name = "SECRET", global = true,
        value_parser = hidden::<Secret>())]
    jwt_secret: Option<Secret>,
    /// A file with such a secret. May be given again (or, in the environment, with commas): all are
    /// believed, and tokens are minted with the first, so that secrets can be changed without a pause.
    #[arg(long, env = "COWRITE_JWT_SECRET_FILE", value_name = "FILE", global = true, value_delimiter = ',',
        value_parser = in_file(|text| text.parse::<Secret>().map_err(|error| error.to_string())))]
    jwt_secret_file: Vec<Secret>,
    /// A file with a public key in PEM form, whose private half signs tokens: RSA (RS256), ECDSA P-256
    /// (ES256) or Ed25519 (EdDSA). May be given again.
    #[arg(long, env = "COWRITE_JWT_PUBLIC_KEY", value_name = "FILE", value_delimiter = ',',
        value_parser = in_file(|text| TokenKey::from_pem(text).map_err(|error| error.to_string())))]
    jwt_public_key: Vec<TokenKey>,
    /// Believe only tokens of this issuer (`iss`). May be given again.
    #[arg(long, env = "COWRITE_JWT_ISSUER", value_name = "ISSUER", value_delimiter = ',', global = true)]
    jwt_issuer: Vec<String>,
    /// Believe only tokens for this audience (`aud`). May be given again. Without it, a token that
    /// names an audience is refused.
    #[arg(long, env = "COWRITE_JWT_AUDIENCE", value_name = "AUDIENCE", value_delimiter = ',', global = true)]
    jwt_audience: Vec<String>,
    /// Seconds by which the clocks of issuer and server may differ.
    #[arg(long, env = "COWRITE_TOKEN_LEEWAY_S", value_name = "SECONDS", default_value_t = 30,
        value_parser = clap::value_parser!(u64).range(0..=60))]
    token_leeway_s: u64,
    /// Hours that a token may last from now; one that ends later is refused, since what is revoked is
    /// remembered for no longer.
    #[arg(long, env = "COWRITE_TOKEN_MAX_HOURS", value_name = "HOURS", default_value_t = 24, global = true,
        value_parser = clap::value_parser!(u64).range(1..=8_760))]
    token_max_hours: u64,
}

impl AuthFlags {
    /// What they say; `None` if there is nothing that tokens could be verified with.
    pub(super) fn settings(self) -> Option<AuthSettings> {
        let secrets: Vec<Secret> = self.jwt_secret.into_iter().chain(self.jwt_secret_file).collect();
        if secrets.is_empty() && self.jwt_public_key.is_empty() {
            return None;
        }
        let rules = TokenRules {
            issuers: self.jwt_issuer,
            audiences: self.jwt_audience,
            leeway: Duration::from_secs(self.token_leeway_s),
            longest: Duration::from_hours(self.token_max_hours),
        };
        Some(AuthSettings { rules, secrets, public_keys: self.jwt_public_key })
    }
}
