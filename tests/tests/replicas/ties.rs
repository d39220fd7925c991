//! Three people edit at one place, none of whom has heard of the others.

use cowrite_protocol::operation::{Document, Operation};
use cowrite_protocol::{DocumentType, OperationLimits, RichText, Version};
use cowrite_server::oplog::ReadOutcome;
use cowrite_server::room::RoomSettings;
use cowrite_tests::pipe::Pipe;

const ORDERS: [[usize; 3]; 6] = [[0, 1, 2], [0, 2, 1], [1, 0, 2], [1, 2, 0], [2, 0, 1], [2, 1, 0]];

/// What was there before.
const BASE: &str = r#"{"ops":[{"insert":"abcd"},{"insert":"efgh","attributes":{"bold":true}},{"insert":"ij"}]}"#;

/// Three edits on [`BASE`], and what they make of it if they are committed as they stand here.
type Tie = (&'static str, [&'static str; 3], &'static str);

/// Every way in which edits can meet. In the result `1`, `2` and `3` are written for what the first,
/// second and third to be *committed* has inserted, whoever that is.
const TIES: [Tie; 10] = [
    (
        "insertions at one place",
        [r#"[{"retain":2},{"insert":"A"}]"#, r#"[{"retain":2},{"insert":"B"}]"#, r#"[{"retain":2},{"insert":"C"}]"#],
        "ab123cdefghij",
    ),
    (
        "insertions at the beginning",
        [r#"[{"insert":"A"}]"#, r#"[{"insert":"B"}]"#, r#"[{"insert":"C"}]"#],
        "123abcdefghij",
    ),
    (
        "insertions at the end",
        [r#"[{"retain":10},{"insert":"A"}]"#, r#"[{"retain":10},{"insert":"B"}]"#, r#"[{"retain":10},{"insert":"C"}]"#],
        "abcdefghij123",
    ),
    (
        "one place replaced by three",
        [
            r#"[{"retain":2},{"insert":"A"},{"delete":3}]"#,
            r#"[{"retain":2},{"insert":"B"},{"delete":3}]"#,
            r#"[{"retain":2},{"insert":"C"},{"delete":3}]"#,
        ],
        "ab123fghij",
    ),
    ("one deletion made three times", [r#"[{"retain":2},{"delete":4}]"#; 3], "abghij"),
    (
        "deletions that overlap",
        [
            r#"[{"retain":1},{"delete":4}]"#,
            r#"[{"retain":3},{"delete":4}]"#,
            r#"[{"retain":2},{"delete":1},{"retain":3},{"delete":3}]"#,
        ],
        "aj",
    ),
    (
        "everything deleted, and written into",
        [r#"[{"delete":10}]"#, r#"[{"retain":4},{"insert":"B"}]"#, r#"[{"retain":4},{"insert":"C"}]"#],
        "12",
    ),
    (
        "insertions at both edges of a deletion",
        [r#"[{"retain":2},{"delete":4}]"#, r#"[{"retain":2},{"insert":"B"}]"#, r#"[{"retain":6},{"insert":"C"}]"#],
        "abBCghij",
    ),
    (
        "one attribute with three values",
        [
            r#"[{"retain":8,"attributes":{"color":"red"}}]"#,
            r#"[{"retain":2},{"retain":8,"attributes":{"color":"blue","bold":null}}]"#,
            r#"[{"retain":4},{"retain":2,"attributes":{"color":null,"bold":true}}]"#,
        ],
        "abcdefghij",
    ),
    (
        "what is formatted, deleted and written into",
        [
            r#"[{"retain":1},{"retain":6,"attributes":{"italic":true}}]"#,
            r#"[{"retain":3},{"delete":3}]"#,
            r#"[{"retain":4},{"insert":"C","attributes":{"bold":true}},{"insert":{"image":"x"}}]"#,
        ],
        "abcC\u{fffc}ghij",
    ),
];

#[test]
fn d1_three_who_edit_at_one_place_become_equal_in_each_order() {
    for (what, edits, expected) in TIES {
        for order in ORDERS {
            let mut pipe = Pipe::new(RoomSettings::default());
            let base = Operation::from_delta(BASE).unwrap();
            let people = [pipe.join(), pipe.join(), pipe.join()];
            pipe.edit(people[0], &base);
            people.iter().for_each(|&person| pipe.set_stuck(person, true));
            let mut committed = String::new();
            for &person in &order {
                let edit = Operation::from_delta(&format!("{{\"ops\":{}}}", edits[person])).unwrap();
                pipe.edit(people[person], &edit);
                committed.extend(letters(edits[person]));
            }
            // Each has one more behind the one that is on its way.
            for &person in &order {
                pipe.edit(people[person], &Operation::builder().insert(&person.to_string()).build());
            }
            for &person in order.iter().rev() {
                pipe.set_stuck(people[person], false);
            }
            let context = format!("{what}, committed in the order {order:?}");
            let replayed = replay(&pipe);
            for &person in &people {
                assert_eq!(document(&mut pipe, person), replayed, "{context}: {person} and the log");
                let client = pipe.client(person);
                assert_eq!(client.session.engine(client.handle).unwrap().status().pending, 0, "{context}");
            }
            let text = replayed.text().to_string();
            let (mut later, first): (Vec<char>, Vec<char>) = text.chars().partition(char::is_ascii_digit);
            later.sort_unstable();
            assert_eq!(later, ['0', '1', '2'], "{context}: {text}");
            // Once what stood between two insertions is gone, they are made at one place.
            let at_one_place = what.ends_with("edges of a deletion") && order[0] == 0;
            let expected = if at_one_place { "ab12ghij" } else { expected };
            let expected = committed
                .chars()
                .zip(["1", "2", "3"])
                .fold(expected.to_owned(), |expected, (by, place)| expected.replace(place, &by.to_string()));
            assert_eq!(String::from_iter(first), expected, "{context}: what is committed keeps its place");
        }
    }
}

/// The later of two commits decides about an attribute.
#[test]
fn d1_of_one_attribute_the_value_that_is_committed_last_stays() {
    for order in ORDERS {
        let mut pipe = Pipe::new(RoomSettings::default());
        let people = [pipe.join(), pipe.join(), pipe.join()];
        pipe.edit(people[0], &Operation::builder().insert("abc").build());
        people.iter().for_each(|&person| pipe.set_stuck(person, true));
        for &person in &order {
            let edit = format!(r#"{{"ops":[{{"retain":3,"attributes":{{"color":"{person}"}}}}]}}"#);
            pipe.edit(people[person], &Operation::from_delta(&edit).unwrap());
        }
        people.iter().for_each(|&person| pipe.set_stuck(person, false));
        let expected = format!(r#"{{"ops":[{{"insert":"abc","attributes":{{"color":"{}"}}}}]}}"#, order[2]);
        for &person in &people {
            assert_eq!(document(&mut pipe, person).to_delta(), expected, "{order:?}");
        }
    }
}

fn document(pipe: &mut Pipe, person: usize) -> Document {
    let client = pipe.client(person);
    client.session.engine(client.handle).unwrap().document().clone()
}

/// The log, read as anybody could who knows operations and nothing else.
fn replay(pipe: &Pipe) -> Document {
    let mut document = Document::default();
    let ReadOutcome::Entries(entries) = pipe.log().read_now(pipe.document(), Version::ZERO, usize::MAX) else {
        panic!("nothing was trimmed")
    };
    for entry in entries {
        let operation = RichText::decode(&entry.operation, &OperationLimits::NONE).unwrap();
        RichText::apply(&mut document, &operation).unwrap();
    }
    document
}

/// What an edit inserts.
fn letters(edit: &str) -> impl Iterator<Item = char> + '_ {
    edit.chars().filter(|letter| "ABC".contains(*letter))
}
