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
            let revoked = || !self.revocations.check_document(identity, document);
            // Before the question too: an application that is slow or down keeps nobody's right alive.
            if revoked() {
                return Err(Code::AccessDenied.into());
            }
            let granted = self.access.role(identity, document).await?;
            if revoked() { Err(Code::AccessDenied.into()) } else { Ok(granted) }
        })
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;
    use crate::auth::DeveloperAccess;
    use crate::revocations::{MemoryRevocations, RevocationRequest, RevocationSettings};

    /// An application that never says what anybody may do.
    struct Silent;

    impl Access for Silent {
        fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity> {
            DeveloperAccess.authenticate(token)
        }

        fn role<'a>(&'a self, _: &'a Identity, _: &'a DocumentId) -> AccessFuture<'a, Granted> {
            Box::pin(std::future::pending())
        }
    }

    #[tokio::test]
    async fn what_is_revoked_is_over_though_the_application_does_not_answer() {
        let revocations = Revocations::new(MemoryRevocations::new(RevocationSettings::default()));
        let access = RevocableAccess::new(Arc::new(Silent), revocations.clone());
        let identity = access.authenticate("dev:ada").await.unwrap();
        let (notes, other) = ("notes".parse().unwrap(), "other".parse().unwrap());
        assert!(access.role(&identity, &notes).now_or_never().is_none());
        let user = identity.user.clone();
        let request = RevocationRequest { user, document: Some(notes.clone()), token: None, issued_before: None };
        revocations.revoke(request).await.unwrap();
        assert_eq!(access.role(&identity, &notes).now_or_never(), Some(Err(Code::AccessDenied.into())));
        assert!(access.role(&identity, &other).now_or_never().is_none());
        assert!(access.authenticate("dev:ada").await.is_ok(), "one document is not the token");
    }
}
