//! The operation and the components that it is made of.

use alloc::vec::Vec;

use super::attributes::Attributes;
use super::builder::OperationBuilder;
use super::inserted_text::InsertText;
use super::json::Json;
use crate::text::Utf16Length;

/// One edit of a text, plain or rich.
///
/// Invariant: the components are in normal form, that is: neighbours of one kind and
/// equal attributes are merged (embeds never are), at one place insertions stand before
/// the deletion, none is empty, and the last one is not a plain retain. Therefore two
/// operations that say the same are equal, and their packed forms are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Operation {
    components: Vec<Component>,
}

impl Operation {
    /// The operation that does nothing. Allocates nothing.
    pub const fn identity() -> Operation {
        Operation { components: Vec::new() }
    }

    /// A builder, which gives the normal form of whatever is put in.
    pub fn builder() -> OperationBuilder {
        OperationBuilder::default()
    }

    /// The operation made of these components, in normal form. Linear.
    pub fn from_components(components: impl IntoIterator<Item = Component>) -> Operation {
        let mut builder = OperationBuilder::default();
        components.into_iter().for_each(|component| {
            builder.push(component);
        });
        builder.build()
    }

    /// Takes components that the builder has put into normal form.
    pub(super) const fn in_normal_form(components: Vec<Component>) -> Operation {
        Operation { components }
    }

    /// The components, in normal form.
    pub fn components(&self) -> &[Component] {
        &self.components
    }

    /// Whether the operation does nothing.
    pub fn is_identity(&self) -> bool {
        self.components.is_empty()
    }

    /// How far the operation reaches: the length of the shortest document that it fits.
    /// Linear in components; at most `u32::MAX`, which no document that it fits exceeds.
    pub fn base_length(&self) -> Utf16Length {
        Utf16Length(saturated(self.components.iter().map(Component::base_units).sum()))
    }

    /// What the base length becomes. Linear in components; at most `u32::MAX`.
    pub fn target_length(&self) -> Utf16Length {
        Utf16Length(saturated(self.components.iter().map(Component::target_units).sum()))
    }

    /// By how many units the operation makes a document longer, or shorter below 0.
    /// Linear in components.
    pub fn length_change(&self) -> i64 {
        self.components
            .iter()
            .map(|component| match component {
                Component::Retain { .. } => 0,
                Component::Delete { length } => -i64::from(length.0),
                inserted => i64::from(inserted.length().0),
            })
            .sum()
    }
}

/// One step of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Component {
    /// Goes on over units that stay.
    Retain {
        /// How many.
        length: Utf16Length,
        /// What changes in their attributes; a `null` removes one. Empty: nothing.
        attributes: Attributes,
    },
    /// Inserts text.
    Insert {
        /// The text.
        text: InsertText,
        /// The attributes that all of it has.
        attributes: Attributes,
    },
    /// Inserts an opaque value, which is one unit long.
    Embed {
        /// The value: a JSON object.
        value: Json,
        /// The attributes that it has.
        attributes: Attributes,
    },
    /// Deletes units.
    Delete {
        /// How many.
        length: Utf16Length,
    },
}

impl Component {
    /// A retain that changes nothing.
    pub const fn retain(length: u32) -> Component {
        Component::Retain { length: Utf16Length(length), attributes: Attributes::NONE }
    }

    /// An insertion without attributes.
    pub fn insert(text: &str) -> Component {
        Component::Insert { text: InsertText::from(text), attributes: Attributes::NONE }
    }

    /// An embed without attributes: a JSON object.
    pub const fn embed(value: Json) -> Component {
        Component::Embed { value, attributes: Attributes::NONE }
    }

    /// A deletion.
    pub const fn delete(length: u32) -> Component {
        Component::Delete { length: Utf16Length(length) }
    }

    /// How many units are retained, inserted or deleted.
    pub fn length(&self) -> Utf16Length {
        match self {
            Component::Retain { length, .. } | Component::Delete { length } => *length,
            Component::Insert { text, .. } => text.length(),
            Component::Embed { .. } => Utf16Length(1),
        }
    }

    /// The attributes; a deletion has none.
    pub fn attributes(&self) -> &Attributes {
        match self {
            Component::Retain { attributes, .. }
            | Component::Insert { attributes, .. }
            | Component::Embed { attributes, .. } => attributes,
            Component::Delete { .. } => Attributes::none(),
        }
    }

    /// The same with other attributes; a deletion has none and stays.
    pub(super) fn with_attributes(&self, attributes: Attributes) -> Component {
        let mut component = self.clone();
        if let Component::Retain { attributes: own, .. }
        | Component::Insert { attributes: own, .. }
        | Component::Embed { attributes: own, .. } = &mut component
        {
            *own = attributes;
        }
        component
    }

    /// Whether it inserts, text or an embed.
    pub const fn is_insertion(&self) -> bool {
        matches!(self, Component::Insert { .. } | Component::Embed { .. })
    }

    /// How many units of the document before the operation it stands for.
    pub(super) fn base_units(&self) -> u64 {
        if self.is_insertion() { 0 } else { u64::from(self.length().0) }
    }

    /// How many units of the document after the operation it stands for.
    pub(super) fn target_units(&self) -> u64 {
        if matches!(self, Component::Delete { .. }) { 0 } else { u64::from(self.length().0) }
    }
}

/// The sum as a length; what no length can count is the highest one.
fn saturated(units: u64) -> u32 {
    u32::try_from(units).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_before_and_after_and_their_difference_are_in_units() {
        let mut builder = Operation::builder();
        builder.retain(Utf16Length(3)).insert("🏆").delete(Utf16Length(7));
        let operation = builder.embed(Json::parse("{}").unwrap(), &Attributes::NONE).build();
        assert_eq!((operation.base_length().0, operation.target_length().0), (10, 6));
        assert_eq!(operation.length_change(), -4);
    }
}
