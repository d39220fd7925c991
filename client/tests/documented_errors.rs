//! docs/errors.md has every error of this crate, and no other.

#![allow(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// What a caller can be told, and where it is written.
const ENUMS: [(&str, &str); 5] = [
    ("EditError", "src/engine/mod.rs"),
    ("RecordError", "src/engine/record.rs"),
    ("OpenError", "src/session/mod.rs"),
    ("ConnectError", "src/native/client.rs"),
    ("WaitError", "src/native/document.rs"),
];

fn read(path: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// The variants of an enum as rustfmt writes them: an indented name at the line's start.
fn variants(name: &str, source: &str) -> Vec<String> {
    let (_, rest) = source.split_once(&format!("pub enum {name} {{\n")).unwrap();
    let (body, _) = rest.split_once("\n}").unwrap();
    let lines = body.lines().filter_map(|line| line.strip_prefix("    "));
    let lines = lines.filter(|line| line.starts_with(|first: char| first.is_ascii_uppercase()));
    lines.map(|line| format!("{name}::{}", line.split(|c: char| !c.is_alphanumeric()).next().unwrap())).collect()
}

#[test]
fn every_error_has_a_row_and_every_row_an_error() {
    let page = read("../docs/errors.md");
    let rows = page.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`'));
    let rows: BTreeSet<&str> = rows.map(|(name, _)| name).filter(|name| name.contains("::")).collect();
    let errors: Vec<String> = ENUMS.iter().flat_map(|(name, path)| variants(name, &read(path))).collect();
    assert!(errors.len() > 10, "this test finds them: {errors:?}");
    assert_eq!(rows, errors.iter().map(String::as_str).collect());
}

#[test]
fn no_error_of_the_crate_is_forgotten() {
    let mut found = BTreeSet::new();
    let mut open = vec![PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            open.extend(fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()));
            continue;
        }
        let text = fs::read_to_string(path).unwrap();
        let names = text.lines().filter_map(|line| line.strip_prefix("pub enum ")?.split_once(' '));
        found.extend(names.map(|(name, _)| name.to_owned()).filter(|name| name.ends_with("Error")));
    }
    assert_eq!(found, ENUMS.iter().map(|(name, _)| (*name).to_owned()).collect());
}
