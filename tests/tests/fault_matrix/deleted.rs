//! A document is deleted under its people, and made anew.

use cowrite_client::ProposalKind;
use cowrite_protocol::frame::Code;
use cowrite_server::room::Existence;
use cowrite_tests::switchboard::{BoardSettings, Heading, Switchboard};

fn two_servers() -> Switchboard {
    Switchboard::new(BoardSettings { servers: 2, ..BoardSettings::default() })
}

#[test]
fn h4_nothing_that_is_pending_brings_back_a_document_that_was_deleted() {
    let mut board = two_servers();
    let (ann, bob) = (board.join(0), board.join(1));
    board.types(ann, 0, "secret");
    board.types(bob, 6, " of bob");
    board.hold(ann, Heading::Up);
    board.types(ann, 0, "her ");
    let mut deleted = board.wish(1, Existence::Deleted);
    assert!(deleted.try_recv().unwrap().is_ok());
    board.release(ann, Heading::Up);
    board.types(bob, 0, "again");
    for person in [ann, bob] {
        let person = board.person(person);
        assert_eq!((person.text(), person.status().pending), (String::new(), 0));
        assert!(matches!(person.rejected[..], [(_, _, Code::Deleted)]), "{:?}", person.rejected);
    }
    // Nothing of the text is left where the log can be read.
    let (_, entries, snapshot) = board.stored();
    assert_eq!(entries.len(), 1);
    let left = [entries[0].operation.to_vec(), snapshot.unwrap().content.to_vec()].concat();
    assert!(!left.windows(6).any(|bytes| bytes == b"secret"));
    // Nor does anybody who comes later bring it back, at a server that has never heard of it.
    for server in [0, 1] {
        board.kill(server);
        board.start(server);
    }
    let carol = board.join(0);
    board.types(carol, 0, "c");
    assert!(matches!(board.person(carol).rejected[..], [(_, _, Code::Deleted)]));
    assert!(board.wish(0, Existence::Deleted).try_recv().unwrap().is_ok(), "it is the same to ask twice");
    assert_eq!(board.stored().1.len(), 1);
}

#[test]
fn h4_who_races_a_deletion_loses() {
    let mut board = two_servers();
    let (ann, bob) = (board.join(0), board.join(1));
    board.types(ann, 0, "text");
    board.hold_appends(0);
    board.hold_appends(1);
    board.types(ann, 4, " of ann");
    let mut deleted = board.wish(1, Existence::Deleted);
    board.types(bob, 0, "while it goes ");
    // Ann's edit comes first, so the deletion has to be made anew, and takes it away as well.
    board.release_appends(0);
    board.release_appends(1);
    board.pass(5_000);
    assert!(deleted.try_recv().unwrap().is_ok());
    for person in [ann, bob] {
        assert_eq!((board.person(person).text(), board.person(person).status().pending), (String::new(), 0));
    }
    assert!(board.person(ann).rejected.is_empty());
    assert!(matches!(board.person(bob).rejected[..], [(_, _, Code::Deleted)]));
    // And the other way round: an edit that is on its way when the deletion is done.
    let mut board = two_servers();
    let (ann, bob) = (board.join(0), board.join(1));
    board.types(bob, 0, "text");
    board.hold_appends(0);
    board.types(ann, 4, " too late");
    assert!(board.wish(1, Existence::Deleted).try_recv().unwrap().is_ok());
    board.release_appends(0);
    board.pass(5_000);
    // The history that would say what became of it is gone already, so she is asked; and it comes to nothing.
    assert!(matches!(board.person(ann).proposals[..], [(_, ProposalKind::UnknownOutcome)]));
    board.accept(ann);
    assert!(matches!(board.person(ann).rejected[..], [(_, _, Code::Deleted)]));
    assert_eq!((board.person(ann).text(), board.person(bob).text()), (String::new(), String::new()));
}

#[test]
fn h4_a_deleted_document_is_made_anew_in_another_life() {
    let mut board = two_servers();
    let (ann, bob) = (board.join(0), board.join(1));
    board.types(ann, 0, "of the first life");
    let before = board.person(ann).engine().position().unwrap().epoch;
    board.cut(ann);
    assert!(board.wish(1, Existence::Deleted).try_recv().unwrap().is_ok());
    assert!(board.wish(1, Existence::Alive).try_recv().unwrap().is_ok());
    board.look(0);
    board.pass(5_000);
    board.come_back(ann, 0);
    board.types(bob, 0, "of the second");
    board.pass(5_000);
    for person in [ann, bob] {
        let person = board.person(person);
        assert_eq!((person.text().as_str(), person.status().pending), ("of the second", 0));
        assert!(person.proposals.is_empty(), "{:?}", person.proposals);
        assert_ne!(person.engine().position().unwrap().epoch, before, "a life that has ended has no other name");
    }
    assert!(board.wish(0, Existence::Alive).try_recv().unwrap().is_ok(), "it is there");
    assert_eq!(board.person(bob).text(), "of the second");
}

#[test]
fn h4_what_one_server_has_done_another_does_not_deny() {
    let mut board = two_servers();
    let (ann, bob) = (board.join(0), board.join(1));
    board.types(ann, 0, "text");
    assert!(board.wish(1, Existence::Deleted).try_recv().unwrap().is_ok());
    // Server 1 is not told of it, and it has not looked yet.
    assert!(board.wish(0, Existence::Alive).try_recv().unwrap().is_ok());
    let deleted = board.wish(1, Existence::Deleted).try_recv().unwrap().unwrap();
    assert_eq!(board.stored().1.last().map(|entry| entry.version), Some(deleted));
    board.types(ann, 0, "of the next life");
    board.types(bob, 0, "more");
    board.pass(5_000);
    for person in [ann, bob] {
        assert_eq!((board.person(person).text(), board.person(person).status().pending), (String::new(), 0));
    }
    // And the other way round: a server that does not hear the log takes the document for one that is there.
    assert!(board.wish(0, Existence::Alive).try_recv().unwrap().is_ok());
    board.look(1);
    board.pass(5_000);
    board.types(ann, 0, "again");
    board.set_deaf(1, true);
    assert!(board.wish(0, Existence::Deleted).try_recv().unwrap().is_ok());
    assert!(board.wish(1, Existence::Alive).try_recv().unwrap().is_ok());
    board.set_deaf(1, false);
    board.look(0);
    board.pass(5_000);
    board.types(ann, 0, "last");
    assert_eq!(board.check(), "last");
}

#[test]
fn h4_an_undo_brings_nothing_of_a_deleted_document_back() {
    // She hears of the deletion as it happens, some time later, when the document is there anew, or never: then she
    // finds a text of a life that may be the first one, which nobody has told her the name of.
    for heard in ["at once", "late", "last", "never"] {
        let mut board = two_servers();
        let (ann, bob) = (board.join(0), board.join(1));
        board.types(ann, 0, "secret");
        board.deletes(ann, 0, 6);
        board.types(bob, 0, "of bob");
        match heard {
            "late" => board.hold(ann, Heading::Down),
            "last" => board.cut(ann),
            "never" => {
                board.cut(ann);
                board.set_hole(ann, true);
            }
            _ => {}
        }
        assert!(board.wish(1, Existence::Deleted).try_recv().unwrap().is_ok());
        if heard == "late" {
            board.release(ann, Heading::Down);
        }
        assert!(board.wish(1, Existence::Alive).try_recv().unwrap().is_ok());
        board.look(0);
        board.pass(5_000);
        if heard == "last" {
            board.come_back(ann, 0);
        }
        board.types(bob, 0, "new");
        if heard == "never" {
            assert_eq!(board.person(ann).engine().position().unwrap().epoch, None);
            board.set_hole(ann, false);
            board.come_back(ann, 0);
            board.pass(60_000);
            assert!(board.person(ann).text().contains("new"), "{:?}", board.person(ann).told);
        }
        board.undo(ann);
        board.pass(5_000);
        assert_eq!(board.check(), "new", "{heard}");
    }
}

#[test]
fn h4_what_was_accepted_unheard_is_not_undone_in_the_next_life() {
    let mut board = two_servers();
    let (ann, bob) = (board.join(0), board.join(1));
    board.hold(ann, Heading::Down);
    board.types(ann, 0, "secret");
    assert_eq!(board.person(bob).text(), "secret");
    board.cut(ann);
    board.set_hole(ann, true);
    board.deletes(ann, 0, 6);
    assert!(board.wish(1, Existence::Deleted).try_recv().unwrap().is_ok());
    assert!(board.wish(1, Existence::Alive).try_recv().unwrap().is_ok());
    board.look(0);
    board.pass(5_000);
    board.types(bob, 0, "new");
    assert_eq!(board.person(ann).engine().position().unwrap().epoch, None);
    board.set_hole(ann, false);
    board.come_back(ann, 0);
    board.pass(60_000);
    assert_eq!(board.person(ann).text(), "new");
    board.undo(ann);
    board.pass(5_000);
    assert_eq!(board.check(), "new");
}

#[test]
fn h4_what_was_never_written_is_not_there_to_delete() {
    let mut board = two_servers();
    let ann = board.join(0);
    assert!(board.wish(0, Existence::Deleted).try_recv().unwrap().is_ok());
    board.types(ann, 0, "it begins");
    assert_eq!(board.check(), "it begins");
}
