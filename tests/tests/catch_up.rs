//! What a returning client is sent: the net change, not the history.

use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::Pipe;

fn typed(at: u32, text: &str) -> Operation {
    Operation::builder().retain(Utf16Length(at)).insert(text).build()
}

#[test]
fn a10_five_thousand_missed_entries_and_five_hundred_own_edits_are_one_operation_each_way() {
    let mut pipe = Pipe::new(RoomSettings::default());
    let (writer, away) = (pipe.join(), pipe.join());
    pipe.edit(writer, &typed(0, "start "));
    pipe.disconnect(away);
    for at in 0..5_000 {
        pipe.edit(writer, &typed(6 + at, "w"));
    }
    for at in 0..500 {
        pipe.edit(away, &typed(at, "a"));
    }
    pipe.connect(away);
    let (down, up) = (pipe.client(away).down.clone(), pipe.client(away).up.clone());
    assert_eq!((down.count("Composed"), down.count("Snapshot"), down.count("Entry")), (1, 0, 0), "{down:?}");
    assert_eq!((up.count("Submit"), down.count("Ack"), down.count("Commit")), (1, 1, 0), "{up:?}");
    // The net change is 5,000 characters down and 500 up.
    println!("resume over 5,000 entries: {} bytes down, {} bytes up", down.bytes(), up.bytes());
    assert!(down.bytes() < 2 * 5_000 && up.bytes() < 2 * 500 + 100, "{down:?} {up:?}");
    assert_eq!(pipe.text(away), pipe.text(writer));
    assert_eq!(pipe.text(away).len(), 6 + 5_000 + 500);
}

#[test]
fn entries_up_to_the_own_accepted_one_come_singly_then_its_ack_then_one_composition() {
    let mut pipe = Pipe::new(RoomSettings::default());
    let (writer, away) = (pipe.join(), pipe.join());
    // What the server sends no longer reaches it, and its submit is still to come.
    pipe.client(away).deaf = true;
    for at in 0..20 {
        pipe.edit(writer, &typed(at, "w"));
    }
    pipe.edit(away, &typed(0, "mine"));
    for at in 0..100 {
        pipe.edit(writer, &typed(at, "v"));
    }
    pipe.disconnect(away);
    pipe.connect(away);
    let down = pipe.client(away).down.clone();
    let told: Vec<_> = down
        .frames
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| ["Entry", "Ack", "Composed", "Snapshot"].contains(name))
        .collect();
    let mut expected = vec!["Entry"; 20];
    expected.extend(["Ack", "Composed"]);
    assert_eq!(told, expected);
    assert_eq!(pipe.client(away).up.count("Submit"), 0, "it was in the log already");
    assert_eq!(pipe.text(away), pipe.text(writer));
}

#[test]
fn opening_costs_the_text_and_nothing_of_its_history() {
    let mut pipe = Pipe::new(RoomSettings { snapshot_entries: 100, retained_entries: 50, ..RoomSettings::default() });
    let writer = pipe.join();
    for at in 0..3_000 {
        pipe.edit(writer, &typed(at, "x"));
        if at % 3 > 0 {
            pipe.edit(writer, &Operation::builder().retain(Utf16Length(at)).delete(Utf16Length(1)).insert("y").build());
        }
    }
    let late = pipe.join();
    let down = pipe.client(late).down.clone();
    assert_eq!(down.count("Snapshot"), 1);
    let text = pipe.text(late).len();
    assert!(down.bytes() < text + text / 100 + 400, "{} bytes for {text}", down.bytes());
    assert_eq!(pipe.text(late), pipe.text(writer));
}
