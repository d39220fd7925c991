//! The file in which an operator writes formats down.

use std::collections::BTreeMap;

use cowrite_protocol::Utf16Length;
use cowrite_protocol::operation::{Format, Names, Rule, TextRule, UrlRule};
use serde::Deserialize;
use serde_json::Value;
use thiserror::Error;

use super::{Assignment, BUILT_IN, built_in};

/// What is wrong with a file of formats.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FormatsError {
    /// It is not the JSON that it must be.
    #[error("{0}")]
    Json(String),
    /// Something in it makes no sense.
    #[error("{place}: {what}")]
    Value {
        /// Where, as a path of keys.
        place: String,
        /// What is the matter with it.
        what: String,
    },
}

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatsFile {
    #[serde(default)]
    formats: BTreeMap<String, FormatFile>,
    documents: BTreeMap<String, String>,
}

/// One format.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct FormatFile {
    extends: Option<String>,
    #[serde(default)]
    attributes: BTreeMap<String, Value>,
    #[serde(default)]
    embeds: BTreeMap<String, Value>,
}

/// A rule that is not a choice between several.
#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum RuleFile {
    Any,
    Boolean,
    Integer((i64, i64)),
    OneOf(Vec<String>),
    Text(TextFile),
    Url(UrlFile),
    Object(BTreeMap<String, Value>),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextFile {
    length: u32,
    letters: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UrlFile {
    #[serde(default)]
    schemes: Vec<String>,
    #[serde(default)]
    data: Vec<String>,
    #[serde(default)]
    relative: bool,
    length: u32,
}

/// Rules inside of rules, at most; a value is read once for each.
const DEPTH: usize = 8;

/// Schemes whose addresses are programs: never allowed, whatever a file says.
const PROGRAMS: [&str; 3] = ["javascript", "vbscript", "data"];

/// Reads a file.
pub(super) fn parse(text: &str) -> Result<Vec<Assignment>, FormatsError> {
    let file: FormatsFile = serde_json::from_str(text).map_err(|error| FormatsError::Json(error.to_string()))?;
    let mut formats = BTreeMap::new();
    for (name, format) in &file.formats {
        let place = format!("formats.{name}");
        if BUILT_IN.contains(&name.as_str()) {
            return Err(wrong(&place, "the server has a format of this name; take another"));
        }
        formats.insert(name.as_str(), read(&place, format)?);
    }
    if !file.documents.contains_key("*") {
        return Err(wrong("documents", "name a format for \"*\": all documents that nothing else here means"));
    }
    let assign = |(pattern, name): (&String, &String)| {
        let place = format!("documents.{pattern}");
        let documents = pattern.parse().map_err(|error| wrong(&place, error))?;
        let format = formats.get(name.as_str()).cloned().or_else(|| built_in(name));
        let format = format.ok_or_else(|| wrong(&place, format!("there is no format {name:?}")))?;
        Ok(Assignment { documents, name: name.clone(), format: format.into() })
    };
    file.documents.iter().map(assign).collect()
}

/// The format of what Quill and the mapping of ProseMirror make.
#[expect(clippy::expect_used, reason = "the file is part of the program, and a test reads it")]
pub(super) fn rich() -> Format {
    let file = serde_json::from_str(include_str!("rich.json")).expect("rich.json is JSON of a format");
    read("rich", &file).expect("rich.json is a format")
}

fn read(place: &str, file: &FormatFile) -> Result<Format, FormatsError> {
    let mut format = match file.extends.as_deref() {
        None => Format::plain(),
        Some(name) => {
            let what = || format!("{name:?} is none of {}", BUILT_IN.join(", "));
            built_in(name).ok_or_else(|| wrong(&format!("{place}.extends"), what()))?
        }
    };
    extend(&format!("{place}.attributes"), &file.attributes, &mut format.attributes)?;
    extend(&format!("{place}.embeds"), &file.embeds, &mut format.embeds)?;
    Ok(format)
}

fn extend(place: &str, file: &BTreeMap<String, Value>, names: &mut Names) -> Result<(), FormatsError> {
    for (name, value) in file {
        // So a file can leave out something of the format that it extends.
        let read = if value.is_null() { Rule::Either(Vec::new()) } else { rule(&format!("{place}.{name}"), value, 0)? };
        names.known.insert(name.clone(), read);
    }
    Ok(())
}

fn rule(place: &str, value: &Value, depth: usize) -> Result<Rule, FormatsError> {
    if depth == DEPTH {
        return Err(wrong(place, format!("rules inside each other, more than {DEPTH}")));
    }
    if let Value::Array(choices) = value {
        let choices = choices.iter().map(|choice| rule(place, choice, depth + 1));
        return Ok(Rule::Either(choices.collect::<Result<_, _>>()?));
    }
    Ok(match RuleFile::deserialize(value).map_err(|error| wrong(place, error))? {
        RuleFile::Any => Rule::Any,
        RuleFile::Boolean => Rule::Boolean,
        RuleFile::Integer((least, most)) if least > most => return Err(wrong(place, "the range is empty")),
        RuleFile::Integer((least, most)) => Rule::Integer { least, most },
        RuleFile::OneOf(words) => Rule::OneOf(words),
        RuleFile::Text(TextFile { length, letters }) => Rule::Text(TextRule { length: Utf16Length(length), letters }),
        RuleFile::Url(url) => Rule::Url(address(place, url)?),
        RuleFile::Object(members) => {
            let read = |(name, value): (&String, &Value)| {
                Ok((name.clone(), rule(&format!("{place}.{name}"), value, depth + 1)?))
            };
            Rule::Object(members.iter().map(read).collect::<Result<_, _>>()?)
        }
    })
}

fn address(place: &str, UrlFile { schemes, data, relative, length }: UrlFile) -> Result<UrlRule, FormatsError> {
    for scheme in &schemes {
        let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"+.-".contains(&byte);
        if scheme.is_empty() || !scheme.bytes().all(letter) {
            return Err(wrong(place, format!("{scheme:?} is no scheme: one is written as \"https\"")));
        }
        if PROGRAMS.contains(&scheme.as_str()) {
            return Err(wrong(place, format!("addresses of the scheme {scheme:?} can be programs; see `data`")));
        }
    }
    if let Some(program) = data.iter().find(|media_type| !is_inert(media_type)) {
        return Err(wrong(place, format!("{program:?} is no media type of a picture, sound or film in lower case")));
    }
    Ok(UrlRule { schemes, data, relative, length: Utf16Length(length) })
}

/// Whether a browser never runs what is of this media type. A drawing may have scripts.
fn is_inert(media_type: &str) -> bool {
    let letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
    let kinds = ["image/", "audio/", "video/"];
    let inert = |subtype: &str| !subtype.is_empty() && subtype.bytes().all(letter) && !subtype.contains("svg");
    kinds.iter().find_map(|kind| media_type.strip_prefix(kind)).is_some_and(inert)
}

fn wrong(place: &str, what: impl ToString) -> FormatsError {
    FormatsError::Value { place: place.to_owned(), what: what.to_string() }
}

#[cfg(test)]
mod tests {
    use cowrite_protocol::operation::{Attributes, Component, Json, Operation};

    use super::*;

    fn own(format: &str) -> Result<Format, FormatsError> {
        let text = format!(r#"{{"formats": {{"own": {format}}}, "documents": {{"*": "own"}}}}"#);
        Ok((*parse(&text)?[0].format).clone())
    }

    fn allows(format: &Format, attributes: &str) -> bool {
        let attributes = Attributes::parse(attributes).unwrap();
        format.check(&Operation::from_components([Component::Insert { text: "x".into(), attributes }])).is_ok()
    }

    fn allows_embed(format: &Format, value: &str) -> bool {
        format.check(&Operation::from_components([Component::embed(Json::parse(value).unwrap())])).is_ok()
    }

    #[test]
    fn every_kind_of_rule_can_be_written() {
        let format = own(r#"{
            "attributes": {
                "bold": "boolean", "strange": "any", "header": {"integer": [1, 3]}, "list": {"one_of": ["bullet"]},
                "link": [{"url": {"schemes": ["https"], "length": 50}}, {"object": {"href": {"url": {"relative": true, "length": 9}}}}]
            },
            "embeds": {"mention": {"object": {"user": {"text": {"length": 8, "letters": "abc"}}}}}
        }"#)
        .unwrap();
        for good in [
            r#"{"bold":true,"strange":[{}],"header":3,"list":"bullet"}"#,
            r#"{"link":"https://x"}"#,
            r##"{"link":{"href":"#a"}}"##,
        ] {
            assert!(allows(&format, good), "{good}");
        }
        for bad in
            [r#"{"italic":true}"#, r#"{"header":4}"#, r#"{"link":"http://x"}"#, r#"{"link":{"href":"https://x"}}"#]
        {
            assert!(!allows(&format, bad), "{bad}");
        }
        assert!(allows_embed(&format, r#"{"mention":{"user":"abba"}}"#));
        assert!(!allows_embed(&format, r#"{"mention":{"user":"ada"}}"#));
    }

    #[test]
    fn a_format_extends_one_that_the_server_has() {
        let rich =
            own(r#"{"extends": "rich", "attributes": {"comment": {"text": {"length": 9}}, "color": null}}"#).unwrap();
        assert!(allows(&rich, r#"{"comment":"c1","bold":true}"#));
        assert!(allows(&super::rich(), r##"{"color":"#ff0000"}"##) && !allows(&rich, r##"{"color":"#ff0000"}"##));
        let any = own(
            r#"{"extends": "any", "attributes": {"link": {"url": {"schemes": ["https"], "length": 99}}}, "embeds": {"iframe": null}}"#,
        );
        let any = any.unwrap();
        assert!(allows(&any, r#"{"whatever":1,"link":"https://x"}"#) && !allows(&any, r#"{"link":"javascript:1"}"#));
        assert!(allows_embed(&any, r#"{"x":1}"#) && !allows_embed(&any, r#"{"iframe":"x"}"#));
    }

    #[test]
    fn rich_is_what_editors_make_and_nothing_that_runs() {
        let rich = rich();
        for good in [
            r#"{"bold":true,"italic":true,"underline":true,"strike":true,"code":true,"script":"sub"}"#,
            r##"{"color":"rgb(0, 102, 204)","background":"#facccc","font":"serif","size":"18px"}"##,
            r#"{"header":1,"align":"center","direction":"rtl"}"#,
            r#"{"list":"checked","indent":3}"#,
            r#"{"code-block":true}"#,
            r#"{"code-block":"c++"}"#,
            r#"{"nest":"qN12bC","divider":true}"#,
            r#"{"link":"mailto:a@example.org"}"#,
            r#"{"link":{"href":"/a","title":"t","target":"_blank","rel":"noopener noreferrer"}}"#,
        ] {
            assert!(allows(&rich, good), "{good}");
        }
        for bad in [
            r#"{"link":"javascript:alert(1)"}"#,
            r#"{"link":" javascript:alert(1)"}"#,
            r#"{"link":{"href":"JavaScript:alert(1)"}}"#,
            r#"{"link":{"href":"/a","onclick":"alert(1)"}}"#,
            r#"{"link":["/a"]}"#,
            r#"{"onmouseover":"alert(1)"}"#,
            r#"{"style":"x"}"#,
            r#"{"class":"x"}"#,
            r#"{"bold":{"a":1}}"#,
            r#"{"header":1000000000}"#,
            r#"{"color":"red;background:url(x)"}"#,
            r#"{"font":"\"><script>"}"#,
        ] {
            assert!(!allows(&rich, bad), "{bad}");
        }
        for good in [r#"{"image":"https://x/a.png"}"#, r#"{"image":"data:image/png;base64,AA"}"#, r#"{"break":true}"#] {
            assert!(allows_embed(&rich, good), "{good}");
        }
        for bad in [
            r#"{"image":"javascript:alert(1)"}"#,
            r#"{"image":"data:image/svg+xml,<svg/>"}"#,
            r#"{"image":{"src":"x"}}"#,
            r#"{"video":"data:text/html,x"}"#,
            r#"{"video":"http://x"}"#,
            r#"{"iframe":"https://x"}"#,
            r#"{"image":"a","onerror":"b"}"#,
        ] {
            assert!(!allows_embed(&rich, bad), "{bad}");
        }
    }

    #[test]
    fn the_example_of_the_manual_is_one() {
        let manual = include_str!("../../../docs/formats.md");
        let example = manual.split("```json\n").nth(1).unwrap().split("```").next().unwrap();
        let article = parse(example).unwrap().into_iter().find(|one| one.name == "article").unwrap().format;
        assert!(allows(&article, r#"{"comment":"c0ffee","bold":true,"link":"/a"}"#));
        assert!(!allows(&article, r#"{"color":"red"}"#) && !allows(&article, r#"{"link":"http://x"}"#));
        assert!(
            allows_embed(&article, r#"{"mention":{"user":"ada"}}"#)
                && !allows_embed(&article, r#"{"video":"https://x"}"#)
        );
    }

    #[test]
    fn what_is_wrong_is_told_with_its_place() {
        let deep = format!("{}\"any\"{}", "[".repeat(9), "]".repeat(9));
        for (format, told) in [
            (r#"{"attribute": {}}"#.to_owned(), "attribute"),
            (r#"{"extends": "wealthy"}"#.to_owned(), "formats.own.extends"),
            (
                r#"{"attributes": {"bold": "bolean"}}"#.to_owned(),
                "formats.own.attributes.bold: unknown variant `bolean`",
            ),
            (r#"{"embeds": {"x": {"integer": [2, 1]}}}"#.to_owned(), "formats.own.embeds.x: the range is empty"),
            (r#"{"embeds": {"x": {"url": {"schemes": ["javascript"], "length": 9}}}}"#.to_owned(), "can be programs"),
            (r#"{"embeds": {"x": {"url": {"schemes": ["https:"], "length": 9}}}}"#.to_owned(), "no scheme"),
            (r#"{"embeds": {"x": {"url": {"data": ["image/svg+xml"], "length": 9}}}}"#.to_owned(), "media type"),
            (r#"{"embeds": {"x": {"url": {"data": ["text/html"], "length": 9}}}}"#.to_owned(), "media type"),
            (r#"{"embeds": {"x": {"text": {}}}}"#.to_owned(), "formats.own.embeds.x: missing field `length`"),
            (r#"{"embeds": {"x": {"object": {"y": {"one_off": []}}}}}"#.to_owned(), "formats.own.embeds.x.y"),
            (format!(r#"{{"embeds": {{"x": {deep}}}}}"#), "inside each other"),
        ] {
            let error = own(&format).unwrap_err().to_string();
            assert!(error.contains(told), "{format}: {error}");
        }
        for (file, told) in [
            ("", "EOF"),
            ("{}", "documents"),
            (r#"{"documents": {"a*": "rich"}}"#, "\"*\""),
            (r#"{"documents": {"*": "own"}}"#, "documents.*: there is no format \"own\""),
            (r#"{"documents": {"*": "any", "a*b": "any"}}"#, "documents.a*b"),
            (r#"{"formats": {"rich": {}}, "documents": {"*": "rich"}}"#, "formats.rich"),
        ] {
            let error = parse(file).err().unwrap().to_string();
            assert!(error.contains(told), "{file}: {error}");
        }
    }
}
