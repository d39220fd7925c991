//! What a connection may do with one document, and when that is to be asked again.

use cowrite_protocol::frame::{Code, Role};
use cowrite_protocol::{DocumentId, Millis};

use crate::auth::{Denied, Granted, Permit};

/// The right to one document, as long as its channel is open.
#[derive(Debug)]
pub(super) struct Right {
    document: DocumentId,
    permit: Permit,
    role: Role,
    /// The answer ends then; `None`: with the token alone.
    ends: Option<Millis>,
    /// It is asked for again then; `None` while that is under way, or if it need not be.
    ask_at: Option<Millis>,
}

/// What follows for a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on.
    Stay,
    /// It ends: why, and when it may be opened again at the earliest, in milliseconds.
    Expel(Code, u32),
}

/// How long a client waits before it opens a document again whose right could not be asked for.
const RETRY_MS: u32 = 1_000;

/// The front door is asked again this soon after it could not answer, in milliseconds.
const ASK_AGAIN_MS: u64 = 250;

impl Right {
    /// A right that was granted now, to the bearer of a token that ends at `token_until`.
    pub(super) fn new(document: DocumentId, granted: Granted, token_until: Millis, now: Millis) -> Right {
        let permit = Permit::new(granted.role, Millis(0));
        let mut right = Right { document, permit, role: granted.role, ends: None, ask_at: None };
        right.renew(granted, token_until, now);
        right
    }

    pub(super) fn document(&self) -> &DocumentId {
        &self.document
    }

    pub(super) fn permit(&self) -> &Permit {
        &self.permit
    }

    /// When it is to be looked at again.
    pub(super) fn due(&self) -> Option<Millis> {
        [self.ask_at, self.ends].into_iter().flatten().min()
    }

    /// It is to be asked for as soon as possible: something has changed.
    pub(super) fn doubt(&mut self, now: Millis) {
        self.ask_at = Some(now);
    }

    /// Whether it is time to ask; says so once.
    pub(super) fn wants_to_ask(&mut self, now: Millis) -> bool {
        self.ask_at.take_if(|at| *at <= now).is_some()
    }

    /// The answer, or that time has passed without one.
    pub(super) fn answered(&mut self, answer: Result<Granted, Denied>, token_until: Millis, now: Millis) -> Verdict {
        match answer {
            Ok(granted) if granted.role == self.role => {
                self.renew(granted, token_until, now);
                Verdict::Stay
            }
            // What the client was told when it opened is not so any more: it opens anew.
            Ok(granted) => {
                self.permit.renew(granted.role, self.permit.until().min(token_until));
                Verdict::Expel(Code::AccessChanged, 0)
            }
            Err(denied) if denied.code == Code::Unavailable => {
                // Nobody can say now. What was granted holds as long as it was granted for.
                self.ask_at = Some(now + ASK_AGAIN_MS.max(u64::from(denied.retry_after_ms)));
                self.lapse(now)
            }
            Err(denied) => {
                self.permit.withdraw();
                Verdict::Expel(denied.code, denied.retry_after_ms)
            }
        }
    }

    /// Ends what has run out.
    pub(super) fn lapse(&mut self, now: Millis) -> Verdict {
        if self.ends.is_some_and(|ends| ends <= now) {
            self.permit.withdraw();
            return Verdict::Expel(Code::Unavailable, RETRY_MS);
        }
        Verdict::Stay
    }

    fn renew(&mut self, granted: Granted, token_until: Millis, now: Millis) {
        self.ends = granted.for_ms.map(|ms| now + ms);
        // Early enough for an answer that takes its time.
        self.ask_at = granted.for_ms.map(|ms| now + ms / 2);
        self.permit.renew(granted.role, self.ends.unwrap_or(token_until).min(token_until));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::auth::Action;

    const NEVER: Millis = Millis(u64::MAX);

    fn granted(role: Role, for_ms: Option<u64>) -> Granted {
        Granted { role, for_ms }
    }

    fn right(for_ms: Option<u64>, token_until: Millis) -> Right {
        Right::new("a".parse().unwrap(), granted(Role::Editor, for_ms), token_until, Millis(0))
    }

    fn may_write(right: &Right, now: u64) -> bool {
        right.permit().allows(Action::Write, Millis(now)).is_ok()
    }

    #[test]
    fn what_a_token_grants_ends_with_it_and_is_not_asked_for_again() {
        let right = right(None, Millis(500));
        assert_eq!(right.due(), None);
        assert!(may_write(&right, 499) && !may_write(&right, 500));
    }

    #[test]
    fn what_was_asked_for_is_asked_for_again_before_it_ends() {
        let mut right = right(Some(1_000), NEVER);
        assert!(
            !right.wants_to_ask(Millis(499)) && right.wants_to_ask(Millis(500)) && !right.wants_to_ask(Millis(501))
        );
        assert_eq!(right.answered(Ok(granted(Role::Editor, Some(1_000))), NEVER, Millis(600)), Verdict::Stay);
        assert!(may_write(&right, 1_599) && !may_write(&right, 1_600));
    }

    #[test]
    fn without_an_answer_it_ends_when_it_was_to() {
        let mut right = right(Some(1_000), NEVER);
        let nobody = Err(Denied { code: Code::Unavailable, retry_after_ms: 0 });
        assert!(right.wants_to_ask(Millis(500)));
        assert_eq!(right.answered(nobody, NEVER, Millis(600)), Verdict::Stay);
        assert!(right.wants_to_ask(Millis(850)) && may_write(&right, 900));
        assert_eq!(right.answered(nobody, NEVER, Millis(1_000)), Verdict::Expel(Code::Unavailable, RETRY_MS));
        assert!(!may_write(&right, 1_000));
    }

    #[test]
    fn a_lower_role_counts_at_once_and_a_no_ends_it() {
        let mut lowered = right(Some(1_000), NEVER);
        let verdict = lowered.answered(Ok(granted(Role::Viewer, Some(1_000))), NEVER, Millis(1));
        assert_eq!(verdict, Verdict::Expel(Code::AccessChanged, 0));
        assert!(!may_write(&lowered, 2) && lowered.permit().allows(Action::Read, Millis(2)).is_ok());
        let mut refused = right(Some(1_000), NEVER);
        let verdict = refused.answered(Err(Code::AccessDenied.into()), NEVER, Millis(1));
        assert_eq!(verdict, Verdict::Expel(Code::AccessDenied, 0));
        assert!(refused.permit().allows(Action::Read, Millis(2)).is_err());
    }
}
