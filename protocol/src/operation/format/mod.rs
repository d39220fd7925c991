//! What a rich text may hold: which attributes and embeds there are, and their values.

use alloc::string::String;

mod rule;
mod url;

use alloc::collections::BTreeMap;

use super::component::{Component, Operation};
use super::json::Json;
use crate::error::{FormatError, Subject, Trouble};

pub use rule::{Rule, TextRule};
pub use url::UrlRule;

/// What the documents of some kind may hold. Text is not looked into, attributes and embeds are.
///
/// **Invariant:** an attribute is judged by its name and value alone, never by its place or its
/// neighbours. So whatever transforming, composing and inverting make of operations that are
/// allowed on documents that are, is allowed as well, and an operation is judged without its document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Format {
    /// The attributes that there may be.
    pub attributes: Names,
    /// The embeds that there may be, by the one name in their object.
    pub embeds: Names,
}

/// Which names there may be, with which values.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Names {
    /// What the values of these must be.
    pub known: BTreeMap<String, Rule>,
    /// Whether there may be others, of any value.
    pub others: bool,
}

/// Names of attributes and embeds are quoted no longer than this, in characters.
const QUOTED: usize = 64;

impl Format {
    /// Whatever there may be.
    pub const fn any() -> Format {
        Format { attributes: Names::all(true), embeds: Names::all(true) }
    }

    /// Text without attributes and embeds.
    pub const fn plain() -> Format {
        Format { attributes: Names::all(false), embeds: Names::all(false) }
    }

    /// Whether the operation brings in only what may be there. What it deletes, and what attributes
    /// it removes, is not asked about: so a document can be rid of what came into it before.
    /// Linear in the operation.
    ///
    /// # Errors
    /// The first thing that may not be there.
    pub fn check(&self, operation: &Operation) -> Result<(), FormatError> {
        for (index, component) in operation.components().iter().enumerate() {
            if let Component::Embed { value, .. } = component {
                self.check_embed(index, value)?;
            }
            let removes = matches!(component, Component::Retain { .. });
            for attribute in component.attributes().as_slice() {
                if removes && attribute.value.is_null() {
                    continue;
                }
                let judged = self.attributes.judge(&attribute.key, attribute.value.as_str());
                judged.map_err(|trouble| refused(index, Subject::Attribute, &attribute.key, trouble))?;
            }
        }
        Ok(())
    }

    fn check_embed(&self, index: usize, value: &Json) -> Result<(), FormatError> {
        if self.embeds.others && self.embeds.known.is_empty() {
            return Ok(());
        }
        // Editors take the first name for the embed's; with a second one it depends on their order.
        let mut names = 0;
        let mut judged = Ok(());
        rule::members(value.as_str(), &mut |name, value| {
            names += 1;
            judged = self.embeds.judge(name, value).map_err(|trouble| refused(index, Subject::Embed, name, trouble));
            judged.is_ok()
        });
        judged?;
        if names == 1 { Ok(()) } else { Err(refused(index, Subject::Embed, "", Trouble::Unknown)) }
    }
}

impl Default for Format {
    fn default() -> Format {
        Format::any()
    }
}

impl Names {
    const fn all(others: bool) -> Names {
        Names { known: BTreeMap::new(), others }
    }

    fn judge(&self, name: &str, value: &str) -> Result<(), Trouble> {
        match self.known.get(name) {
            Some(rule) if rule.admits(value) => Ok(()),
            Some(_) => Err(Trouble::Value),
            None if self.others => Ok(()),
            None => Err(Trouble::Unknown),
        }
    }
}

fn refused(component: usize, subject: Subject, name: &str, trouble: Trouble) -> FormatError {
    FormatError { component, subject, name: name.chars().take(QUOTED).collect(), trouble }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::operation::Attributes;

    fn names(known: &[(&str, Rule)]) -> Names {
        Names { known: known.iter().map(|(name, rule)| ((*name).to_owned(), rule.clone())).collect(), others: false }
    }

    fn format() -> Format {
        Format {
            attributes: names(&[("bold", Rule::Boolean), ("header", Rule::Integer { least: 1, most: 6 })]),
            embeds: names(&[("break", Rule::Boolean)]),
        }
    }

    fn set(json: &str) -> Attributes {
        Attributes::parse(json).unwrap()
    }

    fn embed(json: &str) -> Operation {
        Operation::from_components([Component::embed(Json::parse(json).unwrap())])
    }

    fn found(operation: &Operation) -> Option<(usize, Subject, String, Trouble)> {
        let error = format().check(operation).err()?;
        Some((error.component, error.subject, error.name, error.trouble))
    }

    #[test]
    fn what_an_insertion_and_a_retain_bring_in_is_judged_alike() {
        let insert =
            |json: &str| Operation::from_components([Component::Insert { text: "x".into(), attributes: set(json) }]);
        let retain = |json: &str| {
            let length = crate::Utf16Length(2);
            Operation::from_components([
                Component::retain(3),
                Component::insert("y"),
                Component::Retain { length, attributes: set(json) },
            ])
        };
        for good in ["{}", r#"{"bold":true}"#, r#"{"bold":false,"header":6}"#] {
            assert_eq!((found(&insert(good)), found(&retain(good))), (None, None), "{good}");
        }
        let attribute = |at, name: &str, trouble| Some((at, Subject::Attribute, name.to_owned(), trouble));
        for (bad, name, trouble) in [
            (r#"{"bold":1}"#, "bold", Trouble::Value),
            (r#"{"bold":true,"header":7}"#, "header", Trouble::Value),
            (r#"{"onclick":"alert(1)"}"#, "onclick", Trouble::Unknown),
        ] {
            assert_eq!(found(&insert(bad)), attribute(0, name, trouble));
            assert_eq!(found(&retain(bad)), attribute(2, name, trouble));
        }
    }

    #[test]
    fn anything_may_be_removed() {
        let length = crate::Utf16Length(2);
        let clears = Component::Retain { length, attributes: set(r#"{"onclick":null,"bold":null}"#) };
        assert_eq!(found(&Operation::from_components([Component::delete(3), clears])), None);
    }

    #[test]
    fn an_embed_has_one_name_that_is_known() {
        let embedded = |name: &str, trouble| Some((0, Subject::Embed, name.to_owned(), trouble));
        assert_eq!(found(&embed(r#"{"break":true}"#)), None);
        assert_eq!(found(&embed(r#"{"break":{}}"#)), embedded("break", Trouble::Value));
        assert_eq!(found(&embed(r#"{"iframe":"x"}"#)), embedded("iframe", Trouble::Unknown));
        assert_eq!(found(&embed("{}")), embedded("", Trouble::Unknown));
        assert_eq!(found(&embed(r#"{"break":true,"break2":true}"#)), embedded("break2", Trouble::Unknown));
        let mut both = format();
        both.embeds.known.insert("rule".to_owned(), Rule::Any);
        assert!(both.check(&embed(r#"{"break":true,"rule":1}"#)).is_err());
    }

    #[test]
    fn any_and_plain_are_what_they_are_called() {
        let rich = embed(r#"{"a":1,"b":[]}"#);
        assert_eq!(Format::any().check(&rich), Ok(()));
        assert!(Format::plain().check(&rich).is_err());
        let text =
            Operation::from_components([Component::retain(1), Component::insert("\u{0}text\n"), Component::delete(1)]);
        assert_eq!(Format::plain().check(&text), Ok(()));
    }

    #[test]
    fn a_long_name_is_quoted_in_part() {
        let name = "é".repeat(1_000);
        let error = format().check(&embed(&format!(r#"{{"{name}":1}}"#))).unwrap_err();
        assert_eq!(error.name, "é".repeat(64));
        assert!(error.to_string().starts_with("component 0: the embed"), "{error}");
    }
}
