//! The application behind the servers: who may write, and for how long a token is good.

use std::collections::BTreeSet;

use cowrite_protocol::Millis;
use cowrite_protocol::frame::{Code, Role};
use cowrite_server::auth::{DeveloperAccess, Granted, Identity};

use super::Scenario;

/// An application whose answers change while the servers ask.
#[derive(Clone, Debug, Default)]
pub(super) struct Application {
    /// Users who may only read now.
    readers: BTreeSet<String>,
    /// Users who may not even read now.
    banned: BTreeSet<String>,
    token_ms: Option<u64>,
    /// Whether roles change at all, so that they have to be asked for again.
    changes: bool,
}

/// So long a role holds, so a change is in force after half of it at the latest.
pub(super) const HOLD_MS: u64 = 2_000;

impl Application {
    pub(super) fn new(scenario: &Scenario) -> Application {
        let token_ms = (scenario.token_ms > 0).then_some(scenario.token_ms);
        let changes = scenario.demotions > 0 || scenario.bans > 0;
        Application { readers: BTreeSet::new(), banned: BTreeSet::new(), token_ms, changes }
    }

    /// Takes the right to write away from a user, or gives it back.
    pub(super) fn let_write(&mut self, user: &str, may: bool) {
        if may {
            self.readers.remove(user);
        } else {
            self.readers.insert(user.to_owned());
        }
    }

    /// A token that begins to count now. No two are the same: who is given one again knows that it
    /// is no fresh one.
    pub(super) fn token(&self, user: &str, now: Millis) -> String {
        format!("dev:{user}@{}", now.0)
    }

    pub(super) fn identify(&self, token: &str, now: Millis) -> Result<Identity, Code> {
        let (token, made) = token.split_once('@').ok_or(Code::Unauthorized)?;
        let made: u64 = made.parse().map_err(|_| Code::Unauthorized)?;
        let left = self.token_ms.map(|ms| (made + ms).saturating_sub(now.0));
        if left == Some(0) {
            return Err(Code::TokenExpired);
        }
        DeveloperAccess::identity(token).map(|identity| Identity { lasts_ms: left, ..identity })
    }

    /// Takes the right even to read away from a user, or gives it back.
    pub(super) fn let_read(&mut self, user: &str, may: bool) {
        if may {
            self.banned.remove(user);
        } else {
            self.banned.insert(user.to_owned());
        }
    }

    /// # Errors
    /// If the user may not even read.
    pub(super) fn role(&self, user: &str) -> Result<Granted, Code> {
        if self.banned.contains(user) {
            return Err(Code::AccessDenied);
        }
        let role = if self.readers.contains(user) { Role::Viewer } else { Role::Editor };
        Ok(Granted { role, for_ms: self.changes.then_some(HOLD_MS) })
    }
}
