//! The leases of a server that shares its users with no other.

use std::sync::Arc;

use cowrite_protocol::UserId;

use super::lease::{LeaseFuture, LeaseRefused, LeaseSettings, Leases};
use super::table::Table;

/// Counts in memory: right where one server has all users. They end with the process, as the
/// connections do.
pub struct LocalLeases {
    table: Arc<Table>,
    settings: LeaseSettings,
}

/// When to ask again where nothing is known of when a connection will end.
pub(super) const RETRY_AFTER_MS: u32 = 5_000;

impl LocalLeases {
    /// Nobody has a lease yet.
    pub fn new(settings: LeaseSettings) -> LocalLeases {
        LocalLeases { table: Table::new(settings.most, false), settings }
    }
}

impl Leases for LocalLeases {
    fn take<'a>(&'a self, user: &'a UserId, limit: u32) -> LeaseFuture<'a> {
        Box::pin(async move {
            let most = self.settings.most;
            let unavailable = LeaseRefused::Unavailable { most, retry_after_ms: RETRY_AFTER_MS };
            let lease = self.table.ask(user.as_str()).ok_or(unavailable)?;
            let granted = self.table.grant_below(&lease, limit);
            if granted { Ok(lease) } else { Err(LeaseRefused::Full { limit, retry_after_ms: RETRY_AFTER_MS }) }
        })
    }

    fn held(&self) -> usize {
        self.table.count()
    }
}
