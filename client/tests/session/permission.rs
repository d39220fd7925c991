//! What becomes of work that its user may not do any more.

use cowrite_client::engine::StatusState;
use cowrite_client::{EditError, Event, LinkState, OpenError, ProposalKind};
use cowrite_protocol::Limits;
use cowrite_protocol::frame::{Code, Outcome, Role, Settlement};
use cowrite_protocol::operation::{Attributes, Json, Operation};

use crate::bench::{Bench, Sent, op};

fn opened_as(bench: &mut Bench, role: Role, settlement: Settlement) {
    let outcome = Outcome::Tail { head: bench.log.position.version };
    bench.opened_as(settlement, outcome, |opened| opened.role = role);
}

#[test]
fn a_changed_right_opens_the_channel_again_at_once() {
    let mut bench = Bench::open("abc");
    bench.pass(20_000);
    bench.take_sent();
    bench.closed(Code::AccessChanged);
    bench.expect_open();
}

#[test]
fn pending_work_is_kept_and_not_sent_once_its_user_may_only_read() {
    for settlement in [Settlement::NotAccepted, Settlement::Unknown] {
        let mut bench = Bench::open("abc");
        bench.edit("3 +X");
        bench.expect_submit();
        bench.edit("4 +Y");
        bench.closed(Code::AccessChanged);
        bench.log.bob("+1");
        bench.expect_open();
        opened_as(&mut bench, Role::Viewer, settlement);
        bench.composed(1);
        bench.pass(60_000);
        assert!(bench.take_sent().iter().all(|sent| matches!(sent, Sent::Verify { .. })));
        assert_eq!((bench.text().as_str(), bench.status().state), ("1abc", StatusState::Online));
        let refused = bench.session.edit(bench.handle, &op("+x"), bench.now).unwrap();
        assert_eq!(refused, Err(EditError::ReadOnly));
        // It is there to be read, and counts as what it is.
        assert_eq!(bench.status().pending, 2);
        assert!(bench.rejections().is_empty());
        let last = bench.engine().proposals().last().unwrap();
        assert_eq!(last.kind, ProposalKind::NotAllowed);
        let text = if settlement == Settlement::Unknown { "4 +Y" } else { "4 +XY" };
        assert_eq!(last.operation, op(text));
        let id = last.id;
        assert!(bench.events.contains(&Event::Proposal { id, kind: ProposalKind::NotAllowed }));
        let accepted = bench.session.accept_proposal(bench.handle, id, bench.now).unwrap();
        assert_eq!(accepted, Err(EditError::ReadOnly));
        bench.drain();
    }
}

#[test]
fn once_the_right_is_back_the_kept_work_can_be_applied() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.closed(Code::AccessChanged);
    bench.expect_open();
    opened_as(&mut bench, Role::Commenter, Settlement::NotAccepted);
    bench.entry("+1");
    bench.pass(20_000);
    bench.take_sent();
    bench.closed(Code::AccessChanged);
    bench.expect_open();
    opened_as(&mut bench, Role::Editor, Settlement::Nothing);
    bench.nothing_sent();
    let id = bench.engine().proposals()[0].id;
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    let submit = bench.expect_submit();
    assert_eq!(submit.operation, op("4 +X"));
    bench.ack(&submit);
    assert_eq!((bench.log.string().as_str(), bench.status().pending), ("1abcX", 0));
}

#[test]
fn what_was_accepted_before_the_right_went_is_no_proposal() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.edit("4 +Y");
    bench.closed(Code::AccessChanged);
    bench.log.accept(&submit);
    bench.expect_open();
    opened_as(&mut bench, Role::Viewer, Settlement::Accepted(crate::bench::version(2)));
    bench.bytes(&bench.log.last_ack(cowrite_protocol::Channel(bench.channel)));
    assert_eq!((bench.text().as_str(), bench.status().pending), ("abcX", 1));
    assert_eq!(bench.engine().proposals()[0].operation, op("4 +Y"));
    bench.nothing_sent();
}

#[test]
fn access_that_is_gone_closes_the_document_for_good_and_the_work_can_be_read() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.take_sent();
    bench.closed(Code::AccessDenied);
    bench.pass(600_000);
    bench.nothing_sent();
    assert_eq!((bench.status().state, bench.status().pending), (StatusState::Closed, 1));
    assert_eq!(bench.engine().pending().cloned().collect::<Vec<_>>(), [op("3 +X")]);
    assert_eq!(bench.session.link_state(bench.now), LinkState::Online);
}

#[test]
fn a_refused_operation_can_be_read_in_the_event() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.edit("+before");
    bench.reject(1, Code::ReadOnly);
    let told = Event::Rejected { from: 1, to: 1, code: Code::ReadOnly, operation: op("9 +X") };
    assert!(bench.events.contains(&told), "{:?}", bench.events);
    assert_eq!(bench.text(), "beforeabc");
}

#[test]
fn an_edit_that_cannot_be_parted_is_an_error_to_its_caller() {
    let mut limits = Limits::default();
    limits.operation.bytes = 1_000;
    let mut bench = Bench::open_with("abc", |bench| bench.limits = limits);
    let huge = Attributes::from_pairs([("note", Json::string(&"x".repeat(2_000)))]);
    let mut edit = Operation::builder();
    edit.insert_with("a", &huge);
    let refused = bench.session.edit(bench.handle, &edit.build(), bench.now).unwrap();
    assert!(matches!(refused, Err(EditError::OperationTooLarge { bytes: 2_000.., limit: 1_000 })), "{refused:?}");
    bench.drain();
    assert_eq!((bench.text().as_str(), bench.status().local), ("abc", 0));
    bench.nothing_sent();
    // What can be parted goes in pieces.
    bench
        .session
        .edit(bench.handle, &Operation::builder().insert(&"x".repeat(5_000)).build(), bench.now)
        .unwrap()
        .unwrap();
    bench.drain();
    while bench.status().pending > 0 {
        let submit = bench.expect_submit();
        bench.ack(&submit);
    }
    assert_eq!((bench.log.string().len(), bench.disconnects), (5_003, 0));
}

#[test]
fn a_presence_state_over_a_limit_that_was_not_known_is_never_sent() {
    let limits = Limits { presence_bytes: 10, ..Limits::default() };
    let mut bench = Bench::idle();
    let large = bench.session.open("large".parse().unwrap(), &"x".repeat(11), bench.now).unwrap();
    bench.limits = limits;
    bench.greet();
    bench.expect_open();
    bench.nothing_sent();
    let engine = bench.session.engine(large).unwrap();
    assert_eq!(engine.editable(), Err(EditError::Closed(Code::TooLarge)));
    assert_eq!(bench.session.link_state(bench.now), LinkState::Online);
    let activity = cowrite_protocol::frame::Activity::Active;
    assert!(!bench.session.set_presence(bench.handle, Some(&"x".repeat(11)), activity, bench.now));
}

#[test]
fn a_presence_state_as_large_as_the_limit_is_taken_and_a_larger_one_is_not() {
    let state = |length: u32| "x".repeat(length as usize);
    let activity = cowrite_protocol::frame::Activity::Active;
    // Before the server has told its own, the usual limit holds.
    let mut bench = Bench::idle();
    let usual = Limits::default().presence_bytes;
    let too_large = |bytes: u32, limit| Err(OpenError::PresenceTooLarge { bytes: bytes as usize, limit });
    let open = |bench: &mut Bench, bytes| bench.session.open("other".parse().unwrap(), &state(bytes), bench.now);
    assert_eq!(open(&mut bench, usual + 1), too_large(usual + 1, usual));
    let other = open(&mut bench, usual).unwrap();
    bench.session.close(other, bench.now);
    let mut bench = Bench::open_with("abc", |bench| bench.limits.presence_bytes = 10);
    assert_eq!(open(&mut bench, 11), too_large(11, 10));
    assert_eq!(bench.session.handles().count(), 1);
    open(&mut bench, 10).unwrap();
    bench.drain();
    bench.take_sent();
    for (bytes, taken) in [(11, false), (10, true), (0, true)] {
        let state = state(bytes);
        assert_eq!(bench.session.set_presence(bench.handle, Some(&state), activity, bench.now), taken, "{bytes}");
        bench.drain();
        let told = if taken { vec![Sent::Presence { state: Some(state) }] } else { vec![] };
        assert_eq!(bench.take_sent(), told, "{bytes}");
    }
}
