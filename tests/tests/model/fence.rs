//! With the fence taken away, the checker finds by itself what it is for.

use std::collections::BTreeSet;

use cowrite_tests::model::Bounds;
use stateright::HasDiscoveries;

use super::explore;

/// What a commit of a stay that is over leads to.
const DOUBLE_OR_DIVERGED: [&str; 4] = [
    "no edit is in the log twice",
    "what is told as accepted is in the log",
    "a client holds what the log holds",
    "no client finds that it differs from the log",
];

/// The very bounds within which all holds with the fence: `a_client_that_was_cut_off_resumes_at_either_server`.
#[test]
fn without_the_fence_a_diverged_commit_is_found() {
    let bounds = Bounds { fence: false, cuts: [1, 0], ..Bounds::default() };
    let until = HasDiscoveries::AnyOf(BTreeSet::from(DOUBLE_OR_DIVERGED));
    let explored = explore("no fence", bounds, until);
    let found = explored.failures.iter().find(|(name, _)| DOUBLE_OR_DIVERGED.contains(name));
    let (_, way) = found.expect("the fence is gone, and nothing is found");
    println!("{way}");
    assert_eq!(explored.seen[0], 0, "something was fenced all the same");
}
