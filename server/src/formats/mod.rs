//! What documents may hold, by their ids, as an operator says it.
//!
//! The rules themselves are [`Format`]s of the protocol; here is who is under which, and
//! the file that says so. docs/formats.md describes it.

mod file;

use std::fmt;
use std::sync::{Arc, LazyLock};

use cowrite_protocol::DocumentId;
use cowrite_protocol::operation::Format;

use crate::auth::DocumentPattern;

pub use file::FormatsError;

/// Formats by document. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Formats(Arc<[Assignment]>);

#[derive(Debug)]
struct Assignment {
    documents: DocumentPattern,
    name: String,
    format: Arc<Format>,
}

/// The formats that every server knows by name.
const BUILT_IN: [&str; 3] = ["any", "plain", "rich"];

static RICH: LazyLock<Format> = LazyLock::new(file::rich);

impl Formats {
    /// What a file says.
    ///
    /// # Errors
    /// What is wrong with it, and where.
    pub fn parse(text: &str) -> Result<Formats, FormatsError> {
        let mut assignments: Vec<Assignment> = file::parse(text)?;
        // The most exact pattern first: among those that mean a document it decides.
        assignments.sort_by_key(|assignment| {
            let length = assignment.documents.to_string().len();
            std::cmp::Reverse((assignment.documents.is_exact(), length))
        });
        Ok(Formats(assignments.into()))
    }

    /// The format of this name for every document; `None` if the server knows none of that name by itself.
    pub fn built_in(name: &str) -> Option<Formats> {
        let documents = "*".parse().ok()?;
        let format = Arc::new(built_in(name)?);
        Some(Formats(Arc::new([Assignment { documents, name: name.to_owned(), format }])))
    }

    /// The format of a document. Linear in the assignments.
    pub fn of(&self, document: &DocumentId) -> Arc<Format> {
        let found = self.0.iter().find(|assignment| assignment.documents.matches(document));
        found.map_or_else(Arc::default, |assignment| Arc::clone(&assignment.format))
    }

    /// Whether some document may hold anything.
    pub fn allows_anything(&self) -> bool {
        self.0.is_empty() || self.0.iter().any(|assignment| *assignment.format == Format::any())
    }
}

/// Every document may hold anything.
impl Default for Formats {
    fn default() -> Formats {
        Formats(Arc::new([]))
    }
}

impl fmt::Display for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("any for *");
        }
        for (index, Assignment { documents, name, .. }) in self.0.iter().enumerate() {
            let comma = if index > 0 { ", " } else { "" };
            write!(f, "{comma}{name} for {documents}")?;
        }
        Ok(())
    }
}

fn built_in(name: &str) -> Option<Format> {
    match name {
        "any" => Some(Format::any()),
        "plain" => Some(Format::plain()),
        "rich" => Some(RICH.clone()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn format(formats: &Formats, document: &str) -> Arc<Format> {
        formats.of(&document.parse().unwrap())
    }

    #[test]
    fn the_most_exact_pattern_decides() {
        let formats = Formats::parse(
            r#"{"documents": {"*": "plain", "notes-*": "rich", "notes-a*": "any", "notes-about": "plain"}}"#,
        );
        let formats = formats.unwrap();
        let expected = [("x", "plain"), ("notes-b", "rich"), ("notes-ab", "any"), ("notes-about", "plain")];
        for (document, name) in expected {
            assert_eq!(*format(&formats, document), built_in(name).unwrap(), "{document}");
        }
        assert_eq!(formats.to_string(), "plain for notes-about, any for notes-a*, rich for notes-*, plain for *");
        assert!(formats.allows_anything());
    }

    #[test]
    fn without_a_word_anything_may_be() {
        assert_eq!(*format(&Formats::default(), "x"), Format::any());
        assert!(Formats::default().allows_anything());
        for name in BUILT_IN {
            let formats = Formats::built_in(name).unwrap();
            assert_eq!(*format(&formats, "x"), built_in(name).unwrap());
            assert_eq!(formats.allows_anything(), name == "any");
        }
        assert!(Formats::built_in("rich.json").is_none());
    }
}
