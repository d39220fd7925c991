//! `cargo xtask setup`: makes a fresh Debian machine ready, and does nothing the second time.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::failure::Failure;
use crate::shell::{Shell, is_ci};
use crate::step::{Outcome, Steps};
use crate::tool::Tool;
use crate::workspace::Workspace;

/// The target that the browser's code is built for.
pub(crate) const WASM_TARGET: &str = "wasm32-unknown-unknown";

/// The editors that the demo shows, as packages of npm and as modules for a page.
pub(crate) const DEMO_EDITORS: &str = "examples/demo/vendor";

/// How much to install.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scope {
    /// What builds the server and the npm package.
    Build,
    /// That, and what the tests need: a browser, and Redis.
    Tests,
}

/// Installs what is missing, one step each. A fresh machine takes a few minutes.
pub(crate) fn setup(workspace: &Workspace, scope: Scope, steps: &mut Steps) -> Result<(), Failure> {
    steps.run("setup-target", "the compiler's wasm32 target", || wasm_target(workspace))?;
    if scope == Scope::Tests {
        steps.run("setup-browser", "Chromium and its driver", || browser_program(workspace))?;
        steps.run("setup-redis", "redis-server, and a time of day that tests set", || process_tests(workspace))?;
    }
    let tool = Tool::wasm_bindgen(workspace)?;
    let name = format!("setup-{}", tool.package);
    let what = format!("version {}, built from source", tool.version);
    steps.run(&name, &what, || tool.install(workspace))?;
    steps.run("setup-npm", "packages of npm/", || npm_packages(workspace, "npm"))?;
    steps.run("setup-demo", "the editors of the demo", || npm_packages(workspace, DEMO_EDITORS))?;
    if scope == Scope::Tests {
        let folders = [
            "npm/reference",
            "tests/browser",
            "tests/packaging",
            "tests/packaging/react18",
            "examples/vite",
            "examples/codemirror",
            "examples/monaco",
            "examples/prosemirror",
            "examples/quill",
        ];
        for folder in folders {
            steps.run(&format!("setup-{folder}"), &format!("packages of {folder}/"), || {
                npm_packages(workspace, folder)
            })?;
        }
    }
    Ok(())
}

/// Installs what makes the reference of the npm package: TypeDoc, and the packages whose types it reads.
pub(crate) fn reference(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    for folder in ["npm", "npm/reference"] {
        steps.run(&format!("setup-{folder}"), &format!("packages of {folder}/"), || npm_packages(workspace, folder))?;
    }
    Ok(())
}

fn wasm_target(workspace: &Workspace) -> Result<Outcome, Failure> {
    let sysroot = Shell::new(workspace, "rustc", ["--print", "sysroot"]).output()?;
    let installed = Path::new(sysroot.trim()).join("lib/rustlib").join(WASM_TARGET);
    if installed.is_dir() {
        return Ok(Outcome::UpToDate);
    }
    require(workspace, "rustup", "install Rust by rustup, or add the target wasm32-unknown-unknown to your compiler")?;
    Shell::new(workspace, "rustup", ["target", "add", WASM_TARGET]).run()?;
    Ok(Outcome::Done)
}

/// Installs Chromium and its driver.
pub(crate) fn browser_program(workspace: &Workspace) -> Result<Outcome, Failure> {
    debian_packages(workspace, &[("chromium", "chromium"), ("chromedriver", "chromium-driver")])
}

/// Installs what tests of real processes need: Redis, which they start and end themselves, and
/// libfaketime, by which they set a process's time of day.
pub(crate) fn process_tests(workspace: &Workspace) -> Result<Outcome, Failure> {
    debian_packages(workspace, &[("redis-server", "redis-server"), ("faketime", "faketime")])
}

/// Installs Debian packages, each named after the program that it is wanted for.
fn debian_packages(workspace: &Workspace, wanted: &[(&str, &str)]) -> Result<Outcome, Failure> {
    let missing: Vec<&str> = wanted
        .iter()
        .filter(|(program, _)| workspace.program(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if missing.is_empty() {
        return Ok(Outcome::UpToDate);
    }
    require(
        workspace,
        "apt-get",
        &format!("this is no Debian; install what `apt-get install {}` would, and run this again", missing.join(" ")),
    )?;
    apt(workspace, &["update", "--quiet"])?;
    let mut install = vec!["install", "--quiet", "--yes", "--no-install-recommends"];
    install.extend(missing);
    apt(workspace, &install)?;
    Ok(Outcome::Done)
}

fn apt(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    let user = Shell::new(workspace, "id", ["--user"]).output()?;
    let shell = if user.trim() == "0" {
        Shell::new(workspace, "apt-get", arguments)
    } else {
        require(workspace, "sudo", "become root, or install sudo")?;
        let words = ["--preserve-env=DEBIAN_FRONTEND", "apt-get"].into_iter().chain(arguments.iter().copied());
        Shell::new(workspace, "sudo", words)
    };
    shell.with("DEBIAN_FRONTEND", "noninteractive").run()
}

/// Installs the packages that `folder` lists, unless its `node_modules` is newer than the list.
pub(crate) fn npm_packages(workspace: &Workspace, folder: &str) -> Result<Outcome, Failure> {
    for program in ["node", "npm"] {
        require(workspace, program, "install Node.js 20 or newer with npm")?;
    }
    let folder = workspace.path(folder);
    let manifest = folder.join("package.json");
    let lock = folder.join("package-lock.json");
    let Some(listed) = modified(&manifest) else {
        return Err(Failure::Layout { path: manifest, expected: "not there".to_owned() });
    };
    let listed = modified(&lock).map_or(listed, |locked| locked.max(listed));
    // npm writes this file last, so that a broken installation is never taken for a whole one.
    let installed = modified(&folder.join("node_modules/.package-lock.json"));
    if installed.is_some_and(|installed| installed >= listed) {
        return Ok(Outcome::UpToDate);
    }
    // `ci` takes the lock file as it is and fails when the manifest has left it behind.
    let verb = if is_ci() && lock.is_file() { "ci" } else { "install" };
    Shell::new(workspace, "npm", [verb, "--no-audit", "--no-fund"])
        .within(&folder)
        // A lock file that names no registry works with every mirror.
        .with("npm_config_omit_lockfile_registry_resolved", "true")
        .run()?;
    Ok(Outcome::Done)
}

fn require(workspace: &Workspace, program: &str, remedy: &str) -> Result<(), Failure> {
    if workspace.program(program).is_some() {
        return Ok(());
    }
    Err(Failure::Missing { program: program.to_owned(), remedy: remedy.to_owned() })
}

fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|data| data.modified()).ok()
}
