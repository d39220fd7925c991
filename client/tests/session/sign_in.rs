//! Tokens that are refused, and who signs in after that.

use cowrite_client::engine::StatusState;
use cowrite_client::{EditError, LinkState};
use cowrite_protocol::frame::{Code, Settlement};

use crate::bench::Bench;
use crate::credentials::{give, good_for, link, renew};

#[test]
fn a_refused_token_is_replaced_at_once_and_only_once() {
    for code in [Code::TokenExpired, Code::TokenRevoked] {
        let mut bench = good_for(3_600_000);
        bench.edit("3 +X");
        bench.pass(20_000);
        bench.take_sent();
        let tokens = bench.tokens;
        bench.end(code, 0);
        assert_eq!((bench.tokens, link(&bench)), (tokens + 1, LinkState::Connecting));
        give(&mut bench, "fresh");
        bench.hello("fresh");
        bench.end(code, 0);
        bench.pass(1_000_000);
        assert_eq!((bench.tokens, link(&bench)), (tokens + 1, LinkState::Stopped(code)));
        assert_eq!(bench.links.last(), Some(&LinkState::Stopped(code)));
        assert_eq!((bench.status().state, bench.status().pending), (StatusState::Closed, 1));
        assert_eq!(bench.engine().pending().count(), 1);
    }
}

#[test]
fn a_token_that_is_taken_makes_the_next_refusal_a_first_one() {
    let mut bench = good_for(3_600_000);
    for turn in 0..5 {
        bench.pass(20_000);
        bench.take_sent();
        bench.end(Code::TokenExpired, 0);
        bench.greet_as(&format!("token {turn}"), "ann");
        bench.expect_open();
        bench.in_step(Settlement::Nothing);
    }
    assert_eq!(link(&bench), LinkState::Online);
}

#[test]
fn a_server_that_takes_tokens_and_ends_them_at_once_is_not_asked_in_a_storm() {
    let mut bench = good_for(3_600_000);
    let (start, connects) = (bench.now, bench.connects);
    while bench.now - start < 60_000 {
        bench.end(Code::TokenExpired, 0);
        bench.come_back();
    }
    let made = bench.connects - connects;
    assert!((3..60).contains(&made), "{made} in a minute");
}

#[test]
fn who_signs_in_again_goes_on_with_what_was_pending() {
    for code in [Code::Unauthorized, Code::TokenExpired] {
        let mut bench = good_for(3_600_000);
        bench.pass(20_000);
        bench.edit("3 +X");
        bench.edit("4 +Y");
        bench.take_sent();
        bench.end(code, 0);
        if code == Code::TokenExpired {
            give(&mut bench, "fresh");
            bench.hello("fresh");
            bench.end(code, 0);
        }
        assert_eq!(link(&bench), LinkState::Stopped(code));
        let other = bench.session.open("other".parse().unwrap(), "", bench.now).unwrap();
        assert_eq!(bench.session.engine(other).unwrap().editable(), Err(EditError::Closed(code)));
        bench.session.close(other, bench.now);
        let tokens = bench.tokens;
        renew(&mut bench);
        assert_eq!((bench.tokens, link(&bench)), (tokens + 1, LinkState::Connecting));
        assert_eq!(bench.status().state, StatusState::Detached);
        bench.greet_as("good", "ann");
        assert_eq!(bench.expect_open().in_flight, Some(1));
        bench.in_step(Settlement::NotAccepted);
        for _ in 0..2 {
            let submit = bench.expect_submit();
            bench.ack(&submit);
        }
        assert_eq!((bench.log.string().as_str(), bench.status().pending), ("abcXY", 0));
    }
}

#[test]
fn a_document_that_was_closed_for_its_own_reason_stays_so() {
    let mut bench = good_for(3_600_000);
    bench.closed(Code::AccessDenied);
    bench.end(Code::Unauthorized, 0);
    renew(&mut bench);
    bench.greet_as("good", "ann");
    bench.pass(0);
    bench.nothing_sent();
    assert_eq!(bench.status().state, StatusState::Closed);
}

#[test]
fn work_of_one_user_is_never_sent_by_another() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.take_sent();
    bench.end(Code::Unauthorized, 0);
    renew(&mut bench);
    bench.greet_as("bob's", "bob");
    bench.pass(1_000_000);
    bench.nothing_sent();
    assert_eq!(link(&bench), LinkState::Stopped(Code::ForeignClient));
    assert_eq!((bench.status().state, bench.status().pending), (StatusState::Closed, 1));
    assert_eq!(bench.engine().pending().count(), 1);
    renew(&mut bench);
    bench.greet_as("ann's", "ann");
    assert_eq!(bench.expect_open().in_flight, Some(1));
    bench.in_step(Settlement::NotAccepted);
    bench.expect_submit();
}

#[test]
fn another_user_may_go_on_where_nothing_is_pending() {
    let mut bench = Bench::open("abc");
    bench.cut();
    while !matches!(link(&bench), LinkState::Connecting) {
        bench.pass(10);
    }
    bench.greet_as("bob's", "bob");
    bench.expect_open();
    assert_eq!(link(&bench), LinkState::Online);
}
