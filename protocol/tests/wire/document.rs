//! PROTOCOL.md says what the code does: the goldens' own bytes and every code are in it. docs/errors.md has
//! every code too, and no other.

use std::fs;
use std::path::PathBuf;

use crate::codes::CODES;
use crate::golden::goldens;

fn read(path: &str) -> String {
    fs::read_to_string(PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..").join(path)).unwrap()
}

/// The document with every run of white space made one space.
fn protocol() -> String {
    let text = read("PROTOCOL.md");
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A golden is shown in a code block: its name, then its bytes.
#[test]
fn every_golden_is_shown_with_its_bytes() {
    let document = protocol();
    let mut missing = Vec::new();
    for golden in goldens() {
        let shown = format!(" {} {}", golden.name, golden.hex());
        let shown = shown.trim_end();
        // What follows is not another byte of it.
        let found = document.match_indices(shown).any(|(at, _)| {
            let next = document[at + shown.len()..].split_whitespace().next().unwrap_or_default();
            !(next.len() == 2 && next.bytes().all(|byte| byte.is_ascii_hexdigit()))
        });
        if !found {
            missing.push(format!("{}  {}", golden.name, golden.hex()));
        }
    }
    assert!(missing.is_empty(), "PROTOCOL.md does not show:\n{}", missing.join("\n"));
}

#[test]
fn every_code_is_in_the_table() {
    let document = protocol();
    for (number, (_, name, scope, remedy)) in CODES.into_iter().enumerate() {
        let (scope, remedy) = (format!("{scope:?}").to_lowercase(), words(&format!("{remedy:?}")));
        let row = format!("| {number} | `{name}` | {scope} | {remedy} |");
        assert!(document.contains(&row), "PROTOCOL.md has no row {row}");
    }
}

/// The rows whose first cell is a number; what they say of each code is compared in the package's tests.
#[test]
fn every_code_is_on_the_page_of_errors_and_no_other() {
    let page = read("docs/errors.md");
    let cells = page.lines().map(|line| line.split('|').map(str::trim).take(4).collect::<Vec<_>>());
    let rows: Vec<Vec<&str>> = cells.filter(|row| row.len() == 4 && row[1].parse::<u8>().is_ok()).collect();
    let codes = CODES.into_iter().enumerate().map(|(number, (_, name, scope, _))| {
        vec![String::new(), number.to_string(), format!("`{name}`"), format!("{scope:?}").to_lowercase()]
    });
    assert_eq!(rows, codes.collect::<Vec<_>>());
}

/// `NewClientId` as the table has it: `new client id`.
fn words(name: &str) -> String {
    let mut words = String::new();
    for character in name.chars() {
        if character.is_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.extend(character.to_lowercase());
    }
    words
}
