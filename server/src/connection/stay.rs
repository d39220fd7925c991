//! What is kept for the user of a connection as long as it lasts.

use std::future::Future;
use std::pin::Pin;

use cowrite_protocol::frame::Code;

use super::SocketContext;
use crate::auth::{Denied, Identity};
use crate::leases::{Lease, LeaseRefused};
use crate::revocations::UserWatch;

/// A user's place, and an ear for what is revoked of theirs.
pub(super) struct Stay {
    _lease: Lease,
    /// Ready when something is revoked. Kept from one question to the next: made anew each time, it
    /// would be a part of every connection's own future.
    revoked: Revoked,
}

type Revoked = Pin<Box<dyn Future<Output = UserWatch> + Send>>;

/// Who the bearer of a token is; and a stay, unless the connection has one.
///
/// # Errors
/// If they are not believed, or have as many connections as they may.
pub(super) async fn let_in(
    context: &SocketContext,
    token: &str,
    known: bool,
) -> Result<(Identity, Option<Box<Stay>>), Denied> {
    let identity = context.access.authenticate(token).await?;
    if known {
        return Ok((identity, None));
    }
    let revocations = context.revocations.watch(&identity.user);
    let lease = context.leases.take(&identity.user, context.settings.connections_per_user).await;
    let lease = lease.map_err(|refused| match refused {
        LeaseRefused::Full { retry_after_ms, .. } | LeaseRefused::Unavailable { retry_after_ms, .. } => {
            Denied { code: Code::TooManyConnections, retry_after_ms }
        }
    })?;
    // What came between the first look and the watch is seen now.
    if !context.revocations.check(&identity) {
        return Err(Code::TokenRevoked.into());
    }
    Ok((identity, Some(Box::new(Stay { _lease: lease, revoked: heard(revocations) }))))
}

/// Waits until something of the user is revoked.
pub(super) async fn revoked(stay: &mut Option<Box<Stay>>) {
    match stay {
        Some(stay) => stay.revoked = heard((&mut stay.revoked).await),
        None => std::future::pending().await,
    }
}

fn heard(mut watch: UserWatch) -> Revoked {
    Box::pin(async move {
        watch.changed().await;
        watch
    })
}
