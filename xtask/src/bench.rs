//! `cargo xtask bench` and `cargo xtask bench-browser`: Cowrite measured beside its peers.

use crate::failure::Failure;
use crate::setup::{Scope, browser_program, npm_packages, process_tests, setup};
use crate::shell::Shell;
use crate::step::{Outcome, Steps};
use crate::wasm;
use crate::workspace::Workspace;

/// The servers and libraries beside ours, and the program that measures them all.
const PEERS: &str = "bench/peers";
/// What is measured in a page.
const FOLDER: &str = "bench/browser";
const PROGRAMS: [&str; 2] = ["keystrokes", "carets"];

/// Builds what is measured and hands these words on: parts, and options. A list needs nothing built.
pub(crate) fn beside(workspace: &Workspace, words: &[String]) -> Result<(), Failure> {
    let main = format!("{PEERS}/main.mjs");
    let words = std::iter::once(main).chain(words.iter().cloned()).collect::<Vec<_>>();
    let built = |name: &str| workspace.target().join(name).to_string_lossy().into_owned();
    if words.iter().any(|word| word == "--list" || word == "--summary") {
        return Shell::new(workspace, "node", words).with("COWRITE_BENCH_FOLDER", &built("bench")).run();
    }
    let mut steps = Steps::new();
    setup(workspace, Scope::Build, &mut steps)?;
    steps.run("setup-redis", "redis-server, which some rows have their log in", || process_tests(workspace))?;
    steps.run("setup-browser", "Chromium, which some rows are measured in", || browser_program(workspace))?;
    steps.run("setup-peers", "the peers, as packages of npm", || npm_packages(workspace, PEERS))?;
    steps.run("setup-bench", "what bundles a page and drives a browser", || npm_packages(workspace, FOLDER))?;
    wasm::build(workspace, &mut steps)?;
    let module = wasm::bench_module(workspace, &mut steps)?;
    steps.run("programs", "the server and what measures, as they are shipped", || {
        let packages = ["build", "--profile=dist", "-p", "cowrite-server", "-p", "cowrite-bench"];
        let features = ["--features", "cowrite-bench/peers"];
        Shell::new(workspace, "cargo", packages.into_iter().chain(features)).run()?;
        Ok(Outcome::Done)
    })?;
    Shell::new(workspace, "node", words)
        .with("COWRITE_BENCH_WASM", &module.to_string_lossy())
        .with("COWRITE_SERVER", &built("dist/cowrite-server"))
        .with("COWRITE_BENCH", &built("dist/cowrite-bench"))
        .with("COWRITE_BENCH_FOLDER", &built("bench"))
        .run()
}

/// Builds what is measured and runs the programs, or that one alone.
pub(crate) fn browser(workspace: &Workspace, program: Option<&str>, options: &[String]) -> Result<(), Failure> {
    let mut steps = Steps::new();
    setup(workspace, Scope::Tests, &mut steps)?;
    steps.run("setup-bench", "the peers and their editors", || npm_packages(workspace, FOLDER))?;
    wasm::build(workspace, &mut steps)?;
    steps.run("server", "the server, as it is shipped", || {
        Shell::new(workspace, "cargo", ["build", "--profile=dist", "-p", "cowrite-server"]).run()?;
        Ok(Outcome::Done)
    })?;
    let server = workspace.target().join("dist/cowrite-server");
    for name in PROGRAMS.into_iter().filter(|name| program.is_none_or(|program| program == *name)) {
        let mut words = vec![format!("{FOLDER}/{name}.mjs")];
        words.extend_from_slice(options);
        Shell::new(workspace, "node", words).with("COWRITE_SERVER", &server.to_string_lossy()).run()?;
    }
    Ok(())
}
