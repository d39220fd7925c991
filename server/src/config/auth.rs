//! Flags of the front door.

use std::time::Duration;

use clap::Args;

use super::secret::{hidden, in_file};
use crate::auth::{ApiKey, AuthSettings, CallbackSettings, JwksSettings, Minter, Secret, TokenKey, TokenRules, WebUrl};

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
    /// The address where the application publishes its public keys as a JWKS. It is fetched at start,
    /// every --jwks-refresh-s, and when a token names a key that is not known.
    #[arg(long, env = "COWRITE_JWKS_URL", hide_env_values = true, value_name = "URL", value_parser = hidden::<WebUrl>())]
    jwks_url: Option<WebUrl>,
    /// The JWKS is fetched this often, in seconds.
    #[arg(long, env = "COWRITE_JWKS_REFRESH_S", value_name = "SECONDS", default_value_t = 300,
        value_parser = clap::value_parser!(u64).range(1..=86_400))]
    jwks_refresh_s: u64,
    /// Hours for which the keys fetched last are believed while the JWKS cannot be fetched.
    #[arg(long, env = "COWRITE_JWKS_KEEP_HOURS", value_name = "HOURS", default_value_t = 24,
        value_parser = clap::value_parser!(u64).range(1..=8_760))]
    jwks_keep_hours: u64,
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
    /// Ask the application at this address what a user may do with a document, instead of the token.
    /// Needs --access-callback-secret.
    #[arg(long, env = "COWRITE_ACCESS_CALLBACK", hide_env_values = true, value_name = "URL",
        requires = "access_callback_secret", value_parser = hidden::<WebUrl>())]
    access_callback: Option<WebUrl>,
    /// The secret with which questions to the application are signed: at least 32 bytes. Give it by the
    /// environment.
    #[arg(long, env = "COWRITE_ACCESS_CALLBACK_SECRET", hide_env_values = true, value_name = "SECRET",
        value_parser = hidden::<Secret>())]
    access_callback_secret: Option<Secret>,
    /// Milliseconds that an answer of the application may take.
    #[arg(long, env = "COWRITE_ACCESS_CALLBACK_MS", value_name = "MS", default_value_t = 2_000,
        value_parser = clap::value_parser!(u64).range(50..=30_000))]
    access_callback_ms: u64,
    /// Milliseconds for which an answer of the application holds, unless it says so itself: so late a
    /// right that was taken away may end.
    #[arg(long, env = "COWRITE_ACCESS_HOLDS_MS", value_name = "MS", default_value_t = 5_000,
        value_parser = clap::value_parser!(u64).range(100..=3_600_000))]
    access_holds_ms: u64,
    /// The key by which the application's own servers may have tokens minted and users' tokens revoked:
    /// at least 16 characters. Give it by the environment.
    #[arg(long, env = "COWRITE_API_KEY", hide_env_values = true, value_name = "KEY", value_parser = hidden::<ApiKey>())]
    pub(super) api_key: Option<ApiKey>,
}

/// What the flags say of who a user is.
pub(super) enum TokenFlags {
    /// Nothing.
    None,
    /// The application is to be asked what users may do, but nothing says who they are.
    OnlyCallback,
    /// Tokens do.
    Settings(Box<AuthSettings>),
}

impl AuthFlags {
    /// How long a token may last: what is revoked is remembered for at least as long.
    pub(super) fn token_life(&self) -> Duration {
        Duration::from_hours(self.token_max_hours)
    }

    /// What signs tokens; `None` without a secret.
    pub(super) fn minter(self) -> Option<Minter> {
        match self.settings() {
            TokenFlags::Settings(settings) => Minter::new(&settings),
            _ => None,
        }
    }

    /// What they say.
    pub(super) fn settings(self) -> TokenFlags {
        let secrets: Vec<Secret> = self.jwt_secret.into_iter().chain(self.jwt_secret_file).collect();
        let callback = self.access_callback.zip(self.access_callback_secret);
        if secrets.is_empty() && self.jwt_public_key.is_empty() && self.jwks_url.is_none() {
            return if callback.is_some() { TokenFlags::OnlyCallback } else { TokenFlags::None };
        }
        let hours = |hours| Duration::from_secs(hours * 3_600);
        TokenFlags::Settings(Box::new(AuthSettings {
            clock: Default::default(),
            metrics: Default::default(),
            rules: TokenRules {
                issuers: self.jwt_issuer,
                audiences: self.jwt_audience,
                leeway: Duration::from_secs(self.token_leeway_s),
                longest: hours(self.token_max_hours),
            },
            secrets,
            public_keys: self.jwt_public_key,
            jwks: self.jwks_url.map(|url| JwksSettings {
                url,
                refresh: Duration::from_secs(self.jwks_refresh_s),
                keep: hours(self.jwks_keep_hours),
            }),
            callback: callback.map(|(url, secret)| CallbackSettings {
                url,
                secret,
                within: Duration::from_millis(self.access_callback_ms),
                holds: Duration::from_millis(self.access_holds_ms),
            }),
        }))
    }
}
