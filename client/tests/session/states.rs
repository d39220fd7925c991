//! The states of an engine: what is sent, what waits, and in which order answers come.

use cowrite_client::{Event, Origin};
use cowrite_protocol::frame::{Abbreviated, Commit, Outcome, Packed, ServerFrame, Settlement};
use cowrite_protocol::{AuthorNumber, Channel, ClientSeq};

use crate::bench::{Bench, OWN, Sent, op, version};

#[test]
fn an_edit_is_shown_at_once_and_sent_alone() {
    let mut bench = Bench::open("abc");
    assert_eq!(bench.edit("3 +d"), 1);
    assert_eq!(bench.text(), "abcd");
    let submit = bench.expect_submit();
    assert_eq!((submit.seq, submit.base, submit.operation.clone()), (1, 1, op("3 +d")));
    assert_eq!((bench.status().accepted, bench.status().pending), (0, 1));
    bench.ack(&submit);
    assert_eq!((bench.status().accepted, bench.status().pending), (1, 0));
    bench.nothing_sent();
}

#[test]
fn nothing_typed_after_the_send_is_in_the_resend() {
    let mut bench = Bench::open("");
    bench.edit("+a");
    let first = bench.expect_submit();
    bench.edit("1 +b");
    bench.cut();
    bench.edit("2 +c");
    assert_eq!(bench.come_back().in_flight, Some(1));
    bench.in_step(Settlement::NotAccepted);
    let again = bench.expect_submit();
    assert_eq!((again.seq, &again.operation), (first.seq, &op("+a")));
    bench.ack(&again);
    let buffer = bench.expect_submit();
    assert_eq!((buffer.seq, &buffer.operation), (2, &op("1 +bc")));
    bench.ack(&buffer);
    assert_eq!(bench.log.string(), "abc");
    assert_eq!(bench.status().pending, 0);
}

#[test]
fn what_is_typed_behind_the_operation_in_flight_becomes_one_operation() {
    let mut bench = Bench::open("x");
    bench.edit("+a");
    let first = bench.expect_submit();
    for edit in ["1 +b", "2 +c", "3 -1 +y", "+0"] {
        bench.edit(edit);
    }
    bench.nothing_sent();
    bench.ack(&first);
    let second = bench.expect_submit();
    assert_eq!((second.seq, second.base, &second.operation), (2, 2, &op("+0 1 +bcy -1")));
    bench.ack(&second);
    assert_eq!((bench.log.string().as_str(), bench.status().accepted), ("0abcy", 5));
}

#[test]
fn a_buffer_that_comes_to_nothing_is_not_sent_and_counts_as_settled() {
    let mut bench = Bench::open("x");
    bench.edit("+a");
    let first = bench.expect_submit();
    bench.edit("1 +b");
    bench.edit("1 -1");
    assert_eq!(bench.status().pending, 3);
    bench.ack(&first);
    bench.nothing_sent();
    assert_eq!((bench.status().accepted, bench.status().pending), (3, 0));
}

#[test]
fn an_edit_that_does_nothing_is_settled() {
    let mut bench = Bench::open("x");
    assert_eq!(bench.edit(""), 1);
    bench.nothing_sent();
    assert_eq!((bench.status().accepted, bench.status().pending), (1, 0));
}

#[test]
fn a7_foreign_commits_before_the_ack_are_under_the_operation_in_flight() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.edit("4 +Y");
    bench.commit("+1");
    bench.commit("4 +2");
    // At one place the entry of the log stands left.
    assert_eq!(bench.text(), "1abc2XY");
    bench.ack(&submit);
    let buffer = bench.expect_submit();
    assert_eq!((buffer.seq, buffer.base, &buffer.operation), (2, 4, &op("6 +Y")));
    bench.ack(&buffer);
    assert_eq!((bench.text(), bench.log.string()), ("1abc2XY".into(), "1abc2XY".into()));
}

#[test]
fn a7_foreign_commits_after_the_ack_are_over_the_accepted_operation() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.edit("4 +Y");
    bench.ack(&submit);
    let buffer = bench.expect_submit();
    bench.commit("4 +1");
    assert_eq!(bench.text(), "abcX1Y");
    bench.ack(&buffer);
    bench.commit("-6");
    assert_eq!((bench.text(), bench.log.string()), (String::new(), String::new()));
}

#[test]
fn all_answers_in_one_message_are_taken_one_after_another() {
    let mut bench = Bench::open("abc");
    bench.edit("+X");
    let submit = bench.expect_submit();
    bench.edit("1 +Y");
    let channel = Channel(bench.channel);
    let message =
        [bench.log.commit(channel, &op("+1")), bench.log.ack(channel, &submit), bench.log.commit(channel, &op("+2"))];
    bench.bytes(&message.concat());
    assert_eq!(bench.text(), "21XYabc");
    let buffer = bench.expect_submit();
    // It is made when all was read, on what is newest.
    assert_eq!((buffer.base, &buffer.operation), (4, &op("3 +Y")));
    bench.ack(&buffer);
    assert_eq!((bench.text(), bench.log.string()), ("21XYabc".into(), "21XYabc".into()));
}

#[test]
fn a6_a_version_gap_opens_the_channel_anew_and_changes_nothing() {
    let mut bench = Bench::open("abc");
    bench.edit("+X");
    let submit = bench.expect_submit();
    bench.log.bob("+missed");
    bench.commit("+1");
    assert_eq!(bench.text(), "Xabc");
    let opening = bench.expect_reopen();
    assert_eq!((opening.in_flight, opening.whole), (Some(submit.seq), false));
    assert_eq!(opening.position.unwrap().version, version(1));
    bench.in_step(Settlement::NotAccepted);
    bench.composed(1);
    let again = bench.expect_submit();
    assert_eq!((again.seq, again.base), (1, 3));
    bench.ack(&again);
    assert_eq!(bench.text(), bench.log.string());
}

#[test]
fn a_commit_by_nobody_known_opens_the_channel_anew() {
    let mut bench = Bench::open("abc");
    let packed = [5, b'a'];
    bench.server(&ServerFrame::Commit(Commit {
        channel: Channel(bench.channel),
        author: AuthorNumber(9),
        version: 2,
        seq: Abbreviated::of(1, 1),
        operation: Packed(&packed),
    }));
    assert_eq!(bench.text(), "abc");
    assert_eq!(bench.expect_reopen().position.unwrap().version, version(1));
}

#[test]
fn a7_an_ack_of_nothing_opens_the_channel_anew() {
    let mut bench = Bench::open("abc");
    bench.server(&ServerFrame::Ack { channel: Channel(bench.channel), seq: 1, version: 2, hash: 0 });
    assert_eq!(bench.expect_reopen().position.unwrap().version, version(1));
}

#[test]
fn a7_an_ack_of_another_operation_or_version_opens_the_channel_anew_and_settles_nothing() {
    for (seq, at) in [(2, 2), (1, 3)] {
        let mut bench = Bench::open("abc");
        bench.edit("+X");
        bench.expect_submit();
        bench.server(&ServerFrame::Ack { channel: Channel(bench.channel), seq, version: at, hash: 0 });
        let opening = bench.expect_reopen();
        assert_eq!((opening.in_flight, bench.status().accepted), (Some(1), 0), "ack {seq} at {at}");
    }
}

#[test]
fn an_ack_with_another_hash_asks_for_the_document_whole() {
    let mut bench = Bench::open("abc");
    bench.edit("+X");
    let submit = bench.expect_submit();
    bench.log.accept(&submit);
    let hash = !bench.log.position.hash.byte();
    bench.server(&ServerFrame::Ack { channel: Channel(bench.channel), seq: 1, version: 2, hash });
    assert!(bench.events.contains(&Event::Diverged));
    assert!(bench.expect_reopen().whole);
    bench.opened(Settlement::Nothing, Outcome::Mismatch);
    bench.snapshot();
    assert_eq!((bench.text(), bench.status().pending), ("Xabc".into(), 0));
}

#[test]
fn an_operation_that_does_not_fit_asks_for_the_document_whole() {
    let mut bench = Bench::open("abc");
    let frame = {
        let mut other = bench.log.replaced("a much longer text", 1);
        other.commit(Channel(bench.channel), &op("9 +X"))
    };
    bench.bytes(&frame);
    assert_eq!(bench.text(), "abc");
    assert!(bench.expect_reopen().whole);
    bench.log = bench.log.replaced("a much longer text", 2);
    bench.opened(Settlement::Nothing, Outcome::Mismatch);
    bench.snapshot();
    assert_eq!(bench.text(), "a much longer text");
}

#[test]
fn frames_of_other_channels_are_ignored() {
    let mut bench = Bench::open("abc");
    bench.edit("+X");
    let submit = bench.expect_submit();
    let ours = bench.channel;
    for other in [ours + 1, 0, u32::MAX] {
        let mut log = bench.log.clone();
        let channel = Channel(other);
        bench.bytes(&log.clone().commit(channel, &op("+no")));
        bench.bytes(&log.ack(channel, &submit));
        bench.bytes(&log.composed(channel, 1, 0));
        bench.bytes(&log.snapshot(channel, 0));
        let closed = cowrite_protocol::frame::Code::Damaged;
        bench.server(&ServerFrame::Closed { channel, code: closed, retry_after_ms: 0 });
    }
    assert_eq!((bench.text(), bench.status().pending), ("Xabc".into(), 1));
    bench.nothing_sent();
    bench.ack(&submit);
    assert_eq!(bench.status().pending, 0);
}

#[test]
fn frames_between_a_close_and_the_next_opened_are_ignored() {
    let mut bench = Bench::open("abc");
    bench.edit("+X");
    let submit = bench.expect_submit();
    bench.server(&ServerFrame::Ack { channel: Channel(bench.channel), seq: 9, version: 2, hash: 0 });
    bench.expect_reopen();
    let mut stale = bench.log.clone();
    let channel = Channel(bench.channel);
    bench.bytes(&stale.commit(channel, &op("+no")));
    bench.bytes(&stale.ack(channel, &submit));
    assert_eq!((bench.text(), bench.status().pending), ("Xabc".into(), 1));
    bench.log.accept(&submit);
    bench.in_step(Settlement::Accepted(version(2)));
    bench.bytes(&bench.log.last_ack(Channel(bench.channel)));
    assert_eq!((bench.text(), bench.status().pending), ("Xabc".into(), 0));
}

#[test]
fn what_stands_behind_a_wrong_frame_in_one_message_is_ignored() {
    let mut bench = Bench::open("abc");
    let channel = Channel(bench.channel);
    let mut stale = bench.log.clone();
    let mut wrong = Vec::new();
    let ack = ServerFrame::Ack { channel, seq: 9, version: 2, hash: 0 };
    cowrite_protocol::codec::encode_server(&ack, &mut wrong);
    wrong.extend(stale.entry(channel, crate::bench::BOB, &op("+no")));
    bench.bytes(&wrong);
    assert_eq!(bench.text(), "abc");
    assert_eq!(bench.expect_reopen().position.unwrap().version, version(1));
}

#[test]
fn a15_a_composition_voids_what_is_in_flight_which_goes_again_on_its_version() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let void = bench.expect_submit();
    bench.edit("4 +Y");
    bench.log.bob("+12");
    bench.log.bob("5 +3");
    bench.composed(1);
    assert_eq!(bench.text(), "12abc3XY");
    let again = bench.expect_submit();
    assert_eq!((again.seq, again.base, &again.operation), (void.seq, 3, &op("6 +X")));
    bench.ack(&again);
    let buffer = bench.expect_submit();
    assert_eq!((buffer.seq, buffer.base), (2, 4));
    bench.ack(&buffer);
    assert_eq!((bench.log.string(), bench.status().pending), ("12abc3XY".into(), 0));
}

#[test]
fn a_busy_room_is_asked_again_when_it_said_and_under_the_same_number() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.server(&ServerFrame::Busy {
        channel: Channel(bench.channel),
        seq: ClientSeq::new(submit.seq).unwrap(),
        code: cowrite_protocol::frame::Code::RateLimited,
        retry_after_ms: 700,
    });
    bench.edit("4 +Y");
    bench.commit("+1");
    bench.pass(699);
    bench.nothing_sent();
    bench.pass(1);
    let again = bench.expect_submit();
    assert_eq!((again.seq, again.base, &again.operation), (1, 2, &op("4 +X")));
    bench.ack(&again);
    let buffer = bench.expect_submit();
    bench.ack(&buffer);
    assert_eq!(bench.log.string(), "1abcXY");
}

#[test]
fn a_composition_does_not_shorten_the_wait_of_a_busy_room() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    let (channel, seq) = (Channel(bench.channel), ClientSeq::new(submit.seq).unwrap());
    let code = cowrite_protocol::frame::Code::RateLimited;
    bench.server(&ServerFrame::Busy { channel, seq, code, retry_after_ms: 700 });
    bench.log.bob("+1");
    bench.composed(1);
    bench.pass(699);
    bench.nothing_sent();
    bench.pass(1);
    let again = bench.expect_submit();
    assert_eq!((again.seq, again.base), (1, 2));
}

#[test]
fn answers_to_operations_that_are_not_in_flight_are_ignored() {
    let mut bench = Bench::open("abc");
    bench.edit("+X");
    let submit = bench.expect_submit();
    let (channel, code) = (Channel(bench.channel), cowrite_protocol::frame::Code::BadOperation);
    bench.reject(9, code);
    let seq = ClientSeq::new(9).unwrap();
    bench.server(&ServerFrame::Busy {
        channel,
        seq,
        code: cowrite_protocol::frame::Code::RateLimited,
        retry_after_ms: 1,
    });
    bench.pass(100);
    bench.nothing_sent();
    assert_eq!((bench.text(), bench.rejections().len()), ("Xabc".into(), 0));
    bench.ack(&submit);
    assert_eq!(bench.status().accepted, 1);
}

#[test]
fn the_first_text_is_told_as_a_change() {
    let mut bench = Bench::idle();
    bench.log = crate::bench::Log::with_text("abc");
    bench.greet();
    assert_eq!(bench.expect_open().client, None);
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    assert!(bench.session.edit(bench.handle, &op("+a"), bench.now).unwrap().is_err());
    bench.snapshot();
    assert_eq!(bench.engine().client(), Some(OWN));
    let change = Event::Change { operation: op("+abc"), origin: Origin::Resync, user: None, cursor: None };
    assert!(bench.events.contains(&change));
    assert!(bench.events.contains(&Event::Opened { first: true }));
    assert!(!bench.take_sent().contains(&Sent::Close { channel: 1 }));
}

#[test]
fn a_stall_that_ends_with_nothing_in_flight_starts_no_clock() {
    let mut bench = Bench::open("abc");
    for stalled in [true, false] {
        bench.server(&ServerFrame::Stalled { channel: Channel(bench.channel), stalled });
    }
    bench.pass(20_000);
    assert!(!bench.take_sent().iter().any(|sent| matches!(sent, Sent::Close { .. } | Sent::Open(_))));
    assert_eq!(bench.disconnects, 0);
}
