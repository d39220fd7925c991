//! Single frames that are lost, late, or come in another order.

use cowrite_tests::switchboard::{BoardSettings, Heading, Switchboard};

/// Ann and Bob in step at one server, with "abc".
fn two() -> (Switchboard, usize, usize) {
    let mut board = Switchboard::new(BoardSettings::default());
    let (ann, bob) = (board.join(0), board.join(0));
    board.types(bob, 0, "abc");
    (board, ann, bob)
}

#[test]
fn a1_an_ack_that_is_lost_with_its_link_is_told_again_and_the_text_is_there_once() {
    let (mut board, ann, bob) = two();
    board.hold(ann, Heading::Down);
    board.types(ann, 3, "X");
    board.types(ann, 4, "Y");
    assert_eq!(board.waiting(ann, Heading::Down), ["Ack"]);
    board.types(bob, 0, "1");
    board.cut(ann);
    assert_eq!(board.person(ann).status().accepted, 0);
    board.come_back(ann, 0);
    assert_eq!(board.check(), "1abcXY");
    assert_eq!((board.entries_with("X"), board.entries_with("Y")), (1, 1));
    assert_eq!(board.person(ann).status().pending, 0);
}

#[test]
fn a2_a_submit_that_the_server_never_saw_is_sent_again_and_committed_once() {
    let (mut board, ann, bob) = two();
    board.hold(ann, Heading::Up);
    board.types(ann, 3, "X");
    board.types(ann, 4, "Y");
    board.lose(ann, Heading::Up, "Submit");
    board.types(bob, 0, "1");
    board.cut(ann);
    board.come_back(ann, 0);
    assert_eq!(board.check(), "1abcXY");
    assert_eq!((board.entries_with("X"), board.entries_with("Y")), (1, 1));
}

#[test]
fn a5_an_ack_that_alone_is_swallowed_is_asked_for_and_nobody_waits_for_ever() {
    // Whether anybody else writes, which shows that something is missing.
    for (alone, text) in [(true, "abcXY"), (false, "1abcXY")] {
        let (mut board, ann, bob) = two();
        board.hold(ann, Heading::Down);
        board.types(ann, 3, "X");
        board.types(ann, 4, "Y");
        board.lose(ann, Heading::Down, "Ack");
        board.release(ann, Heading::Down);
        assert_eq!((board.person(ann).status().accepted, board.entries_with("X")), (0, 1));
        board.pass(9_000);
        assert_eq!(board.person(ann).status().pending, 2, "the link is healthy");
        if !alone {
            board.types(bob, 0, "1");
        }
        board.pass(1_000);
        assert_eq!(board.person(ann).status().pending, 0, "ten seconds are the longest wait");
        assert_eq!(board.check(), text);
        assert_eq!((board.entries_with("X"), board.entries_with("Y")), (1, 1));
    }
}

#[test]
fn a6_a_commit_that_is_lost_is_noticed_by_the_next_and_nothing_is_applied_wrongly() {
    let (mut board, ann, bob) = two();
    board.hold(ann, Heading::Down);
    board.types(bob, 0, "1");
    board.types(bob, 1, "2");
    board.types(bob, 2, "3");
    board.lose(ann, Heading::Down, "Commit");
    board.release(ann, Heading::Down);
    assert_eq!((board.person(ann).text().as_str(), board.person(ann).reopened), ("123abc", 1));
    assert_eq!(board.check(), "123abc");
    assert_eq!(board.person(ann).diverged, 0);
}

#[test]
fn a6_the_last_commit_of_all_is_missed_within_a_minute() {
    let (mut board, ann, bob) = two();
    // Both have compared what they have with the server.
    board.pass(120_000);
    board.hold(ann, Heading::Down);
    board.types(bob, 0, "1");
    board.lose(ann, Heading::Down, "Commit");
    board.release(ann, Heading::Down);
    assert_eq!(board.person(ann).text(), "abc");
    // Nobody writes any more.
    board.pass(61_000);
    assert_eq!(board.person(ann).text(), "1abc");
    assert_eq!(board.check(), "1abc");
    assert_eq!((board.person(ann).diverged, board.person(ann).reopened), (0, 1));
}

/// Own and foreign frames from two servers, in every order in which two links can bring them: what
/// the log makes of it is the same everywhere.
#[test]
fn a7_acks_and_commits_of_two_links_in_every_order_lead_to_one_text() {
    // Which of the two queues is let go next.
    for order in 0..1 << 6 {
        let mut board = Switchboard::new(BoardSettings { servers: 2, ..BoardSettings::default() });
        let (ann, bob) = (board.join(0), board.join(1));
        board.types(ann, 0, "abc");
        let ways = [(ann, Heading::Up), (ann, Heading::Down), (bob, Heading::Up), (bob, Heading::Down)];
        ways.into_iter().for_each(|(person, way)| board.hold(person, way));
        for (step, (person, at, text)) in
            [(ann, 3, "X"), (bob, 3, "1"), (ann, 0, "Y"), (bob, 1, "2")].into_iter().enumerate()
        {
            board.types(person, at, text);
            let (first, second) = if order >> step & 1 == 0 { (ann, bob) } else { (bob, ann) };
            for (person, way) in [(first, Heading::Up), (second, Heading::Down)] {
                board.release(person, way);
                board.hold(person, way);
            }
        }
        let rest = if order >> 4 & 1 == 0 { ways } else { [ways[2], ways[1], ways[0], ways[3]] };
        rest.into_iter().for_each(|(person, way)| board.release(person, way));
        let text = board.check();
        for letter in ["X", "Y", "1", "2"] {
            assert_eq!((text.matches(letter).count(), board.entries_with(letter)), (1, 1), "order {order}: {text}");
        }
        let (ann, bob) = (board.person(ann), board.person(bob));
        assert_eq!((ann.reopened, bob.reopened, ann.diverged, bob.diverged), (0, 0, 0, 0), "order {order}");
    }
}
