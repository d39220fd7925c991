//! How often a client may do what.

use clap::Args;
use cowrite_protocol::frame::Rate;

use crate::connection::ConnectionSettings;

/// Rates and counts of one client or user.
#[derive(Clone, Debug, Args)]
pub(super) struct LimitArgs {
    /// Edits that one connection may send in a second, in the long run; above it they are put off.
    #[arg(long, env = "COWRITE_SUBMITS_PER_SECOND", value_name = "COUNT",
        default_value_t = ConnectionSettings::default().submits.per_second,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    submits_per_second: u32,
    /// Edits that one connection may send at once after a quiet while.
    #[arg(long, env = "COWRITE_SUBMIT_BURST", value_name = "COUNT",
        default_value_t = ConnectionSettings::default().submits.burst,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    submit_burst: u32,
    /// Cursor moves and presence changes that one connection may send in a second; above it the newest
    /// counts, and far above it the connection is read more slowly.
    #[arg(long, env = "COWRITE_PRESENCE_PER_SECOND", value_name = "COUNT",
        default_value_t = ConnectionSettings::default().presence.per_second,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    presence_per_second: u32,
    /// The same at once after a quiet while.
    #[arg(long, env = "COWRITE_PRESENCE_BURST", value_name = "COUNT",
        default_value_t = ConnectionSettings::default().presence.burst,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    presence_burst: u32,
    /// Frames of any kind that one connection may send in a second; above it the connection is
    /// read more slowly. An Open and a Verify count as 10.
    #[arg(long, env = "COWRITE_FRAMES_PER_SECOND", value_name = "COUNT",
        default_value_t = ConnectionSettings::default().frames.per_second,
        value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    frames_per_second: u32,
    /// The same at once after a quiet while; a client that comes back opens all its documents.
    #[arg(long, env = "COWRITE_FRAME_BURST", value_name = "COUNT",
        default_value_t = ConnectionSettings::default().frames.burst,
        value_parser = clap::value_parser!(u32).range(10..=10_000_000))]
    frame_burst: u32,
    /// Connections that one user may have at a time, over all servers.
    #[arg(long, env = "COWRITE_CONNECTIONS_PER_USER", value_name = "COUNT",
        default_value_t = ConnectionSettings::default().connections_per_user,
        value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    connections_per_user: u32,
}

impl LimitArgs {
    pub(super) fn apply(&self, connection: &mut ConnectionSettings) {
        let rate = |per_second, burst| Rate { per_second, burst };
        connection.submits = rate(self.submits_per_second, self.submit_burst);
        connection.presence = rate(self.presence_per_second, self.presence_burst);
        connection.frames = rate(self.frames_per_second, self.frame_burst);
        connection.connections_per_user = self.connections_per_user;
    }
}
