//! The questions that the front door answers.

use std::future::Future;
use std::pin::Pin;

use cowrite_protocol::DocumentId;
use cowrite_protocol::frame::{Code, Role};

use super::Identity;

/// An answer of the front door, which may have to ask somebody.
pub type AccessFuture<'a, T> = Pin<Box<dyn Future<Output = Result<T, Denied>> + Send + 'a>>;

/// Decides who may do what. Asked for every connection, every `Open`, and again as long as a
/// document is open: [`Granted::for_ms`] says when. Between the questions a
/// [`Permit`](super::Permit) carries the answer.
pub trait Access: Send + Sync + 'static {
    /// Who the bearer of this token is.
    fn authenticate<'a>(&'a self, token: &'a str) -> AccessFuture<'a, Identity>;

    /// What that user may do with a document. [`Code::AccessDenied`] if nothing.
    fn role<'a>(&'a self, identity: &'a Identity, document: &'a DocumentId) -> AccessFuture<'a, Granted>;
}

/// What a user may do with one document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Granted {
    /// The role.
    pub role: Role,
    /// It holds for so many milliseconds, and is asked for again before; `None`: as long as the
    /// token.
    pub for_ms: Option<u64>,
}

/// Why somebody is not let in. It says nothing that a stranger could learn from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Denied {
    /// What the client is told.
    pub code: Code,
    /// When it makes sense to ask again, in milliseconds; 0 if it does not by itself.
    pub retry_after_ms: u32,
}

impl From<Code> for Denied {
    fn from(code: Code) -> Denied {
        Denied { code, retry_after_ms: 0 }
    }
}
