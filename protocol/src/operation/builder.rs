//! Puts components together in normal form.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;
use core::mem;

use super::attributes::Attributes;
use super::component::{Component, Operation};
use super::inserted_text::InsertText;
use super::json::Json;
use crate::text::Utf16Length;

/// Builds an [`Operation`] from its start to its end, and keeps it in normal form:
/// neighbours of one kind and equal attributes become one, an insertion goes before the
/// deletion at its place, what is empty vanishes, and plain retains at the end do.
///
/// Every step costs constant time, besides copying the text that is inserted.
#[derive(Clone, Debug, Default)]
pub struct OperationBuilder {
    components: Vec<Component>,
    base_units: u64,
    target_units: u64,
}

impl OperationBuilder {
    /// A builder with room for so many components.
    pub(super) fn with_capacity(components: usize) -> OperationBuilder {
        OperationBuilder { components: Vec::with_capacity(components), base_units: 0, target_units: 0 }
    }

    /// Goes on over `length` units.
    pub fn retain(&mut self, length: Utf16Length) -> &mut Self {
        self.retain_with(length, &Attributes::NONE)
    }

    /// Goes on over `length` units and changes their attributes.
    pub fn retain_with(&mut self, length: Utf16Length, attributes: &Attributes) -> &mut Self {
        if length.is_zero() {
            return self;
        }
        self.base_units += u64::from(length.0);
        self.target_units += u64::from(length.0);
        match self.components.last_mut() {
            Some(Component::Retain { length: last, attributes: same }) if same == attributes => {
                *last = sum(*last, length);
            }
            _ => self.components.push(Component::Retain { length, attributes: attributes.clone() }),
        }
        self
    }

    /// Inserts text.
    pub fn insert(&mut self, text: &str) -> &mut Self {
        self.insert_with(text, &Attributes::NONE)
    }

    /// Inserts text with attributes; a `null` among them says nothing and is dropped.
    pub fn insert_with(&mut self, text: &str, attributes: &Attributes) -> &mut Self {
        self.insert_measured(text, Utf16Length::of(text), attributes)
    }

    /// Inserts text whose length is known.
    pub(super) fn insert_measured(&mut self, text: &str, length: Utf16Length, attributes: &Attributes) -> &mut Self {
        if length.is_zero() {
            return self;
        }
        self.target_units += u64::from(length.0);
        let attributes = attributes.without_nulls();
        let at = self.insertion_index();
        match at.checked_sub(1).and_then(|last| self.components.get_mut(last)) {
            Some(Component::Insert { text: last, attributes: same }) if *same == attributes => {
                last.append(text, length);
            }
            _ => {
                let text = InsertText::with_length(text.to_owned(), length);
                self.components.insert(at, Component::Insert { text, attributes });
            }
        }
        self
    }

    /// Inserts an embed, which must be a JSON object ([`Json::is_object`]): no peer takes
    /// another. A `null` among its attributes says nothing and is dropped.
    pub fn embed(&mut self, value: Json, attributes: &Attributes) -> &mut Self {
        self.target_units += 1;
        let at = self.insertion_index();
        self.components.insert(at, Component::Embed { value, attributes: attributes.without_nulls() });
        self
    }

    /// Deletes `length` units.
    pub fn delete(&mut self, length: Utf16Length) -> &mut Self {
        if length.is_zero() {
            return self;
        }
        self.base_units += u64::from(length.0);
        match self.components.last_mut() {
            Some(Component::Delete { length: last }) => *last = sum(*last, length),
            _ => self.components.push(Component::Delete { length }),
        }
        self
    }

    /// Appends any component.
    pub fn push(&mut self, component: Component) -> &mut Self {
        match component {
            Component::Retain { length, attributes } => self.retain_with(length, &attributes),
            Component::Insert { text, attributes } => self.insert_owned(text, attributes),
            Component::Embed { value, attributes } => self.embed(value, &attributes),
            Component::Delete { length } => self.delete(length),
        }
    }

    /// Appends a copy of any component. Text that joins the insertion before it is copied only once.
    pub(super) fn push_copy(&mut self, component: &Component) -> &mut Self {
        match component {
            Component::Retain { length, attributes } => self.retain_with(*length, attributes),
            Component::Insert { text, attributes } => self.insert_measured(text.as_str(), text.length(), attributes),
            Component::Embed { value, attributes } => self.embed(value.clone(), attributes),
            Component::Delete { length } => self.delete(*length),
        }
    }

    /// Appends an operation made for the rest of the document.
    pub fn extend(&mut self, operation: &Operation) -> &mut Self {
        for component in operation.components() {
            self.push_copy(component);
        }
        self
    }

    /// Whether the lengths so far are more than an offset can count.
    pub(super) fn is_too_long(&self) -> bool {
        self.base_units.max(self.target_units) > u64::from(u32::MAX)
    }

    /// How many components there are so far.
    pub(super) fn len(&self) -> usize {
        self.components.len()
    }

    /// The operation, in normal form; the builder is empty again.
    ///
    /// Lengths that no offset can count have been cut at `u32::MAX`: such an operation
    /// fits no document, and applying it says so.
    pub fn build(&mut self) -> Operation {
        let mut components = mem::take(self).components;
        if let Some(Component::Retain { attributes, .. }) = components.last()
            && attributes.is_empty()
        {
            components.pop();
        }
        Operation::in_normal_form(components)
    }

    /// Inserts text that need not be copied, if it stands alone.
    pub(super) fn insert_owned(&mut self, text: InsertText, attributes: Attributes) -> &mut Self {
        let attributes = attributes.without_nulls();
        let at = self.insertion_index();
        let merges = at
            .checked_sub(1)
            .and_then(|last| self.components.get(last))
            .is_some_and(|last| matches!(last, Component::Insert { attributes: same, .. } if *same == attributes));
        if merges || text.is_empty() {
            return self.insert_measured(text.as_str(), text.length(), &attributes);
        }
        self.target_units += u64::from(text.length().0);
        self.components.insert(at, Component::Insert { text, attributes });
        self
    }

    /// Where an insertion goes: at the end, or before the deletion that stands there.
    /// There is never more than one, for deletions at one place are merged.
    fn insertion_index(&self) -> usize {
        let deletes = matches!(self.components.last(), Some(Component::Delete { .. }));
        self.components.len() - usize::from(deletes)
    }
}

/// The sum of two lengths, or the highest one if none can count it.
fn sum(a: Utf16Length, b: Utf16Length) -> Utf16Length {
    Utf16Length(a.0.saturating_add(b.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(components: &[Component], normal: &[Component]) {
        assert_eq!(Operation::from_components(components.iter().cloned()).components(), normal, "{components:?}");
    }

    #[test]
    fn an_insertion_goes_before_the_deletion_at_its_place() {
        let (a, b, delete) = (Component::insert("a"), Component::insert("b"), Component::delete(1));
        let picture = Component::embed(Json::parse("{}").unwrap());
        check(&[delete.clone(), a.clone()], &[a.clone(), delete.clone()]);
        check(&[a.clone(), delete.clone(), b.clone()], &[Component::insert("ab"), delete.clone()]);
        check(&[delete.clone(), a.clone(), delete.clone()], &[a.clone(), Component::delete(2)]);
        check(&[picture.clone(), delete.clone(), a.clone()], &[picture.clone(), a.clone(), delete.clone()]);
        check(&[delete.clone(), picture.clone(), picture.clone()], &[picture.clone(), picture, delete]);
    }

    #[test]
    fn what_is_empty_and_what_retains_at_the_end_vanishes() {
        let nothing = [Component::retain(0), Component::insert(""), Component::delete(0), Component::retain(7)];
        check(&nothing, &[]);
        let bold = Attributes::from_pairs([("bold", Json::yes())]);
        let formatted = Component::Retain { length: Utf16Length(2), attributes: bold };
        check(&[formatted.clone(), Component::retain(1)], &[formatted]);
    }

    #[test]
    fn lengths_that_no_offset_counts_are_noticed() {
        let mut builder = Operation::builder();
        builder.delete(Utf16Length(u32::MAX));
        assert!(!builder.is_too_long());
        builder.delete(Utf16Length(1));
        assert!(builder.is_too_long());
        assert_eq!(builder.build().components(), [Component::delete(u32::MAX)]);
    }

    #[test]
    fn every_kind_counts_in_the_length_before_and_in_the_length_after() {
        let bold = Attributes::from_pairs([("bold", Json::yes())]);
        let too_long = |more: &dyn Fn(&mut OperationBuilder)| {
            let mut builder = Operation::builder();
            builder.retain_with(Utf16Length(u32::MAX), &bold);
            assert!(!builder.is_too_long());
            more(&mut builder);
            builder.is_too_long()
        };
        assert!(too_long(&|builder| {
            builder.insert("x");
        }));
        assert!(too_long(&|builder| {
            builder.embed(Json::parse("{}").unwrap(), &Attributes::NONE);
        }));
        assert!(too_long(&|builder| {
            builder.insert_owned("x".into(), Attributes::NONE);
        }));
        assert!(
            too_long(&|builder| {
                builder.delete(Utf16Length(1));
            }),
            "before, not after"
        );
        assert!(too_long(&|builder| {
            builder.retain(Utf16Length(1));
        }));
        let mut deleted = Operation::builder();
        deleted.delete(Utf16Length(u32::MAX)).insert("x");
        assert!(!deleted.is_too_long(), "each of the two is within the limit");
    }
}
