//! The clocks: when a link is dead, and when an answer is overdue.

use cowrite_client::LinkState;
use cowrite_client::engine::StatusState;
use cowrite_protocol::Channel;
use cowrite_protocol::frame::{ServerFrame, Settlement};

use crate::bench::{Bench, Sent};

/// How long it takes until the session gives the link up, in milliseconds.
fn patience(bench: &mut Bench) -> u64 {
    let (start, disconnects) = (bench.now, bench.disconnects);
    while bench.disconnects == disconnects && bench.now - start < 200_000 {
        bench.pass(1);
    }
    bench.now - start
}

/// How long it takes until the session asks for a connection, in milliseconds.
pub(crate) fn wait(bench: &mut Bench) -> u64 {
    let (start, tokens) = (bench.now, bench.tokens);
    while bench.tokens == tokens && bench.now - start < 200_000 {
        bench.pass(1);
    }
    bench.now - start
}

fn stall(bench: &mut Bench, stalled: bool) {
    bench.server(&ServerFrame::Stalled { channel: Channel(bench.channel), stalled });
}

#[test]
fn a_socket_that_does_not_open_or_greet_is_given_up() {
    let mut bench = Bench::idle();
    bench.session.provide_token("token", bench.now);
    bench.drain();
    assert_eq!((patience(&mut bench), bench.connects), (10_000, 1));
    wait(&mut bench);
    bench.session.provide_token("token", bench.now);
    bench.session.handle_connected(bench.now);
    bench.drain();
    assert_eq!((patience(&mut bench), bench.connects), (20_000, 2));
}

#[test]
fn a_document_that_is_not_opened_puts_the_link_in_question() {
    let mut bench = Bench::idle();
    bench.greet();
    bench.expect_open();
    assert_eq!(patience(&mut bench), 15_000);
}

#[test]
fn a4_a_dead_link_is_noticed_within_ten_seconds_with_work_pending_after_a_ping() {
    let mut bench = Bench::open("abc");
    bench.answers_pings = false;
    bench.edit("3 +X");
    bench.expect_submit();
    bench.pass(3_999);
    bench.nothing_sent();
    bench.pass(1);
    assert_eq!(bench.next(), Sent::Ping);
    assert_eq!(patience(&mut bench), 6_000);
    bench.nothing_sent();
}

#[test]
fn a4_a_dead_link_is_noticed_after_twenty_five_idle_seconds_after_a_ping() {
    let mut bench = Bench::open("abc");
    bench.answers_pings = false;
    bench.pass(14_999);
    bench.take_sent();
    bench.pass(1);
    assert_eq!(bench.take_sent(), [Sent::Ping]);
    assert_eq!(patience(&mut bench), 10_000);
}

#[test]
fn a_quiet_link_is_not_dead_because_somebody_begins_to_type() {
    for idle in [3_000, 9_999, 12_000, 14_999, 24_000] {
        let mut bench = Bench::open("abc");
        bench.pass(idle);
        let disconnects = bench.disconnects;
        bench.edit("3 +X");
        bench.pass(50);
        assert_eq!(bench.disconnects, disconnects, "after {idle} ms");
        let sent = bench.take_sent();
        let submit = sent.iter().find_map(|sent| if let Sent::Submit(submit) = sent { Some(submit) } else { None });
        bench.ack(submit.expect("the edit is sent"));
        assert_eq!(bench.status().pending, 0);
    }
}

#[test]
fn a_link_that_died_while_idle_is_noticed_within_ten_seconds_of_the_first_edit() {
    for idle in [0, 5_000, 12_000, 24_000] {
        let mut bench = Bench::open("abc");
        bench.answers_pings = false;
        bench.pass(idle);
        bench.edit("3 +X");
        assert!(patience(&mut bench) <= 10_000, "after {idle} ms");
    }
}

#[test]
fn a_link_that_answers_is_kept() {
    let mut bench = Bench::open("abc");
    bench.pass(3_600_000);
    assert_eq!((bench.disconnects, bench.links.last()), (0, Some(&LinkState::Online)));
}

#[test]
fn a_link_is_looked_at_two_seconds_after_a_wake() {
    let mut bench = Bench::open("abc");
    bench.answers_pings = false;
    bench.session.handle_wake(bench.now);
    bench.drain();
    assert_eq!(bench.next(), Sent::Ping);
    assert_eq!(patience(&mut bench), 2_000);

    let mut bench = Bench::open("abc");
    bench.session.handle_wake(bench.now);
    bench.drain();
    bench.pass(10_000);
    assert_eq!(bench.disconnects, 0);
}

#[test]
fn several_wakes_at_once_do_not_put_the_look_off() {
    let mut bench = Bench::open("abc");
    bench.answers_pings = false;
    for _ in 0..10 {
        bench.session.handle_wake(bench.now);
        bench.drain();
        bench.pass(300);
    }
    assert_eq!(bench.disconnects, 1);
}

#[test]
fn bytes_that_leave_the_socket_one_by_one_are_a_sign_of_life() {
    let mut bench = Bench::open("abc");
    bench.answers_pings = false;
    bench.edit("3 +X");
    bench.expect_submit();
    bench.buffered = 100_000;
    for _ in 0..120 {
        bench.buffered -= 10;
        bench.pass(1_000);
    }
    assert_eq!(bench.disconnects, 0);
    assert!(patience(&mut bench) <= 10_000 + 10_000);
}

#[test]
fn every_silence_before_the_document_is_in_step_doubles_the_patience() {
    let mut bench = Bench::open("abc");
    bench.answers_pings = false;
    bench.edit("3 +X");
    let mut seen = vec![patience(&mut bench)];
    for _ in 0..5 {
        bench.come_back();
        // A slow link: what was sent does not leave.
        bench.buffered = 1_000;
        seen.push(patience(&mut bench));
    }
    assert_eq!(seen, [10_000, 20_000, 40_000, 80_000, 120_000, 120_000]);
    bench.buffered = 0;
    bench.answers_pings = true;
    bench.come_back();
    bench.in_step(Settlement::NotAccepted);
    let submit = bench.expect_submit();
    bench.ack(&submit);
    bench.pass(60_000);
    bench.answers_pings = false;
    bench.take_sent();
    bench.edit("3 +X");
    assert!(patience(&mut bench) <= 10_000);
}

#[test]
fn a5_a_missing_ack_opens_the_channel_anew_and_every_failure_doubles() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let mut waits = Vec::new();
    for _ in 0..6 {
        let submit = bench.expect_submit();
        assert_eq!(submit.seq, 1);
        let start = bench.now;
        while bench.engine().status().state == StatusState::Online {
            bench.pass(10);
        }
        waits.push(bench.now - start);
        assert_eq!(bench.expect_reopen().in_flight, Some(1));
        bench.in_step(Settlement::NotAccepted);
    }
    assert_eq!(waits, [10_000, 20_000, 40_000, 80_000, 120_000, 120_000]);
    let submit = bench.expect_submit();
    bench.ack(&submit);
    bench.edit("4 +Y");
    bench.expect_submit();
    bench.pass(10_000);
    assert_eq!(bench.expect_reopen().in_flight, Some(2));
    assert_eq!(bench.disconnects, 0);
}

#[test]
fn a_log_that_stalls_stops_the_clock_of_the_ack_and_is_shown() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.pass(5_000);
    stall(&mut bench, true);
    assert_eq!(bench.status().state, StatusState::Stalled);
    bench.pass(120_000);
    bench.nothing_sent();
    stall(&mut bench, false);
    assert_eq!(bench.status().state, StatusState::Online);
    bench.pass(9_999);
    bench.nothing_sent();
    bench.pass(1);
    assert_eq!(bench.expect_reopen().in_flight, Some(submit.seq));
}

#[test]
fn bytes_that_wait_in_the_socket_stop_the_clock_of_the_ack() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.buffered = 500;
    for _ in 0..60 {
        bench.pass(1_000);
    }
    bench.nothing_sent();
    bench.buffered = 0;
    let start = bench.now;
    while bench.engine().status().state == StatusState::Online {
        bench.pass(10);
    }
    assert!((0..=10_000).contains(&(bench.now - start)));
    bench.expect_reopen();
}
