//! What the writer's thread is asked, and what it answers.

use cowrite_protocol::{ClientId, DocumentId, UserId, Version};
use tokio::sync::oneshot;

use super::error::StoreError;
use crate::oplog::{AdvanceOutcome, AppendOutcome, Batch, Feed, LogError, NewLife, OpenError, OpenedLog, Snapshot};

/// One thing asked, and where its answer goes. Who asked may be gone by then.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) document: DocumentId,
    pub(super) ask: Ask,
}

#[derive(Debug)]
pub(super) enum Ask {
    Open {
        client: Option<(ClientId, UserId)>,
        reply: oneshot::Sender<Result<OpenedLog, OpenError>>,
    },
    Append {
        batch: Batch,
        reply: oneshot::Sender<AppendOutcome>,
    },
    StoreSnapshot {
        snapshot: Snapshot,
        reply: oneshot::Sender<Result<(), LogError>>,
    },
    Trim {
        before: Version,
        reply: oneshot::Sender<Result<(), LogError>>,
    },
    Advance {
        life: NewLife,
        reply: oneshot::Sender<Result<AdvanceOutcome, LogError>>,
    },
    Subscribe {
        reply: oneshot::Sender<Result<Feed, LogError>>,
    },
    /// A read found the database spoilt: open it again.
    Reopen,
}

/// An answer that holds once what it came of is on the disk.
#[derive(Debug)]
pub(super) enum Answer {
    /// To an open. `None` if the client id is another user's.
    Open(Option<OpenedLog>),
    /// To an append.
    Append(AppendOutcome),
    /// To an append: the entries after this version are read when the answer is given.
    Conflict(Version),
    /// To an advance.
    Advance(AdvanceOutcome),
    /// To a subscription.
    Feed(Feed),
    /// To what is done, and that is all.
    Done,
    /// It could not be done, and nothing of it was.
    Failed(StoreError),
    /// An append may have been done or not; all else was not.
    Unknown(StoreError),
}

impl Request {
    /// Whether it may change a table at once.
    pub(super) fn writes(&self) -> bool {
        match self.ask {
            Ask::Append { .. } | Ask::StoreSnapshot { .. } | Ask::Trim { .. } | Ask::Advance { .. } => true,
            Ask::Open { .. } | Ask::Subscribe { .. } | Ask::Reopen => false,
        }
    }

    /// Answers. A conflict must have been filled in before.
    pub(super) fn answer(self, answer: Answer) {
        let failure = match &answer {
            Answer::Failed(error) | Answer::Unknown(error) => Some(error.clone()),
            _ => None,
        };
        // A pair that does not belong together is a mistake of the writer; it must not stop it.
        let error = failure.unwrap_or_else(|| StoreError::Fault("the writer mixed up its answers".to_owned()));
        // Who dropped the other end does not want to know any more.
        match (self.ask, answer) {
            (Ask::Open { reply, .. }, Answer::Open(opened)) => {
                let _ = reply.send(opened.ok_or(OpenError::OtherUser));
            }
            (Ask::Open { reply, .. }, _) => {
                let _ = reply.send(Err(OpenError::Log(error.into())));
            }
            (Ask::Append { reply, .. }, Answer::Append(outcome)) => {
                let _ = reply.send(outcome);
            }
            (Ask::Append { reply, .. }, Answer::Failed(_)) => {
                let _ = reply.send(error.append_outcome());
            }
            (Ask::Append { reply, .. }, _) => {
                let _ = reply.send(AppendOutcome::OutcomeUnknown);
            }
            (Ask::Advance { reply, .. }, Answer::Advance(outcome)) => {
                let _ = reply.send(Ok(outcome));
            }
            (Ask::Advance { reply, .. }, _) => {
                let _ = reply.send(Err(error.into()));
            }
            (Ask::Subscribe { reply }, Answer::Feed(feed)) => {
                let _ = reply.send(Ok(feed));
            }
            (Ask::Subscribe { reply }, _) => {
                let _ = reply.send(Err(error.into()));
            }
            (Ask::StoreSnapshot { reply, .. } | Ask::Trim { reply, .. }, Answer::Done) => {
                let _ = reply.send(Ok(()));
            }
            (Ask::StoreSnapshot { reply, .. } | Ask::Trim { reply, .. }, _) => {
                let _ = reply.send(Err(error.into()));
            }
            (Ask::Reopen, _) => {}
        }
    }
}
