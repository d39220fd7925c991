//! Work that the log had accepted and lost: kept, offered, and restored once.

use cowrite_client::{Event, ProposalKind};
use cowrite_protocol::frame::{Code, Outcome, ServerFrame, Settlement};
use cowrite_protocol::{Channel, ClientId};

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
fn who_has_another_id_since_is_told_as_well_that_what_they_wrote_is_lost() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let accepted = bench.expect_submit();
    bench.ack(&accepted);
    bench.closed(Code::Superseded);
    assert_eq!(bench.expect_open().client, None);
    bench.log = bench.log.reborn("abc");
    bench.log.own_seq = 0;
    let new = ClientId::from_bytes([9; 16]);
    bench.opened_as(Settlement::Nothing, Outcome::EpochChanged, |opened| opened.client = new);
    bench.snapshot();
    lost(&bench);
    assert_eq!(bench.text(), "abc");
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
    bench.restored("4 +X");
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
    bench.restored("3 +X");
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
    bench.restored("1 -1");
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
    // A word that is there in another form is not taken away.
    assert_eq!((bench.text(), bench.log.string()), ("abcXacY".into(), "abcXacY".into()));
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
    let restoration = bench.log.restoration();
    bench.log.append(restoration, 1, &op("1 -1"));
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
    assert_eq!(bench.text(), "acY");
    assert_eq!(bench.engine().proposals()[0].kind, ProposalKind::Remaining);
}

#[test]
fn what_others_have_brought_back_whole_meanwhile_is_settled_by_itself() {
    let mut bench = bereft(Outcome::EpochChanged);
    let id = lost(&bench);
    bench.commit("+1");
    bench.restored("4 +X");
    assert!(bench.events.contains(&Event::ProposalSettled { id, refused: Some(Code::AlreadyRestored) }));
    let pending = bench.expect_submit();
    bench.ack(&pending);
    assert_eq!((bench.text(), bench.engine().proposals().len()), ("1abcXY".into(), 0));
}

#[test]
fn what_others_have_written_since_the_loss_is_never_proposed_to_be_taken_away() {
    let mut bench = bereft(Outcome::EpochChanged);
    let id = lost(&bench);
    bench.commit("+since-");
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    bench.next();
    bench.restored("9 +Z");
    answer(&mut bench, Some(Code::AlreadyRestored));
    let remaining = bench.engine().proposals()[0].clone();
    bench.session.accept_proposal(bench.handle, remaining.id, bench.now).unwrap().unwrap();
    bench.drain();
    let text = bench.text();
    assert!(text.starts_with("since-abc") && text.contains('X') && text.ends_with('Y'), "{text}");
}

#[test]
fn what_others_had_written_before_the_loss_was_heard_of_stays() {
    let mut bench = Bench::open("日本語");
    bench.edit("1 +X");
    let accepted = bench.expect_submit();
    bench.ack(&accepted);
    bench.commit("3 -1");
    bench.reconnect();
    bench.log = bench.log.reborn("日本語と");
    bench.opened(Settlement::Nothing, Outcome::EpochChanged);
    bench.snapshot();
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    // The lost deletion cannot be told from what others wrote.
    assert_eq!(bench.next(), Sent::Restore { base: 1, operation: op("1 +X") });
}

#[test]
fn where_nobody_has_written_since_a_loss_it_is_restored_to_the_letter() {
    let mut bench = Bench::open("日本語");
    let before = bench.log.clone();
    bench.edit("1 +X");
    let accepted = bench.expect_submit();
    bench.ack(&accepted);
    bench.commit("3 -1");
    bench.cut();
    bench.log = before;
    bench.come_back();
    bench.opened(Settlement::Nothing, Outcome::EpochChanged);
    bench.snapshot();
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    assert_eq!(bench.next(), Sent::Restore { base: 1, operation: op("1 +X 1 -1") });
}

#[test]
fn what_is_lost_by_a_second_loss_is_offered_as_well() {
    let mut bench = Bench::open("日本語");
    for edit in ["3 +X", "4 +Y"] {
        let before = bench.log.clone();
        bench.edit(edit);
        let accepted = bench.expect_submit();
        bench.ack(&accepted);
        if edit == "4 +Y" {
            bench.cut();
            bench.log = before;
        }
    }
    bench.come_back();
    bench.opened(Settlement::Nothing, Outcome::EpochChanged);
    bench.snapshot();
    let first = lost(&bench);
    bench.session.discard_proposal(bench.handle, first, bench.now);
    bench.cut();
    bench.log = bench.log.reborn("日本語");
    bench.come_back();
    bench.opened(Settlement::Nothing, Outcome::EpochChanged);
    bench.snapshot();
    assert_ne!(lost(&bench), first);
    assert_eq!(bench.text(), "日本語");
}

#[test]
fn what_comes_back_with_another_history_is_not_restored_as_well() {
    let mut bench = bereft(Outcome::EpochChanged);
    let id = lost(&bench);
    bench.cut();
    // The log is found after all, or another copy of it.
    bench.log = bench.log.reborn("abcX");
    bench.come_back();
    bench.opened(Settlement::NotAccepted, Outcome::EpochChanged);
    bench.snapshot();
    assert!(bench.events.contains(&Event::ProposalSettled { id, refused: Some(Code::AlreadyRestored) }));
    let pending = bench.expect_submit();
    bench.ack(&pending);
    assert_eq!((bench.text(), bench.log.string()), ("abcXY".into(), "abcXY".into()));
}

#[test]
fn a_restoration_that_is_refused_for_another_reason_stays_on_offer() {
    let mut bench = bereft(Outcome::EpochChanged);
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    bench.next();
    answer(&mut bench, Some(Code::ReadOnly));
    assert!(bench.events.contains(&Event::ProposalSettled { id, refused: Some(Code::ReadOnly) }));
    bench.nothing_sent();
    let again = lost(&bench);
    assert_ne!(again, id);
    bench.session.accept_proposal(bench.handle, again, bench.now).unwrap().unwrap();
    bench.drain();
    assert_eq!(bench.next(), Sent::Restore { base: 1, operation: op("3 +X") });
}

#[test]
fn what_was_lost_of_a_document_that_is_deleted_is_not_offered_any_more() {
    // Who asks for it is told, and who does not sees it.
    for (asks, pending) in [(true, "3 +Y"), (false, "+Y")] {
        let mut bench = bereft(Outcome::EpochChanged);
        let id = lost(&bench);
        if asks {
            bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
            bench.drain();
            bench.take_sent();
            answer(&mut bench, Some(Code::Deleted));
        } else {
            let (channel, deletion) = (Channel(bench.channel), ClientId::deletion(bench.log.position.epoch));
            let entry = bench.log.entry(channel, deletion, &op("-3"));
            bench.bytes(&entry);
        }
        assert_eq!(bench.engine().proposals().len(), 0);
        assert!(bench.events.contains(&Event::ProposalSettled { id, refused: Some(Code::Deleted) }));
        // What is pending hears that from the server.
        assert_eq!(bench.expect_submit().operation, op(pending));
    }
}

#[test]
fn what_is_too_large_for_one_act_is_finished_by_who_has_won() {
    let mut bench = Bench::open("abc");
    let long = "x".repeat(3 << 20);
    bench.edit(&format!("3 +{long}"));
    while bench.status().pending > 0 {
        let accepted = bench.expect_submit();
        bench.ack(&accepted);
    }
    bench.reconnect();
    bench.log = bench.log.reborn("abc");
    bench.opened(Settlement::Nothing, Outcome::EpochChanged);
    bench.snapshot();
    let id = lost(&bench);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.drain();
    let Sent::Restore { base: 1, operation } = bench.next() else { panic!("nothing is restored") };
    let client = bench.log.restoration();
    let entry = bench.log.entry(Channel(bench.channel), client, &operation);
    bench.bytes(&entry);
    bench.nothing_sent();
    answer(&mut bench, None);
    while bench.status().pending > 0 {
        let rest = bench.expect_submit();
        bench.ack(&rest);
    }
    assert_eq!(bench.text(), format!("abc{long}"));
    assert_eq!((bench.log.string(), bench.engine().proposals().len()), (bench.text(), 0));
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
