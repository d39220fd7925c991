//! Refusals: one operation is taken back, once, and nothing else.

use cowrite_client::Event;
use cowrite_protocol::Limits;
use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::Operation;

use crate::bench::{Bench, Sent, caret, op};

#[test]
fn d4_a_refusal_in_the_middle_of_typing_takes_back_that_operation_alone() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.edit("4 +Y");
    bench.edit("5 +Z");
    bench.commit("+1");
    bench.reject(1, Code::ReadOnly);
    assert_eq!(bench.text(), "1abcYZ");
    assert_eq!(bench.rejections(), [(1, 1, Code::ReadOnly)]);
    assert_eq!((bench.status().accepted, bench.status().pending), (1, 2));
    let buffer = bench.expect_submit();
    // The number of what was refused is used up.
    assert_eq!((buffer.seq, buffer.base, &buffer.operation), (2, 2, &op("4 +YZ")));
    bench.ack(&buffer);
    bench.edit("6 +!");
    let later = bench.expect_submit();
    assert_eq!(later.seq, 3);
    bench.ack(&later);
    assert_eq!((bench.text(), bench.log.string()), ("1abcYZ!".into(), "1abcYZ!".into()));
    assert_eq!((bench.rejections().len(), bench.status().pending), (1, 0));
}

#[test]
fn d3_a_refusal_told_twice_is_reported_once() {
    let mut bench = Bench::open("abc");
    bench.edit("-1");
    bench.expect_submit();
    bench.edit("1 +Y");
    bench.reject(1, Code::Deleted);
    bench.reject(1, Code::Deleted);
    assert_eq!((bench.rejections().len(), bench.text()), (1, "abYc".into()));
    assert_eq!(bench.expect_submit().operation, op("2 +Y"));
    bench.nothing_sent();
}

#[test]
fn edits_inside_a_refused_insertion_go_where_it_was() {
    let mut bench = Bench::open("ab");
    bench.edit("1 +XXXX");
    bench.expect_submit();
    bench.edit("3 +in -1");
    bench.reject(1, Code::ReadOnly);
    assert_eq!(bench.text(), "ainb");
    let buffer = bench.expect_submit();
    bench.ack(&buffer);
    assert_eq!((bench.text(), bench.log.string()), ("ainb".into(), "ainb".into()));
}

#[test]
fn what_is_too_large_goes_again_in_pieces() {
    let mut bench = Bench::open("0123456789");
    bench.edit("1 +a 1 +b 1 +c 1 +d");
    bench.expect_submit();
    bench.edit("14 +e");
    // Meanwhile the server allows less; or the operation grew while it waited.
    bench.reject(1, Code::OperationTooLarge);
    assert_eq!((bench.text(), bench.rejections()), ("0a1b2c3d456789e".into(), vec![]));
    let again = bench.expect_submit();
    assert_eq!((again.seq, &again.operation), (2, &op("1 +a 1 +b 1 +c 1 +d 6 +e")));
    bench.ack(&again);
    assert_eq!((bench.log.string(), bench.status().pending), ("0a1b2c3d456789e".into(), 0));
}

#[test]
fn a_server_that_refuses_for_size_whatever_comes_is_not_asked_for_ever() {
    let mut bench = Bench::open("");
    bench.edit("+a");
    let mut seq = 0;
    while bench.rejections().is_empty() {
        seq = bench.expect_submit().seq;
        assert!(seq < 20, "asked for ever");
        bench.reject(seq, Code::OperationTooLarge);
    }
    assert_eq!(bench.rejections(), [(1, 1, Code::OperationTooLarge)]);
    assert!(seq > 1);
    bench.nothing_sent();
    assert_eq!((bench.text(), bench.status().pending), (String::new(), 0));
}

#[test]
fn a_refused_piece_of_a_split_edit_is_reported_as_that_edit() {
    let mut limits = Limits::default();
    limits.operation.components = 4;
    let mut bench = Bench::open_with("0123456789", |bench| bench.limits = limits);
    bench.edit("+a");
    let first = bench.expect_submit();
    bench.ack(&first);
    bench.edit("1 +a 1 +b 1 +c 1 +d 1 +e");
    let piece = bench.expect_submit();
    bench.reject(piece.seq, Code::ReadOnly);
    assert_eq!(bench.rejections(), [(2, 2, Code::ReadOnly)]);
    let mut rest = Operation::identity();
    while bench.status().pending > 0 {
        let piece = bench.expect_submit();
        rest = Operation::compose(&rest, &piece.operation).unwrap();
        bench.ack(&piece);
    }
    assert!(!rest.is_identity());
    assert_eq!((bench.text(), bench.rejections().len()), (bench.log.string(), 1));
}

#[test]
fn the_caret_is_shown_again_after_a_refusal() {
    let mut bench = Bench::open("abc");
    bench.set_caret(3);
    assert_eq!(bench.next(), Sent::Cursor { version: 1, cursor: caret(3) });
    bench.pass(200);
    bench.edit("3 +X");
    bench.expect_submit();
    bench.set_caret(1);
    bench.nothing_sent();
    bench.reject(1, Code::ReadOnly);
    assert_eq!(bench.next(), Sent::Cursor { version: 1, cursor: caret(1) });
    bench.nothing_sent();
}

#[test]
fn a_caret_that_rode_on_a_refused_operation_is_told_anew() {
    let mut bench = Bench::open("abc");
    bench.set_caret(0);
    bench.take_sent();
    bench.pass(200);
    bench.edit("3 +X");
    // Others now believe the caret behind the X, which they will never see.
    bench.expect_submit();
    bench.reject(1, Code::ReadOnly);
    assert_eq!(bench.next(), Sent::Cursor { version: 1, cursor: caret(0) });
}

#[test]
fn a_refusal_is_told_after_the_change_that_takes_the_operation_back() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.events.clear();
    bench.reject(1, Code::DocumentTooLarge);
    let change = bench.events.iter().position(|event| matches!(event, Event::Change { .. })).unwrap();
    let told = bench.events.iter().position(|event| matches!(event, Event::Rejected { .. })).unwrap();
    assert!(change < told);
}
