//! `cargo xtask model`: the model of the session and resume protocol, within wide bounds.

use crate::failure::Failure;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// Runs the tests of the model with `COWRITE_MODEL=wide`: minutes, and gigabytes of memory.
pub(crate) fn model(workspace: &Workspace) -> Result<(), Failure> {
    let words = ["test", "--package=cowrite-tests", "--test=model", "--", "--nocapture", "--test-threads=1"];
    Shell::new(workspace, "cargo", words).with("COWRITE_MODEL", "wide").run()
}
