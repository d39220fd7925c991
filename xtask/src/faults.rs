//! `cargo xtask faults`: real processes, struck.

use crate::failure::Failure;
use crate::setup::process_tests;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// Builds the runner and hands the words on to it; it ends with an error if something does not hold.
pub(crate) fn faults(workspace: &Workspace, words: Vec<String>) -> Result<(), Failure> {
    process_tests(workspace)?;
    let runner = ["run", "--quiet", "--package=cowrite-tests", "--bin=faults", "--"].map(str::to_owned);
    Shell::new(workspace, "cargo", runner.into_iter().chain(words)).run()
}
