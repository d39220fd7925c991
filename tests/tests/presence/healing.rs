//! Lost, doubled, late and foreign messages; and how little is said when nothing happens.

use bytes::Bytes;
use cowrite_protocol::frame::Activity;
use cowrite_protocol::{ClientId, Generation, Version};
use cowrite_server::presence::{Asks, MemberRecord, PresenceMessage, SenderName, StayName};

use crate::town::{Town, caret};

#[test]
fn what_was_lost_is_healed_by_the_next_summary() {
    let mut town = Town::new(2);
    let ada = town.open(0, "ada");
    let (ben, gone) = (town.open(1, "ben"), town.open(1, "gone"));
    town.pass(1_000);
    assert_eq!(town.shown(ada), ["ada", "ben", "gone"]);
    town.set_deaf(0, true);
    town.leave(gone);
    town.open(1, "new");
    town.state(ben, "changed");
    town.cursor(ben, caret(0));
    town.pass(2_000);
    assert_eq!(town.shown(ada), ["ada", "ben", "gone"]);
    town.set_deaf(0, false);
    town.pass(10_500);
    assert_eq!(town.shown(ada), ["ada", "ben", "new"]);
    assert_eq!(town.state_of(ada, "ben"), Some("changed"));
    assert_eq!(town.cursor_of(ada, "ben"), Some(&caret(0)));
}

#[test]
fn a_cursor_that_was_lost_is_healed_by_the_next_summary() {
    let mut town = Town::new(2);
    let (ada, ben) = (town.open(0, "ada"), town.open(1, "ben"));
    town.cursor(ben, caret(0));
    town.pass(1_000);
    town.set_deaf(0, true);
    town.cursor(ben, Default::default());
    town.pass(1_000);
    town.set_deaf(0, false);
    assert_eq!(town.cursor_of(ada, "ben"), Some(&caret(0)));
    town.pass(10_500);
    assert_eq!(town.cursor_of(ada, "ben"), Some(&Default::default()));
}

#[test]
fn a_room_that_listens_again_asks_at_once() {
    let mut town = Town::new(2);
    let ada = town.open(0, "ada");
    let ben = town.open(1, "ben");
    town.pass(1_000);
    town.set_deaf(0, true);
    town.open(1, "new");
    town.state(ben, "changed");
    town.pass(2_000);
    town.set_deaf(0, false);
    town.subscribed_again(0);
    town.pass(500);
    assert_eq!(town.shown(ada), ["ada", "ben", "new"]);
    assert_eq!(town.state_of(ada, "ben"), Some("changed"));
}

#[test]
fn a_summary_that_changes_nothing_reaches_no_client() {
    let mut town = Town::new(3);
    let guests = [town.open(0, "ada"), town.open(1, "ben"), town.open(2, "cleo")];
    guests.into_iter().for_each(|guest| town.cursor(guest, caret(0)));
    town.pass(1_500);
    let frames = guests.map(|guest| town.frames(guest));
    let (from, said) = (town.now, town.published.len());
    town.pass(100_000);
    assert_eq!(guests.map(|guest| town.frames(guest)), frames);
    let summaries = town.published.len() - said;
    assert!((30..=36).contains(&summaries), "{summaries} in {} ms", town.now - from);
}

#[test]
fn alone_a_room_says_that_it_is_here_and_nothing_else() {
    let mut town = Town::new(1);
    let ada = town.open(0, "ada");
    town.pass(1_000);
    for _ in 0..1_000 {
        town.cursor(ada, caret(0));
        town.state(ada, "busy");
        town.pass(100);
    }
    let said = town.published.len();
    assert!((10..=13).contains(&said), "{said}");
    assert!(town.published.iter().all(|(.., message)| message.cursors.is_empty()));
    town.leave(ada);
    let said = town.published.len();
    town.pass(100_000);
    assert_eq!(town.published.len(), said, "nobody is here");
}

#[test]
fn a_room_says_one_thing_a_tick_at_most() {
    let mut town = Town::new(2);
    let movers: Vec<_> = (0..20).map(|number| town.open(0, &format!("g{number}"))).collect();
    let ben = town.open(1, "ben");
    town.pass(2_000);
    let (said, frames) = (town.published.len(), town.frames(ben));
    for _ in 0..200 {
        movers.iter().for_each(|&mover| town.cursor(mover, caret(0)));
        town.pass(5);
    }
    let said = town.published[said..].iter().filter(|(_, server, _)| *server == 0).count();
    assert!((8..=11).contains(&said), "{said} in a second");
    assert!(town.frames(ben) - frames <= 11);
}

#[test]
fn garbage_is_ignored_and_counted() {
    let mut town = Town::new(2);
    let (ada, ben) = (town.open(0, "ada"), town.open(1, "ben"));
    town.pass(1_000);
    let frames = [town.frames(ada), town.frames(ben)];
    let before = town.room(0).presence_ignored();
    let some = town.published.iter().find(|(_, server, _)| *server == 1).unwrap().2.encode();
    for length in 0..some.len() {
        town.publish(some.slice(..length));
    }
    town.publish(Bytes::from(vec![1; 4_000]));
    town.publish(Bytes::from(vec![99; 50]));
    town.publish(Bytes::from(vec![1; 3 << 20]));
    // Of a room that speaks, word for word again.
    let own = town.published.clone();
    own.iter().for_each(|(.., message)| town.publish(message.encode()));
    town.pass(5_000);
    assert_eq!([town.frames(ada), town.frames(ben)], frames);
    let ignored = town.room(0).presence_ignored();
    assert_eq!(ignored.formats - before.formats, 2);
    assert_eq!(ignored.malformed - before.malformed, some.len() as u64 - 1 + 2);
    assert!(ignored.late > before.late);
    let counted = ignored.formats + ignored.malformed;
    assert!(town.page_shows(0, &format!("cowrite_garbage_total{{channel=\"presence\"}} {counted}")));
    assert_eq!(town.shown(ada), ["ada", "ben"]);
}

fn forged(sender: u8, sequence: u64, members: std::ops::Range<u32>) -> PresenceMessage {
    let here = members.map(|number| {
        let mut client = [200; 16];
        client[..4].copy_from_slice(&number.to_be_bytes());
        MemberRecord {
            stay: StayName { client: ClientId::from_bytes(client), generation: Generation::new(1) },
            revision: 0,
            user: "mallory".parse().unwrap(),
            name: "mallory".to_owned(),
            activity: Activity::Active,
            state: String::new(),
        }
    });
    PresenceMessage {
        sender: SenderName([sender; 16]),
        sequence,
        asks: Asks::Everybody,
        here: here.collect(),
        left: Vec::new(),
        all: None,
        epoch: None,
        version: Version::ZERO,
        cursors: Vec::new(),
    }
}

#[test]
fn a_flood_costs_neither_memory_nor_answers_without_bound() {
    let mut town = Town::new(1);
    let ada = town.open(0, "ada");
    town.pass(1_000);
    let said = town.published.len();
    for message in 0..200 {
        town.publish(forged(9, u64::from(message) + 1, message * 1_000..(message + 1) * 1_000).encode());
        town.pass(10);
    }
    assert!(town.published.len() - said <= 5, "{} answers in two seconds", town.published.len() - said);
    assert!(town.room(0).members() <= 65_537, "{}", town.room(0).members());
    assert!(town.room(0).presence_ignored().crowd > 100_000);
    // Nobody vouches for them any more.
    town.pass(31_000);
    assert_eq!(town.shown(ada), ["ada"]);
}

#[test]
fn a_message_that_was_overtaken_does_not_bring_back_who_has_left() {
    let mut town = Town::new(1);
    let ada = town.open(0, "ada");
    town.pass(1_000);
    let (joined, mut left) = (forged(9, 1, 0..1), forged(9, 2, 0..0));
    left.left = vec![joined.here[0].stay];
    town.publish(joined.encode());
    town.pass(200);
    assert_eq!(town.shown(ada), ["ada", "mallory"]);
    town.publish(left.encode());
    town.publish(joined.encode());
    town.pass(200);
    assert_eq!(town.shown(ada), ["ada"]);
}

#[test]
fn b5_a_process_that_slept_neither_removes_the_others_nor_revives_its_own() {
    let mut town = Town::new(2);
    let (ada, ben) = (town.open(0, "ada"), town.open(1, "ben"));
    town.pass(1_000);
    let frames = town.frames(ada);
    town.pass_without(0, 45_000);
    assert_eq!(town.shown(ben), ["ben"], "who is not heard of expires");
    // Its sockets have died meanwhile, of which it hears a moment after it woke.
    town.pass(500);
    assert_eq!(town.shown(ben), ["ben"], "and is not shown again");
    assert_eq!(town.shown(ada), ["ada", "ben"]);
    assert_eq!(town.frames(ada), frames, "those who were here all along did not blink");
    town.leave(ada);
    town.pass(60_000);
    assert_eq!(town.shown(ben), ["ben"]);
}

/// A log that has lost everything counts the stays of each client from the first again, while others still speak of
/// a later one of before.
#[test]
fn c4_who_is_here_is_shown_again_though_a_later_stay_was_seen_elsewhere() {
    let mut town = Town::new(1);
    let (ada, ben) = (town.open(0, "ada"), town.open(0, "ben"));
    town.pass(1_000);
    let mut client = [0; 16];
    client[..3].copy_from_slice(b"ada");
    let stay = StayName { client: ClientId::from_bytes(client), generation: Generation::new(9) };
    let mut later = forged(1, 1, 0..1);
    later.here[0] =
        MemberRecord { stay, user: "ada".parse().unwrap(), name: "ada".to_owned(), ..later.here[0].clone() };
    town.publish(later.encode());
    town.pass(1_000);
    let left = PresenceMessage { left: vec![stay], ..forged(1, 2, 0..0) };
    town.publish(left.encode());
    town.pass(1_000);
    assert_eq!(town.shown(ben), ["ben"], "perhaps this server has not noticed yet that she is gone");
    town.pass(30_000);
    assert_eq!([town.shown(ada), town.shown(ben)], [["ada", "ben"], ["ada", "ben"]]);
}
