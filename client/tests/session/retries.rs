//! Coming back: when, how often, and after which endings never.

use cowrite_client::engine::StatusState;
use cowrite_client::{LinkState, Loss};
use cowrite_protocol::Channel;
use cowrite_protocol::frame::{Code, Outcome, ProtocolVersion, Remedy, Scope, ServerFrame, Settlement};

use crate::bench::{Bench, Log, Sent};
use crate::liveness::wait;

#[test]
fn a13_the_first_retry_comes_within_a_second_and_no_wait_is_longer_than_thirty() {
    let mut bench = Bench::open("abc");
    bench.pass(20_000);
    bench.cut();
    let mut waits = vec![wait(&mut bench)];
    for _ in 0..40 {
        bench.session.provide_token("token", bench.now);
        bench.session.handle_disconnected(bench.now);
        bench.drain();
        waits.push(wait(&mut bench));
    }
    for (attempt, waited) in waits.iter().enumerate() {
        assert!(*waited <= 30_000.min(1_000 << attempt.min(10)), "attempt {attempt}: {waited} ms");
    }
    assert!(waits.iter().any(|waited| *waited > 15_000), "{waits:?}");
}

#[test]
fn a16_the_servers_own_word_of_when_to_come_back_is_kept() {
    let mut bench = Bench::open("abc");
    bench.end(Code::TooManyConnections, 45_000);
    assert_eq!(bench.disconnects, 1);
    let told = bench.links.last().copied();
    let loss = Some(Loss::Code(Code::TooManyConnections));
    assert!(matches!(told, Some(LinkState::Offline { retry_in_ms: 45_000.., loss: why }) if why == loss), "{told:?}");
    assert!((45_000..46_000).contains(&wait(&mut bench)));

    let mut bench = Bench::idle();
    bench.greet();
    bench.expect_open();
    let request = bench.log.request;
    bench.server(&ServerFrame::OpenRefused { request, code: Code::Unavailable, retry_after_ms: 7_000 });
    bench.pass(6_999);
    bench.nothing_sent();
    bench.pass(1_001);
    assert!(matches!(bench.next(), Sent::Open(_)));
}

#[test]
fn a_room_that_closes_is_not_asked_again_by_all_at_one_moment() {
    let mut bench = Bench::open("abc");
    let mut waits = Vec::new();
    for _ in 0..40 {
        // Each time as if it were the first.
        bench.pass(11_000);
        bench.take_sent();
        let (channel, start) = (Channel(bench.channel), bench.now);
        bench.server(&ServerFrame::Closed { channel, code: Code::Unavailable, retry_after_ms: 1_000 });
        while !bench.take_sent().iter().any(|sent| matches!(sent, Sent::Open(_))) {
            assert!(bench.now - start < 10_000, "it never comes back");
            bench.pass(1);
        }
        waits.push(bench.now - start);
        bench.in_step(Settlement::Nothing);
    }
    assert!(waits.iter().all(|waited| (1_000..=2_000).contains(waited)), "{waits:?}");
    let (first, last) = (waits.iter().min().unwrap(), waits.iter().max().unwrap());
    assert!(last - first > 700, "{waits:?}");
}

#[test]
fn a_server_that_goes_away_is_left_within_its_spread() {
    for spread_ms in [0, 1, 5_000] {
        let mut bench = Bench::open("abc");
        bench.server(&ServerFrame::GoAway { spread_ms });
        let waited = wait(&mut bench);
        assert!(waited <= u64::from(spread_ms).max(1), "{waited} of {spread_ms} ms");
        assert_eq!(bench.disconnects, 1);
        bench.edit("3 +X");
        bench.greet();
        assert_eq!(bench.expect_open().in_flight, None);
        bench.in_step(Settlement::Nothing);
        bench.expect_submit();
    }
}

#[test]
fn a_server_that_goes_away_is_not_asked_to_open_more() {
    let mut bench = Bench::open("abc");
    bench.server(&ServerFrame::GoAway { spread_ms: 30_000 });
    bench.session.open("another".parse().unwrap(), "", bench.now).unwrap();
    bench.drain();
    bench.nothing_sent();
    wait(&mut bench);
    bench.take_sent();
    bench.greet();
    let opens = bench.take_sent().into_iter().filter(|sent| matches!(sent, Sent::Open(_))).count();
    assert_eq!(opens, 2);
}

#[test]
fn a16_a_code_that_says_stop_is_the_end() {
    for code in [Code::Unauthorized, Code::Malformed, Code::VersionNotSpoken, Code::TooLarge] {
        let mut bench = Bench::open("abc");
        bench.edit("3 +X");
        bench.take_sent();
        bench.end(code, 0);
        let tokens = bench.tokens;
        bench.session.handle_wake(bench.now);
        bench.session.handle_disconnected(bench.now);
        bench.session.connect(bench.now);
        bench.drain();
        bench.pass(3_600_000);
        assert_eq!((bench.tokens, bench.session.link_state(bench.now)), (tokens, LinkState::Stopped(code)));
        assert_eq!((bench.status().state, bench.engine().pending().count()), (StatusState::Closed, 1));
        bench.nothing_sent();
    }
}

#[test]
fn nothing_behind_the_end_of_a_connection_is_read() {
    let mut bench = Bench::open("abc");
    let speaks = (ProtocolVersion::OLDEST, ProtocolVersion::NEWEST);
    let mut message = Vec::new();
    for code in [Code::Unauthorized, Code::Internal] {
        let error = ServerFrame::Error { code, retry_after_ms: 0, speaks };
        cowrite_protocol::codec::encode_server(&error, &mut message);
    }
    message.extend(bench.log.clone().commit(Channel(bench.channel), &crate::bench::op("+no")));
    bench.bytes(&message);
    assert_eq!(bench.session.link_state(bench.now), LinkState::Stopped(Code::Unauthorized));
    assert_eq!((bench.text().as_str(), bench.disconnects), ("abc", 1));
}

#[test]
fn a16_a_token_that_expired_is_asked_for_anew() {
    let mut bench = Bench::open("abc");
    let tokens = bench.tokens;
    bench.end(Code::TokenExpired, 0);
    assert!(wait(&mut bench) <= 1_000);
    assert_eq!(bench.tokens, tokens + 1);
    bench.session.handle_token_failure(bench.now);
    bench.drain();
    assert!(wait(&mut bench) <= 2_000);
}

#[test]
fn a_wake_while_waiting_connects_at_once() {
    let mut bench = Bench::open("abc");
    bench.end(Code::TooManyConnections, 600_000);
    let tokens = bench.tokens;
    bench.session.handle_wake(bench.now);
    bench.drain();
    assert_eq!(bench.tokens, tokens + 1);
}

#[test]
fn who_is_woken_early_for_something_else_does_nothing_yet() {
    let wake = |bench: &mut Bench| {
        bench.session.handle_timeout(bench.now, 0);
        bench.drain();
        bench.session.link_state(bench.now)
    };
    // The host has been asked for a token; then it opens a socket.
    let mut bench = Bench::idle();
    let asked = (bench.tokens, bench.connects, bench.disconnects);
    bench.pass(1_000);
    assert_eq!(wake(&mut bench), LinkState::Connecting);
    bench.session.provide_token("token", bench.now);
    bench.drain();
    bench.pass(1_000);
    assert_eq!(wake(&mut bench), LinkState::Connecting);
    assert_eq!((bench.tokens, bench.connects, bench.disconnects), (asked.0, asked.1 + 1, asked.2));
    // It waits to connect again.
    let mut bench = Bench::open("abc");
    bench.end(Code::TooManyConnections, 600_000);
    let tokens = bench.tokens;
    bench.pass(1_000);
    assert!(matches!(wake(&mut bench), LinkState::Offline { .. }));
    assert_eq!(bench.tokens, tokens);
}

#[test]
fn g4_a_link_that_ended_while_the_device_slept_is_replaced_at_once() {
    /// How long after the loss a connection is asked for.
    fn lost(after_ms: u64, end: impl Fn(&mut Bench)) -> u64 {
        let mut bench = Bench::open("abc");
        let tokens = bench.tokens;
        bench.session.handle_wake(bench.now);
        bench.drain();
        bench.now = bench.now + after_ms;
        end(&mut bench);
        bench.drain();
        if bench.tokens > tokens { 0 } else { wait(&mut bench) }
    }
    let closed = |bench: &mut Bench| bench.session.handle_disconnected(bench.now);
    assert_eq!(lost(5, closed), 0);
    let told = |bench: &mut Bench| {
        closed(bench);
        bench.drain();
        assert!(matches!(bench.links[..], [.., LinkState::Offline { .. }, LinkState::Connecting]), "{:?}", bench.links);
    };
    assert_eq!(lost(5, told), 0);
    assert_eq!(lost(5, |bench| bench.end(Code::TokenExpired, 0)), 0);
    // What ends later has nothing to do with the wake-up, and the server's own word comes first.
    assert!(lost(2_001, closed) > 0);
    assert!(lost(5, |bench| bench.end(Code::TooManyConnections, 5_000)) >= 5_000);
    // Once for a wake-up: a server that takes nobody is not asked in a loop.
    let again = |bench: &mut Bench| {
        bench.session.handle_disconnected(bench.now);
        bench.drain();
        bench.session.provide_token("token", bench.now);
        bench.drain();
        bench.session.handle_disconnected(bench.now);
        bench.tokens = 0;
    };
    assert!(lost(5, again) > 0);
}

#[test]
fn what_was_not_handed_over_before_a_cut_goes_over_no_other_socket() {
    let mut bench = Bench::open("abc");
    bench.session.edit(bench.handle, &crate::bench::op("3 +X"), bench.now).unwrap().unwrap();
    bench.session.handle_disconnected(bench.now);
    bench.drain();
    bench.nothing_sent();
    assert_eq!(bench.come_back().in_flight, Some(1));
    bench.in_step(Settlement::NotAccepted);
    assert_eq!(bench.expect_submit().seq, 1);
}

#[test]
fn what_cannot_be_read_ends_the_connection_which_comes_back() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.bytes(&[63, 1, 2, 3]);
    assert_eq!(bench.disconnects, 1);
    assert_eq!(bench.come_back().in_flight, Some(submit.seq));
    bench.in_step(Settlement::NotAccepted);
    bench.expect_submit();
}

#[test]
fn a_room_that_ends_the_channel_again_and_again_is_not_asked_in_a_storm() {
    let mut bench = Bench::idle();
    bench.log = Log::with_text("abc");
    bench.greet();
    let mut opens = 0;
    let start = bench.now;
    while bench.now - start < 60_000 {
        if matches!(bench.take_sent().last(), Some(Sent::Open(_))) {
            opens += 1;
            bench.opened(Settlement::Nothing, Outcome::Snapshot);
            bench.snapshot();
            bench.closed(Code::Unavailable);
        }
        bench.pass(10);
    }
    assert!((3..60).contains(&opens), "{opens} in a minute");
}

#[test]
fn a13_a_link_that_flaps_for_a_minute_is_not_tried_in_a_storm_and_comes_back_when_it_is_calm() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    let (began, mut waits) = (bench.now, Vec::new());
    while bench.now - began < 60_000 {
        bench.cut();
        waits.push(wait(&mut bench));
        bench.take_sent();
        bench.greet();
        bench.expect_open();
        bench.pass(200);
    }
    println!("{waits:?}");
    assert!(waits[0] <= 1_000, "the first retry is quick: {waits:?}");
    assert!((3..20).contains(&waits.len()), "{} connections in a minute", waits.len());
    let (early, late) = waits.split_at(waits.len() / 2);
    assert!(late.iter().max() > early.iter().max(), "the waits grow: {waits:?}");
    bench.cut();
    assert_eq!(bench.come_back().in_flight, Some(1));
    bench.in_step(Settlement::NotAccepted);
    let submit = bench.expect_submit();
    bench.ack(&submit);
    assert_eq!((bench.text().as_str(), bench.status().pending), ("abcX", 0));
}

/// A server that ends every connection with one code, for ten minutes.
#[test]
fn a16_every_code_that_ends_a_connection_does_what_its_table_says_and_none_is_a_loop() {
    use Code::*;
    let stops = [Malformed, TooLarge, HelloExpected, VersionNotSpoken, Unauthorized];
    let retries = [TokenExpired, TokenRevoked, TooManyConnections, Silent, Stuck, GoingAway, Internal];
    for code in stops.into_iter().chain(retries) {
        assert_eq!((code.scope(), code.remedy() == Remedy::Stop), (Scope::Connection, stops.contains(&code)));
        let mut bench = Bench::open("abc");
        bench.edit("3 +X");
        bench.take_sent();
        let (began, tokens, mut connections) = (bench.now, bench.tokens, 0);
        bench.end(code, 0);
        while bench.now - began < 600_000 && wait(&mut bench) < 200_000 {
            connections += 1;
            bench.greet();
            bench.take_sent();
            bench.end(code, 0);
        }
        assert_eq!(bench.tokens - tokens, connections, "a token for each: {code:?}");
        match code.remedy() {
            Remedy::Stop => assert_eq!(connections, 0, "{code:?}"),
            _ => assert!((10..150).contains(&connections), "{code:?}: {connections}"),
        }
        assert_eq!(bench.text(), "abcX", "what is pending stays");
    }
}
