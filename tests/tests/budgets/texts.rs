//! Operations that are applied, and texts that are read.

use std::hint::black_box;

use cowrite_protocol::DocumentType;
use cowrite_protocol::operation::{Attributes, Document, Operation, RichText};
use cowrite_protocol::text::Utf16Length;

use super::algebra::made;
use super::row::Row;

pub(crate) fn rows() -> Vec<Row> {
    let mut typed = Document::from("Lorem ipsum. ".repeat(7_700).as_str());
    let mut edited = typed.clone();
    let letters: Vec<_> =
        (50_000..50_200).map(|at| Operation::builder().retain(Utf16Length(at)).insert("x").build()).collect();
    let large = made(1_000, 1, &Attributes::NONE);
    let opened = RichText::to_operation(&typed);
    let mut next = letters.iter();
    vec![
        Row::of("apply: a letter to 100 kB, one after the other", || {
            RichText::apply(&mut typed, next.next().expect("enough letters")).expect("it fits");
        }),
        Row::of("apply: 1,000 components to 100 kB", || RichText::apply(&mut edited, &large).expect("it fits")),
        Row::of("invert: a letter", || drop(black_box(RichText::invert(&letters[0], &edited)))),
        Row::of("a document of 100 kB from its operation", || drop(black_box(Document::from_operation(&opened)))),
        Row::of("the operation of a document of 100 kB", || drop(black_box(RichText::to_operation(&edited)))),
    ]
}
