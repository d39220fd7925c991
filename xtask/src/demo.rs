//! `cargo xtask demo`: from a fresh clone to a page that two people can edit.

use std::ffi::OsString;
use std::fs;
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::setup::{Scope, setup};
use crate::shell::Shell;
use crate::step::{Outcome, Steps, seconds};
use crate::wasm;
use crate::workspace::Workspace;

/// Builds everything and becomes the server; returns only if that fails.
pub(crate) fn demo(workspace: &Workspace, port: u16, data: Option<PathBuf>) -> Result<(), Failure> {
    // Asked first: a wait of minutes must not end with "address in use".
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).map_err(|cause| Failure::Port { port, cause })?;
    let data = data.unwrap_or_else(|| workspace.path("data/demo"));
    fs::create_dir_all(&data).map_err(Failure::file(&data))?;

    let mut steps = Steps::new();
    setup(workspace, Scope::Build, &mut steps)?;
    wasm::wasm(workspace, &mut steps)?;
    steps.run("editors", "the editors of the demo, as modules", || wasm::demo_editors(workspace))?;
    steps.run("server", "the server, optimised", || {
        Shell::new(workspace, "cargo", ["build", "--release", "-p", "cowrite-server"]).run()?;
        Ok(Outcome::Done)
    })?;
    steps.print_table();

    println!("\nready after {}", seconds(steps.elapsed()));
    println!("documents are kept in {}", data.display());
    println!("open http://localhost:{port} in two windows; Ctrl-C stops the server\n");
    let server = workspace.target().join("release/cowrite-server");
    Shell::new(workspace, server, arguments(workspace, port, &data)).become_it()
}

/// The flags of the server for a page without accounts, on the loopback address.
fn arguments(workspace: &Workspace, port: u16, data: &Path) -> Vec<OsString> {
    vec![
        "--dev".into(),
        "--listen".into(),
        format!("{}:{port}", Ipv4Addr::LOCALHOST).into(),
        "--data".into(),
        data.into(),
        "--static".into(),
        workspace.path("examples/demo").into(),
        "--package".into(),
        workspace.path("npm/dist").into(),
    ]
}
