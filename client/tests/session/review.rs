//! Merges of work that waited long, or changed much: asked about before they are sent.

use cowrite_client::{Event, ProposalKind, ReviewRule, Verdict};
use cowrite_protocol::RichText;
use cowrite_protocol::frame::{Outcome, Role, Settlement};

use crate::bench::{Bench, Device, Log, Sent, op, version};

const RULE: ReviewRule = ReviewRule { waited_ms: 60_000, deleted_percent: 50 };

/// "abc" in step, kept and stored, with a rule for what is asked about.
fn reviewed() -> Bench {
    let mut bench = Bench::kept(Device::default(), Log::with_text("abc"));
    rule(&mut bench);
    bench.load();
    bench.greet();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.write_all();
    bench.events.clear();
    bench
}

fn rule(bench: &mut Bench) {
    bench.session.set_review_rule(bench.handle, Some(RULE), bench.now);
    bench.drain();
}

/// The page is killed: another one, which finds the record of this many milliseconds ago.
fn killed(bench: Bench, age_ms: u64) -> Bench {
    let mut next = Bench::kept(bench.device.clone(), bench.log.clone());
    (next.channel, next.age_ms) = (bench.channel, age_ms);
    rule(&mut next);
    next.load();
    next
}

/// Offline, an edit, this long, an edit of Bob's, and back.
fn back_after(bench: &mut Bench, edit: &str, wait_ms: u64, bob: &str) {
    bench.cut();
    bench.edit(edit);
    bench.pass(wait_ms);
    bench.write_all();
    bench.log.bob(bob);
    let from = bench.engine().version().get();
    bench.come_back();
    bench.in_step(Settlement::Nothing);
    bench.composed(from);
    settle_writes(bench);
}

/// Everything that the store is asked for is done.
fn settle_writes(bench: &mut Bench) {
    for _ in 0..3 {
        bench.write_all();
        bench.pass(200);
    }
    bench.write_all();
}

fn submits(bench: &mut Bench) -> usize {
    bench.take_sent().iter().filter(|sent| matches!(sent, Sent::Submit(_))).count()
}

/// Before, mine, theirs, merged.
fn question(bench: &Bench) -> [String; 4] {
    let review = bench.engine().review().expect("a question is open");
    [review.before, &review.mine, review.theirs, review.merged].map(|document| document.text().to_string())
}

fn answer(bench: &mut Bench, verdict: Verdict<RichText>) {
    bench.session.answer_review(bench.handle, verdict, bench.now).unwrap().unwrap();
    bench.drain();
    settle_writes(bench);
}

fn asked(bench: &Bench) -> usize {
    bench.events.iter().filter(|event| matches!(event, Event::Review)).count()
}

#[test]
fn what_waited_long_is_asked_about_before_it_is_sent() {
    let mut bench = reviewed();
    back_after(&mut bench, "3 +X", 61_000, "+B");
    assert_eq!((asked(&bench), submits(&mut bench)), (1, 0));
    assert_eq!(question(&bench), ["abc", "abcX", "Babc", "BabcX"]);
    assert!(bench.status().reviewing);
    assert_eq!((bench.status().pending, bench.status().accepted), (1, 0));
    // Edits go on here, and so do those of others.
    bench.edit("5 +Y");
    bench.commit("+C");
    bench.pass(60_000);
    bench.write_all();
    assert_eq!((bench.text().as_str(), submits(&mut bench)), ("CBabcXY", 0));
    answer(&mut bench, Verdict::Merged);
    assert!(!bench.status().reviewing && bench.engine().review().is_none());
    let submit = bench.expect_submit();
    assert_eq!(submit.operation, op("5 +XY"));
    bench.ack(&submit);
    assert_eq!((bench.log.string().as_str(), bench.status().pending), ("CBabcXY", 0));
}

#[test]
fn what_is_new_or_alone_is_not_asked_about() {
    let mut bench = reviewed();
    back_after(&mut bench, "3 +X", 20_000, "+B");
    assert_eq!((asked(&bench), submits(&mut bench)), (0, 1));
    // Nobody else has changed anything.
    let mut bench = reviewed();
    bench.cut();
    bench.edit("3 +X");
    bench.pass(90_000);
    bench.write_all();
    bench.come_back();
    bench.in_step(Settlement::Nothing);
    settle_writes(&mut bench);
    assert_eq!((asked(&bench), submits(&mut bench)), (0, 1));
}

#[test]
fn without_a_rule_nothing_is_asked_about() {
    let mut bench = Bench::open("abc");
    bench.cut();
    bench.edit("3 +X");
    bench.pass(9_000_000);
    bench.log.bob("-3");
    bench.come_back();
    bench.in_step(Settlement::Nothing);
    bench.composed(1);
    assert_eq!((asked(&bench), submits(&mut bench)), (0, 1));
}

#[test]
fn a_side_that_deleted_much_is_asked_about_at_once() {
    for (mine, bob, large) in [("-2", "3 +B", true), ("3 +X", "-2", true), ("-1", "2 -1", false)] {
        let mut bench = reviewed();
        back_after(&mut bench, mine, 1_000, bob);
        assert_eq!((asked(&bench) == 1, submits(&mut bench) == 1), (large, !large), "{mine} {bob}");
    }
}

#[test]
fn what_is_declined_leaves_the_text_and_can_be_read() {
    let mut bench = reviewed();
    back_after(&mut bench, "3 +X", 61_000, "+B");
    bench.commit("+C");
    answer(&mut bench, Verdict::Theirs);
    assert_eq!((bench.text().as_str(), submits(&mut bench)), ("CBabc", 0));
    let status = bench.status();
    assert_eq!((status.pending, status.reviewing), (0, false));
    let bench = killed(bench, 0);
    let [proposal] = bench.engine().proposals() else { panic!("one proposal") };
    assert_eq!((proposal.kind, &proposal.operation), (ProposalKind::Declined, &op("5 +X")));
}

#[test]
fn another_text_is_sent_in_place_of_the_merge() {
    let mut bench = reviewed();
    back_after(&mut bench, "3 +X", 61_000, "+B");
    // What happened since the question was asked is not undone by the answer: on "BabcX" it says
    // "Babc!", and there is more by now.
    bench.commit("+C");
    bench.edit("6 +Y");
    answer(&mut bench, Verdict::Change(op("4 +! -1")));
    assert_eq!(bench.text(), "CBabc!Y");
    let submit = bench.expect_submit();
    bench.ack(&submit);
    assert_eq!((bench.log.string().as_str(), bench.status().pending), ("CBabc!Y", 0));
}

#[test]
fn a_change_that_does_not_fit_leaves_the_question_open() {
    let mut bench = reviewed();
    back_after(&mut bench, "3 +X", 61_000, "+B");
    let refused = bench.session.answer_review(bench.handle, Verdict::Change(op("90 -1")), bench.now).unwrap();
    bench.drain();
    assert!(refused.is_err() && bench.engine().review().is_some());
    assert_eq!(submits(&mut bench), 0);
}

#[test]
fn a_page_that_dies_while_it_is_asked_is_asked_again() {
    let mut bench = reviewed();
    back_after(&mut bench, "3 +X", 61_000, "+B");
    bench.edit("5 +Y");
    bench.pass(200);
    bench.write_all();
    let mut bench = killed(bench, 1_000);
    assert_eq!((bench.text().as_str(), bench.status().reviewing, asked(&bench)), ("BabcXY", true, 0));
    bench.log.bob("+C");
    bench.greet();
    bench.expect_open();
    bench.in_step(Settlement::Nothing);
    bench.composed(2);
    settle_writes(&mut bench);
    assert_eq!((asked(&bench), submits(&mut bench)), (1, 0));
    assert_eq!(question(&bench), ["abc", "abcX", "CBabc", "CBabcXY"]);
    // A lost connection asks nothing anew.
    bench.cut();
    bench.come_back();
    bench.in_step(Settlement::Nothing);
    settle_writes(&mut bench);
    assert_eq!((asked(&bench), submits(&mut bench)), (1, 0));
    answer(&mut bench, Verdict::Merged);
    assert_eq!(bench.expect_submit().operation, op("5 +XY"));
}

#[test]
fn the_time_in_which_there_was_no_page_counts() {
    for (age_ms, expected) in [(100, 0), (90_000, 1)] {
        let mut bench = reviewed();
        bench.cut();
        bench.edit("3 +X");
        bench.pass(200);
        bench.write_all();
        let mut bench = killed(bench, age_ms);
        bench.log.bob("+B");
        bench.greet();
        bench.expect_open();
        bench.in_step(Settlement::Nothing);
        bench.composed(1);
        settle_writes(&mut bench);
        assert_eq!((asked(&bench), submits(&mut bench)), (expected, 1 - expected), "{age_ms} ms");
    }
}

#[test]
fn what_the_log_has_taken_is_no_part_of_the_question() {
    let mut bench = reviewed();
    bench.edit("3 +X");
    bench.write_all();
    let submit = bench.expect_submit();
    // The log takes it, and the connection is gone before the ack.
    bench.log.accept(&submit);
    bench.cut();
    bench.edit("4 +Y");
    bench.pass(61_000);
    bench.write_all();
    let ack = |bench: &Bench| bench.log.last_ack(cowrite_protocol::Channel(bench.channel));
    let opening = bench.come_back();
    assert_eq!(opening.in_flight, Some(1));
    bench.opened(Settlement::Accepted(version(2)), Outcome::Tail { head: version(3) });
    let frame = ack(&bench);
    bench.bytes(&frame);
    bench.entry("+B");
    settle_writes(&mut bench);
    assert_eq!((asked(&bench), submits(&mut bench)), (1, 0));
    assert_eq!(question(&bench), ["abcX", "abcXY", "BabcX", "BabcXY"]);
    answer(&mut bench, Verdict::Merged);
    let submit = bench.expect_submit();
    assert_eq!((submit.seq, &submit.operation), (2, &op("5 +Y")));
}

#[test]
fn a_right_that_ended_ends_the_question() {
    let mut bench = reviewed();
    back_after(&mut bench, "3 +X", 61_000, "+B");
    bench.cut();
    bench.come_back();
    let head = bench.engine().version();
    bench.opened_as(Settlement::Nothing, Outcome::Tail { head }, |opened| opened.role = Role::Viewer);
    assert!(!bench.status().reviewing && bench.engine().review().is_none());
    assert_eq!(bench.engine().proposals()[0].kind, ProposalKind::NotAllowed);
    answer(&mut bench, Verdict::Merged);
    assert_eq!(submits(&mut bench), 0);
}

#[test]
fn only_the_work_itself_counts_as_waiting_and_not_the_silence_before_it() {
    let mut bench = reviewed();
    bench.cut();
    bench.pass(10 * RULE.waited_ms);
    bench.edit("3 +X");
    bench.pass(1_000);
    bench.write_all();
    bench.log.bob("+1");
    bench.greet();
    bench.expect_open();
    bench.in_step(Settlement::Nothing);
    bench.composed(1);
    settle_writes(&mut bench);
    assert!(bench.engine().review().is_none());
    assert_eq!((submits(&mut bench), bench.text().as_str()), (1, "1abcX"));
}

#[test]
fn a_merge_is_asked_about_when_more_than_the_part_is_deleted_and_not_just_that_part() {
    for (bob, asked) in [("-5", false), ("-6", true)] {
        let mut bench = reviewed();
        bench.commit("3 +defghij");
        back_after(&mut bench, "10 +X", 1_000, bob);
        assert_eq!(bench.engine().review().is_some(), asked, "{bob}");
    }
}
