//! A day's work offline that is larger than any operation may be.

use cowrite_protocol::Limits;
use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::Pipe;

/// Places that are edited, and edits that are made of them.
const PLACES: usize = 100_000;
const EDITS: usize = 50;

#[test]
fn d11_a_hundred_thousand_places_edited_offline_go_in_several_submits_and_none_is_refused() {
    let mut pipe = Pipe::new(RoomSettings::default());
    let (writer, other) = (pipe.join(), pipe.join());
    pipe.edit(writer, &Operation::builder().insert(&"ab".repeat(PLACES)).build());
    pipe.disconnect(writer);
    // Each edit takes every fiftieth place: behind an `a` something is inserted.
    for edit in 0..EDITS {
        let mut scattered = Operation::builder();
        for place in (0..PLACES).skip(edit).step_by(EDITS) {
            // The edits before have each left a letter in the places between.
            let before = if place < EDITS { place } else { EDITS - 1 };
            scattered.retain(Utf16Length(u32::try_from(before).unwrap()));
            let between = if place < EDITS { place } else { EDITS - 1 };
            scattered.retain(Utf16Length(u32::try_from(between + 1).unwrap())).insert("x");
        }
        pipe.edit(writer, &scattered.build());
    }
    let shown = pipe.text(writer);
    assert_eq!(shown.matches('x').count(), PLACES);
    let client = pipe.client(writer);
    let components = client.session.engine(client.handle).unwrap().pending().map(|all| all.components().len());
    let most = Limits::default().operation.components;
    assert!(components.sum::<usize>() > usize::try_from(most).unwrap(), "it would fit");
    // Meanwhile somebody else is at work in the middle of it.
    pipe.edit(other, &Operation::builder().retain(Utf16Length(100_001)).insert("other").delete(Utf16Length(3)).build());
    pipe.connect(writer);
    let client = pipe.client(writer);
    let status = client.session.engine(client.handle).unwrap().status();
    assert_eq!((status.pending, status.accepted, status.local), (0, EDITS as u64 + 1, EDITS as u64 + 1));
    assert_eq!(client.down.count("Reject"), 0);
    let submits = client.down.count("Ack");
    assert!((2..=4).contains(&submits), "{submits} operations for {PLACES} places");
    let text = pipe.text(writer);
    assert_eq!((text.matches('x').count(), text.matches("other").count()), (PLACES, 1));
    assert_eq!(text, pipe.text(other));
}
