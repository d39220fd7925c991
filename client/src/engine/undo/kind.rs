//! What sort of edit an edit is, as far as grouping goes.

use cowrite_protocol::DocumentType;

/// Edits of one kind, made without a pause, are undone together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A few units come in, as from a keyboard or an input method.
    Typing {
        /// Whether it replaces something, as a correction does: that begins a group.
        replaces: bool,
    },
    /// Units only go.
    Deleting,
    /// The text stays.
    Formatting,
    /// Anything else, such as a paste: a group of its own.
    Replacing,
}

/// More units at once than this are no typing. A word from an input method is below.
const TYPED_UNITS: u64 = 16;

impl Kind {
    /// Linear in the components.
    pub(super) fn of<D: DocumentType>(operation: &D::Operation) -> Kind {
        let deleted = D::deleted_units(operation);
        match deleted.saturating_add_signed(D::length_change(operation)) {
            0 if deleted == 0 => Kind::Formatting,
            0 => Kind::Deleting,
            1..=TYPED_UNITS => Kind::Typing { replaces: deleted > 0 },
            _ => Kind::Replacing,
        }
    }

    /// Whether an edit of this kind goes on with what one of the `last` kind began.
    pub(super) fn continues(self, last: Kind) -> bool {
        match (last, self) {
            (Kind::Typing { .. }, Kind::Typing { replaces }) => !replaces,
            (Kind::Deleting, Kind::Deleting) | (Kind::Formatting, Kind::Formatting) => true,
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::operation::Operation;
    use cowrite_protocol::{RichText, Utf16Length};

    use super::*;

    #[test]
    fn the_kind_is_read_off_the_operation() {
        let check = |operation: Operation, kind| assert_eq!(Kind::of::<RichText>(&operation), kind, "{operation:?}");
        let build = Operation::builder;
        check(build().retain(Utf16Length(3)).insert("a").build(), Kind::Typing { replaces: false });
        check(build().insert("a").delete(Utf16Length(2)).build(), Kind::Typing { replaces: true });
        check(build().retain(Utf16Length(3)).delete(Utf16Length(1)).build(), Kind::Deleting);
        check(build().insert(&"paste".repeat(9)).build(), Kind::Replacing);
        check(build().build(), Kind::Formatting);
    }

    #[test]
    fn a_correction_begins_a_group_that_typing_goes_on_with() {
        let (typed, corrected) = (Kind::Typing { replaces: false }, Kind::Typing { replaces: true });
        assert!(typed.continues(typed) && typed.continues(corrected));
        assert!(!corrected.continues(typed) && !Kind::Deleting.continues(typed));
        assert!(!Kind::Replacing.continues(Kind::Replacing));
    }
}
