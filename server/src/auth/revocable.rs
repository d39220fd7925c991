//! Any front door, with revocations behind it.

use std::sync::Arc;

use cowrite_protocol::DocumentId;
use cowrite_protocol::frame::Code;

use super::{Access, AccessFuture, Granted, Identity};
use crate::revocations::Revocations;

/// Lets in who another front door lets in, unless it was revoked since.
pub struct RevocableAccess {
    access: Arc<dyn Access>,
    revocations: Revocations,
}

impl RevocableAccess {
    /// This front door, with these revocations.
    pub fn new(access: Arc<dyn Access>, revocations: Revocations) -> RevocableAccess {
        RevocableAccess { access, revocations }
    }
}

impl Access for RevocableAccess {
    fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity> {
        Box::pin(async move {
            let identity = self.access.authenticate(token).await?;
            // After the answer, which may have taken a while.
            if self.revocations.check(&identity) { Ok(identity) } else { Err(Code::TokenRevoked.into()) }
        })
    }

    fn role<'a>(&'a self, identity: &'a Identity, document: &'a DocumentId) -> AccessFuture<'a, Granted> {
        Box::pin(async move {
            let granted = self.access.role(identity, document).await?;
            let revoked = !self.revocations.check_document(identity, document);
            if revoked { Err(Code::AccessDenied.into()) } else { Ok(granted) }
        })
    }
}
