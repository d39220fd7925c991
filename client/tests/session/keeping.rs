//! Documents kept on the device: what waits for the store, and what comes back.

use cowrite_client::{Event, Found, ProposalKind, RecordError, Written};
use cowrite_protocol::ClientId;
use cowrite_protocol::frame::{Code, Outcome, Settlement};

use crate::bench::{Bench, Device, Log, OWN, Sent, op};

pub(crate) const NEW: ClientId = ClientId::from_bytes([9; 16]);

/// "abc" in step, kept, with its record stored.
pub(crate) fn kept() -> Bench {
    let mut bench = Bench::kept(Device::default(), Log::with_text("abc"));
    bench.load();
    bench.greet();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.write_all();
    bench.events.clear();
    bench
}

/// The page is killed: another one, with what the device has and the log as it is.
pub(crate) fn killed(bench: Bench) -> Bench {
    let mut next = Bench::kept(bench.device.clone(), bench.log.clone());
    next.channel = bench.channel;
    next.load();
    next
}

#[test]
fn an_operation_is_sent_only_once_the_store_knows_of_it() {
    let mut bench = kept();
    bench.edit("3 +X");
    bench.nothing_sent();
    // What is typed meanwhile waits for the next one.
    bench.edit("4 +Y");
    bench.nothing_sent();
    bench.write_one(Written::Stored);
    let submit = bench.expect_submit();
    assert_eq!((submit.seq, &submit.operation), (1, &op("3 +X")));
    bench.ack(&submit);
    bench.nothing_sent();
    bench.write_one(Written::Stored);
    assert_eq!(bench.expect_submit().operation, op("4 +Y"));
}

/// "aXbc" was not accepted, and is now on "aPc": carried over both entries at once, X comes to stand behind P.
fn leapt() -> Bench {
    let mut bench = kept();
    bench.edit("1 +X");
    bench.write_one(Written::Stored);
    bench.expect_submit();
    bench.log.bob("2 +P");
    bench.log.bob("1 -1");
    bench.reconnect();
    bench.in_step(Settlement::NotAccepted);
    bench.composed(1);
    bench
}

#[test]
fn an_operation_that_takes_another_form_is_sent_only_once_the_store_has_that() {
    let mut bench = leapt();
    bench.nothing_sent();
    bench.write_one(Written::Stored);
    let submit = bench.expect_submit();
    assert_eq!((submit.seq, submit.base), (1, 3));
    // The page is killed before it hears of that.
    bench.log.accept(&submit);
    let mut bench = killed(bench);
    bench.greet();
    assert_eq!(bench.expect_open().position.unwrap().version, version(3));
    bench.in_step(Settlement::Accepted(version(4)));
    let ack = bench.log.last_ack(cowrite_protocol::Channel(bench.channel));
    bench.bytes(&ack);
    assert_eq!((bench.text(), bench.status().pending), (bench.log.string(), 0));
    assert!(!bench.events.contains(&Event::Diverged));
}

#[test]
fn an_operation_that_a_failing_store_may_hold_in_another_form_goes_under_another_client_seq() {
    let mut bench = leapt();
    bench.write_one(Written::Failed);
    let submit = bench.expect_submit();
    assert_eq!((submit.seq, submit.base), (2, 3));
    bench.log.accept(&submit);
    // Of the record with the old form the log knows something later.
    let mut bench = killed(bench);
    bench.greet();
    bench.expect_open();
    bench.in_step(Settlement::NotAccepted);
    assert_eq!(bench.expect_reopen().client, None);
}

#[test]
fn a_document_that_is_not_kept_asks_the_host_nothing_and_waits_for_nothing() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.ack(&submit);
    bench.pass(60_000);
    assert_eq!((bench.loads, bench.stores.len(), bench.status().stored), (0, 0, None));
}

#[test]
fn typing_is_stored_at_a_bounded_rate() {
    let mut bench = kept();
    bench.cut();
    let mut writes = 0;
    for at in 0..200 {
        bench.edit(&format!("{at} +x"));
        bench.pass(10);
        while !bench.stores.is_empty() {
            bench.write_one(Written::Stored);
            writes += 1;
        }
    }
    assert!((10..=21).contains(&writes), "{writes} writes in two seconds");
    bench.pass(200);
    bench.write_all();
    assert_eq!(bench.status().stored, Some(200));
}

#[test]
fn a_stored_document_can_be_read_and_edited_without_a_connection_and_goes_once() {
    let mut bench = kept();
    bench.cut();
    bench.edit("3 +X");
    bench.pass(200);
    bench.write_all();
    let mut bench = killed(bench);
    assert_eq!((bench.text().as_str(), bench.status().pending), ("abcX", 1));
    assert!(matches!(bench.events[..], [Event::Change { .. }, Event::Opened { first: true }, Event::Status, ..]));
    bench.edit("4 +Y");
    assert_eq!((bench.status().local, bench.status().stored), (2, Some(1)));
    bench.log.bob("+1");
    bench.greet();
    let opening = bench.expect_open();
    assert_eq!((opening.client, opening.in_flight), (Some(OWN), None));
    bench.in_step(Settlement::Nothing);
    bench.composed(1);
    bench.write_all();
    let submit = bench.expect_submit();
    assert_eq!(submit.operation, op("4 +XY"));
    bench.ack(&submit);
    bench.nothing_sent();
    assert_eq!((bench.log.string().as_str(), bench.status().pending), ("1abcXY", 0));
}

#[test]
fn a_document_that_was_never_loaded_is_not_editable() {
    let mut bench = Bench::kept(Device::default(), Log::with_text("abc"));
    bench.load();
    let refused = bench.session.edit(bench.handle, &op("+x"), bench.now).unwrap();
    assert_eq!(refused, Err(cowrite_client::EditError::NotLoaded));
    bench.pass(60_000);
    assert!(bench.stores.is_empty());
}

/// Ten edits, the page killed after each thing that it asks for: whatever the store has
/// promised or the log has taken is in the text once.
#[test]
fn wherever_the_page_is_killed_nothing_accepted_is_lost_and_nothing_comes_twice() {
    let mut crashes = 0;
    for crash_at in 0.. {
        let mut bench = kept();
        let (mut steps, mut crashed) = (0, false);
        let mut promised = 0;
        'page: for letter in 'a'..='j' {
            let mut step = |bench: &Bench, promised: &mut u64| {
                *promised = (*promised).max(bench.status().stored.unwrap_or(0)).max(bench.status().accepted);
                steps += 1;
                steps > crash_at
            };
            bench.edit(&format!("3 +{letter}"));
            if step(&bench, &mut promised) {
                crashed = true;
                break 'page;
            }
            // The store writes, the submit goes, the log takes it, the ack comes: a step each.
            while let Some((ticket, record)) = bench.stores.pop_front() {
                bench.device.put(record);
                if step(&bench, &mut promised) {
                    crashed = true;
                    break 'page;
                }
                bench.stored(ticket, Written::Stored);
                if step(&bench, &mut promised) {
                    crashed = true;
                    break 'page;
                }
                for sent in bench.take_sent() {
                    let Sent::Submit(submit) = sent else { continue };
                    bench.log.accept(&submit);
                    if step(&bench, &mut promised) {
                        crashed = true;
                        break 'page;
                    }
                    let ack = bench.log.last_ack(cowrite_protocol::Channel(bench.channel));
                    bench.bytes(&ack);
                    if step(&bench, &mut promised) {
                        crashed = true;
                        break 'page;
                    }
                }
            }
        }
        let made = bench.status().local;
        let mut bench = killed(bench);
        bench.greet();
        let opening = bench.expect_open();
        settle(&mut bench, opening.in_flight, opening.position.unwrap().version.get());
        let text = bench.log.string();
        assert_eq!(text, bench.text(), "killed at step {crash_at}");
        for (number, letter) in ('a'..='j').enumerate() {
            let number = number as u64 + 1;
            // The text has an a, b and c of its own.
            let own = usize::from("abc".contains(letter));
            let times = text.matches(letter).count() - own;
            let least = usize::from(number <= promised);
            assert!((least..=1).contains(&times), "{letter} is {times} times in {text}, killed at step {crash_at}");
            assert!(number <= made || times == 0);
        }
        assert_eq!(bench.status().pending, 0);
        crashes += 1;
        if !crashed {
            break;
        }
    }
    assert!(crashes > 40, "{crashes} crashes");
}

/// The server answers an `Open` by its log, and takes all that is sent.
fn settle(bench: &mut Bench, in_flight: Option<u64>, from: u64) {
    let settlement = match in_flight {
        None => Settlement::Nothing,
        Some(seq) if seq <= bench.log.own_seq => Settlement::Accepted(bench.log.position.version),
        Some(_) => Settlement::NotAccepted,
    };
    let accepted = matches!(settlement, Settlement::Accepted(_));
    let head = bench.log.position.version;
    bench.in_step(settlement);
    if accepted && head.get() > from {
        // The last entry is the one in flight: nothing of ours is ever above it.
        assert_eq!(head.get(), from + 1, "more than one entry is missing");
        let ack = bench.log.last_ack(cowrite_protocol::Channel(bench.channel));
        bench.bytes(&ack);
    } else if head.get() > from {
        bench.composed(from);
    }
    for _ in 0..5 {
        bench.write_all();
        for sent in bench.take_sent() {
            if let Sent::Submit(submit) = sent {
                bench.ack(&submit);
            }
        }
        bench.pass(200);
    }
}

#[test]
fn an_old_copy_takes_a_new_id_and_shows_what_was_pending_without_sending_it() {
    let mut bench = kept();
    bench.edit("3 +X");
    bench.write_one(Written::Stored);
    let old = bench.device.clone();
    let submit = bench.expect_submit();
    bench.ack(&submit);
    bench.edit("4 +Y");
    bench.write_all();
    let submit = bench.expect_submit();
    bench.ack(&submit);
    bench.device = old;
    let mut bench = killed(bench);
    assert_eq!(bench.text(), "abcX");
    bench.greet();
    assert_eq!(bench.expect_open().in_flight, Some(1));
    bench.opened(Settlement::Accepted(version(2)), Outcome::Tail { head: version(3) });
    bench.write_all();
    let opening = bench.expect_reopen();
    assert_eq!((opening.client, opening.in_flight), (None, None));
    assert_eq!(bench.text(), "abc");
    let proposal = &bench.engine().proposals()[0];
    assert_eq!((proposal.kind, &proposal.operation), (ProposalKind::UnknownOutcome, &op("3 +X")));
    bench.opened_as(Settlement::Nothing, Outcome::Tail { head: version(3) }, |opened| {
        opened.client = NEW;
        opened.last_seq = cowrite_protocol::ClientSeq::NONE;
    });
    bench.composed(1);
    bench.pass(5_000);
    bench.write_all();
    assert!(!bench.take_sent().iter().any(|sent| matches!(sent, Sent::Submit(_))));
    assert_eq!((bench.text().as_str(), bench.status().pending), ("abcXY", 1));
    // It is shown to the next page, too, until somebody decides.
    let mut bench = killed(bench);
    assert_eq!(bench.engine().proposals().len(), 1);
    bench.session.discard_proposal(bench.handle, 1, bench.now);
    bench.drain();
    bench.pass(200);
    bench.write_all();
    assert!(killed(bench).engine().proposals().is_empty());
}

pub(crate) fn version(number: u64) -> cowrite_protocol::Version {
    cowrite_protocol::Version::new(number).unwrap()
}

#[test]
fn a_record_that_is_torn_or_of_another_format_is_refused_and_nothing_of_it_is_used() {
    let mut bench = kept();
    bench.edit("3 +X");
    bench.write_one(Written::Stored);
    let (base, work) = bench.device.record("ann").unwrap();
    let check = |base: &[u8], work: &[u8]| {
        let mut bench = Bench::kept(Device::default(), Log::with_text("abc"));
        let error =
            bench.session.handle_loaded(bench.handle, Found::Record { base, work, age_ms: 0 }, bench.now).unwrap_err();
        bench.drain();
        assert_eq!((bench.text().as_str(), bench.engine().position()), ("", None));
        (error, bench)
    };
    for (part, whole) in [(0, &base), (1, &work)] {
        for at in 0..whole.len() {
            for damaged in [whole[..at].to_vec(), {
                let mut flipped = whole.clone();
                flipped[at] ^= 0x10;
                flipped
            }] {
                let (base, work) = if part == 0 { (&damaged, &work) } else { (&base, &damaged) };
                assert_eq!(check(base, work).0, RecordError::Torn, "byte {at} of part {part}");
            }
        }
    }
    // A base of another write.
    let mut other = kept();
    other.commit(&format!("+{}", "x".repeat(5_000)));
    other.pass(5_000);
    other.write_all();
    let (other_base, _) = other.device.record("ann").unwrap();
    assert_ne!(other_base, base);
    assert_eq!(check(&other_base, &work).0, RecordError::Torn);
    // A later client's record is left as it is.
    let newer = Device::reformatted(&work, 2);
    let (error, mut bench) = check(&base, &newer);
    assert_eq!(error, RecordError::Format { found: 2, known: 1 });
    bench.greet();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.edit("3 +X");
    bench.expect_submit();
    bench.pass(10_000);
    assert!(bench.stores.is_empty());
    assert_eq!(bench.status().stored, None);
}

/// Two profiles with one record: who comes second has the id, and sends what both have.
#[test]
fn what_a_copy_of_the_record_may_hold_is_not_sent_once_the_copy_works() {
    for sealed in [false, true] {
        let mut bench = kept();
        bench.cut();
        bench.edit("3 +X");
        bench.pass(200);
        bench.write_all();
        let mut bench = killed(bench);
        bench.edit("4 +Y");
        bench.greet();
        bench.expect_open();
        // In the middle of a catch-up nothing is sealed; once it is over X is, and waits for the store.
        let head = if sealed { version(1) } else { version(2) };
        bench.opened(Settlement::Nothing, Outcome::Tail { head });
        bench.closed(Code::Superseded);
        bench.write_all();
        bench.expect_open();
        bench.opened_as(Settlement::Nothing, Outcome::Tail { head: version(1) }, |opened| opened.client = NEW);
        bench.pass(5_000);
        bench.write_all();
        assert!(!bench.take_sent().iter().any(|sent| matches!(sent, Sent::Submit(_))));
        let [proposal] = bench.engine().proposals() else { panic!("one proposal") };
        assert_eq!((proposal.kind, &proposal.operation), (ProposalKind::UnknownOutcome, &op("3 +XY")));
        assert_eq!(bench.text(), "abc");
    }
}

#[test]
fn closing_stores_what_the_store_does_not_know() {
    let mut bench = kept();
    bench.cut();
    bench.edit("3 +X");
    bench.session.close(bench.handle, bench.now);
    bench.drain();
    while let Some((_, record)) = bench.stores.pop_front() {
        bench.device.put(record);
    }
    let mut next = Bench::kept(bench.device.clone(), bench.log.clone());
    next.load();
    assert_eq!(next.text(), "abcX");
}
