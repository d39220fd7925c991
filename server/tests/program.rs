//! The program, as whoever starts it by hand meets it.
//!
//! That there is a test of it here has a second use: cargo builds a program for tests of its own
//! package alone, and so makes it of the very dependencies that the tests are made of.

#![expect(clippy::unwrap_used, reason = "a test ends where it goes wrong")]

use std::process::{Command, Output};

fn started_with(argument: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_cowrite-server")).arg(argument).env_clear().output().unwrap()
}

#[test]
fn it_says_which_release_it_is() {
    let output = started_with("--version");
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(said.trim(), concat!("cowrite-server ", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_flag_that_it_does_not_know_is_named_and_nothing_is_started() {
    let output = started_with("--nonsense");
    assert_eq!(output.status.code(), Some(2), "{output:?}");
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains("'--nonsense'"), "{said}");
}
