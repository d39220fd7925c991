//! Where the cursors of members at other servers stand.

use cowrite_protocol::Cursor;
use cowrite_server::sequencer::SubmittedCaret;

use crate::town::{Town, caret};

/// Two servers, and a text of ten letters.
fn two() -> (Town, usize, usize) {
    let mut town = Town::new(2);
    let (ada, ben) = (town.open(0, "ada"), town.open(1, "ben"));
    town.pass(1_000);
    town.type_text(ada, "0123456789", SubmittedCaret::Implied);
    town.pass(1_000);
    (town, ada, ben)
}

#[test]
fn a_cursor_is_seen_at_the_other_server() {
    let (mut town, ada, ben) = two();
    town.cursor(ada, caret(4));
    town.pass(250);
    assert_eq!(town.cursor_of(ben, "ada"), Some(&caret(4)));
    town.cursor(ben, caret(7));
    town.cursor(ben, caret(8));
    town.pass(250);
    assert_eq!(town.cursor_of(ada, "ben"), Some(&caret(8)));
    town.cursor(ben, Cursor::default());
    town.pass(250);
    assert_eq!(town.cursor_of(ada, "ben"), Some(&Cursor::default()), "hidden");
}

#[test]
fn what_is_implied_by_a_commit_is_not_sent() {
    let (mut town, ada, _) = two();
    town.pass(500);
    let said = town.published.len();
    town.type_text(ada, "more", SubmittedCaret::Implied);
    town.pass(500);
    assert_eq!(town.published.len(), said);
}

#[test]
fn a_caret_that_is_not_the_implied_one_is_told_to_the_others() {
    let (mut town, ada, ben) = two();
    town.cursor(ada, caret(4));
    town.pass(500);
    town.type_text(ada, "ab", SubmittedCaret::Still);
    town.pass(500);
    assert_eq!(town.cursor_of(ben, "ada"), Some(&caret(6)));
    town.type_text(ada, "cd", SubmittedCaret::At(caret(1)));
    town.pass(500);
    assert_eq!(town.cursor_of(ben, "ada"), Some(&caret(1)));
}

#[test]
fn a_cursor_ahead_waits_for_its_version_and_only_the_newest_does() {
    let (mut town, ada, ben) = two();
    town.hold_feed(1);
    town.type_text(ada, "ab", SubmittedCaret::Implied);
    town.cursor(ada, caret(3));
    town.pass(250);
    town.type_text(ada, "cd", SubmittedCaret::Implied);
    town.cursor(ada, caret(5));
    town.pass(250);
    let frames = town.frames(ben);
    town.pass(3_000);
    assert_eq!(town.frames(ben), frames, "nothing to show yet");
    town.release_feed(1);
    town.pass(250);
    assert_eq!(town.frames(ben), frames + 1, "the newest alone");
    assert_eq!(town.cursor_of(ben, "ada"), Some(&caret(5)));
}

#[test]
fn a_stale_cursor_is_carried_on() {
    let (mut town, ada, ben) = two();
    town.hold_feed(0);
    town.type_text(ben, "xyz", SubmittedCaret::Implied);
    town.cursor(ada, caret(4));
    town.pass(500);
    assert_eq!(town.cursor_of(ben, "ada"), Some(&caret(7)));
    town.release_feed(0);
    town.pass(500);
    assert_eq!(town.cursor_of(ben, "ada"), Some(&caret(7)));
}

#[test]
fn an_older_word_does_not_overrule_what_a_commit_implies() {
    let (mut town, ada, ben) = two();
    town.cursor(ada, caret(9));
    town.pass(500);
    // What the other server said before the commit comes after it.
    let (_, _, said) = town.published.iter().rev().find(|(.., message)| !message.cursors.is_empty()).unwrap();
    let mut late = said.clone();
    town.type_text(ada, "ab", SubmittedCaret::Implied);
    town.pass(500);
    let frames = town.frames(ben);
    late.sequence += 1_000;
    town.publish(late.encode());
    town.pass(500);
    assert_eq!(town.frames(ben), frames);
}

#[test]
fn a_server_that_comes_later_learns_where_the_cursors_are() {
    let mut town = Town::new(2);
    let ada = town.open(0, "ada");
    town.type_text(ada, "0123456789", SubmittedCaret::Implied);
    town.cursor(ada, caret(4));
    town.pass(60_000);
    let ben = town.open(1, "ben");
    town.pass(500);
    assert_eq!(town.cursor_of(ben, "ada"), Some(&caret(4)));
}
