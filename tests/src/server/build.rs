//! The server's program, built as the tests are.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use crate::process::{profile_folder, target_folder};

/// A command that starts the program with an empty environment: what the tests' caller has in
/// its own is not what they are about. `COWRITE_SERVER` names the program; without it, it is built
/// first, once a process.
pub(super) fn program() -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let named = || std::env::var_os("COWRITE_SERVER").map(PathBuf::from);
    let mut command = Command::new(PROGRAM.get_or_init(|| named().unwrap_or_else(build)));
    command.env_clear();
    command
}

/// As [`program`], but it may have only so many files open.
pub(super) fn program_with_open_files(most: u32) -> Command {
    let mut command = Command::new("/bin/sh");
    command.args(["-c", "ulimit -n \"$0\" && exec \"$@\"", &most.to_string()]);
    command.arg(program().get_program()).env_clear();
    command
}

/// Cargo builds a program by itself only for tests of the program's own package.
fn build() -> PathBuf {
    let (target, profile) = (target_folder(), profile_folder());
    let release = profile.ends_with("release");
    let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    build.args(["build", "--quiet", "--package=cowrite-server", "--manifest-path"]);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).arg("--target-dir").arg(&target);
    if release {
        build.arg("--release");
    }
    // What cargo told these tests about themselves would reach build scripts that look at it: they, and
    // all that stands on them, would be built anew here, and once more when the tests are run again.
    for (key, _) in std::env::vars_os() {
        let name = key.to_string_lossy();
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"].iter().any(|told| name.starts_with(told)) {
            build.env_remove(&key);
        }
    }
    assert!(build.status().unwrap().success(), "the server does not build");
    profile.join(format!("cowrite-server{}", std::env::consts::EXE_SUFFIX))
}
