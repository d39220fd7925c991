//! Losing one certain answer, or holding one certain request.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;

use super::resp::contains;

/// What happens to the next request that is waited for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Then {
    /// It is carried out, and once its reply is complete at the relay the connection is cut: the
    /// outcome is unknown to who asked.
    LoseReply,
    /// It stays in the relay, and the connection is cut for who asked. Redis sees it later, by
    /// [`Caught::release`]: a script that arrives after its own retry.
    HoldRequest,
    /// It never arrives, and the connection is cut.
    LoseRequest,
    /// It never arrives, and this is the reply, as it stands in the protocol: `-OOM no memory\r\n`.
    Answer(Vec<u8>),
    /// It is carried out, and this is given for its reply.
    AnswerAfterwards(Vec<u8>),
}

/// A trap for one request.
#[derive(Debug)]
pub struct Caught {
    caught: watch::Receiver<bool>,
    release: oneshot::Sender<()>,
    reply: mpsc::Receiver<Vec<u8>>,
}

/// The relay's side of it.
#[derive(Debug)]
pub(super) struct Trap {
    pub(super) then: Then,
    pattern: Vec<u8>,
    pub(super) caught: watch::Sender<bool>,
    pub(super) release: oneshot::Receiver<()>,
    pub(super) reply: mpsc::Sender<Vec<u8>>,
}

/// What a relay to Redis does to requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Traps {
    /// Those that nothing has fallen into yet.
    set: Arc<Mutex<Vec<Trap>>>,
    /// What stands for what.
    replaced: Arc<Mutex<Vec<(Vec<u8>, Vec<u8>)>>>,
}

impl Caught {
    /// Whether the request has come; where its reply is lost or another is given, and that reply.
    pub fn is_caught(&self) -> bool {
        *self.caught.borrow()
    }

    /// Waits until it has.
    ///
    /// # Panics
    /// If it has not within `patience`.
    pub async fn caught(&mut self, patience: Duration) {
        let caught = timeout(patience, self.caught.wait_for(|&caught| caught)).await;
        assert!(matches!(caught, Ok(Ok(_))), "no such request came within {patience:?}");
    }

    /// Passes a request on that was held; gives Redis's reply, which nobody else sees.
    ///
    /// # Panics
    /// If there is none within 20 s.
    pub async fn release(mut self) -> Vec<u8> {
        assert!(self.is_caught(), "no request is held");
        // If the link is gone there is no reply, which is said below.
        let _ = self.release.send(());
        let reply = timeout(Duration::from_secs(20), self.reply.recv()).await;
        reply.ok().flatten().expect("the late request is answered")
    }
}

impl Traps {
    pub(super) fn set(&self, pattern: &[u8], then: Then) -> Caught {
        let (caught_tx, caught) = watch::channel(false);
        let (release, released) = oneshot::channel();
        let (reply_tx, reply) = mpsc::channel(1);
        let trap = Trap { then, pattern: pattern.to_vec(), caught: caught_tx, release: released, reply: reply_tx };
        self.set.lock().unwrap_or_else(PoisonError::into_inner).push(trap);
        Caught { caught, release, reply }
    }

    pub(super) fn replace(&self, old: &[u8], new: &[u8]) {
        self.replaced.lock().unwrap_or_else(PoisonError::into_inner).push((old.to_vec(), new.to_vec()));
    }

    /// Puts in a request what stands for what.
    pub(super) fn rewrite(&self, request: &mut [u8]) {
        for (old, new) in self.replaced.lock().unwrap_or_else(PoisonError::into_inner).iter() {
            for at in 0..(request.len() + 1).saturating_sub(old.len()) {
                if request[at..].starts_with(old) {
                    request[at..at + new.len()].copy_from_slice(new);
                }
            }
        }
    }

    /// The trap that this request falls into; it is gone then.
    pub(super) fn spring(&self, request: &[u8]) -> Option<Trap> {
        let mut traps = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        let at = traps.iter().position(|trap| contains(request, &trap.pattern))?;
        Some(traps.remove(at))
    }
}
