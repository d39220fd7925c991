//! One keystroke on its whole way, without sockets and without the log: from the edit of its author to the
//! ack, and to the text of somebody else.

use cowrite_protocol::operation::Operation;
use cowrite_protocol::text::Utf16Length;

use super::desk::Desk;
use super::row::{Row, TIMES};

pub(crate) fn rows() -> Vec<Row> {
    let mut desk = Desk::new();
    desk.types(&Operation::builder().insert(&"Lorem ipsum. ".repeat(770)).build());
    // As long as they are few, what is kept of them grows.
    (0..50).for_each(|at| desk.types(&letter(at)));
    desk.forget_counts();
    (50..50 + TIMES).for_each(|at| desk.types(&letter(at)));
    let [author, reader] = desk.texts();
    assert!(author == reader && author.len() == 770 * 13 + 50 + TIMES as usize, "everything has arrived");
    let mut rows = desk.counts();
    let mut at = 50 + TIMES;
    rows.push(Row::of("client: an edit that waits behind one in flight", || {
        desk.gathers(&letter(at));
        at += 1;
    }));
    rows
}

fn letter(at: u64) -> Operation {
    Operation::builder().retain(Utf16Length(5_000 + at as u32)).insert("x").build()
}
