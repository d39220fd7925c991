//! `cargo xtask mutations`: deliberate bugs, one at a time, each of which the simulation must find.

mod bug;
mod list;
mod tree;
mod verdict;

use crate::failure::Failure;
use crate::workspace::Workspace;

use bug::Bug;
use list::BUGS;
use tree::Tree;
use verdict::Verdict;

/// Plants every bug, or those that are named, in a copy of the sources, and runs the simulation on
/// at most `runs` seeds of all kinds together; prints a line each and the table of docs/mutations.md.
///
/// # Errors
/// If the sources without a bug do not pass, if a bug no longer fits its file, or if one is not found.
pub(crate) fn mutations(workspace: &Workspace, names: &[String], runs: u64) -> Result<(), Failure> {
    let unknown = names.iter().find(|name| BUGS.iter().all(|bug| bug.name != name.as_str()));
    if let Some(unknown) = unknown {
        let known: Vec<&str> = BUGS.iter().map(|bug| bug.name).collect();
        return Err(Failure::Usage(format!("there is no bug `{unknown}`; there are {}", known.join(", "))));
    }
    let tree = Tree::copy(workspace)?;
    let sound = tree.simulate(workspace, runs)?;
    println!("without a bug: {sound}");
    if sound != Verdict::Passed {
        return Err(Failure::Layout {
            path: workspace.path("tests/tests/simulation.rs"),
            expected: "the simulation to pass without a bug".to_owned(),
        });
    }
    let chosen = BUGS.iter().filter(|bug| names.is_empty() || names.iter().any(|name| name == bug.name));
    let mut found: Vec<(&Bug, Verdict)> = Vec::new();
    for bug in chosen {
        let before = tree.plant(bug)?;
        let verdict = tree.simulate(workspace, runs);
        tree.restore(bug, &before)?;
        let verdict = verdict?;
        println!("{}: {verdict}", bug.name);
        found.push((bug, verdict));
    }
    println!("\n| Bug | What is wrong | File | Runs | How it was seen |\n|---|---|---|---:|---|");
    for (bug, verdict) in &found {
        println!("| `{}` | {} | `{}` | {verdict} |", bug.name, bug.what, bug.file);
    }
    let survivors: Vec<&str> =
        found.iter().filter(|(_, verdict)| !verdict.is_found()).map(|(bug, _)| bug.name).collect();
    if survivors.is_empty() { Ok(()) } else { Err(Failure::Survivors { names: survivors.join(", ") }) }
}
