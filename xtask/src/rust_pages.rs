//! The examples for Leptos and Yew, as pages.

use std::fs;
use std::path::PathBuf;

use crate::failure::Failure;
use crate::setup::WASM_TARGET;
use crate::shell::Shell;
use crate::workspace::Workspace;

/// The crates whose code runs in a browser only, so that they are looked at for wasm32 alone.
pub(crate) const RUST_PAGES: [&str; 4] =
    ["cowrite-leptos", "cowrite-yew", "cowrite-example-leptos", "cowrite-example-yew"];

/// Builds each page into a folder of its own, beside the others in the one that is given back.
pub(crate) fn build(workspace: &Workspace) -> Result<PathBuf, Failure> {
    let names = ["leptos", "yew"];
    let packages = names.map(|name| format!("--package=cowrite-example-{name}"));
    let mut arguments = vec!["build", "--target", WASM_TARGET];
    arguments.extend(packages.iter().map(String::as_str));
    Shell::new(workspace, "cargo", arguments).run()?;
    let pages = workspace.target().join("rust-pages");
    for name in names {
        let page = pages.join(name);
        fs::create_dir_all(&page).map_err(Failure::file(&page))?;
        let module = workspace.target().join(WASM_TARGET).join(format!("debug/cowrite-example-{name}.wasm"));
        let arguments = ["--target", "web", "--no-typescript", "--out-name", "page", "--out-dir"].map(AsRef::as_ref);
        let files = [page.as_os_str(), module.as_os_str()];
        Shell::new(workspace, "wasm-bindgen", arguments.into_iter().chain(files)).run()?;
        let (from, to) = (workspace.path(&format!("examples/{name}/index.html")), page.join("index.html"));
        fs::copy(&from, to).map_err(Failure::file(from))?;
    }
    Ok(pages)
}
