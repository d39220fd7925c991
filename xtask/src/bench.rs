//! `cargo xtask bench-browser`: what the package costs a page, beside its peers.

use crate::failure::Failure;
use crate::setup::{Scope, npm_packages, setup};
use crate::shell::Shell;
use crate::step::{Outcome, Steps};
use crate::wasm;
use crate::workspace::Workspace;

const FOLDER: &str = "bench/browser";
const PROGRAMS: [&str; 2] = ["keystrokes", "carets"];

/// Builds what is measured and runs the programs, or that one alone.
pub(crate) fn browser(workspace: &Workspace, program: Option<&str>, options: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::new();
    setup(workspace, Scope::Tests, &mut steps)?;
    steps.run("setup-bench", "the peers and their editors", || npm_packages(workspace, FOLDER))?;
    wasm::build(workspace, &mut steps)?;
    steps.run("server", "the server, optimised", || {
        Shell::new(workspace, "cargo", ["build", "--release", "-p", "cowrite-server"]).run()?;
        Ok(Outcome::Done)
    })?;
    let server = workspace.target().join("release/cowrite-server");
    for name in PROGRAMS.into_iter().filter(|name| program.is_none_or(|program| program == *name)) {
        let mut words = vec![format!("{FOLDER}/{name}.mjs")];
        words.extend_from_slice(options);
        Shell::new(workspace, "node", words).with("COWRITE_SERVER", &server.to_string_lossy()).run()?;
    }
    Ok(())
}
