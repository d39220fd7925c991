//! Operations that fit a document, by choices.

use cowrite_protocol::operation::{Attributes, Document, Json, Operation};
use cowrite_protocol::{Utf16Length, Utf16Offset};

use super::choices::Choices;

/// Latin, a combining mark, right to left, surrogate pairs and joiners, and the object replacement character.
const TEXTS: [&str; 12] =
    ["a", "b", "ab", "\n", "é", "\u{301}", "ש", "語", "🏆", "👩\u{200d}💻", "\u{fffc}", "\u{10ffff}x\u{0}"];
const VALUES: [&str; 6] = ["true", "null", "\"red\"", "\"é\\n\"", "{\"b\":[1,2.5],\"c\":null}", "-0"];
const KEYS: [&str; 4] = ["bold", "color", "é", ""];

/// An operation on this document of up to eight steps.
pub(super) fn laid(choices: &mut Choices<'_>, document: &Document) -> Operation {
    let boundaries: Vec<u32> =
        (0..=document.length().0).filter(|at| document.text().is_boundary(Utf16Offset(*at))).collect();
    let mut builder = Operation::builder();
    let mut at = 0;
    for _ in 0..choices.below(9) {
        let step = choices.byte();
        let count = usize::from(step >> 4) + 1;
        let end = (at + count).min(boundaries.len() - 1);
        let length = Utf16Length(boundaries[end] - boundaries[at]);
        match step % 8 {
            0 | 1 => {
                builder.insert_with(choices.pick(&TEXTS), &attributes(choices));
            }
            2 | 3 => {
                builder.retain(length);
                at = end;
            }
            4 | 5 => {
                builder.delete(length);
                at = end;
            }
            6 => {
                builder.retain_with(length, &attributes(choices));
                at = end;
            }
            _ => {
                let value = Json::parse(["{\"image\":1}", "{\"image\":2}", "{}"][count % 3]);
                if let Ok(value) = value {
                    builder.embed(value, &attributes(choices));
                }
            }
        }
    }
    builder.build()
}

/// Up to three attributes, mostly none.
fn attributes(choices: &mut Choices<'_>) -> Attributes {
    let pairs: Vec<_> = (0..choices.byte() % 16 / 4)
        .filter_map(|_| {
            let key = choices.pick(&KEYS);
            Json::parse(choices.pick(&VALUES)).ok().map(|value| (key, value))
        })
        .collect();
    Attributes::from_pairs(pairs)
}
