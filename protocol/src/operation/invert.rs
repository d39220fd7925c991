//! The operation that undoes another.

use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::document::Document;
use crate::error::ApplyError;
use crate::text::Utf16Offset;

impl Operation {
    /// The operation that undoes this one, which was (or could be) applied to `base`.
    ///
    /// Law: `apply(invert(a, base)) ∘ apply(a)` leaves `base` as it was. Linear in the
    /// components and in what is deleted or formatted, besides finding the first place.
    ///
    /// # Errors
    /// If the operation does not fit `base`.
    pub fn invert(&self, base: &Document) -> Result<Operation, ApplyError> {
        base.validate(self)?;
        let mut out = OperationBuilder::with_capacity(self.components().len());
        let mut at = Utf16Offset::ZERO;
        // The walk starts where the first deletion or format is, and only goes on.
        let mut started = None;
        for component in self.components() {
            let length = component.length();
            match component {
                Component::Insert { .. } | Component::Embed { .. } => {
                    out.delete(length);
                    continue;
                }
                Component::Delete { .. } => {
                    let walk = started.get_or_insert_with(|| base.parts().1.walk(at));
                    base.append_range(walk, at, length, &mut out);
                }
                Component::Retain { attributes, .. } if attributes.is_empty() => {
                    out.retain(length);
                }
                Component::Retain { attributes, .. } => {
                    let walk = started.get_or_insert_with(|| base.parts().1.walk(at));
                    walk.seek(at);
                    let mut left = length;
                    while let Some((taken, run)) = walk.take(left)
                        && !taken.is_zero()
                    {
                        out.retain_with(taken, &attributes.invert(&run.attributes));
                        left.0 -= taken.0;
                    }
                }
            }
            at.0 += length.0;
        }
        Ok(out.build())
    }
}
