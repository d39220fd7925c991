//! Tokens: asked for in time, refreshed on the connection that holds, and where they come from.

use cowrite_client::{LinkState, Loss};
use cowrite_protocol::frame::{Code, Outcome, Settlement};

use crate::bench::{Bench, Sent};

const MANY: (u32, u32) = (100, 200);

/// In step, under a token that is good for so long.
pub(crate) fn good_for(token_ms: u32) -> Bench {
    let mut bench = Bench::open("abc");
    bench.terms(MANY, MANY, Some(token_ms));
    bench
}

/// How long it takes until the host is asked for a token, in milliseconds.
fn asked_after(bench: &mut Bench) -> u64 {
    let (start, tokens) = (bench.now, bench.tokens);
    while bench.tokens == tokens {
        assert!(bench.now - start < 100_000_000, "never asked");
        bench.pass(10);
    }
    bench.now - start
}

pub(crate) fn give(bench: &mut Bench, token: &str) {
    bench.session.provide_token(token, bench.now);
    bench.drain();
}

fn fail(bench: &mut Bench) {
    bench.session.handle_token_failure(bench.now);
    bench.drain();
}

pub(crate) fn renew(bench: &mut Bench) {
    bench.session.refresh_token(bench.now);
    bench.drain();
}

fn wake(bench: &mut Bench) {
    bench.session.handle_wake(bench.now);
    bench.drain();
}

pub(crate) fn link(bench: &Bench) -> LinkState {
    bench.session.link_state(bench.now)
}

#[test]
fn a_fresh_token_is_asked_for_before_the_old_one_ends_and_the_connection_goes_on() {
    for (span, earliest, latest) in [(3_600_000, 3_510_000, 3_540_000), (30_000, 21_000, 24_010), (5_000, 3_500, 4_010)]
    {
        let mut bench = good_for(span);
        for turn in ["second", "third"] {
            let waited = asked_after(&mut bench);
            assert!((earliest..=latest).contains(&waited), "asked after {waited} of {span} ms");
            give(&mut bench, turn);
            assert_eq!(bench.take_sent().last(), Some(&Sent::Token { token: turn.into() }));
            bench.terms(MANY, MANY, Some(span));
        }
        bench.edit("3 +X");
        bench.expect_submit();
        assert_eq!((bench.connects, bench.disconnects), (1, 0));
    }
}

#[test]
fn a_token_is_counted_from_when_it_was_sent_however_late_the_answer_is_heard() {
    let asked = 21_000..=24_010;
    let mut bench = Bench::idle();
    give(&mut bench, "first");
    bench.hello("first");
    bench.pass(8_000);
    bench.welcome("ann");
    bench.terms(MANY, MANY, Some(30_000));
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    let waited = asked_after(&mut bench);
    assert!(asked.contains(&(8_000 + waited)), "asked {waited} ms after the answer to Hello");
    give(&mut bench, "second");
    bench.pass(15_000);
    bench.terms(MANY, MANY, Some(30_000));
    let waited = asked_after(&mut bench);
    assert!(asked.contains(&(15_000 + waited)), "asked {waited} ms after the answer to Token");
    // What is over when it is heard of is not asked for in a storm.
    give(&mut bench, "third");
    bench.pass(20_000);
    bench.terms(MANY, MANY, Some(5_000));
    let waited = asked_after(&mut bench);
    assert!((1_000..=1_010).contains(&waited), "asked {waited} ms after an answer that came too late");
    assert_eq!((bench.connects, bench.disconnects), (1, 0));
}

#[test]
fn a_token_of_which_nothing_is_heard_is_taken_to_live_as_long_as_the_one_before() {
    let mut bench = good_for(30_000);
    for turn in ["second", "third", "fourth"] {
        let waited = asked_after(&mut bench);
        assert!((21_000..=24_010).contains(&waited), "asked {waited} ms after the token before {turn}");
        give(&mut bench, turn);
        assert_eq!(bench.take_sent().last(), Some(&Sent::Token { token: turn.into() }));
    }
    assert_eq!((bench.connects, bench.disconnects), (1, 0));
    // Said at last that it does not end: no other is asked for.
    bench.terms(MANY, MANY, None);
    let tokens = bench.tokens;
    bench.pass(100_000);
    assert_eq!(bench.tokens, tokens);
}

#[test]
fn not_all_clients_ask_at_one_moment() {
    let mut bench = good_for(300_000);
    let waits: Vec<u64> = (0..20)
        .map(|turn| {
            let waited = asked_after(&mut bench);
            give(&mut bench, &format!("token {turn}"));
            bench.terms(MANY, MANY, Some(300_000));
            waited
        })
        .collect();
    assert!(waits.iter().max().unwrap() - waits.iter().min().unwrap() > 10_000, "{waits:?}");
}

#[test]
fn a_token_that_is_hardly_good_at_all_makes_nobody_spin() {
    for span in [0, 1, 500, 1_000] {
        let mut bench = good_for(span);
        let (tokens, woken) = (bench.tokens, bench.woken);
        for turn in 0..20 {
            asked_after(&mut bench);
            give(&mut bench, &format!("token {turn}"));
            bench.terms(MANY, MANY, Some(span));
        }
        bench.pass(900);
        assert_eq!(bench.tokens - tokens, 20);
        assert!(bench.woken - woken < 100, "woken {} times", bench.woken - woken);
    }
}

#[test]
fn a_server_that_says_nothing_of_tokens_is_never_given_another() {
    for said in [false, true] {
        let mut bench = Bench::open("abc");
        if said {
            bench.terms(MANY, MANY, None);
        }
        let tokens = bench.tokens;
        bench.pass(100_000_000);
        assert_eq!((bench.tokens, bench.disconnects), (tokens, 0));
    }
}

#[test]
fn a_host_that_has_no_token_is_asked_again_ever_later_while_the_old_one_is_good() {
    let mut bench = good_for(3_600_000);
    asked_after(&mut bench);
    let mut asks = 0;
    let end = bench.now + 58_000;
    while bench.now < end {
        fail(&mut bench);
        let waited = asked_after(&mut bench);
        assert!((1_000..=32_000).contains(&waited), "{waited}");
        asks += 1;
    }
    assert!((4..58).contains(&asks), "{asks}");
    assert_eq!((bench.disconnects, link(&bench)), (0, LinkState::Online));
    give(&mut bench, "late");
    assert!(bench.take_sent().contains(&Sent::Token { token: "late".into() }));
}

#[test]
fn a_host_that_hangs_is_asked_again_and_its_late_answer_counts() {
    let mut bench = good_for(30_000);
    asked_after(&mut bench);
    let again = asked_after(&mut bench);
    assert!((1_000..6_000).contains(&again), "{again}");
    give(&mut bench, "late");
    assert_eq!(bench.take_sent().last(), Some(&Sent::Token { token: "late".into() }));
    // The second answer to the same question.
    give(&mut bench, "later");
    bench.nothing_sent();
}

#[test]
fn a_host_that_hangs_is_asked_again_after_a_third_of_what_is_left() {
    for (span, least, most) in [(30_000, 1_990, 4_010), (3_600_000, 10_000, 11_010)] {
        let mut bench = good_for(span);
        asked_after(&mut bench);
        let again = asked_after(&mut bench);
        assert!((least..=most).contains(&again), "{again} ms, of a token for {span} ms");
    }
}

#[test]
fn a_host_that_fails_is_not_left_alone_for_longer_than_half_of_what_is_left() {
    for span in [3_600_000, 30_000, 5_000] {
        let mut bench = good_for(span);
        let end = bench.now + u64::from(span);
        asked_after(&mut bench);
        let mut waits = Vec::new();
        for _ in 0..20 {
            fail(&mut bench);
            let left = end - bench.now;
            let waited = asked_after(&mut bench);
            let most = (left / 2).max(1_000) + 10;
            assert!((1_000..=most).contains(&waited), "{waited} of {left} ms");
            waits.push(waited);
        }
        assert!(waits.iter().any(|waited| *waited > 1_010) || span == 5_000, "{waits:?}");
    }
}

#[test]
fn a_timer_that_comes_a_little_late_holds_nothing_back() {
    // What the session asks for first is its ping, at 15 s: so the token is due in time.
    let due = {
        let mut bench = good_for(20_000);
        asked_after(&mut bench)
    };
    for (late, held) in [(0, false), (900, false), (1_100, true)] {
        let mut bench = good_for(20_000);
        bench.pass(due - 100);
        bench.take_sent();
        let tokens = bench.tokens;
        bench.now = bench.now + 100 + late;
        bench.edit("3 +X");
        assert_eq!(bench.tokens, tokens + 1, "{late} ms late");
        assert_eq!(bench.take_sent().is_empty(), held, "{late} ms late");
    }
}

#[test]
fn a_wake_before_the_token_is_due_asks_nobody_and_holds_nothing_back() {
    let mut bench = good_for(30_000);
    bench.pass(20_000);
    bench.take_sent();
    let tokens = bench.tokens;
    wake(&mut bench);
    bench.edit("3 +X");
    assert!(bench.take_sent().iter().any(|sent| matches!(sent, Sent::Submit(_))));
    assert_eq!(bench.tokens, tokens);
}

#[test]
fn a_token_that_is_refused_soon_after_it_was_taken_is_replaced_after_a_pause() {
    // From ten seconds on the connection has held.
    for (held, retry_after_ms, at_once) in [(9_990, 0, false), (10_000, 0, true), (10_000, 1, false)] {
        let mut bench = good_for(3_600_000);
        bench.pass(held);
        let tokens = bench.tokens;
        bench.end(Code::TokenExpired, retry_after_ms);
        assert_eq!(bench.tokens - tokens, usize::from(at_once), "after {held} ms, retry after {retry_after_ms}");
        bench.pass(2_000);
        assert_eq!(bench.tokens - tokens, 1, "after {held} ms, retry after {retry_after_ms}");
    }
}

#[test]
fn the_same_token_again_is_no_fresh_one() {
    let mut bench = good_for(30_000);
    asked_after(&mut bench);
    bench.take_sent();
    give(&mut bench, "token");
    bench.nothing_sent();
    asked_after(&mut bench);
    give(&mut bench, "other");
    assert_eq!(bench.take_sent().last(), Some(&Sent::Token { token: "other".into() }));
}

#[test]
fn after_a_sleep_the_token_goes_before_all_else() {
    let mut bench = good_for(30_000);
    bench.take_sent();
    bench.now = bench.now + 26_000;
    let tokens = bench.tokens;
    wake(&mut bench);
    bench.edit("3 +X");
    bench.set_caret(1);
    assert_eq!((bench.tokens, bench.take_sent()), (tokens + 1, vec![]));
    give(&mut bench, "fresh");
    assert_eq!(bench.next(), Sent::Token { token: "fresh".into() });
    bench.expect_submit();
}

#[test]
fn a_timer_that_comes_much_too_late_is_a_wake_as_well() {
    let mut bench = good_for(20_000);
    bench.take_sent();
    bench.now = bench.now + 18_000;
    bench.edit("3 +X");
    assert_eq!(bench.take_sent(), []);
    give(&mut bench, "fresh");
    assert_eq!(bench.next(), Sent::Token { token: "fresh".into() });
    bench.expect_submit();
}

#[test]
fn work_does_not_wait_long_for_a_host_that_has_no_token() {
    for hangs in [false, true] {
        let mut bench = good_for(30_000);
        bench.now = bench.now + 26_000;
        wake(&mut bench);
        bench.take_sent();
        bench.edit("3 +X");
        bench.nothing_sent();
        if hangs {
            bench.pass(5_000);
        } else {
            fail(&mut bench);
        }
        assert!(bench.take_sent().iter().any(|sent| matches!(sent, Sent::Submit(_))));
    }
}

#[test]
fn a_fixed_token_is_not_asked_for_again_and_its_end_is_told() {
    let mut bench = Bench::idle();
    bench.session.provide_fixed_token("token", bench.now);
    bench.hello("token");
    bench.welcome("ann");
    bench.terms(MANY, MANY, Some(30_000));
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    let tokens = bench.tokens;
    bench.pass(30_000);
    bench.end(Code::TokenExpired, 0);
    bench.pass(1_000_000);
    assert_eq!((bench.tokens, link(&bench)), (tokens, LinkState::Stopped(Code::TokenExpired)));
}

#[test]
fn a_fixed_token_that_follows_is_the_last_that_is_asked_for() {
    for token in ["fixed", "token"] {
        let mut bench = good_for(30_000);
        asked_after(&mut bench);
        bench.take_sent();
        let tokens = bench.tokens;
        bench.session.provide_fixed_token(token, bench.now);
        bench.drain();
        // The server has the one in use already.
        let sent = if token == "fixed" { vec![Sent::Token { token: token.into() }] } else { vec![] };
        assert_eq!(bench.take_sent(), sent);
        bench.pass(60_000);
        if token == "fixed" {
            bench.terms(MANY, MANY, Some(30_000));
        }
        bench.pass(60_000);
        assert_eq!((bench.tokens, bench.disconnects), (tokens, 0), "{token}");
    }
}

#[test]
fn a_host_that_fails_without_being_asked_changes_nothing() {
    let mut bench = good_for(30_000);
    bench.pass(5_000);
    fail(&mut bench);
    let waited = asked_after(&mut bench);
    assert!((16_000..=19_010).contains(&waited), "asked after {waited} ms");
}

#[test]
fn a_new_source_of_tokens_is_asked_at_once_whatever_the_link_does() {
    // Online: the connection goes on.
    let mut bench = Bench::open("abc");
    renew(&mut bench);
    give(&mut bench, "new");
    assert_eq!((bench.next(), bench.disconnects), (Sent::Token { token: "new".into() }, 0));
    // Waiting: at once.
    let mut bench = Bench::open("abc");
    bench.end(Code::TooManyConnections, 60_000);
    let tokens = bench.tokens;
    renew(&mut bench);
    assert_eq!(bench.tokens, tokens + 1);
    bench.greet_as("new", "ann");
    // Greeting with the old one: not with that one.
    let mut bench = Bench::idle();
    give(&mut bench, "old");
    renew(&mut bench);
    assert_eq!(bench.disconnects, 1);
    bench.greet_as("new", "ann");
    assert_eq!(link(&bench), LinkState::Online);
}

#[test]
fn a_host_that_never_answers_is_given_up_and_asked_again() {
    let mut bench = Bench::idle();
    bench.pass(29_999);
    assert_eq!((bench.tokens, link(&bench)), (1, LinkState::Connecting));
    bench.pass(1);
    assert!(matches!(link(&bench), LinkState::Offline { loss: Some(Loss::NoToken), .. }));
    // What comes too late is for the next attempt, which asks for no other.
    give(&mut bench, "slow");
    while bench.connects == 0 {
        bench.pass(10);
    }
    assert_eq!(bench.tokens, 1);
    bench.hello("slow");
    // The attempt after that asks again.
    bench.cut();
    asked_after(&mut bench);
    fail(&mut bench);
    assert!(matches!(link(&bench), LinkState::Offline { loss: Some(Loss::NoToken), .. }));
}
