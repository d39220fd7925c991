//! The test vectors of other libraries, every case of them: see tests/vectors/README.md.
#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::fs;
use std::io::Read;
use std::path::PathBuf;

use cowrite_protocol::Bias;
use cowrite_protocol::operation::{
    Attributes, DeltaError, Document, Json, Nulls, Operation, Priority, transform_as_quill, transform_position,
};
use cowrite_protocol::text::{Utf16Length, Utf16Offset};

use serde_json::Value;

/// The cases of a file, of which there must be so many.
fn cases(file: &str, count: usize) -> Vec<Value> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(file);
    let bytes = fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut text = String::new();
    if file.ends_with(".gz") {
        flate2::read::GzDecoder::new(&*bytes).read_to_string(&mut text).unwrap();
    } else {
        text = String::from_utf8(bytes).unwrap();
    }
    let mut vectors: Value = serde_json::from_str(&text).unwrap();
    let Value::Array(cases) = vectors["cases"].take() else { panic!("{file} has no cases") };
    assert_eq!(cases.len(), count, "{file}");
    cases
}

fn operation(delta: &Value) -> Operation {
    Operation::from_delta(&delta.to_string()).unwrap_or_else(|error| panic!("{error}: {delta}"))
}

fn document(delta: &Value) -> Document {
    Document::from_delta(&delta.to_string()).unwrap_or_else(|error| panic!("{error}: {delta}"))
}

/// A set of attributes; `null` is the empty one.
fn attributes(object: &Value) -> Attributes {
    if object.is_null() { Attributes::NONE } else { Attributes::parse(&object.to_string()).unwrap() }
}

fn number(value: &Value) -> u32 {
    u32::try_from(value.as_u64().unwrap()).unwrap()
}

fn applied(document: &Document, operation: &Operation) -> Document {
    let mut document = document.clone();
    document.apply(operation).unwrap();
    document
}

/// Quill's flag: true keeps a position before what is inserted there.
fn bias(priority: bool) -> Bias {
    if priority { Bias::Left } else { Bias::Right }
}

/// `b` over `a`, by Quill's rule and by ours, in which the later attribute wins.
fn check_transform(case: &Value) {
    let (a, b, expect) = (operation(&case["a"]), operation(&case["b"]), &case["expect"]);
    let a_first = case["priority"].as_bool().unwrap();
    let priority = if a_first { Priority::Over } else { Priority::Transformed };
    assert_eq!(transform_as_quill(&a, &b, priority), operation(expect), "{case}");
    let ours = if a_first { Operation::transform(&a, &b).1 } else { Operation::transform(&b, &a).0 };
    let expect = case.get("expect_later_attribute_wins").unwrap_or(expect);
    assert_eq!(ours, operation(expect), "{case}");
}

fn check_compose(case: &Value) {
    let (a, b) = (operation(&case["a"]), operation(&case["b"]));
    assert_eq!(Operation::compose(&a, &b), Ok(operation(&case["expect"])), "{case}");
    if case["is_apply"] == true {
        assert_eq!(applied(&document(&case["a"]), &b), document(&case["expect"]), "{case}");
    }
}

fn check_build(case: &Value) {
    let mut builder = Operation::builder();
    for call in case["calls"].as_array().unwrap() {
        let set = attributes(call.get(2).unwrap_or(&Value::Null));
        match (call[0].as_str().unwrap(), &call[1]) {
            ("insert", Value::String(text)) => builder.insert_with(text, &set),
            ("insert", value) => builder.embed(Json::parse(&value.to_string()).unwrap(), &set),
            ("retain", length) => builder.retain_with(Utf16Length(number(length)), &set),
            ("delete", length) => builder.delete(Utf16Length(number(length))),
            ("push", component) => builder.extend(&operation(&serde_json::json!([component]))),
            _ => panic!("unknown call in {case}"),
        };
    }
    // A trailing plain retain is no part of the normal form.
    assert_eq!(builder.build(), operation(&case["expect"]), "{case}");
}

fn check_diff(case: &Value) {
    if case.get("expect_error").is_some() {
        // Quill refuses what is no document when it is compared, we when it is read.
        let read = ["a", "b"].map(|side| Document::from_delta(&case[side].to_string()));
        assert!(read.contains(&Err(DeltaError::NotADocument)), "{case}");
        return;
    }
    let (a, b) = (document(&case["a"]), document(&case["b"]));
    assert_eq!(applied(&a, &Operation::diff(&a, &b)), b, "{case}");
}

fn check_range(case: &Value) {
    if case["range"].is_null() {
        // There is no position to carry.
        assert!(case["expect"].is_null(), "{case}");
        return;
    }
    let a = operation(&case["a"]);
    let bias = bias(!case["isOwnOp"].as_bool().unwrap());
    let start = number(&case["range"]["index"]);
    let end = start + number(&case["range"]["length"]);
    let [start, end] = [start, end].map(|at| transform_position(&a, Utf16Offset(at), bias).0);
    assert_eq!(start, number(&case["expect"]["index"]), "{case}");
    assert_eq!(end - start, number(&case["expect"]["length"]), "{case}");
}

#[test]
fn quill_delta() {
    let mut unsupported = 0;
    for case in &cases("quill-delta.json", 188) {
        if case.get("needs").is_some_and(|needs| needs == "embed-handler") {
            // A change inside an embed is refused with its own error. Where only the
            // expected result holds one, nothing of it reaches us.
            let sides = ["a", "b"].into_iter().filter_map(|side| case.get(side));
            let read: Vec<_> = sides.map(|delta| Operation::from_delta(&delta.to_string())).collect();
            let refused = read.iter().any(|read| matches!(read, Err(DeltaError::EmbedRetain { .. })));
            assert!(refused, "{case}");
            unsupported += 1;
            continue;
        }
        let expect = &case["expect"];
        match case["kind"].as_str().unwrap() {
            "attributesCompose" => {
                let nulls = if case["keepNull"] == true { Nulls::Keep } else { Nulls::Drop };
                let composed = attributes(&case["a"]).compose(&attributes(&case["b"]), nulls);
                assert_eq!(composed, attributes(expect), "{case}");
            }
            "attributesDiff" => {
                assert_eq!(attributes(&case["a"]).diff(&attributes(&case["b"])), attributes(expect), "{case}");
            }
            "attributesInvert" => {
                assert_eq!(attributes(&case["a"]).invert(&attributes(&case["base"])), attributes(expect), "{case}");
            }
            "attributesTransform" => {
                let winner = if case["priority"] == true { attributes(&case["a"]) } else { Attributes::NONE };
                assert_eq!(attributes(&case["b"]).without_keys_of(&winner), attributes(expect), "{case}");
            }
            "opLength" => {
                // Alone, a plain retain would be no operation: an embed is put behind it.
                let held = operation(&serde_json::json!([case["a"], {"insert": {}}]));
                let length: u32 = held.components().iter().map(|part| part.length().0).sum();
                assert_eq!(length - 1, number(expect), "{case}");
            }
            "length" => {
                let length: u32 = operation(&case["a"]).components().iter().map(|part| part.length().0).sum();
                assert_eq!(length, number(expect), "{case}");
            }
            "changeLength" => {
                assert_eq!(operation(&case["a"]).length_change(), expect.as_i64().unwrap(), "{case}");
            }
            "build" => check_build(case),
            "compose" => check_compose(case),
            "transform" => check_transform(case),
            "diff" => check_diff(case),
            "concat" => {
                let mut builder = Operation::builder();
                let sum = builder.extend(&operation(&case["a"])).extend(&operation(&case["b"])).build();
                assert_eq!(sum, operation(expect), "{case}");
            }
            // Reading a Delta gives the normal form, which is chopped.
            "chop" => assert_eq!(operation(&case["a"]), operation(expect), "{case}"),
            "slice" => {
                let end = case["end"].as_u64().map_or(u32::MAX, |_| number(&case["end"]));
                let slice = operation(&case["a"]).slice(Utf16Offset(number(&case["start"])), Utf16Offset(end));
                assert_eq!(slice, Some(operation(expect)), "{case}");
            }
            "invert" => {
                let (a, base) = (operation(&case["a"]), document(&case["base"]));
                let undo = a.invert(&base).unwrap();
                assert_eq!(applied(&applied(&base, &a), &undo), base, "{case}");
            }
            "transformPosition" => {
                let bias = bias(case["priority"].as_bool().unwrap());
                let mapped = transform_position(&operation(&case["a"]), Utf16Offset(number(&case["index"])), bias);
                assert_eq!(mapped.0, number(expect), "{case}");
            }
            "transformRange" => check_range(case),
            kind => panic!("unknown kind {kind}"),
        }
    }
    println!("{unsupported} cases change embeds from within: unsupported, and refused");
    assert_eq!(unsupported, 20);
}

#[test]
fn diamond_types_transform() {
    cases("dt-text-transform.json.gz", 4508).iter().for_each(check_transform);
}

#[test]
fn diamond_types_compose() {
    cases("dt-text-compose.json.gz", 1415).iter().for_each(check_compose);
}

#[test]
fn diamond_types_apply() {
    for case in &cases("dt-text-apply-utf16.json.gz", 4316) {
        let before = Document::from(case["doc"].as_str().unwrap());
        let after = applied(&before, &operation(&case["a"]));
        assert_eq!(after.text().to_string(), case["expect"].as_str().unwrap(), "{case}");
    }
}

/// An operation of ottypes/text-unicode, which counts code points, on this text.
fn unicode_operation(list: &Value, text: &str) -> Operation {
    let mut builder = Operation::builder();
    let mut chars = text.chars();
    let mut pass = |count: &Value| {
        // Behind the text a code point counts as one unit.
        let units = (0..number(count)).map(|_| chars.next().map_or(1, char::len_utf16)).sum::<usize>();
        Utf16Length(units as u32)
    };
    for component in list.as_array().unwrap() {
        match component {
            Value::String(inserted) => builder.insert(inserted),
            Value::Number(_) => builder.retain(pass(component)),
            deletion => match &deletion["d"] {
                Value::String(deleted) => builder.delete(pass(&Value::from(deleted.chars().count()))),
                count => builder.delete(pass(count)),
            },
        };
    }
    builder.build()
}

/// A text of letters, so long that the operations fit it.
fn letters(operations: &[&Operation]) -> String {
    let length = operations.iter().map(|operation| operation.base_length().0).max().unwrap_or(0);
    "o".repeat(length as usize)
}

#[test]
fn text_unicode() {
    for case in &cases("ot-text-unicode.json", 102) {
        let expect = &case["expect"];
        // On letters only, code points are units.
        let alone = |list: &Value| unicode_operation(list, "");
        match case["kind"].as_str().unwrap() {
            "transform" => {
                let (a, b) = (alone(&case["a"]), alone(&case["b"]));
                let base = letters(&[&a, &b]);
                let after_a = applied(&Document::from(&*base), &a).text().to_string();
                let a_first = case["priority"].as_bool().unwrap();
                let ours = if a_first { Operation::transform(&a, &b).1 } else { Operation::transform(&b, &a).0 };
                assert_eq!(ours, unicode_operation(expect, &after_a), "{case}");
            }
            "compose" => {
                let a = alone(&case["a"]);
                let base = Document::from(&*letters(&[&a]));
                let b = unicode_operation(&case["b"], &applied(&base, &a).text().to_string());
                assert_eq!(Operation::compose(&a, &b), Ok(alone(expect)), "{case}");
            }
            "normalize" => assert_eq!(alone(&case["a"]), alone(expect), "{case}"),
            "create" if case.get("expect_error").is_some() => {
                let delta = format!(r#"[{{"insert":{}}}]"#, case["init"]);
                assert!(Document::from_delta(&delta).is_err(), "{case}");
            }
            "create" => {
                let made = case["init"].as_str().map_or_else(Document::new, Document::from);
                assert_eq!(made.text().to_string(), expect.as_str().unwrap(), "{case}");
            }
            "transformPosition" | "transformSelection" => {
                let a = alone(&case["a"]);
                let (index, expect) = if case["index"].is_array() {
                    (case["index"].as_array().unwrap().clone(), expect.as_array().unwrap().clone())
                } else {
                    (vec![case["index"].clone()], vec![expect.clone()])
                };
                let base = Document::from(&*letters(&[&a]));
                let after = applied(&base, &a).text().to_string();
                for (index, expect) in index.iter().zip(&expect) {
                    // What lies behind the end of the text counts as one unit each.
                    let count = number(expect) as usize;
                    let units: usize = after.chars().map(char::len_utf16).chain(std::iter::repeat(1)).take(count).sum();
                    // There a position stays before what is inserted at it.
                    let mapped = transform_position(&a, Utf16Offset(number(index)), Bias::Left);
                    assert_eq!(mapped.0 as usize, units, "{case}");
                }
            }
            kind => panic!("unknown kind {kind}"),
        }
    }
}
