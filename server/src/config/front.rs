//! Flags for who comes in from the network.

use std::net::SocketAddr;

use clap::Args;

use crate::arrivals::{ArrivalSettings, TrustedProxies};
use crate::http::{AllowedOrigin, OriginRule};

/// Who may connect, from where, and how many.
#[derive(Clone, Debug, Args)]
pub(super) struct FrontArgs {
    /// Where operators are answered (/metrics, /readyz, /healthz and administration), and then
    /// only there; port 0 takes a free one. Without it, on the address of --listen.
    #[arg(long, env = "COWRITE_OPERATOR_LISTEN", value_name = "ADDRESS:PORT")]
    pub(super) operator_listen: Option<SocketAddr>,
    /// Milliseconds within which the head of a request must have come.
    #[arg(long, env = "COWRITE_HANDSHAKE_MS", value_name = "MS", default_value_t = 5_000,
        value_parser = clap::value_parser!(u64).range(100..=600_000))]
    pub(super) handshake_ms: u64,
    /// Most connections at one time; others are told to come later. Without it 20,000, or as
    /// many as the limit of open files (`ulimit -n`) leaves room for.
    #[arg(long, env = "COWRITE_CONNECTIONS", value_name = "COUNT",
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    connections: Option<u32>,
    /// Most connections of one address at one time that have not said yet who they are.
    #[arg(long, env = "COWRITE_STRANGERS", value_name = "COUNT", default_value_t = ArrivalSettings::default().strangers,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    strangers: u32,
    /// The proxies in front of this server, whose X-Forwarded-For is believed: how many are
    /// passed on the way, if there is no way around them, or their addresses, such as
    /// `10.0.0.0/8,fd00::1`.
    #[arg(long, env = "COWRITE_TRUSTED_PROXIES", value_name = "COUNT|NETWORKS")]
    trusted_proxies: Option<TrustedProxies>,
    /// The origins of the pages that may talk to this server, as in
    /// `https://app.example.com,https://*.example.org`.
    #[arg(long, env = "COWRITE_ALLOWED_ORIGINS", value_name = "ORIGINS", value_delimiter = ',')]
    allowed_origins: Vec<AllowedOrigin>,
    /// Refuse also programs, which send no origin.
    #[arg(long, env = "COWRITE_REQUIRE_ORIGIN")]
    require_origin: bool,
}

impl FrontArgs {
    pub(super) fn arrivals(&self) -> ArrivalSettings {
        ArrivalSettings {
            connections: self.connections,
            strangers: self.strangers,
            proxies: self.trusted_proxies.clone().unwrap_or_default(),
        }
    }

    pub(super) fn origins(&self) -> OriginRule {
        OriginRule { allowed: self.allowed_origins.clone(), local: false, required: self.require_origin }
    }
}
