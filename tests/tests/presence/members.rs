//! Who is here: joining, leaving, moving, dying.

use cowrite_server::room::ChannelFrame;

use crate::town::{Town, caret};

/// One guest at each of three servers; everybody knows everybody.
fn three() -> (Town, [usize; 3]) {
    let mut town = Town::new(3);
    let guests = [town.open(0, "ada"), town.open(1, "ben"), town.open(2, "cleo")];
    town.pass(1_000);
    (town, guests)
}

#[test]
fn everybody_is_seen_at_every_server_at_once() {
    let (mut town, guests) = three();
    for guest in guests {
        assert_eq!(town.shown(guest), ["ada", "ben", "cleo"]);
    }
    town.state(guests[0], "{\"colour\":\"red\"}");
    let dora = town.open(1, "dora");
    town.pass(300);
    for guest in guests {
        assert_eq!(town.shown(guest), ["ada", "ben", "cleo", "dora"]);
        assert_eq!(town.state_of(guest, "ada"), Some("{\"colour\":\"red\"}"));
    }
    town.leave(dora);
    town.leave(guests[2]);
    town.pass(300);
    assert_eq!(town.shown(guests[0]), ["ada", "ben"]);
    assert_eq!(town.shown(guests[1]), ["ada", "ben"]);
}

#[test]
fn a_server_that_opens_the_document_later_learns_at_once_who_is_here() {
    let mut town = Town::new(2);
    let first = town.open(0, "ada");
    town.state(first, "early");
    // Long before anybody else listened.
    town.pass(300_000);
    let second = town.open(1, "ben");
    town.pass(500);
    assert_eq!(town.shown(second), ["ada", "ben"]);
    assert_eq!(town.state_of(second, "ada"), Some("early"));
    assert_eq!(town.shown(first), ["ada", "ben"]);
}

#[test]
fn members_of_a_killed_server_vanish_within_thirty_seconds_and_not_too_soon() {
    let (mut town, [ada, ben, _]) = three();
    // Just before its next summary, and just after one: the two ends.
    for summary in [false, true] {
        if summary {
            town.open(2, "cleo");
            town.pass(1_000);
        }
        let last = |town: &Town| town.published.iter().rev().find(|(_, server, _)| *server == 2).unwrap().0;
        town.pass(60_000);
        let mut spoke = last(&town);
        while !summary && town.now - spoke < 8_900 || summary && last(&town) == spoke {
            town.pass(1);
            if !summary {
                spoke = last(&town);
            }
        }
        town.kill(2);
        let killed = town.now;
        while town.shown(ada).len() == 3 {
            town.pass(10);
        }
        let took = town.now - killed;
        assert!((20_000..=30_100).contains(&took), "{took} ms");
        town.pass(200);
        assert_eq!(town.shown(ben), ["ada", "ben"]);
    }
}

#[test]
fn a4_who_is_not_heard_is_shown_nowhere_and_as_before_when_heard_again() {
    let (mut town, [ada, ben, cleo]) = three();
    let near = town.open(0, "dora");
    town.state(ada, "early");
    town.cursor(ada, caret(0));
    town.pass(1_000);
    let (everybody, others) = (["ada", "ben", "cleo", "dora"], ["ben", "cleo", "dora"]);
    for _ in 0..2 {
        town.frame(ada, ChannelFrame::Silent);
        town.pass(300);
        for guest in [ben, cleo, near] {
            assert_eq!(town.shown(guest), others);
        }
        // Nor is it by a summary, nor to somebody who comes meanwhile.
        let late = town.open(1, "late");
        town.pass(30_000);
        assert_eq!(town.shown(late), ["ben", "cleo", "dora", "late"]);
        town.leave(late);
        town.frame(ada, ChannelFrame::Heard);
        town.pass(300);
        for guest in [ada, ben, cleo, near] {
            assert_eq!(town.shown(guest), everybody);
            assert_eq!(town.state_of(guest, "ada"), Some("early"));
        }
        for guest in [ben, cleo, near] {
            assert_eq!(town.cursor_of(guest, "ada"), Some(&caret(0)));
        }
    }
    // Sooner than anybody was told.
    town.frame(ada, ChannelFrame::Silent);
    town.frame(ada, ChannelFrame::Heard);
    for _ in 0..60 {
        town.pass(1_000);
        for guest in [ben, cleo, near] {
            assert_eq!(town.shown(guest), everybody);
        }
    }
}

#[test]
fn a4_who_ends_or_moves_while_not_heard_is_nobody_or_one_member() {
    let (mut town, [ada, ben, cleo]) = three();
    town.frame(ada, ChannelFrame::Silent);
    town.pass(1_000);
    let moved = town.open(1, "ada");
    town.pass(1_000);
    for guest in [ben, cleo, moved] {
        assert_eq!(town.shown(guest), ["ada", "ben", "cleo"]);
    }
    // What is heard of the old line at last changes nothing, nor does its end.
    town.frame(ada, ChannelFrame::Heard);
    town.pass(1_000);
    town.frame(ada, ChannelFrame::Silent);
    town.leave(ada);
    for _ in 0..30 {
        town.pass(1_000);
        for guest in [ben, cleo, moved] {
            assert_eq!(town.shown(guest), ["ada", "ben", "cleo"]);
        }
    }
    town.frame(moved, ChannelFrame::Silent);
    town.pass(300);
    town.leave(moved);
    let dora = town.open(1, "dora");
    town.pass(30_000);
    for guest in [ben, cleo, dora] {
        assert_eq!(town.shown(guest), ["ben", "cleo", "dora"]);
    }
}

#[test]
fn members_of_a_server_that_comes_back_are_not_doubled() {
    let (mut town, [ada, ben, _]) = three();
    town.kill(2);
    town.pass(2_000);
    // The client has the same id, and the room another life.
    let cleo = town.open(2, "cleo");
    for _ in 0..60 {
        town.pass(1_000);
        for guest in [ada, ben, cleo] {
            assert_eq!(town.shown(guest), ["ada", "ben", "cleo"]);
        }
    }
}

#[test]
fn a_client_that_moves_is_one_member_and_its_old_servers_farewell_does_not_remove_it() {
    let (mut town, [ada, ben, cleo]) = three();
    let moved = town.open(1, "ada");
    let everybody = ["ada", "ben", "cleo"];
    for _ in 0..20 {
        town.pass(1_000);
        assert_eq!(town.shown(ben), everybody);
        assert_eq!(town.shown(cleo), everybody);
        assert_eq!(town.shown(moved), everybody);
    }
    // The old socket is noticed to be dead only now.
    town.leave(ada);
    for _ in 0..60 {
        town.pass(1_000);
        assert_eq!(town.shown(cleo), everybody);
        assert_eq!(town.shown(moved), everybody);
    }
}

#[test]
fn a_client_that_moves_and_leaves_is_not_revived_by_its_old_server() {
    let (mut town, [ada, ben, cleo]) = three();
    let moved = town.open(1, "ada");
    town.pass(1_000);
    town.leave(moved);
    town.pass(300);
    for second in 0..60 {
        assert_eq!(town.shown(ben), ["ben", "cleo"]);
        assert_eq!(town.shown(cleo), ["ben", "cleo"]);
        if second == 28 {
            town.frame(ada, ChannelFrame::Silent);
        }
        town.pass(1_000);
    }
    // Its old socket lives after all, and its client says something: that is being here.
    town.state(ada, "still here");
    town.pass(300);
    for guest in [ada, ben, cleo] {
        assert_eq!(town.shown(guest), ["ada", "ben", "cleo"]);
    }
}

#[test]
fn what_an_old_server_says_of_a_client_that_has_moved_is_not_believed() {
    let (mut town, [ada, _, cleo]) = three();
    town.set_deaf(0, true);
    let moved = town.open(1, "ada");
    town.state(moved, "new");
    town.pass(500);
    town.state(ada, "old");
    for _ in 0..25 {
        town.pass(1_000);
        assert_eq!(town.state_of(moved, "ada"), Some("new"));
        assert_eq!(town.state_of(cleo, "ada"), Some("new"));
    }
}

#[test]
fn a_client_may_move_back_and_forth() {
    let (mut town, [_, ben, cleo]) = three();
    let mut last = None;
    for round in 0..12 {
        let here = town.open(round % 3, "ada");
        if let Some(before) = last.replace(here) {
            town.leave(before);
        }
        town.pass(700);
        assert_eq!(town.shown(here), ["ada", "ben", "cleo"], "round {round}");
        assert_eq!(town.shown(ben), ["ada", "ben", "cleo"], "round {round}");
        assert_eq!(town.shown(cleo), ["ada", "ben", "cleo"], "round {round}");
    }
    town.leave(last.unwrap());
    town.pass(300);
    assert_eq!(town.shown(cleo), ["ben", "cleo"]);
}

#[test]
fn two_tabs_of_one_user_are_two_members() {
    let mut town = Town::new(2);
    let (first, second) = (town.open(0, "ada"), town.open(1, "ada-2"));
    town.pass(1_000);
    assert_eq!(town.shown(first), ["ada", "ada-2"]);
    town.leave(second);
    town.pass(300);
    assert_eq!(town.shown(first), ["ada"]);
}

#[test]
fn a_large_crowd_is_told_in_parts() {
    let mut town = Town::new(2);
    let lone = town.open(1, "lone");
    town.pass(1_000);
    let state = "x".repeat(2_000);
    for number in 0..200 {
        let guest = town.open(0, &format!("g{number}"));
        town.state(guest, &state);
    }
    town.pass(2_000);
    assert_eq!(town.shown(lone).len(), 201);
    assert_eq!(town.state_of(lone, "g199"), Some(state.as_str()));
    let longest = town.published.iter().map(|(.., message)| message.encode().len()).max();
    assert!(longest < Some(100_000), "{longest:?}");
    // And to a server that comes later.
    town.kill(1);
    let late = town.open(1, "late");
    town.pass(2_000);
    assert_eq!(town.shown(late).len(), 201, "of the dead nobody tells who lives");
}
