//! A rich text at one version.

use super::attributes::Attributes;
use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::json::Json;
pub use super::runs::Run;
use super::runs::{RunWalk, Runs};
use crate::text::{Text, Utf16Length, Utf16Offset};

/// What stands in the text where an embed is: U+FFFC, the object replacement character.
pub(super) const EMBED_CHARACTER: &str = "\u{FFFC}";

/// A text with attributes and embeds. `Default` is the empty document.
///
/// An embed is one unit, U+FFFC in the text, with its value in its run; the same
/// character that somebody typed is a character. Two documents are equal if their
/// contents are, whatever way led there.
#[derive(Clone, Debug, Default)]
pub struct Document {
    text: Text,
    runs: Runs,
}

impl Document {
    /// The empty document. Allocates nothing.
    pub fn new() -> Document {
        Document::default()
    }

    /// The document that an operation makes of the empty one; `None` if it also retains
    /// or deletes, or is too long.
    pub fn from_operation(operation: &Operation) -> Option<Document> {
        let mut document = Document::new();
        document.apply(operation).is_ok().then_some(document)
    }

    /// How many UTF-16 code units the document has; an embed is one.
    pub fn length(&self) -> Utf16Length {
        self.text.length()
    }

    /// The text, with U+FFFC for each embed.
    pub const fn text(&self) -> &Text {
        &self.text
    }

    /// The runs of the document from its start, as long as they can be.
    pub fn runs(&self) -> impl Iterator<Item = Run> + '_ {
        let mut walk = self.runs.walk(Utf16Offset::ZERO);
        core::iter::from_fn(move || {
            let (length, run) = walk.take(Utf16Length(u32::MAX))?;
            let mut joined = run.with_length(length.0);
            while let Some((more, run)) = walk.current()
                && joined.joins(run)
            {
                joined.length.0 += more.0;
                walk.advance(more);
            }
            Some(joined)
        })
    }

    /// The run that the unit behind the offset belongs to, if there is one. Linear in the
    /// runs between the last edit and there.
    pub fn run_at(&self, at: Utf16Offset) -> Option<&Run> {
        if at >= self.length().end() {
            return None;
        }
        self.runs.walk(at).current().map(|(_, run)| run)
    }

    /// The document as the operation that makes it from the empty one. Linear.
    pub fn to_operation(&self) -> Operation {
        let mut out = OperationBuilder::default();
        self.append_range(&mut self.runs.walk(Utf16Offset::ZERO), Utf16Offset::ZERO, self.length(), &mut out);
        out.build()
    }

    /// Appends what stands in a range that is in the document, as insertions. The walk has
    /// not passed the range's start, and stands at its end afterwards.
    pub(super) fn append_range(
        &self,
        walk: &mut RunWalk<'_>,
        from: Utf16Offset,
        length: Utf16Length,
        out: &mut OperationBuilder,
    ) {
        walk.seek(from);
        let (mut at, mut left) = (from, length);
        while let Some((taken, run)) = walk.take(left)
            && !taken.is_zero()
        {
            match &run.embed {
                Some(value) => {
                    out.embed(value.clone(), &run.attributes);
                }
                None => {
                    // The runs cover the text and end at boundaries, so the slice is there.
                    let text = self.text.slice(at, taken).unwrap_or_default();
                    out.insert_owned(text.into(), run.attributes.clone());
                }
            }
            at.0 += taken.0;
            left.0 -= taken.0;
        }
    }

    /// The text and the runs, to be read together.
    pub(super) const fn parts(&self) -> (&Text, &Runs) {
        (&self.text, &self.runs)
    }

    /// The text and the runs, to be changed together.
    pub(super) const fn parts_mut(&mut self) -> (&mut Text, &mut Runs) {
        (&mut self.text, &mut self.runs)
    }
}

impl PartialEq for Document {
    fn eq(&self, other: &Document) -> bool {
        if self.text != other.text {
            return false;
        }
        let (mut mine, mut theirs) = (self.runs.walk(Utf16Offset::ZERO), other.runs.walk(Utf16Offset::ZERO));
        while let (Some((a, x)), Some((b, y))) = (mine.current(), theirs.current()) {
            if x.attributes != y.attributes || x.embed != y.embed {
                return false;
            }
            mine.advance(a.min(b));
            theirs.advance(a.min(b));
        }
        true
    }
}

impl Eq for Document {}

impl From<&str> for Document {
    /// A plain document.
    fn from(text: &str) -> Document {
        Document::from_operation(&Operation::from_components([Component::insert(text)])).unwrap_or_default()
    }
}

impl Component {
    /// The run that an insertion becomes; `None` for what inserts nothing.
    pub(super) fn to_run(&self) -> Option<Run> {
        let embed: Option<Json> = match self {
            Component::Insert { .. } => None,
            Component::Embed { value, .. } => Some(value.clone()),
            Component::Retain { .. } | Component::Delete { .. } => return None,
        };
        let attributes: Attributes = self.attributes().clone();
        Some(Run { length: self.length(), attributes, embed })
    }
}
