//! A store that fails, is emptied, or keeps nothing at all.

use cowrite_client::{Found, LinkState, ProposalKind, Written};
use cowrite_protocol::frame::{Code, Outcome, Settlement};

use crate::bench::{Bench, Device, Log, op};
use crate::keeping::{NEW, kept, killed, version};

#[test]
fn a_store_that_fails_holds_nothing_up_and_is_tried_again() {
    let mut bench = kept();
    bench.edit("3 +X");
    bench.write_one(Written::Failed);
    assert_eq!(bench.status().stored, None);
    let submit = bench.expect_submit();
    bench.ack(&submit);
    bench.edit("4 +Y");
    let submit = bench.expect_submit();
    bench.ack(&submit);
    assert!(bench.stores.is_empty());
    bench.pass(31_000);
    bench.write_one(Written::Stored);
    assert_eq!(bench.status().stored, Some(2));
    assert_eq!(killed(bench).text(), "abcXY");
}

/// How long it takes until something is to be stored, in milliseconds.
fn stored_after(bench: &mut Bench) -> u64 {
    let start = bench.now;
    while bench.stores.is_empty() {
        assert!(bench.now - start < 100_000, "never");
        bench.pass(10);
    }
    bench.now - start
}

#[test]
fn a_store_that_failed_is_left_alone_for_half_a_minute_whatever_happens() {
    let mut bench = kept();
    bench.edit("3 +X");
    for _ in 0..3 {
        bench.write_one(Written::Failed);
        let submit = bench.expect_submit();
        bench.ack(&submit);
        bench.pass(10_000);
        bench.take_sent();
        bench.commit("+1");
        assert_eq!(stored_after(&mut bench), 20_000);
        bench.take_sent();
        bench.edit("+2");
    }
    bench.write_all();
    let submit = bench.expect_submit();
    bench.ack(&submit);
    bench.pass(100);
    bench.write_all();
    bench.commit("+1");
    // What only others have done is not urgent, even for a store that works.
    assert_eq!(stored_after(&mut bench), 2_000);
}

#[test]
fn before_the_end_that_is_written_which_the_store_does_not_hold_for_certain() {
    let now = |bench: &mut Bench| {
        bench.session.store_now(bench.now);
        bench.drain();
        bench.stores.len()
    };
    let mut bench = kept();
    assert_eq!(now(&mut bench), 0, "it is there");
    bench.cut();
    bench.edit("3 +X");
    assert_eq!((now(&mut bench), now(&mut bench)), (1, 1), "once");
    bench.write_all();
    assert_eq!(now(&mut bench), 0);
    bench.edit("4 +Y");
    bench.pass(100);
    bench.write_one(Written::Failed);
    assert_eq!(now(&mut bench), 1, "whatever became of the last");
    // This write is under way to a store that has just failed.
    assert_eq!(now(&mut bench), 2);
}

#[test]
fn work_that_the_store_may_not_hold_stops_the_session_when_another_user_comes() {
    for written in [Written::Failed, Written::Emptied] {
        let mut bench = kept();
        let tokens = bench.tokens;
        bench.cut();
        bench.edit("3 +X");
        bench.pass(200);
        bench.write_one(written);
        while bench.tokens == tokens {
            bench.pass(10);
        }
        bench.greet_as("token", "eve");
        assert_eq!(bench.links.last(), Some(&LinkState::Stopped(Code::ForeignClient)), "{written:?}");
        assert_eq!((bench.text().as_str(), bench.status().pending), ("abcX", 1));
    }
}

#[test]
fn where_nothing_can_be_kept_the_document_works_without() {
    let mut bench = Bench::kept(Device::default(), Log::with_text("abc"));
    bench.session.handle_loaded(bench.handle, Found::Unavailable, bench.now).unwrap();
    bench.drain();
    bench.greet();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.edit("3 +X");
    assert_eq!(bench.expect_submit().operation, op("3 +X"));
    bench.pass(60_000);
    assert_eq!((bench.stores.len(), bench.status().stored), (0, None));
}

#[test]
fn what_a_failing_store_may_still_hold_under_no_id_is_not_sent_before_it_is_gone() {
    let mut bench = kept();
    bench.cut();
    bench.edit("3 +X");
    bench.pass(200);
    bench.write_all();
    let mut bench = killed(bench);
    bench.greet();
    bench.expect_open();
    // Somebody works with a copy of this record: a new id is needed, and X is that one's to send.
    bench.opened(Settlement::Nothing, Outcome::Tail { head: version(2) });
    bench.closed(Code::Superseded);
    bench.edit("3 +Y");
    bench.write_one(Written::Failed);
    bench.pass(1_000);
    bench.take_sent();
    bench.opened_as(Settlement::Nothing, Outcome::Tail { head: version(1) }, |opened| opened.client = NEW);
    bench.nothing_sent();
    stored_after(&mut bench);
    bench.write_one(Written::Failed);
    bench.nothing_sent();
    assert_eq!(stored_after(&mut bench), 1_000, "a submit waits for it");
    bench.write_one(Written::Emptied);
    assert_eq!(bench.expect_submit().operation, op("3 +Y"));
    assert_eq!(bench.engine().proposals()[0].kind, ProposalKind::UnknownOutcome);
}
