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
