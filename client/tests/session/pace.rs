//! The rates that the server names are kept, and nothing is lost by it.

use cowrite_client::DocumentHandle;
use cowrite_protocol::Channel;
use cowrite_protocol::ClientSeq;
use cowrite_protocol::frame::{Code, Outcome, ServerFrame, Settlement};

use crate::bench::{Bench, Sent, caret, op};

const MANY: (u32, u32) = (100, 200);

#[test]
fn a_bot_that_types_without_pause_keeps_the_rate_and_its_edits_become_one() {
    let mut bench = Bench::open("");
    bench.terms((10, 4), MANY, None);
    let (start, mut submits, mut edits) = (bench.now, 0, 0);
    while bench.now - start < 10_000 {
        bench.edit(&format!("{edits} +x"));
        edits += 1;
        bench.pass(1);
        for sent in bench.take_sent() {
            let Sent::Submit(submit) = sent else { continue };
            submits += 1;
            bench.ack(&submit);
        }
    }
    assert!((80..=104).contains(&submits), "{submits} submits");
    bench.pass(1_000);
    for sent in bench.take_sent() {
        let Sent::Submit(submit) = sent else { continue };
        bench.ack(&submit);
    }
    assert_eq!((bench.log.string().len(), bench.status().pending), (10_000, 0));
}

#[test]
fn a_person_who_types_is_never_slowed() {
    let mut bench = Bench::open("");
    bench.terms(MANY, MANY, None);
    for typed in 0..200 {
        bench.edit(&format!("{typed} +x"));
        let submit = bench.expect_submit();
        bench.ack(&submit);
        bench.pass(30);
        bench.take_sent();
    }
}

#[test]
fn a_refusal_for_the_rate_makes_all_documents_slower_and_costs_nothing_else() {
    let mut bench = Bench::open("abc");
    bench.terms((10, 20), MANY, None);
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    let (channel, seq) = (Channel(bench.channel), ClientSeq::new(submit.seq).unwrap());
    bench.server(&ServerFrame::Busy { channel, seq, code: Code::RateLimited, retry_after_ms: 50 });
    bench.edit("4 +Y");
    bench.pass(111);
    bench.nothing_sent();
    bench.pass(1);
    let again = bench.expect_submit();
    assert_eq!((again.seq, &again.operation), (1, &op("3 +X")));
    bench.ack(&again);
    bench.pass(200);
    let rest = bench.expect_submit();
    bench.ack(&rest);
    assert_eq!((bench.log.string().as_str(), bench.disconnects), ("abcXY", 0));
}

#[test]
fn cursors_wait_and_the_last_one_is_shown() {
    let mut bench = Bench::open("0123456789");
    bench.terms(MANY, (2, 2), None);
    let mut shown = Vec::new();
    for at in 0..100 {
        bench.set_caret(at % 10);
        bench.pass(20);
        shown.extend(bench.take_sent());
    }
    assert!((2..=5).contains(&shown.len()), "{shown:?}");
    bench.pass(1_000);
    assert_eq!(bench.take_sent().last(), Some(&Sent::Cursor { version: 1, cursor: caret(9) }));
    let woken = bench.woken;
    bench.pass(5_000);
    assert!(bench.woken - woken < 10, "woken {} times for nothing", bench.woken - woken);
}

#[test]
fn presence_waits_and_the_newest_is_told() {
    let mut bench = Bench::open("");
    bench.terms(MANY, (1, 1), None);
    let activity = cowrite_protocol::frame::Activity::Active;
    let mut told = Vec::new();
    for state in 0..50 {
        assert!(bench.session.set_presence(bench.handle, Some(&state.to_string()), activity, bench.now));
        bench.drain();
        bench.pass(10);
        told.extend(bench.take_sent());
    }
    assert_eq!(told, [Sent::Presence { state: Some("0".into()) }]);
    bench.pass(1_000);
    assert_eq!(bench.take_sent(), [Sent::Presence { state: Some("49".into()) }]);
}

#[test]
fn a_document_that_is_never_quiet_takes_no_other_ones_turn() {
    let mut bench = Bench::open("");
    let quiet = ["second", "third"].map(|name| open_another(&mut bench, name));
    bench.channel = 1;
    bench.terms((10, 2), MANY, None);
    bench.edit("+x");
    let first = bench.expect_submit();
    bench.ack(&first);
    for handle in quiet {
        bench.session.edit(handle, &op("+y"), bench.now).unwrap().unwrap();
    }
    let (start, mut served) = (bench.now, Vec::new());
    while bench.now - start < 500 {
        bench.edit("+x");
        for sent in bench.take_sent() {
            let Sent::Submit(submit) = sent else { continue };
            served.push(submit.channel);
            if submit.channel == 1 {
                bench.ack(&submit);
            }
        }
        bench.pass(1);
    }
    assert!(served.contains(&2) && served.contains(&3) && served.contains(&1), "{served:?}");
}

fn open_another(bench: &mut Bench, name: &str) -> DocumentHandle {
    let handle = bench.session.open(name.parse().unwrap(), "", bench.now).unwrap();
    bench.drain();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.take_sent();
    handle
}
