//! What one person did, and what became of it as far as that person was told.

use std::collections::BTreeMap;

/// One person's edits on one document.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// Who.
    pub person: usize,
    /// By the number that the client gave each.
    pub edits: BTreeMap<u64, Written>,
    /// The highest edit that was ever shown as accepted.
    pub shown_accepted: u64,
    /// The highest edit that was ever shown as durable.
    pub shown_durable: u64,
    /// The client said at least once that accepted work was lost, and offered it.
    pub told_of_loss: bool,
    /// The highest edit that had been shown as durable when that was said first.
    pub durable_at_loss: u64,
    /// The highest edit that was shown as accepted when it was said last: what is accepted later is
    /// in the history that survived, or in the one after.
    pub accepted_at_loss: u64,
}

/// One edit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// What it did.
    pub what: What,
    /// What became of it.
    pub outcome: Outcome,
}

/// What an edit did; the token tells where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// It inserted this token.
    Insert(String),
    /// It deleted this token of its author's own.
    Delete(String),
    /// It gave this token of its author's own a format.
    Format(String),
    /// It was an undo or a redo that brought this token back.
    Bring(String),
    /// It was an undo or a redo that left every token where it was, such as one of a format.
    Revert,
}

/// What the client says of an edit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Not settled.
    Pending,
    /// In the log.
    Accepted,
    /// Never in the log.
    Refused,
    /// Nobody knows.
    Unknown,
}

impl Account {
    /// The tokens that it inserted, with what became of the insertion.
    pub(super) fn inserted(&self) -> impl Iterator<Item = (u64, &str, Outcome)> {
        self.edits.iter().filter_map(|(number, edit)| match &edit.what {
            What::Insert(token) => Some((*number, token.as_str(), edit.outcome)),
            _ => None,
        })
    }

    /// By token: what brought it and what took it away, in order; `true` is in the text.
    pub(super) fn fates(&self) -> BTreeMap<&str, Vec<(bool, Outcome)>> {
        let mut fates: BTreeMap<&str, Vec<(bool, Outcome)>> = BTreeMap::new();
        for edit in self.edits.values() {
            let (token, there) = match &edit.what {
                What::Insert(token) | What::Bring(token) => (token, true),
                What::Delete(token) => (token, false),
                What::Format(_) | What::Revert => continue,
            };
            fates.entry(token).or_default().push((there, edit.outcome));
        }
        fates
    }
}
