//! A part of an operation.

use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::walk::Walk;
use crate::text::{Utf16Length, Utf16Offset};

impl Operation {
    /// The components between two offsets, where every component counts with its length,
    /// deletions too; of a document it is the content between them. `None` if an end
    /// would separate a surrogate pair of an insertion. Linear in components and text.
    pub fn slice(&self, start: Utf16Offset, end: Utf16Offset) -> Option<Operation> {
        let mut walk = Walk::new(self.components());
        let mut out = OperationBuilder::default();
        let mut at = Utf16Offset::ZERO;
        while at < end
            && let Some(component) = walk.current()
        {
            let goal = if at < start { start } else { end };
            let length = walk.remaining().min(goal.since(at).unwrap_or(Utf16Length::ZERO));
            let inside = at >= start;
            if let Component::Insert { attributes, .. } = component {
                let text = walk.take_text(length)?;
                if inside {
                    out.insert_measured(text, length, attributes);
                }
            } else {
                walk.advance(length);
                match component {
                    Component::Retain { attributes, .. } if inside => out.retain_with(length, attributes),
                    Component::Delete { .. } if inside => out.delete(length),
                    Component::Embed { value, attributes } if inside => out.embed(value.clone(), attributes),
                    _ => &mut out,
                };
            }
            at = at.checked_add(length)?;
        }
        Some(out.build())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::{Attributes, Json};

    #[test]
    fn every_component_counts_with_its_length_and_is_cut_where_the_slice_ends() {
        let bold = Attributes::from_pairs([("bold", Json::yes())]);
        let mut builder = Operation::builder();
        builder.insert("ab").retain_with(Utf16Length(3), &bold).delete(Utf16Length(2));
        let whole = builder.embed(Json::parse("{}").unwrap(), &bold).retain(Utf16Length(4)).insert("🏆").build();
        // The embed goes before the deletion at its place: ab, 3 bold, embed, 2 deleted, 4, a pair.
        let slice = |start, end| whole.slice(Utf16Offset(start), Utf16Offset(end));
        assert_eq!(slice(0, 14), Some(whole.clone()));
        assert_eq!(slice(0, 99), Some(whole.clone()));
        let mut middle = Operation::builder();
        middle.insert("b").retain_with(Utf16Length(3), &bold);
        middle.embed(Json::parse("{}").unwrap(), &bold).delete(Utf16Length(1));
        assert_eq!(slice(1, 7), Some(middle.build()));
        let mut inner = Operation::builder();
        assert_eq!(slice(3, 4), Some(inner.retain_with(Utf16Length(1), &bold).build()));
        assert_eq!(slice(7, 8), Some(Operation::builder().delete(Utf16Length(1)).build()));
        assert_eq!(slice(12, 14), Some(Operation::builder().insert("🏆").build()));
        assert_eq!(slice(6, 6), Some(Operation::default()));
        assert_eq!((slice(0, 13), slice(13, 14)), (None, None), "half a pair");
    }
}
