//! What happens within and between servers at one exact place.

use cowrite_protocol::{DocumentType, OperationLimits, RichText, operation::Operation};
use cowrite_server::oplog::AppendOutcome;
use cowrite_tests::switchboard::{BoardSettings, Heading, Switchboard};

fn two_servers() -> BoardSettings {
    BoardSettings { servers: 2, ..BoardSettings::default() }
}

fn place(at: u32, text: &str, deletes: u32) -> Operation {
    let (at, deletes) = (cowrite_protocol::Utf16Length(at), cowrite_protocol::Utf16Length(deletes));
    Operation::builder().retain(at).insert(text).delete(deletes).build()
}

/// Three at each of two servers write at one place, and delete what stands beside it. Those of the
/// first server are one batch, which loses the race.
#[test]
fn b15_members_of_a_batch_that_met_a_conflict_are_carried_on_from_what_they_were() {
    let near = [place(4, "A", 0), place(4, "B", 2), place(2, "C", 3)];
    let far = [place(4, "1", 2), place(3, "2", 0), place(2, "3", 4)];
    for round in 0..36 {
        let mut board = Switchboard::new(two_servers());
        let people: Vec<_> = (0..6).map(|number| board.join(number / 3)).collect();
        let plug = board.join(0);
        board.types(plug, 0, "abcdefgh");
        // While one append is under way, the others form a batch.
        board.hold_appends(0);
        board.types(plug, 0, "<");
        let order = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];
        let (first, second) = (order[round % 6], order[round / 6]);
        for member in first {
            board.edit(people[member], &near[member]);
        }
        board.set_deaf(0, true);
        assert!(matches!(board.release_append(0), AppendOutcome::Committed { .. }));
        let expected = board.entries().len();
        for member in second {
            board.edit(people[3 + member], &far[member]);
        }
        let outcome = board.release_append(0);
        assert!(matches!(&outcome, AppendOutcome::Conflict { entries, .. } if entries.len() == 3), "{outcome:?}");
        assert!(matches!(board.release_append(0), AppendOutcome::Committed { .. }));
        board.set_deaf(0, false);
        board.hold_appends(1);
        board.release_appends(1);
        board.look(0);
        let text = board.check();
        for written in ["A", "B", "C", "1", "2", "3"] {
            assert_eq!(board.entries_with(written), 1, "round {round}: {text}");
        }
        // Nobody deletes what they did not see.
        assert!(["A", "B", "C"].iter().all(|written| text.matches(written).count() == 1), "round {round}: {text}");
        // Each is its own edit, made on "abcdefgh", over every entry since, one at a time.
        let entries: Vec<_> = board.entries().iter().map(|entry| read(&entry.operation)).collect();
        for (at, member) in first.into_iter().enumerate() {
            let at = expected + 3 + at;
            let over = &entries[1..at];
            let carried = over.iter().fold(near[member].clone(), |own, entry| RichText::transform(entry, &own).1);
            assert_eq!(entries[at], carried, "round {round}, member {member}");
        }
    }
}

fn read(packed: &[u8]) -> Operation {
    RichText::decode(packed, &OperationLimits::NONE).unwrap()
}

/// A connection is gone at every place that its submit passes; whatever was taken is settled, the
/// others get it, and nothing stays locked.
#[test]
fn b12_what_a_connection_has_submitted_is_settled_after_it_is_gone() {
    for place in 0..5 {
        let mut board = Switchboard::new(two_servers());
        let (ann, bob, eve) = (board.join(0), board.join(0), board.join(1));
        board.types(bob, 0, "abc");
        match place {
            // On the way, and never read.
            0 => board.hold(ann, Heading::Up),
            // Waiting for the append before it.
            1 => {
                board.hold_appends(0);
                board.types(bob, 0, "0");
            }
            // Being appended.
            2 => board.hold_appends(0),
            // The answer is in the queue, or on the way.
            3 => board.set_stuck(ann, true),
            _ => board.hold(ann, Heading::Down),
        }
        board.types(ann, 3, "X");
        board.cut(ann);
        assert_eq!(board.person(ann).status().pending, 1);
        if place == 1 || place == 2 {
            board.release_appends(0);
        }
        // Nobody comes back yet: what the room had taken is in the log, and with the others.
        let taken = usize::from(place > 0);
        assert_eq!(board.entries_with("X"), taken, "place {place}");
        for other in [bob, eve] {
            assert_eq!(board.person(other).text().matches('X').count(), taken, "place {place}");
        }
        board.types(bob, 0, "1");
        assert_eq!(board.person(bob).status().pending, 0, "the room is stuck after place {place}");
        board.come_back(ann, 1);
        let text = board.check();
        assert_eq!((text.matches('X').count(), board.entries_with("X")), (1, 1), "place {place}: {text}");
    }
}

/// One of two servers is killed, and starts anew, at each step of an append; whoever was there goes on
/// by the other.
#[test]
fn b1_b2_a_server_killed_before_or_after_its_append_has_it_committed_once() {
    // Killed before the append; when it was on its way, which arrives before, between and after what
    // its client does elsewhere; and when it was done and not answered.
    for moment in 0..5 {
        let mut board = Switchboard::new(two_servers());
        let (ann, bob) = (board.join(0), board.join(1));
        board.types(bob, 0, "abc");
        match moment {
            0 => board.hold(ann, Heading::Up),
            4 => board.hold(ann, Heading::Down),
            _ => board.hold_appends(0),
        }
        board.types(ann, 3, "X");
        board.types(ann, 4, "Y");
        board.kill(0);
        if moment == 1 {
            board.release_appends(0);
        }
        if moment == 2 {
            board.hold_appends(1);
        }
        board.come_back(ann, 1);
        if moment == 2 || moment == 3 {
            let late = board.release_appends(0);
            assert!(late.iter().all(|outcome| !matches!(outcome, AppendOutcome::Committed { .. })), "{late:?}");
        }
        if moment == 2 {
            board.release_appends(1);
        }
        board.start(0);
        board.types(bob, 0, "1");
        assert_eq!(board.check(), "1abcXY", "moment {moment}");
        assert_eq!((board.entries_with("X"), board.entries_with("Y")), (1, 1), "moment {moment}");
    }
}

#[test]
fn b3_what_a_server_appended_before_it_died_is_found_by_a_look_where_the_feed_lost_it() {
    let mut board = Switchboard::new(two_servers());
    let (ann, bob) = (board.join(0), board.join(1));
    board.types(bob, 0, "abc");
    board.set_deaf(1, true);
    board.types(ann, 3, "X");
    board.kill(0);
    board.set_deaf(1, false);
    assert_eq!(board.person(bob).text(), "abc");
    board.look(1);
    assert_eq!(board.person(bob).text(), "abcX");
    board.start(0);
    assert_eq!(board.check(), "abcX");
}

/// Fifty at each server write one document as fast as they hear of it. Every round the log answers
/// each server, in an order of chance. Gives how many entries each server had committed.
fn at_full_speed(servers: usize) -> Vec<usize> {
    const EACH: usize = 50;
    let mut board = Switchboard::new(BoardSettings { servers, ..BoardSettings::default() });
    let people: Vec<_> = (0..servers * EACH).map(|number| board.join(number % servers)).collect();
    board.types(people[0], 0, "abc");
    (0..servers).for_each(|server| board.hold_appends(server));
    let mut taken = vec![0; servers];
    for round in 0..16 {
        for person in &people {
            if board.person(*person).status().pending == 0 {
                board.types(*person, 1, "x");
            }
        }
        let first = 0b1011_0010_0111_0100 >> round & 1;
        for server in (0..servers).map(|server| (server + first) % servers) {
            let entries = board.entries().len();
            board.release_append(server);
            taken[server] += board.entries().len() - entries;
        }
    }
    for server in 0..servers {
        board.release_appends(server);
    }
    board.check();
    taken
}

#[test]
fn b6_two_servers_at_full_speed_are_as_fast_as_one_and_neither_starves() {
    let (one, two) = (at_full_speed(1), at_full_speed(2));
    println!("one server: {one:?}, two: {two:?}");
    let all: usize = two.iter().sum();
    assert!(all >= one[0], "one server: {one:?}, two: {two:?}");
    assert!(two.iter().all(|taken| *taken >= all / 4), "{two:?}");
}
