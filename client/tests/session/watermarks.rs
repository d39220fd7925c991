//! What the status says of edits, and that it never says more than is known.

use cowrite_client::engine::StatusState;
use cowrite_protocol::Channel;
use cowrite_protocol::frame::{Code, DurabilityClass, ServerFrame, Settlement};

use crate::bench::{Bench, version};

fn durable(bench: &mut Bench, at: u64) {
    bench.server(&ServerFrame::Durable { channel: Channel(bench.channel), version: version(at) });
}

#[test]
fn a_server_that_promises_nothing_says_nothing_of_durability() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    bench.ack(&submit);
    durable(&mut bench, 2);
    assert_eq!((bench.status().accepted, bench.status().durable), (1, None));
}

#[test]
fn on_disk_what_is_accepted_is_durable() {
    let mut bench = Bench::open_with("abc", |bench| bench.durability = DurabilityClass::Disk);
    bench.edit("3 +X");
    let submit = bench.expect_submit();
    assert_eq!(bench.status().durable, Some(0));
    bench.ack(&submit);
    assert_eq!(bench.status().durable, Some(1));
}

#[test]
fn elsewhere_it_is_durable_when_the_watermark_has_passed_it() {
    for durability in [DurabilityClass::Replicated(1), DurabilityClass::Fsynced] {
        let mut bench = Bench::open_with("abc", |bench| bench.durability = durability);
        bench.edit("3 +X");
        let submit = bench.expect_submit();
        bench.ack(&submit);
        assert_eq!(bench.status().durable, Some(0));
        durable(&mut bench, 1);
        assert_eq!(bench.status().durable, Some(0), "the version before");
        bench.edit("4 +Y");
        bench.expect_submit();
        durable(&mut bench, 2);
        assert_eq!((bench.status().durable, bench.status().local), (Some(1), 2));
    }
}

#[test]
fn a_writer_who_never_pauses_hears_of_it_too() {
    let mut bench = Bench::open_with("abc", |bench| bench.durability = DurabilityClass::Replicated(1));
    for at in 2..20 {
        bench.edit("3 +X");
        let submit = bench.expect_submit();
        bench.ack(&submit);
        // Always of the version before.
        durable(&mut bench, at - 1);
        let behind = bench.status().local - bench.status().durable.unwrap();
        assert!((1..=2).contains(&behind), "{behind} edits behind at version {at}");
    }
    // Told before the ack that it belongs to.
    bench.edit("3 +Y");
    let submit = bench.expect_submit();
    durable(&mut bench, 20);
    assert_eq!(bench.status().durable, Some(18));
    bench.ack(&submit);
    assert_eq!(bench.status().durable, Some(19));
}

#[test]
fn the_state_follows_the_channel() {
    let mut bench = Bench::open("abc");
    assert_eq!(bench.status().state, StatusState::Online);
    bench.reconnect();
    assert_eq!(bench.status().state, StatusState::Detached);
    bench.log.bob("+1");
    bench.in_step(Settlement::Nothing);
    assert_eq!(bench.status().state, StatusState::CatchingUp);
    bench.composed(1);
    assert_eq!(bench.status().state, StatusState::Online);
    bench.closed(Code::AccessDenied);
    assert_eq!(bench.status().state, StatusState::Closed);
    assert_eq!(bench.text(), "1abc");
}

#[test]
fn access_that_is_gone_leaves_pending_work_readable_and_takes_no_more() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.expect_submit();
    bench.closed(Code::AccessDenied);
    assert_eq!((bench.text().as_str(), bench.engine().pending().count()), ("abcX", 1));
    assert!(bench.session.edit(bench.handle, &crate::bench::op("+no"), bench.now).unwrap().is_err());
    bench.pass(600_000);
    assert_eq!((bench.status().pending, bench.status().accepted), (1, 0));
    bench.nothing_sent();
}
