//! The log has lost what it had accepted, and those who hold it bring it back.

use cowrite_client::ProposalKind;
use cowrite_protocol::{Limits, OperationLimits};
use cowrite_tests::switchboard::{BoardSettings, Heading, Switchboard};

/// Two who hold the same text, which the log has forgotten, and somebody who comes after that.
fn bereft(settings: BoardSettings, text: &str) -> (Switchboard, [usize; 3]) {
    let mut board = Switchboard::new(settings);
    let (ann, bob) = (board.join(0), board.join(0));
    for (at, letter) in (0..).zip(text.chars()) {
        board.types(if at % 2 == 0 { ann } else { bob }, at, &letter.to_string());
    }
    board.forget();
    for person in [ann, bob] {
        board.come_back(person, 0);
        let kinds: Vec<_> = board.person(person).proposals.iter().map(|(_, kind)| *kind).collect();
        assert_eq!(kinds, [ProposalKind::LostAccepted]);
    }
    let carol = board.join(0);
    (board, [ann, bob, carol])
}

#[test]
fn c24_who_reads_slowly_is_not_told_that_it_was_restored_before_what_was_restored() {
    let settings = BoardSettings { queue_bytes: 200, ..BoardSettings::default() };
    let (mut board, [ann, bob, carol]) = bereft(settings, "what was lost");
    board.set_stuck(ann, true);
    for at in 0..200 {
        board.types(carol, at, "x");
    }
    board.accept(bob);
    board.accept(ann);
    board.hold(ann, Heading::Down);
    board.set_stuck(ann, false);
    let mut told = board.waiting(ann, Heading::Down);
    told.retain(|name| ["Composed", "Restored"].contains(name));
    assert_eq!(told, ["Composed", "Restored"]);
    board.release(ann, Heading::Down);
    // What carol wrote came together with it, so nobody can say of it whether it is to stay; but of what was lost
    // nothing is missing.
    board.discard(ann);
    let text = board.check();
    assert_eq!((text.matches("what was lost").count(), text.matches('x').count()), (1, 200));
}

#[test]
fn c24_two_who_bring_back_what_is_too_large_for_one_entry_do_not_double_it() {
    let operation = OperationLimits { components: 40, bytes: 100, ..OperationLimits::default() };
    let limits = Limits { operation, ..Limits::default() };
    let lost = "what was lost is longer than one entry may be ".repeat(10);
    let (mut board, [ann, bob, carol]) = bereft(BoardSettings { limits, ..BoardSettings::default() }, &lost);
    board.types(carol, 0, "carol's ");
    board.hold(ann, Heading::Up);
    board.accept(ann);
    board.accept(bob);
    board.release(ann, Heading::Up);
    let text = board.check();
    assert_eq!(text, format!("carol's {lost}"));
}
