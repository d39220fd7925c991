//! Users who are shut out of the document, and what they must not see of it meanwhile.

use cowrite_protocol::DocumentType;
use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Code, ServerFrame};

use super::super::application::HOLD_MS;
use super::*;

impl World {
    /// Perhaps forbids the document to this user for a while.
    pub(super) fn ban(&mut self, client: usize) {
        let user = presence::user_of(client);
        if self.calm || !self.hardship.percent(self.scenario.bans) || self.banned.contains_key(&user) {
            return;
        }
        self.report.bans += 1;
        let back = self.hardship.between(500, 20_000);
        self.application.let_read(&user, false);
        self.banned.insert(user.clone(), self.now);
        self.later(back, Happening::Readmission(user));
    }

    /// The user may read again; pages on which the document had ended are loaded again.
    pub(super) fn readmit(&mut self, user: &str) -> Result<(), String> {
        self.application.let_read(user, true);
        self.banned.remove(user);
        for client in 0..self.clients.len() {
            if presence::user_of(client) == user && self.clients[client].closed.is_some() {
                self.crash_page(client)?;
            }
        }
        Ok(())
    }

    /// In the calm everybody may read: whoever hears late of having been shut out loads the page again.
    pub(super) fn reload_shut_out(&mut self) -> Result<(), String> {
        for client in 0..self.clients.len() {
            if self.scenario.bans > 0 && self.clients[client].closed == Some(Code::AccessDenied) {
                self.crash_page(client)?;
            }
        }
        Ok(())
    }

    /// What was written after a right had ended for certain is never sent to whom it had belonged.
    pub(super) fn check_secrecy(&self, client: usize, message: &[u8]) -> Result<(), String> {
        let Some(since) = self.banned.get(&presence::user_of(client)) else { return Ok(()) };
        let over = *since + HOLD_MS;
        let leaked = tokens_in(message).find(|token| self.written.get(token).is_some_and(|(_, at)| *at > over));
        match leaked {
            Some(token) => Err(format!("client {client}, shut out at {} ms, is sent {token}", since.0)),
            None => Ok(()),
        }
    }
}

/// Every character that the frames of a message would bring into a document.
fn tokens_in(message: &[u8]) -> impl Iterator<Item = char> {
    let content = |frame: ServerFrame<'_>| {
        let packed = match frame {
            ServerFrame::Commit(commit)
            | ServerFrame::CommitStill(commit)
            | ServerFrame::CommitCursor { commit, .. } => commit.operation,
            ServerFrame::Entry { operation, .. } | ServerFrame::Composed { operation, .. } => operation,
            ServerFrame::Snapshot(snapshot) => snapshot.content,
            _ => return Vec::new(),
        };
        inserted_by(&RichText::decode(packed.0, &OperationLimits::NONE).unwrap_or_default())
    };
    let texts: Vec<Vec<char>> = decode_server(message, usize::MAX).filter_map(Result::ok).map(content).collect();
    texts.concat().into_iter()
}

/// Every character that an operation inserts.
pub(in crate::simulation) fn inserted_by(operation: &<RichText as DocumentType>::Operation) -> Vec<char> {
    let inserted = operation.components().iter().filter_map(|component| match component {
        Component::Insert { text, .. } => Some(text.as_str()),
        _ => None,
    });
    inserted.flat_map(str::chars).collect()
}
