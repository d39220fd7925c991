//! Joins two operations that were made one after the other.

use super::attributes::{Attributes, Nulls};
use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::walk::Walk;
use crate::error::ComposeError;

impl Operation {
    /// The one operation that does what `first` and then `second` do.
    ///
    /// Laws: `apply(compose(first, second)) = apply(second) ∘ apply(first)`; compose is
    /// associative; the identity changes nothing. Linear in the components of both and in
    /// the text that they insert.
    ///
    /// # Errors
    /// If `second` cuts an insertion of `first` inside a surrogate pair, or a length of the
    /// result is more than an offset can count.
    pub fn compose(first: &Operation, second: &Operation) -> Result<Operation, ComposeError> {
        let (mut a, mut b) = (Walk::new(first.components()), Walk::new(second.components()));
        let mut out = OperationBuilder::with_capacity(first.components().len() + second.components().len());
        loop {
            match (a.current(), b.current()) {
                (None, None) => break,
                (_, Some(insertion)) if insertion.is_insertion() => {
                    out.push_copy(insertion);
                    b.skip();
                }
                (Some(Component::Delete { length }), _) => {
                    out.delete(*length);
                    a.skip();
                }
                (Some(whole), None) if a.is_at_start() => {
                    out.push_copy(whole);
                    a.skip();
                }
                (before, after) => shared_stretch(before, after, &mut a, &mut b, &mut out)?,
            }
        }
        if out.is_too_long() { Err(ComposeError::TooLong) } else { Ok(out.build()) }
    }
}

/// Goes over as much of the document between the two operations as one component of
/// each speaks of.
fn shared_stretch(
    before: Option<&Component>,
    after: Option<&Component>,
    a: &mut Walk<'_>,
    b: &mut Walk<'_>,
    out: &mut OperationBuilder,
) -> Result<(), ComposeError> {
    let length = a.remaining().min(b.remaining());
    let deletes = matches!(after, Some(Component::Delete { .. }));
    let change = after.map_or(Attributes::none(), Component::attributes);
    b.advance(length);
    match before {
        Some(Component::Insert { attributes, .. }) => {
            let text = a.take_text(length).ok_or(ComposeError::SplitsPair)?;
            if !deletes {
                out.insert_measured(text, length, &attributes.compose(change, Nulls::Drop));
            }
            return Ok(());
        }
        Some(Component::Embed { value, attributes }) if !deletes => {
            out.embed(value.clone(), &attributes.compose(change, Nulls::Drop));
        }
        Some(Component::Embed { .. }) => {}
        Some(Component::Retain { attributes, .. }) if !deletes => {
            out.retain_with(length, &attributes.compose(change, Nulls::Keep));
        }
        None if !deletes => {
            out.retain_with(length, change);
        }
        _ => {
            out.delete(length);
        }
    }
    a.advance(length);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_not_made_after_the_first_is_refused() {
        let operation = |components: &[Component]| Operation::from_components(components.iter().cloned());
        let first = operation(&[Component::insert("a🏆")]);
        for cut in [Component::insert("x"), Component::delete(1)] {
            let second = operation(&[Component::retain(2), cut]);
            assert_eq!(Operation::compose(&first, &second), Err(ComposeError::SplitsPair));
        }
        let longest = operation(&[Component::delete(u32::MAX)]);
        assert_eq!(Operation::compose(&longest, &longest), Err(ComposeError::TooLong));
    }
}
