//! What a page that was killed has left on the device is what the next one begins with.

use cowrite_client::ProposalKind;
use cowrite_protocol::frame::{DurabilityClass, Outcome, Settlement};

use crate::bench::{Bench, Device, Log, Sent};
use crate::keeping::{kept, killed};

#[test]
fn a_text_that_came_whole_is_the_one_that_comes_back() {
    for outcome in [Outcome::EpochChanged, Outcome::Mismatch, Outcome::Snapshot] {
        let mut bench = kept();
        bench.commit("3 +d");
        bench.pass(3_000);
        bench.write_all();
        bench.reconnect();
        bench.log = bench.log.replaced("another text", 9);
        bench.opened(Settlement::Nothing, outcome);
        bench.snapshot();
        bench.pass(3_000);
        bench.write_all();
        let bench = killed(bench);
        assert_eq!((bench.text().as_str(), bench.engine().position()), ("another text", Some(bench.log.position)));
    }
}

#[test]
fn the_whole_text_is_written_anew_only_once_much_has_changed_since() {
    let mut bench = Bench::kept(Device::default(), Log::with_text(&"x".repeat(80_000)));
    bench.load();
    bench.greet();
    bench.expect_open();
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    bench.write_all();
    // An eighth of the text is about 10,000 bytes.
    let mut bases = Vec::new();
    for bytes in [1, 5_000, 4_000, 2_000, 1] {
        bench.commit(&format!("+{}", "y".repeat(bytes)));
        bench.pass(3_000);
        bases.push(bench.stores.iter().filter(|(_, record)| record.base.is_some()).count());
        bench.write_all();
    }
    assert_eq!(bases, [0, 0, 0, 1, 0]);
    assert_eq!(killed(bench).text().len(), 80_000 + 11_002);
}

#[test]
fn what_the_server_promised_is_known_without_a_connection() {
    for class in
        [DurabilityClass::None, DurabilityClass::Disk, DurabilityClass::Replicated(2), DurabilityClass::Fsynced]
    {
        let mut bench = Bench::kept(Device::default(), Log::with_text("abc"));
        bench.durability = class;
        bench.load();
        bench.greet();
        bench.expect_open();
        bench.opened(Settlement::Nothing, Outcome::Snapshot);
        bench.snapshot();
        bench.write_all();
        let bench = killed(bench);
        assert_eq!(bench.text(), "abc", "{class:?}");
        assert_eq!(bench.status().durable, (class != DurabilityClass::None).then_some(0), "{class:?}");
    }
}

#[test]
fn lost_work_holds_back_what_is_pending_over_a_reload() {
    let mut bench = kept();
    bench.edit("3 +X");
    bench.write_all();
    let accepted = bench.expect_submit();
    bench.ack(&accepted);
    bench.write_all();
    bench.reconnect();
    bench.log = bench.log.reborn("abc");
    bench.opened(Settlement::Nothing, Outcome::EpochChanged);
    bench.snapshot();
    bench.edit("3 +Y");
    bench.pass(3_000);
    bench.write_all();
    let mut bench = killed(bench);
    assert_eq!(bench.engine().proposals()[0].kind, ProposalKind::LostAccepted);
    bench.greet();
    bench.expect_open();
    bench.in_step(Settlement::Nothing);
    bench.write_all();
    bench.pass(3_000);
    assert!(!bench.take_sent().iter().any(|sent| matches!(sent, Sent::Submit(_) | Sent::Restore { .. })));
    assert_eq!((bench.text().as_str(), bench.log.string().as_str()), ("abcY", "abc"));
}

#[test]
fn a_page_that_may_be_gone_at_any_moment_stores_what_the_device_does_not_know() {
    let mut bench = kept();
    assert_eq!(bench.session.owner(bench.handle).map(ToString::to_string).as_deref(), Some("ann"));
    bench.cut();
    bench.edit("3 +X");
    bench.pass(200);
    bench.write_all();
    bench.edit("4 +Y");
    bench.write_all();
    bench.edit("5 +Z");
    assert!(bench.stores.is_empty(), "typing is stored at a bounded rate");
    bench.session.store_now(bench.now);
    bench.drain();
    bench.write_all();
    bench.session.store_now(bench.now);
    bench.drain();
    assert!(bench.stores.is_empty(), "all of it is known");
    assert_eq!(killed(bench).text(), "abcXYZ");
}
