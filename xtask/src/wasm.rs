//! `cargo xtask wasm`: the npm package, from Rust and TypeScript.

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::setup::DEMO_EDITORS;
use crate::shell::Shell;
use crate::size::Sizes;
use crate::stamp::Stamp;
use crate::step::{Outcome, Steps};
use crate::workspace::Workspace;

/// Builds what has changed and prints what the browser will load.
pub(crate) fn wasm(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    build(workspace, steps)?;
    Sizes::measure(workspace)?.print();
    npm(workspace, "npm", "size")
}

/// Builds npm/wasm and npm/dist, each only when something that it is made from has changed.
pub(crate) fn build(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    steps.run("wasm", "the client engine for browsers, by wasm-pack", || module(workspace))?;
    steps.run("package", "the npm package, from TypeScript", || package(workspace))
}

fn module(workspace: &Workspace) -> Result<Outcome, Failure> {
    let sources = [
        "Cargo.toml",
        "Cargo.lock",
        "protocol/Cargo.toml",
        "protocol/src",
        "client/Cargo.toml",
        "client/src",
        "client-wasm/Cargo.toml",
        "client-wasm/src",
        "xtask/src/wasm.rs",
    ];
    let stamp = stamp(workspace, "wasm", paths(workspace, &sources), "npm/wasm")?;
    if stamp.is_current()? {
        return Ok(Outcome::UpToDate);
    }
    // Without it wasm-pack leaves the module as it is, nearly twice as large, and says so in passing.
    if workspace.program("wasm-opt").is_none() {
        let (program, remedy) = ("wasm-opt".to_owned(), "run `cargo xtask setup`".to_owned());
        return Err(Failure::Missing { program, remedy });
    }
    ask_for_no_update(workspace)?;
    // `no-install`: with a tool missing wasm-pack would otherwise fetch a program by itself.
    let arguments = [
        "build",
        "client-wasm",
        "--profile",
        "wasm-release",
        "--target",
        "web",
        "--mode",
        "no-install",
        "--no-pack",
        "--out-dir",
        "../npm/wasm",
        "--out-name",
        "cowrite",
        "--",
        "--features",
        "module",
    ];
    // Between the 5 of `opt-level = "z"`, which calls for every trifle, and the 50 of "s".
    let inline = "-Cllvm-args=-inline-threshold=15";
    Shell::new(workspace, "wasm-pack", arguments)
        .with("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", inline)
        .run()?;
    stamp.record()?;
    Ok(Outcome::Done)
}

/// Keeps wasm-pack from asking the registry, once a day, whether there is a newer wasm-pack: it
/// asks when its own note is a day old, so the note is dated ahead.
fn ask_for_no_update(workspace: &Workspace) -> Result<(), Failure> {
    let note = workspace.tools().join("bin/wasm-pack.stamp");
    fs::write(&note, "created 2999-01-01T00:00:00+00:00\n").map_err(Failure::file(note))
}

fn package(workspace: &Workspace) -> Result<Outcome, Failure> {
    let mut sources = paths(workspace, &["npm/src", "npm/wasm"]);
    sources.extend(workspace.files("npm", &["json", "mjs"])?);
    let stamp = stamp(workspace, "package", sources, "npm/dist")?;
    if stamp.is_current()? {
        return Ok(Outcome::UpToDate);
    }
    npm(workspace, "npm", "build")?;
    stamp.record()?;
    Ok(Outcome::Done)
}

/// Builds the modules of the demo's editors.
pub(crate) fn demo_editors(workspace: &Workspace) -> Result<Outcome, Failure> {
    let sources = workspace.files(DEMO_EDITORS, &["json", "mjs"])?;
    let stamp = stamp(workspace, "demo-editors", sources, &format!("{DEMO_EDITORS}/dist"))?;
    if stamp.is_current()? {
        return Ok(Outcome::UpToDate);
    }
    npm(workspace, DEMO_EDITORS, "build")?;
    stamp.record()?;
    Ok(Outcome::Done)
}

/// Runs a script of the package in `folder`.
pub(crate) fn npm(workspace: &Workspace, folder: &str, script: &str) -> Result<(), Failure> {
    Shell::new(workspace, "npm", ["--prefix", folder, "run", script]).run()
}

fn stamp(workspace: &Workspace, name: &str, sources: Vec<PathBuf>, products: &str) -> Result<Stamp, Failure> {
    let note = workspace.target().join("xtask").join(format!("{name}.stamp"));
    Stamp::of(note, &sources, workspace.path(products))
}

fn paths(workspace: &Workspace, relative: &[&str]) -> Vec<PathBuf> {
    relative.iter().map(|path| workspace.path(path)).collect()
}
