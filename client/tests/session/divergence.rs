//! Client and server disagree: it is told, mended once, and never a loop.

use cowrite_client::Event;
use cowrite_client::engine::StatusState;
use cowrite_protocol::frame::{Code, Outcome, Settlement};

use crate::bench::{Bench, Sent};

/// How often a disagreement was told.
fn told(bench: &Bench) -> usize {
    bench.events.iter().filter(|event| **event == Event::Diverged).count()
}

fn is_closed(bench: &Bench, code: Code) -> bool {
    bench.events.iter().any(|event| matches!(event, Event::Closed { code: closed, .. } if *closed == code))
}

#[test]
fn a_composition_with_a_wrong_checksum_is_mended_by_the_document_whole() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.edit("4 +Y");
    bench.log.bob("+1");
    bench.wrong_composed(1);
    assert_eq!(told(&bench), 1);
    let opening = bench.expect_reopen();
    assert_eq!((opening.whole, opening.in_flight), (true, Some(1)));
    bench.opened(Settlement::NotAccepted, Outcome::Snapshot);
    bench.snapshot();
    assert_eq!(bench.text(), "1abcXY");
    let again = bench.expect_submit();
    assert_eq!((again.seq, again.base), (1, 2));
    bench.ack(&again);
    let buffer = bench.expect_submit();
    bench.ack(&buffer);
    assert_eq!((bench.text(), bench.log.string()), ("1abcXY".into(), "1abcXY".into()));
}

#[test]
fn a_composition_that_does_not_fit_is_mended_by_the_document_whole() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.log = bench.log.replaced("far longer", 5);
    bench.log.bob("9 +1");
    bench.composed(5);
    assert!(bench.expect_reopen().whole);
    bench.opened(Settlement::NotAccepted, Outcome::Mismatch);
    bench.snapshot();
    let again = bench.expect_submit();
    bench.ack(&again);
    assert_eq!(bench.text(), bench.log.string());
    assert!(bench.text().contains('X'));
}

#[test]
fn what_stands_behind_a_wrong_composition_in_one_message_is_ignored() {
    let mut bench = Bench::open("abc");
    let channel = cowrite_protocol::Channel(bench.channel);
    bench.log.bob("+1");
    let mut message = bench.log.composed(channel, 1, 1);
    message.extend(bench.log.entry(channel, crate::bench::BOB, &crate::bench::op("+2")));
    bench.bytes(&message);
    assert_eq!(bench.text(), "abc");
    assert!(bench.expect_reopen().whole);
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    assert_eq!(bench.text(), "21abc");
}

#[test]
fn a_snapshot_with_a_wrong_checksum_is_asked_for_again() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.reconnect();
    bench.log.bob("+1");
    bench.opened(Settlement::NotAccepted, Outcome::Snapshot);
    bench.wrong_snapshot();
    assert_eq!((told(&bench), bench.text()), (1, "abcX".into()));
    assert!(bench.expect_reopen().whole);
    bench.opened(Settlement::NotAccepted, Outcome::Snapshot);
    bench.snapshot();
    assert_eq!(bench.text(), "1abcX");
    // What was asked for whole has come: the next time it is not asked for.
    bench.expect_submit();
    assert!(!bench.reconnect().whole);
}

#[test]
fn d12_a_comparison_that_fails_is_mended_by_the_document_whole() {
    let mut bench = Bench::open("abc");
    bench.pass(5_000);
    assert_eq!(bench.next(), Sent::Verify { version: 1 });
    bench.edit("3 +X");
    bench.expect_submit();
    bench.closed(Code::Diverged);
    assert_eq!(told(&bench), 1);
    // The server has closed the channel, so nothing needs to be closed.
    let opening = bench.expect_open();
    assert!(opening.whole);
    bench.log = bench.log.replaced("another", 1);
    bench.opened(Settlement::NotAccepted, Outcome::Snapshot);
    bench.snapshot();
    let again = bench.expect_submit();
    bench.ack(&again);
    assert_eq!(bench.text(), bench.log.string());
    assert!(bench.text().contains('X'));
}

#[test]
fn a_document_at_rest_is_compared_once_a_minute() {
    let mut bench = Bench::open("abc");
    bench.pass(5_000);
    assert_eq!(bench.next(), Sent::Verify { version: 1 });
    bench.verified(1);
    bench.pass(59_999);
    bench.nothing_sent();
    bench.pass(1);
    assert_eq!(bench.take_sent(), [Sent::Verify { version: 1 }]);
    bench.verified(1);
    bench.commit("+1");
    bench.pass(60_000);
    assert_eq!(bench.take_sent(), [Sent::Verify { version: 2 }]);
}

#[test]
fn a6_a_client_that_was_told_less_than_the_server_has_said_asks_for_the_rest() {
    let mut bench = Bench::open("abc");
    bench.pass(5_000);
    assert_eq!(bench.next(), Sent::Verify { version: 1 });
    bench.log.bob("+1");
    bench.verified(2);
    assert_eq!(bench.expect_reopen().position.unwrap().version, crate::bench::version(1));
    bench.in_step(Settlement::Nothing);
    bench.composed(1);
    assert_eq!(bench.text(), "1abc");
    // An answer that is behind what came meanwhile says nothing.
    bench.pass(5_000);
    assert_eq!(bench.next(), Sent::Verify { version: 2 });
    bench.commit("+2");
    bench.verified(2);
    bench.nothing_sent();
}

#[test]
fn d12_a_second_disagreement_within_a_minute_ends_it_and_pending_work_stays() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.log.bob("+1");
    bench.wrong_composed(1);
    bench.expect_reopen();
    bench.opened(Settlement::NotAccepted, Outcome::Snapshot);
    bench.pass(59_000);
    bench.wrong_snapshot();
    assert!(is_closed(&bench, Code::Diverged));
    assert_eq!(bench.status().state, StatusState::Closed);
    // The room is told that nobody listens any more, and that is all.
    assert_eq!(bench.take_sent(), [Sent::Close { channel: bench.channel }]);
    assert_eq!((bench.engine().pending().count(), bench.status().pending), (1, 1));
    let before = bench.text();
    bench.log.bob("+2");
    bench.snapshot();
    bench.commit("+3");
    bench.composed(1);
    assert_eq!((bench.text(), bench.status().state), (before, StatusState::Closed));
    bench.pass(300_000);
    bench.nothing_sent();
}

#[test]
fn a_disagreement_after_more_than_a_minute_is_mended_again() {
    let mut bench = Bench::open("abc");
    for round in 1..=3 {
        let after = bench.log.position.version.get();
        bench.log.bob("+1");
        bench.wrong_composed(after);
        assert_eq!(told(&bench), round);
        assert!(bench.expect_reopen().whole);
        bench.opened(Settlement::Nothing, Outcome::Snapshot);
        bench.snapshot();
        assert_eq!(bench.text(), bench.log.string());
        bench.pass(60_001);
        bench.take_sent();
    }
}
