//! Operations and cursors in a few characters.

use cowrite_protocol::operation::Operation;
use cowrite_protocol::{Cursor, Utf16Length, Utf16Offset};

/// An operation: a number retains, `+text` inserts, `-number` deletes. `"3 +ab -1"`
/// goes over three units, inserts "ab" and deletes one.
pub(crate) fn op(notation: &str) -> Operation {
    let mut builder = Operation::builder();
    for word in notation.split_whitespace() {
        match (word.strip_prefix('+'), word.strip_prefix('-')) {
            (Some(text), _) => builder.insert(text),
            (_, Some(units)) => builder.delete(Utf16Length(units.parse().expect("a number"))),
            _ => builder.retain(Utf16Length(word.parse().expect("a number"))),
        };
    }
    builder.build()
}

/// A cursor that is one caret.
pub(crate) fn caret(at: u32) -> Cursor {
    Cursor::caret(Utf16Offset(at))
}
