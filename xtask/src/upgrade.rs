//! `cargo xtask upgrade-golden`: what a release leaves behind.

use crate::failure::Failure;
use crate::setup::process_tests;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// Builds and runs what writes it; it ends with an error if this release has written one before.
pub(crate) fn golden(workspace: &Workspace) -> Result<(), Failure> {
    process_tests(workspace)?;
    Shell::new(workspace, "cargo", ["run", "--quiet", "--package=cowrite-tests", "--bin=upgrade_golden"]).run()
}
