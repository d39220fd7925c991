//! Carries positions through an operation.

use super::component::{Component, Operation};
use crate::document_type::Bias;
use crate::text::Utf16Offset;

impl Operation {
    /// Where an offset of the document before the operation lies after it. An offset
    /// inside a deleted range goes to the range's start; at an insertion `bias` decides.
    /// Linear in the components up to there.
    pub fn map_offset(&self, offset: Utf16Offset, bias: Bias) -> Utf16Offset {
        // Both in units of the document after the operation: where the walk stands, and
        // where the offset would be if nothing more followed.
        let (mut at, mut mapped) = (0u64, u64::from(offset.0));
        for component in self.components() {
            if at > mapped {
                break;
            }
            let length = u64::from(component.length().0);
            match component {
                Component::Delete { .. } => mapped -= length.min(mapped - at),
                Component::Retain { .. } => at += length,
                Component::Insert { .. } | Component::Embed { .. } => {
                    if at < mapped || bias == Bias::Right {
                        mapped += length;
                    }
                    at += length;
                }
            }
        }
        Utf16Offset(u32::try_from(mapped).unwrap_or(u32::MAX))
    }

    /// Where the author's caret is implied to be: the end of the last insertion or the
    /// place of the last deletion, whichever comes last. Linear in components.
    pub fn implied_caret(&self) -> Option<Utf16Offset> {
        let (mut at, mut caret) = (0u64, None);
        for component in self.components() {
            at += component.target_units();
            if !matches!(component, Component::Retain { .. }) {
                caret = Some(Utf16Offset(u32::try_from(at).unwrap_or(u32::MAX)));
            }
        }
        caret
    }
}

/// Quill's `operation.transformPosition(index, priority)`: with [`Bias::Left`] (Quill's
/// `true`) an offset stays before what is inserted exactly there.
pub fn transform_position(operation: &Operation, index: Utf16Offset, bias: Bias) -> Utf16Offset {
    operation.map_offset(index, bias)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_caret_follows_the_last_change() {
        let check = |components: &[Component], caret: Option<u32>| {
            let operation = Operation::from_components(components.iter().cloned());
            assert_eq!(operation.implied_caret(), caret.map(Utf16Offset), "{operation:?}");
        };
        check(&[], None);
        check(&[Component::retain(4), Component::insert("🏆")], Some(6));
        check(&[Component::retain(4), Component::delete(3)], Some(4));
        check(&[Component::retain(4), Component::insert("x"), Component::delete(3)], Some(5));
        check(&[Component::insert("x"), Component::retain(4), Component::delete(3)], Some(5));
        check(&[Component::delete(3), Component::retain(4), Component::insert("x")], Some(5));
    }

    #[test]
    fn an_offset_stays_on_its_character() {
        // "abcdef" becomes "aXYdef".
        let operation =
            Operation::from_components([Component::retain(1), Component::insert("XY"), Component::delete(2)]);
        let mapped = |bias| (0..=6).map(|at| operation.map_offset(Utf16Offset(at), bias).0).collect::<Vec<_>>();
        assert_eq!(mapped(Bias::Left), [0, 1, 3, 3, 4, 5, 6]);
        assert_eq!(mapped(Bias::Right), [0, 3, 3, 3, 4, 5, 6]);
    }

    #[test]
    fn an_offset_is_mapped_under_the_name_that_quill_gives_it() {
        let operation = Operation::from_components([Component::retain(1), Component::insert("XY")]);
        let mapped = |bias| transform_position(&operation, Utf16Offset(1), bias).0;
        assert_eq!((mapped(Bias::Left), mapped(Bias::Right)), (1, 3));
    }
}
