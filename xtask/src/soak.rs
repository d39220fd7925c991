//! `cargo xtask soak`: new seeds of the simulation for a while.

use crate::failure::Failure;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// Our own crates run optimised, with every check on; what they are built on stays as tests have it.
const OPTIMISED: [&str; 3] = ["cowrite-client", "cowrite-server", "cowrite-tests"];

/// Runs new seeds of every kind on all cores for so many minutes.
///
/// # Errors
/// If a run fails; it has printed the smaller one that it has found, and how to replay that.
pub(crate) fn soak(workspace: &Workspace, minutes: u64) -> Result<(), Failure> {
    let mut words = vec!["run".to_owned(), "--quiet".to_owned()];
    for package in OPTIMISED {
        words.extend(["--config".to_owned(), format!("profile.dev.package.{package}.opt-level=2")]);
    }
    words.extend(["--package=cowrite-tests", "--bin=soak", "--", "--minutes"].map(str::to_owned));
    words.push(minutes.to_string());
    Shell::new(workspace, "cargo", words).run()
}
