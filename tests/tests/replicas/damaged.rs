//! A letter that arrives as another: the client's text is not what its version says.

use cowrite_client::engine::StatusState;
use cowrite_protocol::frame::Code;
use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::Pipe;

/// What no number of a frame is in these tests, and what it is made into.
const GARBLED: Option<(u8, u8)> = Some((b'~', b'!'));

/// As long as a document may rest before it is compared, and what comparing takes.
const AT_REST_MS: u64 = 70_000;

fn typed(at: u32, text: &str) -> Operation {
    Operation::builder().retain(Utf16Length(at)).insert(text).build()
}

/// Ann, who writes, and Ben, to whom it arrives damaged.
fn damaged() -> (Pipe, usize, usize) {
    let mut pipe = Pipe::new(RoomSettings::default());
    let (ann, ben) = (pipe.join(), pipe.join());
    pipe.edit(ann, &typed(0, "abc"));
    pipe.client(ben).garbled = GARBLED;
    pipe.edit(ann, &typed(3, "~"));
    pipe.client(ben).garbled = None;
    assert_eq!((pipe.text(ann).as_str(), pipe.text(ben).as_str()), ("abc~", "abc!"));
    (pipe, ann, ben)
}

#[test]
fn d12_a_damaged_text_is_noticed_at_rest_and_mended_once() {
    let (mut pipe, ann, ben) = damaged();
    let opened = pipe.client(ben).down.count("Opened");
    pipe.pass_for_all(AT_REST_MS);
    assert_eq!((pipe.text(ben), pipe.client(ben).diverged), (pipe.text(ann), 1));
    assert_eq!(pipe.client(ben).down.count("Opened"), opened + 1);
    // That was all, and it goes on.
    pipe.pass_for_all(2 * AT_REST_MS);
    pipe.edit(ben, &typed(0, "b"));
    pipe.edit(ann, &typed(0, "a"));
    assert_eq!((pipe.text(ben).as_str(), pipe.text(ann).as_str()), ("ababc~", "ababc~"));
    assert_eq!((pipe.client(ben).diverged, pipe.client(ben).down.count("Opened")), (1, opened + 1));
    assert_eq!(pipe.client(ben).closed, []);
}

#[test]
fn d12_a_damaged_text_is_noticed_by_the_answer_to_the_next_edit_which_is_there_once() {
    let (mut pipe, ann, ben) = damaged();
    pipe.edit(ben, &typed(0, "mine "));
    pipe.pass_for_all(1_000);
    assert_eq!((pipe.client(ben).diverged, pipe.text(ben)), (1, pipe.text(ann)));
    assert_eq!(pipe.text(ann), "mine abc~");
    assert_eq!(pipe.client(ben).closed, []);
}

#[test]
fn d12_a_second_damage_within_a_minute_ends_it_with_a_code_and_keeps_what_is_pending() {
    let (mut pipe, ann, ben) = damaged();
    pipe.edit(ben, &typed(0, "1"));
    pipe.pass_for_all(1_000);
    assert_eq!(pipe.text(ben), "1abc~");
    pipe.client(ben).garbled = GARBLED;
    pipe.edit(ann, &typed(0, "~"));
    pipe.client(ben).garbled = None;
    let opened = pipe.client(ben).down.count("Opened");
    pipe.edit(ben, &typed(0, "2"));
    assert_eq!(pipe.client(ben).closed, [Code::Diverged]);
    pipe.pass_for_all(AT_REST_MS);
    let client = pipe.client(ben);
    assert_eq!(client.session.engine(client.handle).unwrap().status().state, StatusState::Closed);
    assert_eq!(client.down.count("Opened"), opened, "it is not tried again and again");
    // What the log has of him is there once, and others go on.
    pipe.edit(ann, &typed(0, "3"));
    let text = pipe.text(ann);
    assert_eq!((text.matches('1').count(), text.matches('2').count(), text.matches('3').count()), (1, 1, 1), "{text}");
}
