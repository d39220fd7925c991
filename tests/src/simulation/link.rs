//! One socket between a client and a server: ordered, delayed, and sometimes cut.

use cowrite_protocol::Millis;
use cowrite_server::room::ConnectionId;

/// Where a link leads and how far its two directions have come.
#[derive(Clone, Debug)]
pub(super) struct Link {
    pub(super) client: usize,
    pub(super) server: usize,
    pub(super) connection: ConnectionId,
    /// Nothing arrives any more, and nobody is told.
    pub(super) hole: bool,
    /// The client has given it up, and what it had sent arrives only then.
    pub(super) held_until: Option<Millis>,
    /// The last arrival in each direction: what was sent later arrives later.
    pub(super) up_until: Millis,
    pub(super) down_until: Millis,
    /// The server's next write, if one is planned.
    pub(super) writing: bool,
}

/// The number of a link; never used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct LinkId(pub(super) u64);
