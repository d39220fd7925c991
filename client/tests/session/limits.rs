//! Limits are kept before anything is sent.

use cowrite_client::EditError;
use cowrite_protocol::Limits;
use cowrite_protocol::frame::Role;
use cowrite_protocol::frame::{Outcome, Settlement};
use cowrite_protocol::operation::Operation;

use crate::bench::{Bench, Log, op};

#[test]
fn d8_an_edit_that_makes_the_document_too_large_is_an_error_to_its_caller() {
    let limits = Limits { document_units: 5, ..Limits::default() };
    let mut bench = Bench::open_with("abcd", |bench| bench.limits = limits);
    bench.edit("4 +e");
    let submit = bench.expect_submit();
    let refused = bench.session.edit(bench.handle, &op("+f"), bench.now).unwrap();
    assert_eq!(refused, Err(EditError::DocumentTooLarge { units: 6, limit: 5 }));
    bench.drain();
    assert_eq!((bench.text().as_str(), bench.status().local), ("abcde", 1));
    // Others may have made it larger than that; making it smaller is always right.
    bench.commit("+12345");
    bench.ack(&submit);
    bench.edit("-2");
    let submit = bench.expect_submit();
    bench.ack(&submit);
    // So is changing what is there, while it is too large.
    bench.edit("+x -1");
    bench.expect_submit();
}

#[test]
fn an_edit_that_does_not_fit_changes_nothing() {
    let mut bench = Bench::open("a😀b");
    for wrong in ["5 +x", "2 +x", "1 -1", "4 -1"] {
        let refused = bench.session.edit(bench.handle, &op(wrong), bench.now).unwrap();
        assert!(matches!(refused, Err(EditError::DoesNotFit(_))), "{wrong}: {refused:?}");
        bench.drain();
    }
    assert_eq!((bench.text().as_str(), bench.status().local), ("a😀b", 0));
    bench.nothing_sent();
}

#[test]
fn who_may_only_read_cannot_edit() {
    let mut bench = Bench::idle();
    bench.log = Log::with_text("abc");
    bench.greet();
    bench.expect_open();
    bench.opened_as(Settlement::Nothing, Outcome::Snapshot, |opened| opened.role = Role::Commenter);
    bench.snapshot();
    let refused = bench.session.edit(bench.handle, &op("+x"), bench.now).unwrap();
    assert_eq!(refused, Err(EditError::ReadOnly));
}

#[test]
fn d11_a_buffer_over_the_components_goes_in_several_submits_of_the_same_effect() {
    let mut limits = Limits::default();
    limits.operation.components = 10;
    let text = "0123456789".repeat(10);
    let mut bench = Bench::open_with(&text, |bench| bench.limits = limits);
    bench.edit("+first");
    let first = bench.expect_submit();
    for at in 0..40 {
        bench.edit(&format!("{} +x", 5 + at * 3));
    }
    let shown = bench.text();
    bench.ack(&first);
    let (mut submits, mut accepted) = (0, bench.status().accepted);
    while bench.status().pending > 0 {
        let piece = bench.expect_submit();
        submits += 1;
        assert!(piece.operation.components().len() <= 10, "{:?}", piece.operation);
        assert_eq!(piece.seq, submits + 1);
        // The edits are accepted when their last piece is.
        assert_eq!(bench.status().accepted, accepted);
        bench.ack(&piece);
        accepted = if bench.status().pending > 0 { accepted } else { 41 };
    }
    assert!(submits >= 8, "{submits}");
    assert_eq!((bench.text(), bench.log.string(), bench.status().accepted), (shown.clone(), shown, accepted));
}

#[test]
fn a_large_operation_travels_in_parts() {
    let mut bench = Bench::open("abc");
    bench.messages.clear();
    let paste = "paste ".repeat(20_000);
    let operation = Operation::builder().insert(&paste).build();
    bench.session.edit(bench.handle, &operation, bench.now).unwrap().unwrap();
    bench.drain();
    let submit = bench.expect_submit();
    assert_eq!(submit.operation, operation);
    let largest = bench.messages.iter().max().unwrap();
    assert!(bench.messages.len() >= 7 && *largest <= (16 << 10) + 16, "{:?}", bench.messages);
    bench.ack(&submit);
    assert_eq!(bench.log.string(), format!("{paste}abc"));
}

#[test]
fn a_large_snapshot_is_put_together_from_its_parts() {
    let text = "line of text\n".repeat(5_000);
    let mut bench = Bench::idle();
    bench.log = Log::with_text(&text);
    bench.greet();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    let channel = cowrite_protocol::Channel(bench.channel);
    let whole = bench.log.snapshot(channel, 0);
    cowrite_protocol::frame::encode_in_parts(&whole, 16 << 10, |total, bytes| {
        assert_eq!(bench.text(), "");
        let bytes = cowrite_protocol::frame::Packed(bytes);
        bench.server(&cowrite_protocol::frame::ServerFrame::Part { channel, total, bytes });
    });
    assert_eq!(bench.text(), text);
}
