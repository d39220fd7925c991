//! Whose the work on a device is, when several users sign in there one after the other.

use cowrite_client::{Found, LinkState, RecordError};
use cowrite_protocol::frame::{Code, DurabilityClass, Outcome, ServerFrame, Settlement};

use crate::bench::{Bench, Device, Log, OWN, op};
use crate::keeping::{NEW, kept, killed, version};

#[test]
fn work_of_one_user_is_never_sent_by_another_and_waits_for_the_first() {
    let mut bench = kept();
    bench.cut();
    bench.edit("3 +X");
    bench.pass(200);
    bench.write_all();
    let mut bench = killed(bench);
    bench.edit("4 +Y");
    assert_eq!(bench.text(), "abcXY");
    bench.greet_as("token", "eve");
    assert!(!matches!(bench.links.last(), Some(LinkState::Stopped(_))));
    assert_eq!(bench.text(), "");
    assert_eq!(bench.rejections(), [(1, 2, Code::ForeignClient)]);
    bench.write_all();
    bench.nothing_sent();
    bench.load();
    let opening = bench.expect_open();
    assert_eq!((opening.client, opening.position), (None, None));
    bench.opened_as(Settlement::Nothing, Outcome::Snapshot, |opened| opened.client = NEW);
    bench.snapshot();
    bench.edit("3 +Z");
    bench.write_all();
    assert_eq!(bench.expect_submit().operation, op("3 +Z"));
    bench.nothing_sent();
    // The first one finds all of it again, also what was typed before the other came.
    let device = bench.device.clone();
    let mut log = bench.log.clone();
    (log.own, log.own_seq) = (OWN, 0);
    let mut bench = Bench::kept(device, log);
    bench.device.last_user = "ann".to_owned();
    bench.load();
    assert_eq!(bench.text(), "abcXY");
    bench.greet();
    assert_eq!(bench.expect_open().client, Some(OWN));
}

#[test]
fn a_store_that_answers_after_the_server_is_asked_for_the_right_user() {
    let mut bench = kept();
    bench.cut();
    bench.edit("3 +X");
    bench.pass(200);
    bench.write_all();
    for last_user in ["eve", "ann", ""] {
        let mut next = Bench::kept(bench.device.clone(), bench.log.clone());
        next.device.copy("ann", "eve");
        // The server greets while the store still looks for the last user's work.
        next.greet();
        next.pass(1_000);
        next.nothing_sent();
        next.load_of(last_user);
        if last_user != "ann" {
            assert_eq!(next.text(), "");
            next.load();
        }
        assert_eq!((next.text().as_str(), next.expect_open().client), ("abcX", Some(OWN)), "{last_user}");
    }
}

#[test]
fn a_record_of_somebody_else_is_not_asked_for_again_and_again() {
    let mut bench = kept();
    bench.cut();
    bench.edit("3 +X");
    bench.pass(200);
    bench.write_all();
    let (base, work) = bench.device.record("ann").unwrap();
    let found = Found::Record { base: &base, work: &work, age_ms: 0 };
    let mut next = Bench::kept(Device::default(), Log::with_text("abc"));
    next.greet_as("token", "eve");
    // The host looked before anybody knew who it is, so it is asked once more; then it is taken at its word.
    for asked in [Ok(()), Err(RecordError::Foreign)] {
        assert_eq!(std::mem::take(&mut next.loads), 1);
        assert_eq!(next.session.handle_loaded(next.handle, found, next.now), asked);
        next.drain();
    }
    assert_eq!((next.loads, next.text().as_str()), (0, ""));
    assert_eq!(next.expect_open().client, None);
}

#[test]
fn edits_of_the_next_user_are_counted_on_from_those_of_the_one_before() {
    let mut bench = Bench::kept(Device::default(), Log::with_text("abc"));
    bench.durability = DurabilityClass::Replicated(1);
    bench.load();
    bench.greet();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.write_all();
    for edit in ["3 +X", "4 +Y"] {
        bench.edit(edit);
        bench.write_all();
        let submit = bench.expect_submit();
        bench.ack(&submit);
    }
    let channel = cowrite_protocol::Channel(bench.channel);
    bench.server(&ServerFrame::Durable { channel, version: version(2) });
    bench.cut();
    bench.edit("5 +Z");
    bench.pass(2_000);
    bench.write_all();
    // Local, accepted, durable.
    let counts = |bench: &Bench| (bench.status().local, bench.status().accepted, bench.status().durable);
    assert_eq!(counts(&bench), (3, 2, Some(1)));
    bench.device.copy("ann", "eve");
    let mut bench = killed(bench);
    bench.durability = DurabilityClass::Replicated(1);
    assert_eq!(counts(&bench), (3, 2, Some(1)));
    bench.greet_as("token", "eve");
    assert_eq!(counts(&bench), (3, 3, Some(3)), "ann's are told as refused");
    bench.load();
    assert_eq!((counts(&bench), bench.status().pending), ((6, 5, Some(4)), 1));
    assert_eq!(bench.edit("6 +W"), 7);
}
