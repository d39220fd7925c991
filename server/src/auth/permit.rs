//! The one check that everything passes: may this still be done?

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use cowrite_protocol::Millis;
use cowrite_protocol::frame::{Code, Role};

/// What somebody wants to do with a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Action {
    /// Be told of it: snapshot, catch-up, commits, who is here.
    Read,
    /// Show oneself: state and cursor.
    Appear,
    /// Change it, or bring lost work back.
    Write,
}

impl Action {
    /// The lowest role that may.
    pub const fn needs(self) -> Role {
        match self {
            Action::Read | Action::Appear => Role::Viewer,
            Action::Write => Role::Editor,
        }
    }
}

/// A user's right to one document on one connection. The connection renews and withdraws it; the
/// document's room and whoever serves the document over HTTP ask it, each time. Clones share it, so
/// what is withdrawn is gone at once, also for what waits in a queue.
#[derive(Clone, Debug)]
pub struct Permit(Arc<State>);

#[derive(Debug)]
struct State {
    /// A role's place plus one; 0: nothing is allowed.
    role: AtomicU8,
    until: AtomicU64,
}

impl Permit {
    /// A right that holds before `until`.
    pub fn new(role: Role, until: Millis) -> Permit {
        let permit = Permit(Arc::new(State { role: AtomicU8::new(0), until: AtomicU64::new(0) }));
        permit.renew(role, until);
        permit
    }

    /// The role and the time from now on.
    pub fn renew(&self, role: Role, until: Millis) {
        self.0.until.store(until.0, Ordering::Relaxed);
        self.0.role.store(role as u8 + 1, Ordering::Release);
    }

    /// Nothing is allowed any more.
    pub fn withdraw(&self) {
        self.0.role.store(0, Ordering::Release);
    }

    /// Whether the two are clones: the right of one opening, and no other.
    pub fn is(&self, other: &Permit) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }

    /// The role, if it were not over; the lowest if it was withdrawn.
    pub fn role(&self) -> Role {
        let place = usize::from(self.0.role.load(Ordering::Acquire)).saturating_sub(1);
        [Role::Viewer, Role::Commenter, Role::Editor, Role::Owner][place.min(3)]
    }

    /// When it ends, unless it is renewed.
    pub fn until(&self) -> Millis {
        Millis(self.0.until.load(Ordering::Relaxed))
    }

    /// Whether its time is over, and nobody has said that nothing is allowed: it may be renewed yet.
    pub fn has_lapsed(&self, now: Millis) -> bool {
        self.0.role.load(Ordering::Acquire) > 0 && now.0 >= self.0.until.load(Ordering::Relaxed)
    }

    /// Whether this may be done now.
    ///
    /// # Errors
    /// [`Code::AccessDenied`] if nothing is allowed (any more), [`Code::ReadOnly`] if the role does
    /// not suffice.
    pub fn allows(&self, action: Action, now: Millis) -> Result<(), Code> {
        let role = self.0.role.load(Ordering::Acquire);
        if role == 0 || now.0 >= self.0.until.load(Ordering::Relaxed) {
            return Err(Code::AccessDenied);
        }
        if role <= action.needs() as u8 { Err(Code::ReadOnly) } else { Ok(()) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_role_allows_what_it_is_for() {
        let may = |role, action| Permit::new(role, Millis(10)).allows(action, Millis(9));
        for role in [Role::Viewer, Role::Commenter, Role::Editor, Role::Owner] {
            assert_eq!(may(role, Action::Read), Ok(()));
            assert_eq!(may(role, Action::Appear), Ok(()));
            let writes = role >= Role::Editor;
            assert_eq!(may(role, Action::Write), if writes { Ok(()) } else { Err(Code::ReadOnly) });
        }
    }

    #[test]
    fn what_ends_or_is_withdrawn_allows_nothing() {
        let permit = Permit::new(Role::Owner, Millis(10));
        let shared = permit.clone();
        assert_eq!(permit.allows(Action::Read, Millis(10)), Err(Code::AccessDenied));
        assert!(permit.has_lapsed(Millis(10)) && !permit.has_lapsed(Millis(9)));
        permit.renew(Role::Viewer, Millis(20));
        assert_eq!(shared.allows(Action::Read, Millis(19)), Ok(()));
        permit.withdraw();
        assert!(!permit.has_lapsed(Millis(30)), "it was taken back");
        assert_eq!(shared.allows(Action::Read, Millis(0)), Err(Code::AccessDenied));
        permit.renew(Role::Editor, Millis(20));
        assert_eq!(shared.allows(Action::Write, Millis(0)), Ok(()));
    }
}
