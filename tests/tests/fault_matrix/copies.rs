//! Two copies of one operation on two ways to the log.

use cowrite_server::oplog::{AppendOutcome, Refusal};
use cowrite_server::room::RoomSettings;
use cowrite_tests::switchboard::{BoardSettings, Heading, Switchboard};

/// Ann at the first of two servers, Bob at the second, with "abcdefgh".
fn apart() -> (Switchboard, usize, usize) {
    let room = RoomSettings { compose_from: 2, ..RoomSettings::default() };
    let mut board = Switchboard::new(BoardSettings { servers: 2, room, ..BoardSettings::default() });
    let (ann, bob) = (board.join(0), board.join(1));
    board.types(bob, 0, "abcdefgh");
    assert_eq!(board.person(ann).text(), "abcdefgh");
    (board, ann, bob)
}

fn is_fenced(outcome: &AppendOutcome) -> bool {
    matches!(outcome, AppendOutcome::Refused { members } if members.iter().all(|(_, why)| *why == Refusal::Fenced))
}

#[test]
fn a8_the_old_socket_of_a_session_commits_nothing_once_the_new_one_is_there() {
    for server in [0, 1] {
        let (mut board, ann, bob) = apart();
        board.hold(ann, Heading::Up);
        board.types(ann, 8, "X");
        let old = board.slip_away(ann);
        board.types(bob, 0, "1");
        board.come_back(ann, server);
        // The new one has sent it again, and it was taken.
        assert_eq!((board.person(ann).status().pending, board.entries_with("X")), (0, 1));
        board.let_through(old);
        assert_eq!(board.entries_with("X"), 1);
        assert_eq!(board.check(), "1abcdefghX");
    }
}

/// The other order: the new socket is there, and what it sends is late.
#[test]
fn a8_the_old_socket_is_fenced_also_while_the_new_ones_copy_is_on_its_way() {
    for server in [0, 1] {
        let (mut board, ann, bob) = apart();
        board.hold(ann, Heading::Up);
        board.types(ann, 8, "X");
        let old = board.slip_away(ann);
        board.types(bob, 0, "1");
        board.hold_appends(server);
        board.come_back(ann, server);
        assert_eq!(board.entries_with("X"), 0);
        board.let_through(old);
        assert_eq!(board.entries_with("X"), 0, "what the client was told to be not accepted came after all");
        board.release_appends(server);
        assert_eq!(board.check(), "1abcdefghX");
        assert_eq!(board.entries_with("X"), 1);
    }
}

#[test]
fn a9_an_append_that_a_server_makes_after_its_client_has_gone_elsewhere_is_refused() {
    // Whether the client's copy is in the log before the first server's.
    for copied_first in [true, false] {
        let (mut board, ann, bob) = apart();
        board.set_deaf(0, true);
        board.hold_appends(0);
        board.types(ann, 8, "X");
        assert_eq!(board.appends_held(0), 1);
        board.slip_away(ann);
        if !copied_first {
            board.hold_appends(1);
        }
        board.come_back(ann, 1);
        assert_eq!(board.entries_with("X"), usize::from(copied_first));
        let outcomes = board.release_appends(0);
        if copied_first {
            assert!(matches!(outcomes[..], [AppendOutcome::Conflict { .. }]), "{outcomes:?}");
        } else {
            assert!(matches!(&outcomes[..], [outcome] if is_fenced(outcome)), "{outcomes:?}");
            assert_eq!(board.entries_with("X"), 0);
            board.release_appends(1);
        }
        board.set_deaf(0, false);
        board.types(bob, 0, "1");
        board.look(0);
        assert_eq!(board.check(), "1abcdefghX");
        assert_eq!(board.entries_with("X"), 1);
    }
}

/// The rebased copy stands elsewhere than the first server would have put its own: at the edge of
/// what was deleted meanwhile, transforming over entries one by one and over their composition differ.
#[test]
fn a18_of_an_old_copy_and_a_rebased_one_at_the_edge_of_a_deletion_only_one_is_committed() {
    // The first server appends before the client is back at the second, after it was told that the
    // operation is not accepted, or after the copy is in the log.
    for moment in 0..3 {
        let (mut board, ann, bob) = apart();
        board.set_deaf(0, true);
        board.hold_appends(0);
        board.types(ann, 4, "X");
        // The place is deleted from both sides, and written at.
        board.deletes(bob, 2, 2);
        board.types(bob, 2, "1");
        board.deletes(bob, 3, 2);
        board.types(bob, 2, "2");
        board.slip_away(ann);
        if moment == 0 {
            board.release_appends(0);
        }
        if moment == 1 {
            board.hold_appends(1);
        }
        board.come_back(ann, 1);
        if moment > 0 {
            let outcomes = board.release_appends(0);
            let refused = |outcome: &AppendOutcome| matches!(outcome, AppendOutcome::Conflict { .. });
            assert!(outcomes.iter().all(|outcome| refused(outcome) || is_fenced(outcome)), "{outcomes:?}");
            assert_eq!(board.entries_with("X"), usize::from(moment == 2), "moment {moment}");
            board.release_appends(1);
        }
        board.set_deaf(0, false);
        board.look(0);
        let text = board.check();
        assert_eq!((board.entries_with("X"), text.matches('X').count()), (1, 1), "moment {moment}: {text}");
        assert!(text.starts_with("ab") && text.ends_with("gh"), "{text}");
        assert_eq!((board.person(ann).diverged, board.person(bob).diverged), (0, 0));
    }
}
