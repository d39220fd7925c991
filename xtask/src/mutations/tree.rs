//! A copy of the sources, in which bugs are planted.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::shell::Shell;
use crate::workspace::Workspace;

use super::{Bug, Verdict};

/// The sources as they are now, committed or not, in a folder of their own; the developer's are
/// never touched.
#[derive(Debug)]
pub(crate) struct Tree {
    folder: PathBuf,
    build: PathBuf,
}

impl Tree {
    /// Copies every file that git knows or would add. A file that has not changed is not written,
    /// so that the build of the last time still holds; one that is gone is deleted here too.
    pub(crate) fn copy(workspace: &Workspace) -> Result<Tree, Failure> {
        let top = workspace.target().join("mutations");
        let tree = Tree { folder: top.join("tree"), build: top.join("build") };
        let listed = ["ls-files", "--cached", "--others", "--exclude-standard"];
        let listed = Shell::new(workspace, "git", listed).output()?;
        for name in listed.lines() {
            let (from, to) = (workspace.path(name), tree.folder.join(name));
            if !from.is_file() {
                delete(&to)?;
                continue;
            }
            let content = fs::read(&from).map_err(Failure::file(&from))?;
            if fs::read(&to).is_ok_and(|known| known == content) {
                continue;
            }
            write(&to, &content)?;
        }
        let known: BTreeSet<PathBuf> = listed.lines().map(|name| tree.folder.join(name)).collect();
        forget_others(&tree.folder, &known)?;
        Ok(tree)
    }

    /// Makes the bug; gives the file as it was.
    pub(crate) fn plant(&self, bug: &Bug) -> Result<String, Failure> {
        let path = self.folder.join(bug.file);
        let before = fs::read_to_string(&path).map_err(Failure::file(&path))?;
        if before.matches(bug.right).count() != 1 {
            let expected = format!("to hold exactly once what the bug `{}` changes:\n{}", bug.name, bug.right);
            return Err(Failure::Layout { path: bug.file.into(), expected });
        }
        write(&path, before.replacen(bug.right, bug.wrong, 1).as_bytes())?;
        Ok(before)
    }

    /// Puts the file back.
    pub(crate) fn restore(&self, bug: &Bug, before: &str) -> Result<(), Failure> {
        write(&self.folder.join(bug.file), before.as_bytes())
    }

    /// Builds the simulation and runs at most so many sessions, of every kind in turn, until one fails.
    pub(crate) fn simulate(&self, workspace: &Workspace, runs: u64) -> Result<Verdict, Failure> {
        let runs = runs.to_string();
        let build = ["run", "--package=cowrite-tests", "--bin=soak", "--"];
        let limits = ["--from", "0", "--runs", &runs, "--minutes", "1000", "--shrink", "0"];
        let (printed, succeeded) = Shell::new(workspace, "cargo", build.into_iter().chain(limits))
            .within(&self.folder)
            .with("CARGO_TARGET_DIR", &self.build.to_string_lossy())
            .capture()?;
        Ok(Verdict::read(&printed, succeeded))
    }
}

fn write(path: &Path, content: &[u8]) -> Result<(), Failure> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Failure::file(folder))?;
    }
    fs::write(path, content).map_err(Failure::file(path))
}

fn delete(path: &Path) -> Result<(), Failure> {
    if path.is_file() { fs::remove_file(path).map_err(Failure::file(path)) } else { Ok(()) }
}

/// Deletes every file below the folder that is not one of these.
fn forget_others(folder: &Path, known: &BTreeSet<PathBuf>) -> Result<(), Failure> {
    for entry in fs::read_dir(folder).map_err(Failure::file(folder))? {
        let path = entry.map_err(Failure::file(folder))?.path();
        if path.is_dir() {
            forget_others(&path, known)?;
        } else if !known.contains(&path) {
            delete(&path)?;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_source_any_more_is_not_built_along() {
        let top = folder();
        let (kept, gone) = (top.join("src/kept.rs"), top.join("src/old/gone.rs"));
        write(&kept, b"kept").unwrap();
        write(&gone, b"gone").unwrap();
        forget_others(&top, &BTreeSet::from([kept.clone()])).unwrap();
        assert!(kept.is_file() && !gone.exists());
        fs::remove_dir_all(top).unwrap();
    }

    fn folder() -> PathBuf {
        std::env::temp_dir().join(format!("cowrite-mutations-{}", std::process::id()))
    }
}
