//! The JSON form of operations and documents: the Quill Delta.

use alloc::string::String;

use thiserror::Error;

use super::attributes::Attributes;
use super::builder::OperationBuilder;
use super::component::{Component, Operation};
use super::document::Document;
use super::json::{Json, JsonError};
use super::json_scanner::{Scanner, write_number, write_string};

/// Why a text is no Quill Delta that we take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DeltaError {
    /// It is no JSON, or holds a value that is refused, half a surrogate pair for one.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// It is JSON, but no list of `insert`, `retain` and `delete`.
    #[error("no operation at byte {at}")]
    NotAnOperation {
        /// Where reading stopped.
        at: u32,
    },
    /// A `retain` of an object changes an embed from within; embeds are replaced whole.
    #[error("a change inside an embed at byte {at}")]
    EmbedRetain {
        /// Where it stands.
        at: u32,
    },
    /// It is an operation that also retains or deletes, where a document was asked for.
    #[error("an operation that is no document")]
    NotADocument,
    /// The lengths sum up to more units than an offset can count.
    #[error("the operation would be too long")]
    TooLong,
}

impl Operation {
    /// Reads a Delta: a JSON array of operations, or an object with it as `ops`. The
    /// result is in normal form. Linear in the text.
    ///
    /// # Errors
    /// If the text is no Delta, or one that changes embeds from within.
    pub fn from_delta(text: &str) -> Result<Operation, DeltaError> {
        let mut scanner = Scanner::new(text);
        let wrapped = scanner.accept(b'{');
        if wrapped {
            if scanner.string()? != "ops" {
                return Err(DeltaError::NotAnOperation { at: scanner.at() });
            }
            scanner.expect(b':')?;
        }
        scanner.expect(b'[')?;
        let mut out = OperationBuilder::default();
        if !scanner.accept(b']') {
            loop {
                read_component(&mut scanner, &mut out)?;
                if !scanner.accept(b',') {
                    break;
                }
            }
            scanner.expect(b']')?;
        }
        if wrapped {
            scanner.expect(b'}')?;
        }
        scanner.end()?;
        if out.is_too_long() { Err(DeltaError::TooLong) } else { Ok(out.build()) }
    }

    /// The Delta as JSON text, `{"ops":[…]}`. Linear in the components and their content.
    pub fn to_delta(&self) -> String {
        let mut out = String::from("{\"ops\":[");
        for (index, component) in self.components().iter().enumerate() {
            out.push_str(if index > 0 { ",{" } else { "{" });
            match component {
                Component::Retain { length, .. } => {
                    out.push_str("\"retain\":");
                    write_number(&mut out, length.0);
                }
                Component::Insert { text, .. } => {
                    out.push_str("\"insert\":");
                    write_string(&mut out, text.as_str());
                }
                Component::Embed { value, .. } => {
                    out.push_str("\"insert\":");
                    out.push_str(value.as_str());
                }
                Component::Delete { length } => {
                    out.push_str("\"delete\":");
                    write_number(&mut out, length.0);
                }
            }
            if !component.attributes().is_empty() {
                out.push_str(",\"attributes\":");
                component.attributes().write_json(&mut out);
            }
            out.push('}');
        }
        out.push_str("]}");
        out
    }
}

impl Document {
    /// Reads a document: a Delta of insertions only. Linear in the text.
    ///
    /// # Errors
    /// If the text is no Delta, or one that also retains or deletes.
    pub fn from_delta(text: &str) -> Result<Document, DeltaError> {
        let operation = Operation::from_delta(text)?;
        if operation.components().iter().all(Component::is_insertion) {
            Document::from_operation(&operation).ok_or(DeltaError::TooLong)
        } else {
            Err(DeltaError::NotADocument)
        }
    }

    /// The document as a Delta of insertions, `{"ops":[…]}`. Linear.
    pub fn to_delta(&self) -> String {
        self.to_operation().to_delta()
    }
}

/// Reads one object of the list.
fn read_component(scanner: &mut Scanner<'_>, out: &mut OperationBuilder) -> Result<(), DeltaError> {
    scanner.expect(b'{')?;
    let start = scanner.at();
    let mut action = None;
    let mut attributes = Attributes::NONE;
    loop {
        scanner.peek();
        let (at, key) = (scanner.at(), scanner.string()?);
        scanner.expect(b':')?;
        let next = scanner.peek();
        let component = match (key.as_str(), next) {
            ("insert", Some(b'"')) => Component::insert(&scanner.string()?),
            ("insert", Some(b'{')) => Component::embed(Json::read(scanner)?),
            ("retain", Some(b'{')) => return Err(DeltaError::EmbedRetain { at }),
            ("retain", _) => Component::retain(read_length(scanner)?),
            ("delete", _) => Component::delete(read_length(scanner)?),
            ("attributes", Some(b'{')) => {
                attributes = Attributes::read(scanner)?;
                if scanner.accept(b',') {
                    continue;
                }
                break;
            }
            ("attributes", _) if scanner.accept_null() => {
                if scanner.accept(b',') {
                    continue;
                }
                break;
            }
            _ => return Err(DeltaError::NotAnOperation { at }),
        };
        if action.replace(component).is_some() {
            return Err(DeltaError::NotAnOperation { at });
        }
        if !scanner.accept(b',') {
            break;
        }
    }
    scanner.expect(b'}')?;
    match action.ok_or(DeltaError::NotAnOperation { at: start })? {
        Component::Retain { length, .. } => out.retain_with(length, &attributes),
        Component::Insert { text, .. } => out.insert_owned(text, attributes),
        Component::Embed { value, .. } => out.embed(value, &attributes),
        Component::Delete { length } => out.delete(length),
    };
    Ok(())
}

/// Reads a whole number.
fn read_length(scanner: &mut Scanner<'_>) -> Result<u32, DeltaError> {
    let at = scanner.at();
    let number = scanner.number()?;
    let digits = number.bytes().all(|byte| byte.is_ascii_digit());
    let length = number
        .bytes()
        .fold(0u64, |sum, byte| sum.saturating_mul(10).saturating_add(u64::from(byte.wrapping_sub(b'0'))));
    if !digits {
        return Err(DeltaError::NotAnOperation { at });
    }
    u32::try_from(length).map_err(|_| DeltaError::TooLong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_reads_and_writes() {
        let text = r#" { "ops" : [ {"retain":2,"attributes":{"bold":true,"a":null}}, {"attributes":null,"insert":"x\n"},
            {"insert":{"image":"u"},"attributes":{"alt":"é"}}, {"delete":3}, {"retain":0}, {"retain":9} ] } "#;
        let operation = Operation::from_delta(text).unwrap();
        assert_eq!(
            operation.to_delta(),
            r#"{"ops":[{"retain":2,"attributes":{"a":null,"bold":true}},{"insert":"x\n"},{"insert":{"image":"u"},"attributes":{"alt":"é"}},{"delete":3}]}"#
        );
        assert_eq!(Operation::from_delta("[]"), Ok(Operation::identity()));
    }

    #[test]
    fn what_is_no_delta_is_refused() {
        for text in [
            r#"[{}]"#,
            r#"[{"insert":1}]"#,
            r#"[{"insert":null}]"#,
            r#"[{"retain":-1}]"#,
            r#"[{"delete":1.5}]"#,
            r#"[{"retain":1,"delete":1}]"#,
            r#"[{"retain":1,"other":1}]"#,
            r#"[{"attributes":{}}]"#,
            r#"{"op":[]}"#,
        ] {
            let error = Operation::from_delta(text).unwrap_err();
            assert!(
                matches!(error, DeltaError::NotAnOperation { .. } | DeltaError::Json(JsonError::Malformed { .. })),
                "{text}: {error:?}"
            );
        }
        let inside = Operation::from_delta(r#"[{"retain":{"figure":true}}]"#);
        assert_eq!(inside, Err(DeltaError::EmbedRetain { at: 2 }));
        // Quill's own diff of "x🌀" and "x🏆🌀".
        let halves = Operation::from_delta(r#"[{"retain":2},{"insert":"\udfc6\ud83c"}]"#);
        assert!(matches!(halves, Err(DeltaError::Json(JsonError::LoneSurrogate { .. }))));
        assert_eq!(Operation::from_delta(r#"[{"delete":4294967296}]"#), Err(DeltaError::TooLong));
        assert_eq!(Operation::from_delta(r#"[{"delete":4294967295},{"delete":1}]"#), Err(DeltaError::TooLong));
        assert_eq!(Document::from_delta(r#"[{"retain":1}]"#), Ok(Document::new()));
        assert_eq!(Document::from_delta(r#"[{"delete":1}]"#), Err(DeltaError::NotADocument));
    }
}
