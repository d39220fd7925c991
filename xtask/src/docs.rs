//! `cargo xtask docs`: the reference, from the types and what is written at them.

use crate::failure::Failure;
use crate::setup::reference;
use crate::shell::Shell;
use crate::step::{Outcome, Steps};
use crate::wasm;
use crate::workspace::Workspace;

/// The crates that applications and operators meet.
const CRATES: [&str; 3] = ["--package=cowrite-protocol", "--package=cowrite-client", "--package=cowrite-server"];

/// Builds both references below the target folder and says where they begin.
pub(crate) fn docs(workspace: &Workspace) -> Result<(), Failure> {
    let mut steps = Steps::new();
    reference(workspace, &mut steps)?;
    steps.run("rustdoc", "the reference of the crates", || {
        let arguments = ["doc", "--no-deps", "--all-features"].into_iter().chain(CRATES);
        Shell::new(workspace, "cargo", arguments).run().map(|()| Outcome::Done)
    })?;
    steps.run("typedoc", "the reference of the npm package", || {
        wasm::npm(workspace, "npm/reference", "build").map(|()| Outcome::Done)
    })?;
    steps.print_table();
    println!("\n{}", workspace.target().join("doc/cowrite_client/index.html").display());
    println!("{}", workspace.path("target/reference/index.html").display());
    Ok(())
}
