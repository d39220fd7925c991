//! Work that the log had accepted and lost: kept, offered, and restored once.

use cowrite_client::{Event, ProposalKind};
use cowrite_protocol::Channel;
use cowrite_protocol::frame::{Code, Outcome, ServerFrame, Settlement};

use crate::bench::{Bench, Sent, op};

/// "abcX", of which the log has lost the accepted X; Y is pending behind it.
fn bereft(outcome: Outcome) -> Bench {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let accepted = bench.expect_submit();
    bench.ack(&accepted);
    bench.edit("4 +Y");
    bench.expect_submit();
    bench.reconnect();
    bench.log = bench.log.reborn("abc");
    bench.opened(Settlement::NotAccepted, outcome);
    bench.events.clear();
    bench.snapshot();
    bench
}

fn lost(bench: &Bench) -> u32 {
    let lost = bench.engine().proposals().iter().find(|proposal| proposal.kind == ProposalKind::LostAccepted);
    lost.expect("lost work is offered").id
}

fn answer(bench: &mut Bench, refused: Option<Code>) {
    bench.server(&ServerFrame::Restored { channel: Channel(bench.channel), refused });
}

#[test]
fn lost_work_is_offered_and_what_is_pending_waits_for_the_decision() {
    for outcome in [Outcome::EpochChanged, Outcome::Mismatch] {
        let mut bench = bereft(outcome);
        let id = lost(&bench);
        assert!(bench.events.contains(&Event::Proposal { id, kind: ProposalKind::LostAccepted }));
        assert_eq!(bench.text(), "abcY");
        bench.edit("4 +Z");
        bench.pass(60_000);
        assert!(!bench.take_sent().iter().any(|sent| matches!(sent, Sent::Submit(_) | Sent::Restore { .. })));
        // Nor does a new connection send it.
        bench.reconnect();
        bench.in_step(Settlement::NotAccepted);
        bench.pass(60_000);
        assert!(!bench.take_sent().iter().any(|sent| matches!(sent, Sent::Submit(_) | Sent::Restore { .. })));
        assert_eq!((bench.text().as_str(), bench.status().pending), ("abcYZ", 2));
    }
}

#[test]
fn restoring_is_one_operation_on_the_current_version_and_releases_what_waited() {
    let mut bench = bereft(Outcome::EpochChanged);
    bench.commit("+1");
    // What is pending stands before it in the text, but not in the log.
    bench.edit("+Q");
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    assert_eq!(bench.next(), Sent::Restore { base: 2, operation: op("4 +X") });
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    bench.nothing_sent();
    bench.commit("4 +X");
    bench.nothing_sent();
    answer(&mut bench, None);
    assert!(bench.events.contains(&Event::ProposalSettled { id, refused: None }));
    let pending = bench.expect_submit();
    bench.ack(&pending);
    let buffer = bench.expect_submit();
    bench.ack(&buffer);
    assert_eq!((bench.text(), bench.log.string()), ("Q1abcXY".into(), "Q1abcXY".into()));
    assert_eq!((bench.engine().proposals().len(), bench.status().pending), (0, 0));
}

#[test]
fn what_somebody_else_restored_whole_leaves_nothing_to_decide() {
    let mut bench = bereft(Outcome::EpochChanged);
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    bench.commit("3 +X");
    answer(&mut bench, Some(Code::AlreadyRestored));
    assert!(bench.events.contains(&Event::ProposalSettled { id, refused: Some(Code::AlreadyRestored) }));
    // What is pending is no part of what was lost.
    assert_eq!(bench.engine().proposals().len(), 0);
    bench.next();
    let pending = bench.expect_submit();
    bench.ack(&pending);
    assert_eq!((bench.text(), bench.log.string()), ("abcXY".into(), "abcXY".into()));
}

#[test]
fn what_somebody_else_restored_in_part_leaves_the_difference_as_a_proposal() {
    let mut bench = bereft(Outcome::EpochChanged);
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    bench.next();
    bench.commit("1 -1");
    answer(&mut bench, Some(Code::AlreadyRestored));
    let pending = bench.expect_submit();
    bench.ack(&pending);
    assert_eq!(bench.text(), "acY");
    let remaining = bench.engine().proposals()[0].clone();
    assert_eq!(remaining.kind, ProposalKind::Remaining);
    assert_ne!(remaining.id, id, "what was answered once is never meant again");
    bench.session.accept_proposal(bench.handle, remaining.id, bench.now).unwrap().unwrap();
    bench.drain();
    let edit = bench.expect_submit();
    bench.ack(&edit);
    assert_eq!((bench.text(), bench.log.string()), ("abcXY".into(), "abcXY".into()));
}

#[test]
fn discarding_what_was_lost_releases_what_waited() {
    let mut bench = bereft(Outcome::Mismatch);
    let id = lost(&bench);
    bench.session.discard_proposal(bench.handle, id + 1, bench.now);
    bench.drain();
    let settled = |bench: &Bench| bench.events.iter().any(|event| matches!(event, Event::ProposalSettled { .. }));
    assert!(!settled(&bench), "there is no such proposal");
    bench.nothing_sent();
    bench.session.discard_proposal(bench.handle, id, bench.now);
    bench.drain();
    assert!(bench.events.contains(&Event::ProposalSettled { id, refused: None }));
    let pending = bench.expect_submit();
    bench.ack(&pending);
    assert_eq!((bench.text(), bench.log.string()), ("abcY".into(), "abcY".into()));
    assert_eq!((bench.engine().proposals().len(), bench.status().pending), (0, 0));
}

#[test]
fn a_restoration_whose_answer_was_lost_can_be_asked_for_again() {
    let mut bench = bereft(Outcome::EpochChanged);
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    bench.log.bob("3 +X");
    bench.reconnect();
    bench.in_step(Settlement::NotAccepted);
    bench.composed(1);
    bench.nothing_sent();
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    assert!(matches!(bench.next(), Sent::Restore { base: 2, .. }));
    answer(&mut bench, Some(Code::AlreadyRestored));
    let pending = bench.expect_submit();
    bench.ack(&pending);
    assert_eq!((bench.text().as_str(), bench.engine().proposals().len()), ("abcXY", 0));
}

#[test]
fn another_history_that_holds_all_that_was_accepted_is_a_plain_reload() {
    for (outcome, own_seq) in [(Outcome::Mismatch, 1), (Outcome::EpochChanged, 5)] {
        let mut bench = Bench::open("abc");
        bench.edit("3 +X");
        let accepted = bench.expect_submit();
        bench.ack(&accepted);
        bench.edit("4 +Y");
        bench.expect_submit();
        bench.reconnect();
        bench.log = bench.log.reborn("abX");
        bench.log.own_seq = own_seq.min(2);
        let settlement =
            if own_seq > 1 { Settlement::Accepted(bench.log.position.version) } else { Settlement::NotAccepted };
        bench.opened(settlement, outcome);
        bench.snapshot();
        assert_eq!(bench.engine().proposals().len(), 0);
        assert_eq!(bench.status().pending, u64::from(own_seq == 1));
    }
}

#[test]
fn pending_work_alone_goes_into_the_new_life() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.reconnect();
    bench.log = bench.log.reborn("ab");
    bench.opened(Settlement::NotAccepted, Outcome::EpochChanged);
    bench.snapshot();
    assert_eq!(bench.engine().proposals().len(), 0);
    let again = bench.expect_submit();
    bench.ack(&again);
    assert_eq!((bench.text(), bench.log.string()), ("abX".into(), "abX".into()));
}
