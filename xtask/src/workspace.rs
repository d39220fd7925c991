//! Where things lie in the repository, and the PATH that its tools need.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// The folders of one clone of the repository.
#[derive(Debug, Clone)]
pub(crate) struct Workspace {
    root: PathBuf,
    target: PathBuf,
}

impl Workspace {
    /// Finds the clone that this program was built in.
    ///
    /// Cargo names the folder of the package it runs, so that the answer does not depend on the
    /// working directory and no path is compiled into the program.
    pub(crate) fn find() -> Result<Self, Failure> {
        let package = env::var_os("CARGO_MANIFEST_DIR").ok_or(Failure::NotUnderCargo)?;
        let root = Path::new(&package).parent().ok_or(Failure::NotUnderCargo)?.to_path_buf();
        let target = match env::var_os("CARGO_TARGET_DIR") {
            Some(target) => root.join(target),
            None => root.join("target"),
        };
        Ok(Self { root, target })
    }

    /// The top folder of the clone.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// A folder or file below the top folder.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// The files directly in a folder that have one of these extensions, in order of their names.
    pub(crate) fn files(&self, folder: &str, extensions: &[&str]) -> Result<Vec<PathBuf>, Failure> {
        let folder = self.path(folder);
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(Failure::file(&folder))? {
            let path = entry.map_err(Failure::file(&folder))?.path();
            let extension = path.extension().and_then(OsStr::to_str).unwrap_or_default();
            if path.is_file() && extensions.contains(&extension) {
                files.push(path);
            }
        }
        files.sort();
        Ok(files)
    }

    /// Cargo's target folder, which CI may cache.
    pub(crate) fn target(&self) -> &Path {
        &self.target
    }

    /// Where `cargo install` puts the tools of this clone (their programs are in `bin` below).
    pub(crate) fn tools(&self) -> PathBuf {
        self.target.join("tools")
    }

    /// The search path of every command run here: our own tools first, so that another version
    /// that happens to be on the machine is never taken.
    pub(crate) fn search_path(&self) -> OsString {
        let ours = [self.tools().join("bin"), self.path("npm/node_modules/.bin")];
        let inherited = env::var_os("PATH").unwrap_or_default();
        let all = ours.into_iter().chain(env::split_paths(&inherited));
        // Joining fails only on a folder with a colon in its name, which no PATH can hold.
        env::join_paths(all).unwrap_or(inherited)
    }

    /// The first program of that name on [`Workspace::search_path`], if there is one.
    pub(crate) fn program(&self, name: impl AsRef<Path>) -> Option<PathBuf> {
        env::split_paths(&self.search_path()).map(|folder| folder.join(&name)).find(|candidate| candidate.is_file())
    }
}
