//! Accepted work that the log has lost, and the way back to it.

use alloc::boxed::Box;

use cowrite_protocol::DocumentType;

/// The text as it would be if nothing had been lost, and what leads there from the accepted text.
///
/// Both are kept current: what others write after the loss is in the text as well, so that the way never takes it
/// away again.
#[derive(Clone, Debug)]
pub(super) struct Loss<D: DocumentType> {
    pub(super) text: Box<D::Document>,
    pub(super) way: D::Operation,
    /// The accepted text holds a restoration of this life, ours or another's.
    pub(super) is_restored: bool,
    /// The restoration came together with what others wrote, so the way may bring again what stands elsewhere by now: it
    /// is for a person to look at.
    pub(super) is_blurred: bool,
}

impl<D: DocumentType> Loss<D> {
    /// `text` was lost, and `accepted` is there instead. Linear in both.
    pub(super) fn new(accepted: &D::Document, text: D::Document) -> Loss<D> {
        let way = D::diff(accepted, &text);
        Loss { text: Box::new(text), way, is_restored: false, is_blurred: false }
    }

    /// The same where others may have written since: what is there and was not lost by us is theirs, so the way takes
    /// nothing away, and puts no format over another.
    pub(super) fn among_others(accepted: &D::Document, lost: D::Document) -> Loss<D> {
        let mut loss = Loss::new(accepted, lost);
        loss.spare_others(accepted);
        loss
    }

    /// Others' work has led to the text that is accepted now.
    pub(super) fn follow(&mut self, committed: &D::Operation, accepted: &D::Document) {
        let (theirs, way) = D::transform(committed, &self.way);
        self.way = match D::apply(&mut self.text, &theirs) {
            Ok(()) => way,
            Err(_) => D::diff(accepted, &self.text),
        };
    }

    /// What has led to the text that is accepted now is a restoration, alone or among the work of others.
    pub(super) fn restored(&mut self, accepted: &D::Document, alone: bool) {
        self.way = D::diff(accepted, &self.text);
        self.is_restored = true;
        if !alone {
            self.is_blurred = true;
            self.spare_others(accepted);
        }
    }

    /// What the accepted text has stays as it is there.
    pub(super) fn spare_others(&mut self, accepted: &D::Document) {
        let mut text = accepted.clone();
        let way = D::additions(accepted, &self.text);
        if D::apply(&mut text, &way).is_ok() {
            (self.text, self.way) = (Box::new(text), way);
        }
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use cowrite_protocol::operation::{Document, Operation};
    use cowrite_protocol::{RichText, Utf16Length};

    use super::*;

    fn document(text: &str) -> Document {
        let mut document = Document::default();
        document.apply(&Operation::builder().insert(text).build()).unwrap();
        document
    }

    fn insert(at: u32, text: &str) -> Operation {
        Operation::builder().retain(Utf16Length(at)).insert(text).build()
    }

    #[test]
    fn what_others_write_after_the_loss_is_no_part_of_it() {
        let mut accepted = document("one ");
        let mut loss = Loss::<RichText>::new(&accepted, document("one two three "));
        let theirs = insert(0, "theirs ");
        accepted.apply(&theirs).unwrap();
        loss.follow(&theirs, &accepted);
        assert_eq!(loss.text.text().to_string(), "theirs one two three ");
        let part = insert(11, "two ");
        accepted.apply(&part).unwrap();
        loss.restored(&accepted, true);
        assert_eq!(loss.way, insert(15, "three "));
        assert!(loss.is_restored && !loss.is_blurred);
    }
}
