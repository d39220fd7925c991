//! Coming back: the four outcomes, and what becomes of the operation in flight.

use cowrite_client::{Event, ProposalKind};
use cowrite_protocol::frame::{Activity, Code, Outcome, ServerFrame, Settlement};
use cowrite_protocol::{Channel, ClientId, ClientSeq};

use crate::bench::{Bench, OWN, Sent, op, version};

const NEW: ClientId = ClientId::from_bytes([9; 16]);

/// "abc", with X in flight behind it and Y waiting behind that, cut and asking again.
fn cut_with_pending() -> (Bench, crate::bench::Submitted) {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.edit("4 +Y");
    let opening = bench.reconnect();
    assert_eq!((opening.client, opening.in_flight, opening.whole), (Some(OWN), Some(1), false));
    assert_eq!(opening.position.unwrap().version, version(1));
    (bench, submit)
}

fn finish(mut bench: Bench, text: &str) {
    while bench.engine().in_flight().is_some() {
        let submit = bench.expect_submit();
        bench.ack(&submit);
    }
    bench.nothing_sent();
    assert_eq!((bench.text(), bench.log.string()), (text.into(), text.into()));
    assert_eq!((bench.status().pending, bench.status().accepted), (0, bench.status().local));
}

#[test]
fn a1_an_accepted_operation_is_settled_among_the_entries_that_were_missed() {
    let (mut bench, submit) = cut_with_pending();
    bench.log.own_seq = 1;
    bench.opened(Settlement::Accepted(version(3)), Outcome::Tail { head: version(5) });
    bench.entry("+1");
    bench.nothing_sent();
    bench.ack(&submit);
    assert_eq!((bench.status().accepted, bench.status().pending), (1, 1));
    // Not all that was missed has come: what waits must not be sent on an old version.
    bench.nothing_sent();
    bench.log.bob("+2");
    bench.log.bob("+3");
    bench.composed(3);
    let buffer = bench.expect_submit();
    assert_eq!((buffer.seq, buffer.base, &buffer.operation), (2, 5, &op("7 +Y")));
    bench.ack(&buffer);
    finish(bench, "321abcXY");
}

#[test]
fn a2_an_operation_that_was_not_accepted_goes_again_under_its_number() {
    let (mut bench, first) = cut_with_pending();
    bench.log.bob("+1");
    bench.log.bob("+2");
    bench.in_step(Settlement::NotAccepted);
    bench.nothing_sent();
    bench.composed(1);
    let again = bench.expect_submit();
    assert_eq!((again.seq, again.base, &again.operation), (first.seq, 3, &op("5 +X")));
    bench.ack(&again);
    finish(bench, "21abcXY");
}

#[test]
fn pending_work_goes_without_another_keystroke() {
    let mut bench = Bench::open("abc");
    bench.cut();
    bench.edit("3 +X");
    assert_eq!(bench.come_back().in_flight, None);
    bench.in_step(Settlement::Nothing);
    finish(bench, "abcX");
}

#[test]
fn a_day_offline_is_one_operation() {
    let mut bench = Bench::open("");
    bench.cut();
    for at in 0..500 {
        bench.edit(&format!("{at} +x"));
    }
    bench.come_back();
    bench.in_step(Settlement::Nothing);
    let submit = bench.expect_submit();
    assert_eq!((submit.seq, submit.operation.components().len()), (1, 1));
    bench.ack(&submit);
    finish(bench, &"x".repeat(500));
}

#[test]
fn a_snapshot_that_holds_the_operation_leaves_only_what_waited() {
    let (mut bench, submit) = cut_with_pending();
    bench.log.bob("+1");
    bench.log.accept(&submit);
    bench.log.bob("1 -1");
    bench.opened(Settlement::Accepted(version(3)), Outcome::Snapshot);
    bench.snapshot();
    assert_eq!(bench.text(), "1bcXY");
    assert_eq!((bench.status().accepted, bench.status().pending), (1, 1));
    assert_eq!(bench.engine().proposals().len(), 0);
    let buffer = bench.expect_submit();
    assert_eq!((buffer.seq, buffer.base, &buffer.operation), (2, 4, &op("4 +Y")));
    bench.ack(&buffer);
    finish(bench, "1bcXY");
}

#[test]
fn a_snapshot_without_the_operation_carries_all_that_is_pending() {
    let (mut bench, _) = cut_with_pending();
    bench.log.bob("+1");
    bench.opened(Settlement::NotAccepted, Outcome::Snapshot);
    bench.snapshot();
    assert_eq!(bench.text(), "1abcXY");
    let again = bench.expect_submit();
    assert_eq!((again.seq, again.base, &again.operation), (1, 2, &op("4 +X")));
    bench.ack(&again);
    finish(bench, "1abcXY");
}

#[test]
fn a12_an_operation_of_unknown_outcome_is_kept_and_shown_but_not_sent() {
    let (mut bench, submit) = cut_with_pending();
    bench.log.bob("+1");
    bench.log.accept(&submit);
    bench.opened(Settlement::Unknown, Outcome::Snapshot);
    bench.snapshot();
    // The X is in the text once: the log's.
    assert_eq!(bench.text(), "1abcXY");
    let proposal = bench.engine().proposals()[0].clone();
    assert_eq!(proposal.kind, ProposalKind::UnknownOutcome);
    assert_eq!(bench.status().pending, 2);
    let buffer = bench.expect_submit();
    assert_eq!((buffer.seq, buffer.base), (2, 3));
    bench.ack(&buffer);
    bench.nothing_sent();
    assert_eq!(bench.status().pending, 1, "whoever waits for the X still does");
    bench.session.discard_proposal(bench.handle, proposal.id, bench.now);
    bench.drain();
    assert_eq!(bench.status().pending, 0);
    finish(bench, "1abcXY");
}

#[test]
fn unknown_work_becomes_an_edit_of_now_when_the_user_says_so() {
    let (mut bench, _) = cut_with_pending();
    bench.log.bob("+1");
    bench.opened(Settlement::Unknown, Outcome::Snapshot);
    bench.snapshot();
    assert_eq!(bench.text(), "1abcY");
    let buffer = bench.expect_submit();
    bench.ack(&buffer);
    bench.commit("+2");
    let id = bench.engine().proposals()[0].id;
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    assert!(bench.events.contains(&Event::ProposalSettled { id, refused: None }));
    assert!(bench.text().contains('X'));
    let restored = bench.expect_submit();
    assert_eq!(restored.seq, 3);
    bench.ack(&restored);
    assert_eq!(bench.engine().proposals().len(), 0);
    let text = bench.text();
    finish(bench, &text);
}

#[test]
fn a_proposal_that_cannot_be_done_stays_and_is_not_told_as_settled() {
    let limits = cowrite_protocol::Limits { document_units: 5, ..Default::default() };
    let mut bench = Bench::open_with("abc", |bench| bench.limits = limits);
    bench.edit("3 +X");
    bench.expect_submit();
    bench.reconnect();
    bench.log = bench.log.replaced("12345", 9);
    bench.opened(Settlement::Unknown, Outcome::Snapshot);
    bench.snapshot();
    let id = bench.engine().proposals()[0].id;
    assert!(bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().is_err());
    bench.drain();
    assert_eq!(bench.engine().proposals().len(), 1);
    assert!(!bench.events.iter().any(|event| matches!(event, Event::ProposalSettled { .. })));
}

#[test]
fn the_application_is_told_how_much_of_its_text_a_snapshot_replaces() {
    let mut bench = Bench::open("abc def gh");
    bench.edit("10 +X");
    bench.expect_submit();
    bench.reconnect();
    bench.log = bench.log.replaced("xyz uvw gh", 9);
    bench.opened(Settlement::NotAccepted, Outcome::Snapshot);
    bench.snapshot();
    assert!(bench.events.contains(&Event::Merged { replaced: 6, of: 10 }), "{:?}", bench.events);
}

#[test]
fn a_document_never_written_is_in_step_with_its_first_life() {
    let mut bench = Bench::open("");
    assert_eq!(bench.reconnect().position.unwrap().epoch, None);
    bench.log.bob("+1");
    bench.in_step(Settlement::Nothing);
    bench.entry("+2");
    // One was missed silently: the gap is noticed.
    assert_eq!(bench.text(), "");
    bench.expect_reopen();
    bench.in_step(Settlement::Nothing);
    bench.composed(0);
    assert_eq!(bench.text(), "21");
    assert_eq!(bench.reconnect().position.unwrap().epoch, bench.log.position.epoch);
}

/// What is offered to whom has seen two edits accepted, and comes back below what the log reaches back to.
fn offered_below_the_floor(bench: &mut Bench, last_seq: u64) -> Vec<ProposalKind> {
    bench.reconnect();
    bench.log = bench.log.replaced("123", 9);
    bench.log.own_seq = last_seq;
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.nothing_sent();
    assert_eq!(bench.text(), "123");
    bench.engine().proposals().iter().map(|proposal| proposal.kind).collect()
}

/// What the log knows of the client, and whether it is offered that as lost.
const RETURNS: [(u64, bool); 3] = [(0, false), (1, true), (2, false)];

/// With the name of the life that the client knows or not, and ahead of the client either way.
#[test]
fn a12_a_log_that_is_ahead_has_lost_of_a_client_only_what_it_knows_by_less() {
    for (text, (last_seq, lost)) in ["", "abc"].into_iter().flat_map(|text| RETURNS.map(|back| (text, back))) {
        let mut bench = Bench::open(text);
        for edit in ["+a", "1 +b"] {
            bench.edit(edit);
            let submit = bench.expect_submit();
            bench.ack(&submit);
        }
        let offered = offered_below_the_floor(&mut bench, last_seq);
        assert_eq!(offered, Vec::from_iter(lost.then_some(ProposalKind::LostAccepted)), "{text:?}, {last_seq}");
    }
}

#[test]
fn an_old_copy_of_oneself_takes_a_new_name_and_sends_nothing_of_what_was_pending() {
    let (mut bench, _) = cut_with_pending();
    // A later self has used the id: it may have sent both.
    bench.log.bob("+1");
    bench.log.own_seq = 7;
    bench.in_step(Settlement::NotAccepted);
    assert_eq!(bench.text(), "abc");
    let opening = bench.expect_reopen();
    assert_eq!((opening.client, opening.in_flight), (None, None));
    bench.log.own_seq = 0;
    bench.opened_as(Settlement::Nothing, Outcome::Tail { head: version(2) }, |opened| opened.client = NEW);
    bench.composed(1);
    bench.nothing_sent();
    assert_eq!((bench.text(), bench.status().pending), ("1abc".into(), 2));
    assert!(bench.engine().proposals().iter().all(|proposal| proposal.kind == ProposalKind::UnknownOutcome));
    while let Some(proposal) = bench.engine().proposals().first() {
        let id = proposal.id;
        bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
        bench.drain();
    }
    assert_eq!(bench.text(), "1abcXY");
    finish(bench, "1abcXY");
}

#[test]
fn a_superseded_client_comes_back_under_a_new_name_and_sends_what_it_never_sent() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let lost = bench.expect_submit();
    bench.edit("4 +Y");
    bench.log.accept(&lost);
    bench.closed(Code::Superseded);
    let opening = bench.expect_open();
    assert_eq!((opening.client, opening.in_flight, opening.whole), (None, None, false));
    bench.log.own_seq = 0;
    bench.opened_as(Settlement::Nothing, Outcome::Tail { head: version(2) }, |opened| opened.client = NEW);
    bench.composed(1);
    let buffer = bench.expect_submit();
    assert_eq!((buffer.seq, buffer.base, bench.engine().client()), (1, 2, Some(NEW)));
    bench.ack(&buffer);
    bench.nothing_sent();
    // The X came from the log, and once; whether it is ours, the user may say.
    assert_eq!((bench.text(), bench.log.string()), ("abcXY".into(), "abcXY".into()));
    assert_eq!((bench.engine().proposals().len(), bench.status().pending), (1, 1));
}

#[test]
fn a_superseded_client_with_edits_that_only_waited_loses_none() {
    let mut bench = Bench::open("abc");
    bench.cut();
    bench.edit("3 +X");
    bench.come_back();
    bench.server(&ServerFrame::OpenRefused { request: bench.log.request, code: Code::Superseded, retry_after_ms: 0 });
    assert_eq!(bench.expect_open().client, None);
    bench.log.own_seq = 0;
    bench.opened_as(Settlement::Nothing, Outcome::Tail { head: version(1) }, |opened| opened.client = NEW);
    assert_eq!(bench.engine().proposals().len(), 0);
    finish(bench, "abcX");
}

#[test]
fn a_document_that_is_closed_while_it_opens_leaves_no_channel_behind() {
    let mut bench = Bench::open("abc");
    let other = bench.session.open("other".parse().unwrap(), "", bench.now).unwrap();
    bench.drain();
    let Sent::Open(opening) = bench.next() else { panic!("no Open") };
    bench.session.close(other, bench.now);
    // Opened again at once, as a page does that mounts twice: the server knows of one
    // channel, and would refuse the second.
    bench.session.open("other".parse().unwrap(), "", bench.now).unwrap();
    bench.pass(100);
    bench.nothing_sent();
    let mut opened = cowrite_protocol::frame::Opened {
        request: opening.request,
        channel: Channel(77),
        client: NEW,
        last_seq: ClientSeq::NONE,
        number: cowrite_protocol::AuthorNumber(5),
        role: cowrite_protocol::frame::Role::Editor,
        settlement: Settlement::Nothing,
        epoch: None,
        outcome: Outcome::Snapshot,
    };
    bench.server(&ServerFrame::Opened(opened.clone()));
    assert_eq!(bench.next(), Sent::Close { channel: 77 });
    bench.pass(0);
    let Sent::Open(again) = bench.next() else { panic!("no Open") };
    assert_eq!((again.document.as_str(), again.request == opening.request), ("other", false));
    opened.request = again.request;
    opened.channel = Channel(78);
    bench.server(&ServerFrame::Opened(opened));
    bench.nothing_sent();
}

#[test]
fn presence_that_changes_while_the_document_opens_is_told() {
    for activity in [Activity::Typing, Activity::Active] {
        let mut bench = Bench::open("abc");
        bench.reconnect();
        bench.session.set_presence(bench.handle, Some("{}"), activity, bench.now);
        bench.drain();
        bench.nothing_sent();
        bench.in_step(Settlement::Nothing);
        assert_eq!(bench.next(), Sent::Presence { state: Some("{}".into()) }, "{activity:?}");
        bench.nothing_sent();
        // The next room is told by the `Open`, but for who is not active.
        bench.reconnect();
        bench.in_step(Settlement::Nothing);
        assert_eq!(bench.take_sent().len(), usize::from(activity != Activity::Active), "{activity:?}");
    }
}

#[test]
fn a_document_that_was_closed_while_it_opened_is_opened_again_once_that_was_refused() {
    let mut bench = Bench::open("abc");
    let open = |bench: &mut Bench, id: &str| {
        let handle = bench.session.open(id.parse().unwrap(), "", bench.now).unwrap();
        bench.drain();
        handle
    };
    let refuse = |bench: &mut Bench, request: u32| {
        bench.server(&ServerFrame::OpenRefused { request, code: Code::AccessDenied, retry_after_ms: 0 });
    };
    let first = open(&mut bench, "other");
    let request = bench.expect_open().request;
    bench.session.close(first, bench.now);
    open(&mut bench, "other");
    // Another that is refused meanwhile is no answer to it.
    let third = open(&mut bench, "third");
    let of_third = bench.expect_open();
    assert_eq!(of_third.document, "third");
    refuse(&mut bench, of_third.request);
    assert!(bench.session.engine(third).unwrap().is_closed());
    bench.pass(1_000);
    bench.nothing_sent();
    refuse(&mut bench, request);
    assert_eq!(bench.expect_open().document, "other");
}

#[test]
fn what_was_shared_of_what_is_pending_stays_as_it_was() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.edit("4 +Y");
    let kept: Vec<_> = bench.engine().shared_pending().collect();
    bench.commit("+1");
    bench.edit("6 +Z");
    assert_eq!(kept.iter().map(|operation| (**operation).clone()).collect::<Vec<_>>(), [op("3 +X"), op("4 +Y")]);
    assert_eq!(bench.engine().pending().cloned().collect::<Vec<_>>(), [op("4 +X"), op("5 +YZ")]);
    bench.ack(&submit);
    assert_eq!(bench.expect_submit().operation, op("5 +YZ"));
}

#[test]
fn a_document_that_comes_whole_and_is_the_same_is_no_change() {
    let mut bench = Bench::open("abc");
    bench.reconnect();
    bench.log = bench.log.reborn("abc");
    bench.events.clear();
    bench.opened(Settlement::Nothing, Outcome::EpochChanged);
    bench.snapshot();
    assert!(!bench.events.iter().any(|event| matches!(event, Event::Change { .. })));
    // What somebody did is told, whatever it does.
    bench.commit("");
    assert!(bench.events.iter().any(|event| matches!(event, Event::Change { .. })));
}
