//! `cargo xtask wasm`: the npm package, from Rust and TypeScript.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::glue::number_names;
use crate::setup::{DEMO_EDITORS, WASM_TARGET};
use crate::shell::Shell;
use crate::size::Sizes;
use crate::stamp::Stamp;
use crate::step::{Outcome, Steps};
use crate::workspace::Workspace;

/// Where cargo puts modules, in the target folder.
const BUILT: &str = "wasm32-unknown-unknown/wasm-release";

/// How the module is made smaller once it is built. All it may use has been in every browser for years.
const WASM_OPT: [&str; 13] = [
    "-Oz",
    // Few functions that are called once are put into their callers: packed, that is larger.
    "-ocimfs=20",
    "--converge",
    "-lmu",
    // What engines do not heed, and what varies without need.
    "--dealign",
    "--strip-producers",
    "--strip-target-features",
    "--enable-bulk-memory",
    "--enable-nontrapping-float-to-int",
    "--enable-sign-ext",
    "--enable-mutable-globals",
    "--enable-reference-types",
    "--enable-multivalue",
];

/// Builds what has changed and prints what the browser will load.
pub(crate) fn wasm(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    build(workspace, steps)?;
    Sizes::measure(workspace)?.print();
    npm(workspace, "npm", "size")
}

/// Builds npm/wasm and npm/dist, each only when something that it is made from has changed.
pub(crate) fn build(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    steps.run("wasm", "the client engine for browsers", || module(workspace))?;
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
        "xtask/src/glue.rs",
        "xtask/src/wasm.rs",
    ];
    let stamp = stamp(workspace, "wasm", paths(workspace, &sources), "npm/wasm")?;
    if stamp.is_current()? {
        return Ok(Outcome::UpToDate);
    }
    for program in ["wasm-bindgen", "wasm-opt"] {
        if workspace.program(program).is_none() {
            let (program, remedy) = (program.to_owned(), "run `cargo xtask setup`".to_owned());
            return Err(Failure::Missing { program, remedy });
        }
    }
    pack(workspace, "cowrite-client-wasm", &["--features=module"], &workspace.path("npm/wasm"))?;
    stamp.record()?;
    Ok(Outcome::Done)
}

/// Builds what `cargo xtask bench` measures of the algebra in WebAssembly, the way the package's own module is built;
/// gives its folder.
pub(crate) fn bench_module(workspace: &Workspace, steps: &mut Steps) -> Result<PathBuf, Failure> {
    let folder = workspace.target().join("bench-wasm");
    steps.run("bench-wasm", "the algebra alone as a module", || {
        let sources = paths(
            workspace,
            &["Cargo.toml", "Cargo.lock", "protocol/Cargo.toml", "protocol/src", "bench/wasm", "xtask/src/wasm.rs"],
        );
        let note = workspace.target().join("xtask/bench-wasm.stamp");
        let stamp = Stamp::of(note, &sources, folder.clone())?;
        if stamp.is_current()? {
            return Ok(Outcome::UpToDate);
        }
        pack(workspace, "cowrite-bench-wasm", &[], &folder)?;
        stamp.record()?;
        Ok(Outcome::Done)
    })?;
    Ok(folder)
}

/// A module for browsers from a crate, with its glue, as `cowrite` in `folder`.
fn pack(workspace: &Workspace, package: &str, features: &[&str], folder: &Path) -> Result<(), Failure> {
    let built = workspace.target().join(BUILT).join(package.replace('-', "_")).with_extension("wasm");
    // As a cdylib alone: with an rlib beside it, which the tests and the pages in Rust are built on,
    // cargo leaves out the optimisation across crates.
    let package = format!("--package={package}");
    let profile = ["--lib", "--crate-type=cdylib", "--profile=wasm-release", "--target", WASM_TARGET];
    let arguments = ["rustc", &package].into_iter().chain(profile).chain(features.iter().copied());
    // Between the 5 of `opt-level = "z"`, which calls for every trifle, and the 50 of "s". What the pass
    // for loops makes ready for a processor's ways of addressing, wasm has not.
    let flags = "-Cllvm-args=-inline-threshold=15 -Cllvm-args=-disable-lsr";
    Shell::new(workspace, "cargo", arguments).with("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUSTFLAGS", flags).run()?;
    let options: [&OsStr; 5] =
        ["--target=web".as_ref(), "--out-name=cowrite".as_ref(), "--out-dir".as_ref(), folder.as_ref(), built.as_ref()];
    Shell::new(workspace, "wasm-bindgen", options).run()?;
    let module = folder.join("cowrite_bg.wasm");
    let files = [module.as_os_str(), "--output".as_ref(), module.as_os_str()];
    Shell::new(workspace, "wasm-opt", WASM_OPT.iter().map(OsStr::new).chain(files)).run()?;
    number_names(folder)
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
