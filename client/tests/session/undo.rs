//! Undo and redo: only the user's own edits, whatever others and the connection do.

use cowrite_client::{EditError, Event, Origin, ProposalKind, UndoSettings};
use cowrite_protocol::Cursor;
use cowrite_protocol::frame::{Code, Outcome, Role, Settlement};
use cowrite_protocol::operation::{Attributes, Operation};
use cowrite_protocol::{Selection, Utf16Length, Utf16Offset};

use crate::bench::{Bench, Sent, SentCaret, caret, op};

impl Bench {
    /// Undoes, and gives the text after it; `None` if there was nothing.
    fn undo(&mut self) -> Option<String> {
        let undone = self.session.undo(self.handle, self.now).unwrap().unwrap();
        self.drain();
        undone.map(|_| self.text())
    }

    fn redo(&mut self) -> Option<String> {
        let redone = self.session.redo(self.handle, self.now).unwrap().unwrap();
        self.drain();
        redone.map(|_| self.text())
    }

    /// Undoes until nothing is left; gives all the texts.
    fn undo_all(&mut self) -> Vec<String> {
        core::iter::from_fn(|| self.undo()).collect()
    }

    fn can(&self) -> (bool, bool) {
        (self.status().can_undo, self.status().can_redo)
    }

    /// Formats the first units, as the user or as Bob.
    fn bold(units: u32, value: &str) -> Operation {
        let attributes = Attributes::parse(&format!("{{\"bold\":{value}}}")).unwrap();
        Operation::builder().retain_with(Utf16Length(units), &attributes).build()
    }

    fn format(&mut self, operation: &Operation) {
        self.session.edit(self.handle, operation, self.now).unwrap().unwrap();
        self.drain();
    }

    fn commit_format(&mut self, operation: &Operation) {
        let frame = self.log.commit(cowrite_protocol::Channel(self.channel), operation);
        self.bytes(&frame);
    }

    fn json(&self) -> String {
        self.engine().document().to_delta()
    }

    /// Sends and accepts all that is pending.
    fn settle(&mut self) {
        loop {
            let sent = self.take_sent();
            let submit = sent.into_iter().find_map(|sent| match sent {
                Sent::Submit(submit) => Some(submit),
                _ => None,
            });
            match submit {
                Some(submit) => self.ack(&submit),
                None => break,
            }
        }
        assert_eq!(self.status().pending, 0);
    }
}

#[test]
fn what_is_typed_without_a_pause_is_one_group() {
    let mut bench = Bench::open("ab");
    assert_eq!((bench.undo(), bench.can()), (None, (false, false)));
    bench.edit("2 +c");
    bench.pass(499);
    bench.edit("3 +d");
    bench.pass(500);
    bench.edit("4 +e");
    assert_eq!(bench.can(), (true, false));
    assert_eq!(bench.undo_all(), ["abcd", "ab"]);
    assert_eq!(bench.can(), (false, true));
    assert_eq!((bench.redo(), bench.redo(), bench.redo()), (Some("abcd".into()), Some("abcde".into()), None));
    bench.settle();
    assert_eq!(bench.log.string(), "abcde");
}

#[test]
fn kinds_are_groups_of_their_own() {
    let mut bench = Bench::open("ab");
    bench.edit("2 +c");
    bench.edit("2 -1");
    bench.edit("1 -1");
    bench.edit("+z");
    bench.edit("+y -1");
    bench.edit("1 +x");
    bench.edit(&format!("+{}", "paste".repeat(4)));
    bench.edit("20 +w");
    let pasted = "paste".repeat(4);
    assert_eq!(
        bench.undo_all(),
        [format!("{pasted}yxa"), "yxa".into(), "za".into(), "a".into(), "abc".into(), "ab".into()]
    );
}

#[test]
fn capturing_can_be_stopped_and_edits_of_a_program_are_not_undone() {
    let mut bench = Bench::open("");
    bench.edit("+a");
    bench.session.stop_capturing(bench.handle);
    bench.edit("1 +b");
    bench.session.edit_unrecorded(bench.handle, &op("1 +X"), bench.now).unwrap().unwrap();
    bench.drain();
    assert_eq!(bench.undo_all(), ["aX", "X"]);
    // An edit of a program ends no redo.
    bench.session.edit_unrecorded(bench.handle, &op("+Y"), bench.now).unwrap().unwrap();
    bench.drain();
    assert_eq!((bench.redo(), bench.redo()), (Some("aYX".into()), Some("aYXb".into())));
}

#[test]
fn a_new_edit_ends_redo() {
    let mut bench = Bench::open("");
    bench.edit("+a");
    bench.undo();
    bench.edit("+b");
    assert_eq!((bench.can(), bench.redo()), ((true, false), None));
}

#[test]
fn others_work_in_and_around_the_users_own_stays() {
    let mut bench = Bench::open("one two");
    bench.edit("3 -4");
    bench.edit("+zero");
    bench.settle();
    bench.commit("7 +!");
    bench.commit("2 +<>");
    assert_eq!(bench.text(), "ze<>roone!");
    assert_eq!(bench.undo_all(), ["<>one!", "<>one two!"]);
    bench.settle();
    assert_eq!(bench.log.string(), "<>one two!");
    assert_eq!((bench.redo(), bench.redo()), (Some("<>one!".into()), Some("ze<>roone!".into())));
}

#[test]
fn undo_of_work_that_others_deleted_is_no_step() {
    let mut bench = Bench::open("ab");
    bench.edit("1 +x");
    bench.settle();
    bench.edit("+y");
    bench.session.stop_capturing(bench.handle);
    bench.settle();
    bench.events.clear();
    bench.commit("-1");
    assert_eq!((bench.text().as_str(), bench.can()), ("axb", (true, false)));
    bench.commit("1 -1");
    assert_eq!((bench.can(), bench.undo()), ((false, false), None));
    assert!(bench.events.contains(&Event::Status));
}

#[test]
fn of_an_attribute_that_others_wrote_since_theirs_stays() {
    let mut bench = Bench::open("abc");
    bench.format(&Bench::bold(3, "1"));
    bench.settle();
    bench.commit_format(&Bench::bold(1, "2"));
    bench.undo();
    assert_eq!(bench.json(), r#"{"ops":[{"insert":"a","attributes":{"bold":2}},{"insert":"bc"}]}"#);
}

#[test]
fn an_attribute_of_others_that_lost_to_the_users_own_shows_again() {
    let mut bench = Bench::open("abc");
    bench.format(&Bench::bold(3, "1"));
    let submit = bench.expect_submit();
    bench.session.stop_capturing(bench.handle);
    bench.format(&Bench::bold(2, "3"));
    // Bob's write comes before both in the log, so it loses to both.
    bench.commit_format(&Bench::bold(1, "2"));
    assert!(bench.json().starts_with(r#"{"ops":[{"insert":"ab","attributes":{"bold":3}}"#));
    bench.ack(&submit);
    bench.settle();
    bench.undo_all();
    assert_eq!(bench.json(), r#"{"ops":[{"insert":"a","attributes":{"bold":2}},{"insert":"bc"}]}"#);
    bench.settle();
}

#[test]
fn the_selection_comes_back_with_the_text() {
    let mut bench = Bench::open("one two");
    let word = Cursor(vec![Selection { anchor: Utf16Offset(4), head: Utf16Offset(7) }]);
    bench.session.set_cursor(bench.handle, word.clone(), bench.now);
    bench.edit("4 -3");
    bench.edit("4 +2");
    bench.settle();
    bench.commit("+>>");
    bench.set_caret(0);
    bench.undo();
    let undone = bench.session.undo(bench.handle, bench.now).unwrap().unwrap().unwrap();
    bench.drain();
    let moved = Cursor(vec![Selection { anchor: Utf16Offset(6), head: Utf16Offset(9) }]);
    assert_eq!(undone.cursor.as_ref(), Some(&moved));
    let last = bench.events.iter().rev().find_map(|event| match event {
        Event::Change { origin: Origin::Undo, cursor, .. } => Some(cursor.clone()),
        _ => None,
    });
    assert_eq!(last, Some(Some(moved)));
    let redone = bench.session.redo(bench.handle, bench.now).unwrap().unwrap().unwrap();
    bench.drain();
    assert_eq!(redone.cursor, Some(caret(6)));
}

#[test]
fn the_others_see_the_selection_that_an_undo_brings_back() {
    let mut bench = Bench::open("one two");
    let word = Cursor(vec![Selection { anchor: Utf16Offset(4), head: Utf16Offset(7) }]);
    bench.session.set_cursor(bench.handle, word.clone(), bench.now);
    bench.edit("4 -3");
    bench.settle();
    bench.undo();
    assert_eq!(bench.expect_submit().caret, SentCaret::At(word));
    // Who shows no caret shows none after an undo either.
    let mut bench = Bench::open("one two");
    bench.edit("4 -3");
    bench.settle();
    bench.undo();
    assert_eq!(bench.expect_submit().caret, SentCaret::Still);
}

#[test]
fn where_no_selection_was_shown_it_is_the_place_of_the_change() {
    let mut bench = Bench::open("one two");
    bench.edit("4 -3");
    let undone = bench.session.undo(bench.handle, bench.now).unwrap().unwrap().unwrap();
    assert_eq!((undone.edit, undone.cursor), (2, Some(caret(7))));
}

#[test]
fn undo_survives_a_reconnect_a_catch_up_and_a_snapshot() {
    let mut bench = Bench::open("abc");
    bench.edit("1 -1");
    bench.settle();
    bench.edit("2 +x");
    bench.reconnect();
    bench.log.bob("+12");
    bench.log.bob("4 +34");
    bench.in_step(Settlement::NotAccepted);
    bench.composed(2);
    bench.settle();
    assert_eq!(bench.text(), "12ac34x");
    bench.reconnect();
    bench.log.bob("+0");
    bench.opened(Settlement::Nothing, Outcome::Snapshot);
    bench.snapshot();
    let texts = bench.undo_all();
    assert_eq!(texts.last().map(String::as_str), Some("012abc34"));
    bench.settle();
}

#[test]
fn another_life_of_the_log_ends_undo() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.settle();
    bench.pass(1_000);
    bench.edit("4 +Y");
    bench.undo();
    assert_eq!(bench.can(), (true, true));
    bench.reconnect();
    bench.log = bench.log.reborn("abc");
    bench.opened(Settlement::NotAccepted, Outcome::EpochChanged);
    bench.snapshot();
    assert_eq!((bench.can(), bench.undo()), ((false, false), None));
}

#[test]
fn a_refusal_takes_its_group_out_and_leaves_the_others() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.settle();
    bench.pass(1_000);
    bench.edit("-1");
    bench.expect_submit();
    bench.pass(1_000);
    bench.edit("3 +Z");
    assert_eq!(bench.text(), "bcXZ");
    bench.reject(2, Code::ReadOnly);
    assert_eq!(bench.text(), "abcXZ");
    assert_eq!(bench.undo_all(), ["abcX", "abc"]);
    bench.settle();
    assert_eq!(bench.log.string(), "abc");
}

#[test]
fn a_refusal_of_a_part_takes_the_whole_group_out() {
    let mut bench = Bench::open("abc");
    bench.edit("+1");
    bench.settle();
    bench.pass(1_000);
    bench.edit("1 +2");
    bench.expect_submit();
    bench.edit("2 +3");
    bench.reject(2, Code::ReadOnly);
    assert_eq!((bench.text(), bench.can()), ("13abc".into(), (true, false)));
    assert_eq!(bench.undo_all(), ["3abc"]);
}

#[test]
fn who_may_not_write_cannot_undo_until_it_is_allowed_again() {
    let mut bench = Bench::open("abc");
    bench.edit("+1");
    bench.settle();
    bench.reconnect();
    let head = bench.log.position.version;
    bench.opened_as(Settlement::Nothing, Outcome::Tail { head }, |opened| opened.role = Role::Viewer);
    assert_eq!(bench.session.undo(bench.handle, bench.now), Some(Err(EditError::ReadOnly)));
    bench.reconnect();
    bench.in_step(Settlement::Nothing);
    assert_eq!(bench.undo(), Some("abc".into()));
}

#[test]
fn an_accepted_proposal_is_undone_alone() {
    let mut bench = Bench::open("abc");
    bench.edit("+1");
    bench.settle();
    bench.edit("1 +2");
    bench.reconnect();
    let head = bench.log.position.version;
    bench.opened_as(Settlement::NotAccepted, Outcome::Tail { head }, |opened| opened.role = Role::Viewer);
    assert_eq!(bench.text(), "1abc");
    bench.reconnect();
    bench.in_step(Settlement::Nothing);
    let id = bench.engine().proposals()[0].id;
    assert_eq!(bench.engine().proposals()[0].kind, ProposalKind::NotAllowed);
    bench.session.accept_proposal(bench.handle, id, bench.now).unwrap().unwrap();
    bench.edit("2 +3");
    assert_eq!(bench.text(), "123abc");
    assert_eq!(bench.undo(), Some("12abc".into()));
    assert_eq!(bench.undo(), Some("1abc".into()));
}

#[test]
fn old_groups_are_dropped_and_the_newest_never_is() {
    let mut bench = Bench::open("");
    let settings = UndoSettings { pause_ms: 0, entries: 3, bytes: 1_000 };
    bench.session.set_undo_settings(bench.handle, settings);
    for _ in 0..9 {
        bench.edit("+x");
    }
    assert_eq!(bench.undo_all().len(), 3);
    bench.edit(&format!("+{}", "y".repeat(2_000)));
    bench.edit("+z");
    bench.edit("-2001");
    assert_eq!(bench.undo_all().len(), 1);
}

#[test]
fn an_undo_that_would_be_too_large_can_be_tried_again() {
    let mut bench = Bench::open_with("abcd", |bench| bench.limits.document_units = 5);
    bench.edit("-3");
    bench.settle();
    bench.commit("+12");
    let refused = bench.session.undo(bench.handle, bench.now).unwrap();
    assert!(matches!(refused, Err(EditError::DocumentTooLarge { .. })), "{refused:?}");
    assert_eq!((bench.text().as_str(), bench.can()), ("12d", (true, false)));
    bench.commit("-2");
    assert_eq!(bench.undo(), Some("abcd".into()));
}

#[test]
fn pairs_stay_whole() {
    let mut bench = Bench::open("a🏆b");
    bench.edit("1 -2");
    bench.edit("1 +🎉🎉");
    bench.settle();
    bench.commit("3 +🏆");
    assert_eq!(bench.text(), "a🎉🏆🎉b");
    assert_eq!(bench.undo_all(), ["a🏆b", "a🏆🏆b"]);
    assert_eq!((bench.redo(), bench.redo()), (Some("a🏆b".into()), Some("a🎉🏆🎉b".into())));
}

#[test]
fn a_pause_as_long_as_the_setting_parts_two_groups() {
    for (pause, groups) in [(499, 1), (500, 2)] {
        let mut bench = Bench::open("");
        bench.edit("+a");
        bench.now = bench.now + pause;
        bench.edit("1 +b");
        assert_eq!(bench.undo_all().len(), groups, "{pause} ms");
    }
}

#[test]
fn it_is_told_when_nothing_is_left_to_undo_because_of_others() {
    let mut bench = Bench::open("abc");
    bench.edit("3 +X");
    bench.settle();
    let told = |bench: &mut Bench, operation: &str| {
        bench.events.clear();
        bench.commit(operation);
        bench.events.contains(&Event::Status)
    };
    assert!(!told(&mut bench, "+1"), "as much as before");
    assert!(told(&mut bench, "4 -1"));
    assert_eq!(bench.can(), (false, false));
}

#[test]
fn a_sentence_that_is_typed_letter_by_letter_is_undone_at_once() {
    let mut bench = Bench::open("");
    let sentence = "what_is_typed_without_a_pause_is_one_group".repeat(3);
    for (at, letter) in sentence.chars().enumerate() {
        bench.edit(&format!("{at} +{letter}"));
    }
    assert_eq!(bench.undo_all(), [""]);
    assert_eq!(bench.redo(), Some(sentence));
}
