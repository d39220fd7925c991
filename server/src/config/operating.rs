//! Flags of what an operator sees: log lines and traces.

use cowrite_protocol::UserId;

use crate::logging::{LogKey, LoggingSettings};
use crate::traces::{Endpoint, TraceSettings};

use super::LogFormat;

/// What is logged and traced.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct OperatingConfig {
    /// How log lines on stderr look.
    #[arg(long, env = "COWRITE_LOG_FORMAT", value_name = "FORMAT", default_value = "text")]
    log_format: LogFormat,
    /// Which log lines are written: a level (error, warn, info, debug, trace), or
    /// directives as in `info,cowrite_server::room=debug`.
    #[arg(long, env = "COWRITE_LOG_LEVEL", value_name = "FILTER", default_value = "info")]
    log_level: String,
    /// The key, 16 to 1024 bytes, under which users are hashed in log lines: the same on all
    /// servers, to follow a user over them. Without it each process takes one of its own.
    #[arg(long, env = "COWRITE_LOG_USER_KEY", hide_env_values = true, value_name = "KEY")]
    log_user_key: Option<LogKey>,
    /// Start no server, but print how the log lines of servers with this --log-user-key show
    /// a user.
    #[arg(long, value_name = "USER", requires = "log_user_key")]
    log_user: Option<UserId>,
    /// A collector of OpenTelemetry traces that takes OTLP over HTTP without TLS, such as
    /// http://127.0.0.1:4318. Without it nothing is traced.
    #[arg(long, env = "COWRITE_OTLP_ENDPOINT", value_name = "URL")]
    otlp_endpoint: Option<Endpoint>,
    /// The part of all edits that is traced, from 0 to 1; the same edits on all servers.
    #[arg(long, env = "COWRITE_OTLP_SAMPLE", value_name = "PART", default_value_t = 0.01, value_parser = part)]
    otlp_sample: f64,
}

impl OperatingConfig {
    pub(super) fn traces(&self) -> Option<TraceSettings> {
        let endpoint = self.otlp_endpoint.clone()?;
        Some(TraceSettings { endpoint, sample: self.otlp_sample })
    }

    pub(super) fn logging(&self) -> LoggingSettings {
        LoggingSettings {
            json: self.log_format == LogFormat::Json,
            filter: self.log_level.clone(),
            user_key: self.log_user_key.clone(),
        }
    }

    pub(super) fn logged_user(&self) -> Option<String> {
        Some(self.log_user_key.as_ref()?.hash(self.log_user.as_ref()?))
    }
}

/// A part of a whole.
fn part(text: &str) -> Result<f64, &'static str> {
    text.parse().ok().filter(|part| (0.0..=1.0).contains(part)).ok_or("a number from 0 to 1, such as 0.01, is needed")
}
