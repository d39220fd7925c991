//! `cargo xtask vectors`: facts of others, held against ours.

use crate::failure::Failure;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// Builds the runner and hands the words on to it; it ends with an error if a case fails. Relative
/// paths are read from where the user is.
pub(crate) fn vectors(workspace: &Workspace, words: Vec<String>) -> Result<(), Failure> {
    let here = std::env::current_dir().unwrap_or_default();
    let place = |word: String| if word.starts_with('-') { word } else { here.join(word).display().to_string() };
    let runner = ["run", "--quiet", "--package=cowrite-tests", "--bin=vectors", "--"].map(str::to_owned);
    Shell::new(workspace, "cargo", runner.into_iter().chain(words.into_iter().map(place))).run()
}
