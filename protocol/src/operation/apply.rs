//! Applies an operation to a document.

use super::component::{Component, Operation};
use super::document::{Document, EMBED_CHARACTER};
use crate::error::ApplyError;
use crate::text::Utf16Offset;

impl Document {
    /// Whether the operation can be applied, without applying it. Linear in components.
    ///
    /// # Errors
    /// If it reaches past the end, would split a surrogate pair, or could make the document
    /// longer than an offset can count.
    pub fn validate(&self, operation: &Operation) -> Result<(), ApplyError> {
        let length = self.length();
        let (mut at, mut longest) = (0u64, u64::from(length.0));
        for component in operation.components() {
            at += component.base_units();
            if component.is_insertion() {
                longest += component.target_units();
                continue;
            }
            let end = u32::try_from(at).unwrap_or(u32::MAX);
            if at > u64::from(length.0) {
                let reach = operation.base_length().0;
                return Err(ApplyError::PastEnd { reach, length: length.0 });
            }
            // Every insertion and every other boundary stands at the end of one of these,
            // or at the start of the document.
            if !self.text().is_boundary(Utf16Offset(end)) {
                return Err(ApplyError::SplitsPair { at: end });
            }
        }
        if longest > u64::from(u32::MAX) { Err(ApplyError::TooLong) } else { Ok(()) }
    }

    /// Applies the operation. On an error the document is as it was.
    ///
    /// Linear in components and inserted text, besides going from the place of the last
    /// edit to this one; a character typed beside the last one allocates nothing but, now
    /// and then, room.
    ///
    /// # Errors
    /// As [`Document::validate`].
    pub fn apply(&mut self, operation: &Operation) -> Result<(), ApplyError> {
        self.validate(operation)?;
        let (text, runs) = self.parts_mut();
        let mut at = Utf16Offset::ZERO;
        for component in operation.components() {
            let length = component.length();
            if let Component::Retain { attributes, .. } = component {
                if !attributes.is_empty() {
                    runs.seek(at);
                    runs.format(length, attributes);
                }
            } else {
                // The text refuses nothing any more: all places are validated.
                match component {
                    Component::Delete { .. } => text.delete(at, length)?,
                    Component::Insert { text: inserted, .. } => text.insert(at, inserted.as_str())?,
                    _ => text.insert(at, EMBED_CHARACTER)?,
                }
                runs.seek(at);
                match component.to_run() {
                    Some(run) => runs.insert(run),
                    None => runs.delete(length),
                }
            }
            at.0 += if matches!(component, Component::Delete { .. }) { 0 } else { length.0 };
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, components: &[Component], result: Result<&str, ApplyError>) {
        let mut document = Document::from(text);
        let before = document.clone();
        let applied = document.apply(&Operation::from_components(components.iter().cloned()));
        match result {
            Ok(result) => assert_eq!(document, Document::from(result)),
            Err(error) => {
                assert_eq!(applied, Err(error));
                assert_eq!(document, before);
            }
        }
    }

    #[test]
    fn an_operation_is_applied_whole_or_not_at_all() {
        check("abc", &[Component::retain(1), Component::insert("🏆"), Component::delete(1)], Ok("a🏆c"));
        let past = Err(ApplyError::PastEnd { reach: 4, length: 3 });
        check("abc", &[Component::insert("x"), Component::retain(3), Component::delete(1)], past);
        check("abc", &[Component::insert("x"), Component::retain(4), Component::insert("y")], past);
    }

    #[test]
    fn half_a_pair_is_refused() {
        let splits = Err(ApplyError::SplitsPair { at: 2 });
        check("a🏆b", &[Component::insert("x"), Component::retain(2), Component::insert("y")], splits);
        check("a🏆b", &[Component::insert("x"), Component::retain(2), Component::delete(1)], splits);
        check("a🏆b", &[Component::retain(1), Component::delete(1)], splits);
        check("a🏆b", &[Component::retain(1), Component::delete(2)], Ok("ab"));
    }

    #[test]
    fn what_is_inserted_adds_to_the_length_and_does_not_multiply_it() {
        let page = "x".repeat(70_000);
        let mut document = Document::from(page.as_str());
        document.apply(&Operation::from_components([Component::insert(&page)])).unwrap();
        assert_eq!(document.length().0, 140_000);
    }
}
