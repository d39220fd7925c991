//! Operations that meet.

use std::hint::black_box;

use cowrite_protocol::DocumentType;
use cowrite_protocol::operation::{Attributes, Json, Operation, RichText};
use cowrite_protocol::text::Utf16Length;

use super::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    let typed = (typed(10), typed(4_000));
    let large = (made(1_000, 1, &Attributes::NONE), made(1_000, 2, &Attributes::NONE));
    let bold = Attributes::from_pairs([("bold", Json::yes())]);
    let rich = (made(1_000, 1, &bold), made(1_000, 2, &bold));
    let mut rows = Vec::new();
    for (names, (earlier, later)) in [
        (["transform: two letters", "compose: two letters"], &typed),
        (["transform: 1,000 components", "compose: 1,000 components"], &large),
        (["transform: 1,000 components with attributes", "compose: 1,000 components with attributes"], &rich),
    ] {
        let (_, after) = RichText::transform(earlier, later);
        rows.push(Row::of(names[0], || drop(black_box(RichText::transform(earlier, later)))));
        rows.push(Row::of(names[1], || drop(black_box(RichText::compose(earlier, &after)))));
    }
    rows
}

fn typed(at: u32) -> Operation {
    Operation::builder().retain(Utf16Length(at)).insert("x").build()
}

/// By turns a retain, and an insertion or a deletion, so that two of them meet at ever other places.
pub(crate) fn made(components: u32, seed: u32, attributes: &Attributes) -> Operation {
    let mut operation = Operation::builder();
    for index in 0..components / 2 {
        operation.retain_with(Utf16Length(3 + (index * 7 + seed * 5) % 11), attributes);
        if (index + seed).is_multiple_of(3) {
            operation.delete(Utf16Length(1));
        } else {
            operation.insert_with("ab", attributes);
        }
    }
    operation.build()
}
