//! Somebody who was away for long.

use cowrite_client::ProposalKind;
use cowrite_protocol::Limits;
use cowrite_protocol::frame::Code;
use cowrite_server::room::RoomSettings;
use cowrite_tests::switchboard::{BoardSettings, Heading, Switchboard};

/// Little is kept: a snapshot every twenty entries, and ten entries behind it.
fn forgetful() -> BoardSettings {
    let room = RoomSettings { snapshot_entries: 20, retained_entries: 10, tail_entries: 30, ..RoomSettings::default() };
    BoardSettings { room, ..BoardSettings::default() }
}

/// Ann has an edit in flight, of which she does not know whether it arrived, and five hundred behind
/// it, while others made five thousand.
fn long_away(accepted: bool) -> (Switchboard, usize) {
    let mut board = Switchboard::new(forgetful());
    let bob = board.join(0);
    board.types(bob, 0, "<sta");
    let ann = board.join(0);
    // The log has heard of her before.
    board.types(ann, 4, "rt>");
    board.hold(ann, if accepted { Heading::Down } else { Heading::Up });
    board.types(ann, 7, "X");
    board.cut(ann);
    let entries = board.entries_with("X");
    assert_eq!(entries, usize::from(accepted));
    for at in 0..500 {
        board.types(ann, 8 + at, "a");
    }
    for _ in 0..5_000 {
        board.types(bob, 3, "b");
    }
    (board, ann)
}

#[test]
fn a11_what_was_accepted_before_an_absence_below_the_floor_is_not_applied_twice() {
    let (mut board, ann) = long_away(true);
    board.come_back(ann, 0);
    let told = &board.person(ann).told;
    assert_eq!(told[0], "Snapshot", "{told:?}");
    let text = board.check();
    assert_eq!(text, format!("<st{}art>X{}", "b".repeat(5_000), "a".repeat(500)));
    // The application was told before it was sent.
    assert_eq!(board.person(ann).merged.len(), 1);
    assert_eq!((board.person(ann).proposals.len(), board.person(ann).rejected.len()), (0, 0));
}

#[test]
fn a11_what_was_not_accepted_before_an_absence_below_the_floor_is_carried_over_the_snapshot() {
    let (mut board, ann) = long_away(false);
    board.come_back(ann, 0);
    let text = board.check();
    assert_eq!(text, format!("<st{}art>X{}", "b".repeat(5_000), "a".repeat(500)));
    assert_eq!(board.person(ann).merged.len(), 1);
}

#[test]
fn a12_an_operation_of_which_the_log_knows_nothing_any_more_is_shown_and_never_sent_by_itself() {
    for accepted in [true, false] {
        let (mut board, ann) = long_away(accepted);
        // Longer than the log remembers a client that has no entry left.
        board.days_pass(8);
        board.come_back(ann, 0);
        let kinds: Vec<_> = board.person(ann).proposals.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(kinds, [ProposalKind::UnknownOutcome], "accepted: {accepted}");
        board.pass(60_000);
        // Hers is in the text as often as the log has it, and what waited behind it once.
        let text = board.person(ann).text();
        assert_eq!(text.matches('X').count(), usize::from(accepted), "{}", text.len());
        assert_eq!(text.matches('a').count(), 500 + 1);
        assert_eq!(board.person(ann).status().pending, 1, "whoever waits for it still does");
        board.discard(ann);
        assert_eq!(board.check().matches('X').count(), usize::from(accepted));
    }
}

#[test]
fn a12_work_accepted_in_the_first_life_is_not_taken_for_lost_by_who_saw_the_life_begin() {
    let mut board = Switchboard::new(forgetful());
    // The document was never written when they came: nobody could tell them which life it is.
    let (ann, bob) = (board.join(0), board.join(0));
    board.types(ann, 0, "start");
    board.cut(ann);
    for _ in 0..100 {
        board.types(bob, 5, "b");
    }
    board.days_pass(8);
    board.come_back(ann, 0);
    let told = &board.person(ann).told;
    assert_eq!(told[0], "Snapshot", "{told:?}");
    assert_eq!(board.person(ann).proposals, []);
    board.types(ann, 0, "X");
    assert_eq!(board.check(), format!("Xstart{}", "b".repeat(100)));
}

#[test]
fn a19_who_reads_slowly_gets_a_refusal_of_its_own_before_the_composition() {
    let limits = Limits { document_units: 600, ..Limits::default() };
    let mut board = Switchboard::new(BoardSettings { limits, queue_bytes: 2_000, ..BoardSettings::default() });
    let (ann, bob) = (board.join(0), board.join(0));
    board.set_stuck(ann, true);
    for at in 0..599 {
        board.types(bob, at, "x");
    }
    // She knows of no limit reached; what others write behind it is in the dropped range as well.
    board.types(ann, 0, "mine");
    for at in 0..300 {
        board.deletes(bob, 599 - 1 - at, 1);
        board.types(bob, 0, "y");
    }
    board.hold(ann, Heading::Down);
    board.set_stuck(ann, false);
    let mut told = board.waiting(ann, Heading::Down);
    told.retain(|name| ["Commit", "Reject", "Composed", "Entry"].contains(name));
    told.dedup();
    assert_eq!(told, ["Commit", "Reject", "Composed"]);
    board.release(ann, Heading::Down);
    assert_eq!(board.person(ann).rejected, [(1, 1, Code::DocumentTooLarge)]);
    board.deletes(bob, 0, 100);
    board.types(ann, 0, "again");
    let text = board.check();
    assert_eq!((text.matches("mine").count(), text.matches("again").count()), (0, 1));
}
