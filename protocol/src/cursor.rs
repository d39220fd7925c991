//! Where a client's carets and selections stand.

use alloc::vec;
use alloc::vec::Vec;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::document_type::{Bias, DocumentType};
use crate::text::Utf16Offset;

/// One selection: the anchor stays, the head moves. A caret is one whose ends are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Selection {
    /// The end that stays.
    pub anchor: Utf16Offset,
    /// The end that moves.
    pub head: Utf16Offset,
}

impl Selection {
    /// The selection without extent.
    pub const fn caret(at: Utf16Offset) -> Selection {
        Selection { anchor: at, head: at }
    }

    /// Where the selection stands after the operation. Linear in components.
    ///
    /// Both ends stay before text that is inserted exactly at them by somebody else, but
    /// the start of a selection that has an extent moves behind it: what a stranger types
    /// at its edge does not become selected.
    #[must_use]
    pub fn map<D: DocumentType>(self, operation: &D::Operation) -> Selection {
        let bias = |this: Utf16Offset, other: Utf16Offset| {
            if this < other { Bias::Right } else { Bias::Left }
        };
        Selection {
            anchor: D::map_offset(operation, self.anchor, bias(self.anchor, self.head)),
            head: D::map_offset(operation, self.head, bias(self.head, self.anchor)),
        }
    }
}

/// On the wire: the head, then how far the anchor is from it, so a caret costs one byte
/// more than its offset.
impl Serialize for Selection {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        (self.head.0, i64::from(self.anchor.0) - i64::from(self.head.0)).serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Selection {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let (head, to_anchor) = <(u32, i64)>::deserialize(deserializer)?;
        let anchor = i64::from(head).checked_add(to_anchor).and_then(|anchor| u32::try_from(anchor).ok());
        match anchor {
            Some(anchor) => Ok(Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) }),
            None => Err(serde::de::Error::custom("selection")),
        }
    }
}

/// All selections of a client in one document; empty when it shows none.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor(pub Vec<Selection>);

impl Cursor {
    /// A cursor that is one caret.
    pub fn caret(at: Utf16Offset) -> Cursor {
        Cursor(vec![Selection::caret(at)])
    }

    /// Moves every selection over the operation.
    pub fn map<D: DocumentType>(&mut self, operation: &D::Operation) {
        for selection in &mut self.0 {
            *selection = selection.map::<D>(operation);
        }
    }

    /// Keeps every end within a document of this length.
    pub fn clamp(&mut self, length: u32) {
        for selection in &mut self.0 {
            selection.anchor.0 = selection.anchor.0.min(length);
            selection.head.0 = selection.head.0.min(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RichText;
    use crate::operation::Operation;
    use crate::text::Utf16Length;

    #[test]
    fn a_strangers_text_at_the_edge_of_a_selection_is_not_selected() {
        let mapped = |anchor, head, at: u32| {
            let typed = Operation::builder().retain(Utf16Length(at)).insert("xx").build();
            let mut cursor = Cursor(vec![Selection { anchor: Utf16Offset(anchor), head: Utf16Offset(head) }]);
            cursor.map::<RichText>(&typed);
            (cursor.0[0].anchor.0, cursor.0[0].head.0)
        };
        assert_eq!([mapped(2, 5, 2), mapped(2, 5, 3), mapped(2, 5, 5)], [(4, 7), (2, 7), (2, 5)]);
        assert_eq!([mapped(5, 2, 2), mapped(5, 2, 3), mapped(5, 2, 5)], [(7, 4), (7, 2), (5, 2)]);
        // A caret stays before what is typed exactly there.
        assert_eq!([mapped(3, 3, 2), mapped(3, 3, 3), mapped(3, 3, 4)], [(5, 5), (3, 3), (3, 3)]);
    }

    #[test]
    fn no_end_lies_behind_the_text() {
        let mut cursor = Cursor(vec![Selection { anchor: Utf16Offset(9), head: Utf16Offset(2) }]);
        cursor.0.push(Selection { anchor: Utf16Offset(4), head: Utf16Offset(5) });
        cursor.clamp(4);
        let ends: Vec<_> = cursor.0.iter().map(|selection| (selection.anchor.0, selection.head.0)).collect();
        assert_eq!(ends, [(4, 2), (4, 4)]);
    }
}
