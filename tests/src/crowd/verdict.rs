//! Whether a text holds what its authors were told that it holds.

use std::collections::BTreeMap;
use std::fmt;

use super::account::{Account, Outcome};
use super::token::count;

/// Whether the faults of a test may lose what was accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Loss {
    /// They may not.
    Never,
    /// What was accepted, but not shown as durable, may be gone if its author was told so.
    IfTold,
}

/// What a check has found. Never empty.
#[derive(Clone, PartialEq, Eq)]
pub struct Violations(pub Vec<String>);

/// What happened, for tests that want to know that their fault struck.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Report {
    /// Edits made.
    pub edits: u64,
    /// Of these, in the log.
    pub accepted: u64,
    /// Of these, refused.
    pub refused: u64,
    /// Of these, unknown.
    pub unknown: u64,
    /// Connections beyond each client's first.
    pub reconnects: u64,
    /// How often a channel was opened again.
    pub reopened: u64,
    /// How often a client and a server disagreed about history or text.
    pub diverged: u64,
    /// How often pending work was carried over a snapshot by difference.
    pub merged: u64,
    /// How often accepted work was said to be lost.
    pub losses_told: u64,
    /// How often a room was said to stall.
    pub stalls: u64,
}

/// Compares one document's text with what its authors did and were told: each token is there as
/// often as it must be, and nothing else is. Empty if all is well.
pub fn judge(text: &str, accounts: &[Account], loss: Loss) -> Vec<String> {
    let mut wrong = Vec::new();
    let (mut counts, strays) = count(text);
    wrong.extend(strays.iter().map(|stray| format!("{stray:?} is in the text, and nobody typed it")));
    for account in accounts {
        let who = account.person;
        let fates = account.fates();
        for (number, token, outcome) in account.inserted() {
            let times = counts.remove(token).unwrap_or_default();
            let fate = fates.get(token).map(Vec::as_slice).unwrap_or_default();
            let allowed = times_allowed(fate);
            if allowed.contains(&times) {
                continue;
            }
            let lost = times == 0 && loss == Loss::IfTold && account.told_of_loss;
            if lost && number > account.durable_at_loss && number <= account.accepted_at_loss {
                continue;
            }
            let later = fate
                .iter()
                .skip(1)
                .map(|(there, outcome)| format!(", its {} {outcome:?}", if *there { "return" } else { "deletion" }));
            let deletion: String = later.collect();
            let durable = if number <= account.durable_at_loss { ", shown as durable" } else { "" };
            wrong.push(format!(
                "{token} (edit {number} of client {who}, {outcome:?}{durable}{deletion}) is {times} times in the text"
            ));
        }
    }
    wrong.extend(counts.iter().map(|(token, times)| format!("{token} is {times} times in the text, of nobody here")));
    wrong
}

/// How often a token may be there, after all that happened to it.
fn times_allowed(fate: &[(bool, Outcome)]) -> std::ops::RangeInclusive<u32> {
    fate.iter().fold(0..=0, |before, (there, outcome)| {
        let after = u32::from(*there);
        match outcome {
            Outcome::Accepted => after..=after,
            Outcome::Refused => before,
            // Nobody knows, so it is as before, or after.
            Outcome::Pending | Outcome::Unknown => after.min(*before.start())..=after.max(*before.end()),
        }
    })
}

/// The texts that several have of one document, each with its version and hash: all are the same.
pub(super) fn same_everywhere<T: PartialEq>(replicas: &[(String, T)], show: impl Fn(&T) -> String) -> Vec<String> {
    let Some(((first, expected), others)) = replicas.split_first() else { return Vec::new() };
    let differ = others.iter().filter(|(_, replica)| replica != expected);
    differ.map(|(who, replica)| format!("{first} sees {}\n    {who} sees {}", show(expected), show(replica))).collect()
}

/// The outcomes of all edits, counted.
pub(super) fn tally(accounts: &[Account]) -> BTreeMap<&'static str, u64> {
    let mut tally = BTreeMap::new();
    for edit in accounts.iter().flat_map(|account| account.edits.values()) {
        let name = match edit.outcome {
            Outcome::Pending => "pending",
            Outcome::Accepted => "accepted",
            Outcome::Refused => "refused",
            Outcome::Unknown => "unknown",
        };
        *tally.entry(name).or_default() += 1;
    }
    tally
}

impl fmt::Debug for Violations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Display for Violations {
    /// The first twenty, a line each.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} violations:", self.0.len())?;
        self.0.iter().take(20).try_for_each(|violation| writeln!(f, "  {violation}"))
    }
}

impl std::error::Error for Violations {}

#[cfg(test)]
mod tests {
    use super::super::account::{Account, Outcome, What, Written};
    use super::{Loss, judge};

    /// An account in a notation of its own: `+3a` inserts token 3, `-3a` deletes it, `^3a` brings it
    /// back; then a letter for what became of it.
    fn account(edits: &str) -> Account {
        let edits = edits.split_whitespace().enumerate().map(|(index, edit)| {
            let token = super::super::token::token(1, edit[1..edit.len() - 1].parse().unwrap());
            let what = match edit.chars().next() {
                Some('+') => What::Insert(token),
                Some('^') => What::Bring(token),
                _ => What::Delete(token),
            };
            let outcome = match edit.chars().last() {
                Some('a') => Outcome::Accepted,
                Some('r') => Outcome::Refused,
                Some('u') => Outcome::Unknown,
                _ => Outcome::Pending,
            };
            (index as u64 + 1, Written { what, outcome })
        });
        Account { person: 1, edits: edits.collect(), ..Account::default() }
    }

    fn check(edits: &str, text: &str) -> usize {
        judge(text, &[account(edits)], Loss::Never).len()
    }

    #[test]
    fn a_token_is_there_as_often_as_was_said() {
        let all = "+1a +2a -1a +3r +4u";
        assert_eq!(check(all, "⟨c1-2⟩"), 0);
        assert_eq!(check(all, "⟨c1-2⟩⟨c1-4⟩"), 0);
        assert_eq!(check(all, "⟨c1-4⟩"), 1, "one that was accepted is missing");
        assert_eq!(check(all, "⟨c1-2⟩⟨c1-2⟩"), 1, "one is doubled");
        assert_eq!(check(all, "⟨c1-1⟩⟨c1-2⟩"), 1, "one that was deleted is back");
        assert_eq!(check(all, "⟨c1-2⟩⟨c1-3⟩"), 1, "one that was refused is there");
        assert_eq!(check(all, "⟨c1-2⟩⟨c1-4⟩⟨c1-4⟩"), 1, "one whose outcome is unknown is doubled");
        assert_eq!(check(all, "⟨c1-2⟩⟨c1-5⟩"), 1, "nobody typed this");
        assert_eq!(check(all, "⟨c1-2⟩x"), 1, "nobody typed this either");
        assert_eq!(check(all, "⟨c1-⟨c1-4⟩2⟩"), 3, "one is torn");
    }

    #[test]
    fn a_deletion_that_is_not_certain_allows_both() {
        for (edits, without, with) in [("+1a -1u", 0, 0), ("+1a -1p", 0, 0), ("+1a -1r", 1, 0), ("+1u -1a", 0, 1)] {
            assert_eq!((check(edits, ""), check(edits, "⟨c1-1⟩")), (without, with), "{edits}");
        }
    }

    #[test]
    fn what_an_undo_brought_back_is_there_until_it_goes_again() {
        for (edits, without, with) in [
            ("+1a -1a ^1a", 1, 0),
            ("+1a -1a ^1a -1a", 0, 1),
            ("+1a -1a ^1r", 0, 1),
            ("+1a -1a ^1u", 0, 0),
            ("+1a -1u ^1a", 1, 0),
        ] {
            assert_eq!((check(edits, ""), check(edits, "⟨c1-1⟩")), (without, with), "{edits}");
        }
    }

    #[test]
    fn what_was_lost_must_have_been_told_and_not_have_been_durable() {
        let lossy = |told_of_loss, shown_durable, accepted_at_loss| {
            let durable_at_loss = shown_durable;
            let account =
                Account { told_of_loss, shown_durable, durable_at_loss, accepted_at_loss, ..account("+1a +2a") };
            judge("⟨c1-1⟩", &[account], Loss::IfTold).len()
        };
        assert_eq!(lossy(true, 1, 2), 0);
        assert_eq!(lossy(false, 1, 2), 1);
        assert_eq!(lossy(true, 2, 2), 1);
        assert_eq!(lossy(true, 1, 1), 1, "it was accepted after the loss");
    }
}
