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

    /// By token that it deleted: what became of the deletion.
    pub(super) fn deleted(&self) -> BTreeMap<&str, Outcome> {
        let deletions = self.edits.values().filter_map(|edit| match &edit.what {
            What::Delete(token) => Some((token.as_str(), edit.outcome)),
            _ => None,
        });
        deletions.collect()
    }
}
