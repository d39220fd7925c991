//! A reader that does not keep up costs the others nothing, and is led on by one
//! operation when it does.

use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::{Pipe, Traffic};

const BOUND: usize = 2_000;

fn typed(at: u32, text: &str) -> Operation {
    Operation::builder().retain(Utf16Length(at)).insert(text).build()
}

fn told(traffic: &Traffic) -> Vec<&'static str> {
    let names = traffic.frames.iter().map(|(name, _)| *name);
    let mut told: Vec<_> =
        names.filter(|name| ["Commit", "Entry", "Ack", "Composed", "Snapshot"].contains(name)).collect();
    told.dedup();
    told
}

#[test]
fn a_stuck_reader_is_bounded_and_then_led_on_by_one_operation() {
    let mut pipe = Pipe::with_queue(RoomSettings::default(), BOUND);
    let (writer, reader, stuck) = (pipe.join(), pipe.join(), pipe.join());
    pipe.client(stuck).down = Traffic::default();
    pipe.client(reader).down = Traffic::default();
    pipe.set_stuck(stuck, true);
    for at in 0..1_000 {
        pipe.edit(writer, &typed(at, "x"));
        assert!(pipe.waiting(stuck) <= BOUND + 100, "{} bytes wait", pipe.waiting(stuck));
    }
    assert_eq!(pipe.client(reader).down.count("Commit"), 1_000, "the others were served as ever");
    pipe.set_stuck(stuck, false);
    assert_eq!(told(&pipe.client(stuck).down), ["Commit", "Composed"]);
    assert_eq!(pipe.client(stuck).down.count("Composed"), 1);
    let bytes = pipe.client(stuck).down.bytes();
    println!("1,000 characters to a stuck reader: {bytes} bytes");
    assert!(bytes < BOUND + 1_000 + 500, "{bytes} bytes");
    assert_eq!(pipe.text(stuck), pipe.text(writer));
    pipe.edit(writer, &typed(0, "live again "));
    assert_eq!(pipe.client(stuck).down.frames.last().map(|(name, _)| *name), Some("Commit"));
    assert_eq!(pipe.text(stuck), pipe.text(writer));
}

#[test]
fn a19_a_stuck_reader_that_also_writes_gets_its_ack_before_the_composition() {
    let mut pipe = Pipe::with_queue(RoomSettings::default(), BOUND);
    let (writer, stuck) = (pipe.join(), pipe.join());
    pipe.client(stuck).down = Traffic::default();
    pipe.set_stuck(stuck, true);
    for at in 0..500 {
        pipe.edit(writer, &typed(at, "x"));
    }
    pipe.edit(stuck, &typed(0, "mine"));
    for at in 0..500 {
        pipe.edit(writer, &typed(at, "y"));
    }
    pipe.set_stuck(stuck, false);
    assert_eq!(told(&pipe.client(stuck).down), ["Commit", "Entry", "Ack", "Composed"]);
    assert_eq!(pipe.client(stuck).down.count("Ack"), 1);
    assert_eq!(pipe.client(stuck).up.count("Submit"), 1);
    assert_eq!(pipe.text(stuck), pipe.text(writer));
    assert_eq!(pipe.text(stuck).matches("mine").count(), 1);
}

#[test]
fn a15_a_submit_that_crosses_the_composition_is_void_and_sent_again() {
    let mut pipe = Pipe::with_queue(RoomSettings::default(), BOUND);
    let (writer, stuck) = (pipe.join(), pipe.join());
    pipe.client(stuck).down = Traffic::default();
    pipe.set_stuck(stuck, true);
    for at in 0..500 {
        pipe.edit(writer, &typed(at, "x"));
    }
    // Half of what waits is taken, so the composition is queued; the rest still waits
    // when the edit is made.
    pipe.take_some(stuck, BOUND * 3 / 4);
    pipe.edit(stuck, &typed(0, "mine"));
    pipe.set_stuck(stuck, false);
    assert_eq!(pipe.client(stuck).up.count("Submit"), 2, "void once, then taken");
    assert_eq!(pipe.client(stuck).down.count("Ack"), 1);
    assert_eq!(pipe.text(stuck), pipe.text(writer));
    assert_eq!(pipe.text(stuck).matches("mine").count(), 1);
}
