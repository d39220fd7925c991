//! Nothing is lost, doubled or told wrongly, whatever happens in which order.

use cowrite_tests::model::{Bounds, Edit};
use stateright::HasDiscoveries;

use super::{explore, is_wide};

/// Two edits each; of one client's, each alone has no effect that the other's position survives.
const TWICE: [&[Edit]; 2] =
    [&[Edit::Before('c', 'Y'), Edit::Behind('Y', 'Z')], &[Edit::Behind('c', 'X'), Edit::Delete('c')]];

/// Asserts it for all worlds within the bounds; gives how many appends were fenced, duplicates, in conflict, late.
pub(crate) fn holds(name: &str, bounds: Bounds) -> [u64; 4] {
    let explored = explore(name, bounds, HasDiscoveries::AnyFailures);
    let told: Vec<String> = explored.failures.into_iter().map(|(_, told)| told).collect();
    assert!(told.is_empty(), "{name}: {}", told.join("\n"));
    explored.seen
}

#[test]
fn clients_come_to_servers_where_nobody_was() {
    holds("cold", Bounds { warm: false, ..Bounds::default() });
}

#[test]
fn two_clients_edit_twice_at_once() {
    let [_, _, conflicts, _] = holds("twice", Bounds { edits: TWICE, ..Bounds::default() });
    assert!(conflicts > 0, "two servers never wanted the same version");
    if is_wide() {
        holds("fine", Bounds { fine: true, ..Bounds::default() });
    }
}

#[test]
fn a_client_that_was_cut_off_resumes_at_either_server() {
    let [fenced, _, conflicts, _] = holds("cut", Bounds { cuts: [1, 0], ..Bounds::default() });
    assert!(fenced > 0 && conflicts > 0, "no append of an old stay was fenced");
    if is_wide() {
        holds("cut, lost", Bounds { cuts: [1, 0], lost: 1, ..Bounds::default() });
    }
}

#[test]
fn a_server_that_was_killed_knows_nothing_and_its_appends_may_yet_land() {
    let [fenced, _, _, late] = holds("killed", Bounds { crashes: 1, servers: 1, ..Bounds::default() });
    assert!(fenced > 0 && late > 0, "no append of the killed server came late");
    if is_wide() {
        holds("one of two killed", Bounds { crashes: 1, ..Bounds::default() });
    }
}

#[test]
fn an_append_whose_end_nobody_knows_is_made_once() {
    let [_, _, conflicts, late] = holds("unanswered", Bounds { unanswered: 1, servers: 1, ..Bounds::default() });
    assert!(conflicts > 0 && late > 0, "no append that was given up landed");
    if is_wide() {
        holds("unanswered, lost", Bounds { unanswered: 1, lost: 1, ..Bounds::default() });
    }
}

#[test]
fn a_live_message_that_is_lost_is_missed_and_read() {
    holds("lost", Bounds { lost: 1, ..Bounds::default() });
}
