//! Every fact that is in `tests/vectors`; see the README there. More of them, from anywhere:
//! `cargo xtask vectors FILE…`.

use std::path::PathBuf;

use cowrite_tests::vectors::{Case, Finding, KINDS, Report, VectorFile, check};
use serde_json::{Value, json};

/// Runs a file, of which so many cases must pass, and so many are about what we do not have.
#[track_caller]
fn passes(name: &str, passed: u64, unsupported: u64) {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(name);
    let file = VectorFile::read(&path).unwrap_or_else(|error| panic!("{error}"));
    let mut report = Report::default();
    file.cases().for_each(|case| report.run(case));
    println!("{name}\n{report}");
    let told = (report.passed(), report.failed(), report.unsupported());
    assert_eq!(told, (passed, 0, unsupported), "passed, failed and unsupported in {name}");
}

#[test]
fn quill_delta() {
    // The twenty change embeds from within, which is refused.
    passes("quill-delta.json", 168, 20);
}

#[test]
fn quill_asked_at_random() {
    passes("quill-random.json.gz", 1_800, 0);
}

#[test]
fn diamond_types_transform() {
    passes("dt-text-transform.json.gz", 4_508, 0);
}

#[test]
fn diamond_types_compose() {
    passes("dt-text-compose.json.gz", 1_415, 0);
}

#[test]
fn diamond_types_apply() {
    passes("dt-text-apply-utf16.json.gz", 4_316, 0);
}

#[test]
fn text_unicode() {
    passes("ot-text-unicode.json", 102, 0);
}

#[test]
fn our_own() {
    passes("cowrite.json", 24, 0);
}

#[test]
fn every_kind_has_a_case_in_the_files() {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors");
    let files = ["cowrite.json", "quill-random.json.gz", "quill-delta.json"];
    let files = files.map(|name| VectorFile::read(&folder.join(name)).unwrap_or_else(|error| panic!("{error}")));
    for kind in KINDS {
        let known = files.iter().any(|file| file.cases().any(|case| case.kind() == kind.name));
        assert!(known, "no case of the kind {}", kind.name);
    }
}

/// What is found of a case.
fn found(case: &Value) -> Result<(), Finding> {
    check(Case::new(case))
}

#[test]
fn a_wrong_fact_is_a_failure_of_every_kind() {
    let wrong = [
        json!({"kind": "apply", "doc": [{"insert": "a"}], "a": [{"delete": 1}], "expect": [{"insert": "a"}]}),
        json!({"kind": "apply", "doc": [{"insert": "a"}], "a": [{"delete": 1}], "expect_error": "no reason"}),
        json!({"kind": "applyText", "doc": "a", "a": [{"delete": 1}], "expect": "a"}),
        json!({"kind": "compose", "a": [{"insert": "a"}], "b": [{"delete": 1}], "expect": [{"insert": "a"}]}),
        json!({"kind": "transform", "a": [{"insert": "a"}], "b": [{"insert": "b"}], "priority": true, "expect": [{"insert": "b"}]}),
        json!({"kind": "transformPosition", "a": [{"insert": "a"}], "index": 0, "priority": true, "expect": 1}),
        json!({"kind": "transformRange", "a": [{"insert": "a"}], "range": {"index": 1, "length": 1}, "isOwnOp": false, "expect": {"index": 1, "length": 1}}),
        json!({"kind": "invert", "a": [{"delete": 9}], "base": [{"insert": "a"}]}),
        json!({"kind": "diff", "a": [{"delete": 9}], "b": [{"insert": "a"}]}),
        json!({"kind": "build", "calls": [["insert", "a"]], "expect": [{"insert": "b"}]}),
        json!({"kind": "canonical", "a": [{"delete": 1}, {"insert": "a"}], "expect": [{"delete": 1}, {"insert": "a"}]}),
        json!({"kind": "tp1", "doc": [], "a": [{"insert": "a"}], "b": [{"insert": "b"}], "expect": [{"insert": "ba"}]}),
        json!({"kind": "serverLog", "doc": [], "submissions": [{"base": 1, "op": []}], "expect_log": [[]], "expect_doc": []}),
        json!({"kind": "serverLog", "doc": [], "submissions": [{"base": 0, "op": [{"insert": "a"}]}], "expect_log": [[]], "expect_doc": [{"insert": "a"}]}),
        json!({"kind": "concurrent", "doc": [], "ops": [[{"insert": "a"}], [{"insert": "b"}]], "expect_log": [[{"insert": "a"}], [{"insert": "b"}]], "expect_doc": [{"insert": "ba"}]}),
        json!({"kind": "pending", "doc": [], "edits": [[{"insert": "a"}]], "server": [{"insert": "b"}], "expect_doc": [{"insert": "ab"}]}),
        json!({"kind": "apply", "a": []}),
    ];
    for case in &wrong {
        assert!(matches!(found(case), Err(Finding::Failed(_))), "{case}: {:?}", found(case));
    }
    for unknown in [json!({"kind": "sort"}), json!({"kind": "apply", "type": "json1"}), json!({})] {
        assert!(matches!(found(&unknown), Err(Finding::Unsupported(_))), "{unknown}");
    }
}

#[test]
fn the_rule_of_the_later_attribute_is_asked_of_the_engine_and_the_sequencer() {
    // With Quill's answer alone, which is not ours, these cases fail.
    let red = json!([{"retain": 1, "attributes": {"color": "red"}}]);
    let blue = json!([{"retain": 1, "attributes": {"color": "blue"}}]);
    let x = json!([{"insert": "x", "attributes": {"color": "red"}}]);
    let concurrent =
        json!({"kind": "concurrent", "doc": "x", "ops": [red, blue], "expect_log": [red, []], "expect_doc": x});
    let pending = json!({"kind": "pending", "doc": "x", "edits": [blue], "server": red, "expect_doc": x});
    for case in [concurrent, pending] {
        let Err(Finding::Failed(reason)) = found(&case) else { panic!("{case}: {:?}", found(&case)) };
        assert!(!reason.contains("with Quill's flag"), "{reason}");
    }
}
