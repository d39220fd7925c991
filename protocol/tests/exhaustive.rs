//! Every pair of operations over documents of up to three characters.
//!
//! The alphabets are small, but nothing of them is left out: where two edits meet in a
//! few characters, they meet here.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

mod generate;

use cowrite_protocol::operation::{Attributes, Document, Json, Operation};
use cowrite_protocol::text::Utf16Length;
use generate::{applied, assert_normal};

/// What an operation may do with a character, and at a boundary.
#[derive(Clone, Copy)]
struct Alphabet {
    characters: &'static [Act],
    boundaries: &'static [Act],
}

#[derive(Clone, Copy)]
enum Act {
    /// Nothing, or a plain retain.
    Leave,
    Delete,
    /// Sets the attribute that all operations write.
    Format(&'static str),
    /// Inserts a text with this value of that attribute.
    Insert(&'static str, &'static str),
    Embed,
}

const SMALL: Alphabet = Alphabet {
    characters: &[Act::Leave, Act::Delete, Act::Format("1"), Act::Format("null")],
    boundaries: &[Act::Leave, Act::Insert("x", "null")],
};
const LARGE: Alphabet = Alphabet {
    characters: &[Act::Leave, Act::Delete, Act::Format("1"), Act::Format("null")],
    boundaries: &[Act::Leave, Act::Insert("x", "null"), Act::Insert("🏆", "1"), Act::Embed],
};

fn set(value: &str) -> Attributes {
    Attributes::from_pairs([("a", Json::parse(value).unwrap())]).without_nulls()
}

/// All operations over a document whose characters have these lengths.
fn operations(lengths: &[usize], alphabet: Alphabet) -> Vec<Operation> {
    let mut plans: Vec<Vec<Act>> = vec![Vec::new()];
    for place in 0..=2 * lengths.len() {
        let acts = if place % 2 == 0 { alphabet.boundaries } else { alphabet.characters };
        plans = plans.iter().flat_map(|plan| acts.iter().map(|act| [plan, &[*act][..]].concat())).collect();
    }
    let build = |plan: &Vec<Act>| {
        let mut builder = Operation::builder();
        for (place, act) in plan.iter().enumerate() {
            let length = if place % 2 == 0 { 0 } else { lengths[place / 2] };
            let length = Utf16Length(length as u32);
            match act {
                Act::Leave => builder.retain(length),
                Act::Delete => builder.delete(length),
                Act::Format(value) => {
                    let change = Attributes::from_pairs([("a", Json::parse(value).unwrap())]);
                    builder.retain_with(length, &change)
                }
                Act::Insert(text, value) => builder.insert_with(text, &set(value)),
                Act::Embed => builder.embed(Json::parse("{}").unwrap(), &Attributes::NONE),
            };
        }
        builder.build()
    };
    plans.iter().map(build).collect()
}

/// The documents of up to three characters, plain and formatted, with a pair and an embed
/// in them, each with the lengths of its characters and the alphabet to go with it.
fn bases() -> Vec<(Document, Vec<usize>, Alphabet)> {
    let read = |delta: &str| Document::from_delta(delta).unwrap();
    vec![
        (read("[]"), vec![], LARGE),
        (read(r#"[{"insert":"a"}]"#), vec![1], LARGE),
        (read(r#"[{"insert":"🌀","attributes":{"a":2}}]"#), vec![2], LARGE),
        (read(r#"[{"insert":{"b":1},"attributes":{"a":1}}]"#), vec![1], LARGE),
        (read(r#"[{"insert":"a"},{"insert":"🌀","attributes":{"a":1}}]"#), vec![1, 2], LARGE),
        (
            read(r#"[{"insert":"a"},{"insert":"b","attributes":{"a":1}},{"insert":"c","attributes":{"a":2}}]"#),
            vec![1; 3],
            SMALL,
        ),
    ]
}

/// The lengths of a document's characters.
fn lengths(document: &Document) -> Vec<usize> {
    document.text().chars().map(char::len_utf16).collect()
}

fn compose(a: &Operation, b: &Operation) -> Operation {
    Operation::compose(a, b).unwrap_or_else(|error| panic!("{error}: {a:?} and {b:?}"))
}

/// TP1, with normal forms, for every pair of concurrent operations.
#[test]
fn d1_every_pair_of_concurrent_operations_converges() {
    let mut pairs = 0;
    for (base, lengths, alphabet) in bases() {
        let all = operations(&lengths, alphabet);
        for earlier in &all {
            for later in &all {
                let (earlier2, later2) = Operation::transform(earlier, later);
                let (one, other) = (compose(earlier, &later2), compose(later, &earlier2));
                assert_eq!(one, other, "{earlier:?} and {later:?}");
                pairs += 1;
                // Equal operations have equal effects, so a part of the pairs is enough here.
                if pairs % 64 == 0 {
                    assert_normal(&earlier2);
                    assert_normal(&later2);
                    assert_eq!(applied(&applied(&base, earlier), &later2), applied(&base, &one));
                    assert_eq!(applied(&applied(&base, later), &earlier2), applied(&base, &one));
                }
            }
        }
    }
    println!("{pairs} pairs");
    assert!(pairs > 2_000_000);
}

/// compose is applying both, in normal form, for every pair of operations one after the
/// other, as long as the document between them has up to three characters.
#[test]
fn every_pair_of_consecutive_operations_composes() {
    let mut pairs = 0;
    for (base, from, alphabet) in bases() {
        for first in &operations(&from, alphabet) {
            let middle = applied(&base, first);
            let between = lengths(&middle);
            if between.len() > 3 {
                continue;
            }
            let alphabet = if between.len() < 2 { LARGE } else { SMALL };
            for second in &operations(&between, alphabet) {
                let both = compose(first, second);
                assert_normal(&both);
                assert_eq!(applied(&base, &both), applied(&middle, second), "{first:?} and {second:?}");
                pairs += 1;
            }
        }
    }
    println!("{pairs} pairs");
    assert!(pairs > 300_000);
}

/// invert undoes every operation, in normal form.
#[test]
fn every_operation_is_undone() {
    for (base, lengths, alphabet) in bases() {
        for operation in &operations(&lengths, alphabet) {
            assert_normal(operation);
            let undo = operation.invert(&base).unwrap();
            assert_normal(&undo);
            assert_eq!(applied(&applied(&base, operation), &undo), base, "{operation:?}");
            assert_eq!(applied(&base, &compose(operation, &undo)), base, "{operation:?}");
        }
    }
}
