//! The document is deleted and made anew, by either server, whatever else is under way.

use std::collections::BTreeSet;

use cowrite_server::room::Existence;
use cowrite_tests::model::{Bounds, Edit};
use stateright::HasDiscoveries;

use super::whole::holds;
use super::{explore, is_wide};

const ONE: [&[Edit]; 2] = [&[Edit::Before('c', 'Y')], &[]];
const AGAIN: [Existence; 3] = [Existence::Deleted, Existence::Alive, Existence::Deleted];

#[test]
fn a_document_that_is_deleted_while_both_edit_is_gone_for_both() {
    holds("deleted", Bounds { wishes: &AGAIN[..1], ..Bounds::default() });
    if is_wide() {
        holds(
            "deleted, killed",
            Bounds { wishes: &AGAIN[..1], edits: ONE, servers: 1, crashes: 1, ..Bounds::default() },
        );
    }
}

#[test]
fn a_document_that_is_deleted_and_made_anew_is_another_one() {
    holds("anew", Bounds { wishes: &AGAIN[..2], edits: ONE, ..Bounds::default() });
    // What one server has done, another does not deny.
    holds("again", Bounds { wishes: &AGAIN, edits: [&[], &[]], ..Bounds::default() });
    if is_wide() {
        holds("again, one edit", Bounds { wishes: &AGAIN, edits: ONE, ..Bounds::default() });
    }
}

/// The very bounds within which all holds with the tombstone: "deleted, killed" above.
#[test]
fn where_nobody_reads_the_tombstone_an_edit_behind_it_is_found() {
    let bounds =
        Bounds { wishes: &AGAIN[..1], edits: ONE, servers: 1, crashes: 1, tombstone: false, ..Bounds::default() };
    let until = HasDiscoveries::AnyOf(BTreeSet::from(["the log is a history"]));
    let explored = explore("no tombstone", bounds, until);
    let found = explored.failures.iter().find(|(name, _)| *name == "the log is a history");
    let (_, way) = found.expect("the tombstone is gone, and nothing is found");
    println!("{way}");
}
