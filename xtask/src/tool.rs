//! A program that `cargo install` builds for this clone.

use std::fs;

use crate::failure::Failure;
use crate::shell::Shell;
use crate::step::Outcome;
use crate::workspace::Workspace;

/// The version of cargo-fuzz that the targets are known to build with.
const CARGO_FUZZ: &str = "0.13.2";

/// A crate with programs, at one exact version.
#[derive(Debug, Clone)]
pub(crate) struct Tool {
    /// Its name in the registry.
    pub(crate) package: &'static str,
    /// The exact version.
    pub(crate) version: String,
    /// The program that tells whether it is installed.
    program: &'static str,
}

impl Tool {
    /// cargo-fuzz, which builds and starts the programs of `fuzz/`.
    pub(crate) fn cargo_fuzz() -> Self {
        Self { package: "cargo-fuzz", version: CARGO_FUZZ.to_owned(), program: "cargo-fuzz" }
    }

    /// wasm-bindgen's command line, which must be of the very version that the workspace pins: the
    /// format between the two changes with every release.
    pub(crate) fn wasm_bindgen(workspace: &Workspace) -> Result<Self, Failure> {
        let path = workspace.path("Cargo.toml");
        let manifest = fs::read_to_string(&path).map_err(Failure::file(&path))?;
        let version = pinned(&manifest, "wasm-bindgen")
            .ok_or_else(|| Failure::Layout { path, expected: "no line `wasm-bindgen = \"=VERSION\"`".to_owned() })?;
        Ok(Self { package: "wasm-bindgen-cli", version: version.to_owned(), program: "wasm-bindgen" })
    }

    /// Builds and installs it below the target folder, unless that very version is there.
    ///
    /// A debug build takes a third of the time, and these programs run for a second at a time.
    /// `--locked` is left out on purpose: the lock file of wasm-bindgen-cli names versions that
    /// not every mirror of the registry serves.
    pub(crate) fn install(&self, workspace: &Workspace) -> Result<Outcome, Failure> {
        if self.is_installed(workspace) {
            return Ok(Outcome::UpToDate);
        }
        let tools = workspace.tools();
        // A build folder of its own: the workspace's build and this one never wait for each other.
        let build = tools.join("build");
        let arguments = [
            "install".as_ref(),
            self.package.as_ref(),
            "--version".as_ref(),
            self.version.as_ref(),
            "--debug".as_ref(),
            "--force".as_ref(),
            "--root".as_ref(),
            tools.as_os_str(),
            "--target-dir".as_ref(),
            build.as_os_str(),
        ];
        Shell::new(workspace, "cargo", arguments)
            .with("CARGO_PROFILE_DEV_DEBUG", "0")
            .with("CARGO_INCREMENTAL", "0")
            .run()?;
        if !self.is_installed(workspace) {
            return Err(Failure::Layout {
                path: tools.join("bin").join(self.program),
                expected: format!("not version {} after its installation", self.version),
            });
        }
        Ok(Outcome::Done)
    }

    fn is_installed(&self, workspace: &Workspace) -> bool {
        workspace.tools().join("bin").join(self.program).is_file()
            && Shell::new(workspace, self.program, ["--version"])
                .output()
                .is_ok_and(|said| said.split_whitespace().nth(1) == Some(&self.version))
    }
}

/// The version that a manifest pins a dependency to with `=`.
fn pinned<'a>(manifest: &'a str, dependency: &str) -> Option<&'a str> {
    let line = manifest
        .lines()
        .find(|line| line.strip_prefix(dependency).is_some_and(|rest| rest.trim_start().starts_with('=')))?;
    let (_, rest) = line.split_once("\"=")?;
    Some(rest.split_once('"')?.0.trim())
}

#[cfg(test)]
mod tests {
    use super::pinned;

    #[test]
    fn the_pin_is_read_in_both_spellings() {
        let manifest = "wasm-bindgen-test = \"0.3\"\nwasm-bindgen = \"=0.2.1\"\n";
        assert_eq!(pinned(manifest, "wasm-bindgen"), Some("0.2.1"));
        let manifest = "wasm-bindgen = { version = \"=0.2.1\", features = [] }";
        assert_eq!(pinned(manifest, "wasm-bindgen"), Some("0.2.1"));
        let manifest = "wasm-bindgen = \"0.2.1\"";
        assert_eq!(pinned(manifest, "wasm-bindgen"), None);
    }
}
