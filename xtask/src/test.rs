//! `cargo xtask test`: everything that CI runs, in order, to the first failure.

use std::fs;
use std::path::Path;

use crate::failure::Failure;
use crate::rust_pages::{self, RUST_PAGES};
use crate::setup::{Scope, WASM_TARGET, process_tests, setup};
use crate::shell::Shell;
use crate::size::Sizes;
use crate::step::{Outcome, Steps};
use crate::test_programs::TestPrograms;
use crate::wasm;
use crate::workspace::Workspace;

/// One thing that must hold.
struct Check {
    name: &'static str,
    what: &'static str,
    run: fn(&Workspace) -> Result<(), Failure>,
}

/// In order of cost: what fails in a second is asked first. Those that need the built package say
/// so by standing after [`PACKAGE`].
const CHECKS: &[Check] = &[
    Check { name: "fmt", what: "the formatting of Rust", run: |w| cargo(w, &["fmt", "--all", "--check"]) },
    Check {
        name: "clippy",
        what: "lints, warnings denied",
        run: |w| Shell::new(w, "cargo", outside_a_browser(&["clippy", "--all-targets"], &["--", "-Dwarnings"])).run(),
    },
    Check {
        name: "clippy-wasm",
        what: "lints of what only the browser compiles",
        run: |w| {
            let packages = browser_packages();
            let mut arguments = vec!["clippy", "--target", WASM_TARGET, "--all-targets"];
            arguments.extend(packages.iter().map(String::as_str));
            arguments.extend(["--", "-Dwarnings"]);
            cargo(w, &arguments)
        },
    },
    Check {
        name: "clippy-module",
        what: "lints of the module as it is shipped, without the standard library",
        run: |w| {
            let module = ["--package=cowrite-client-wasm", "--lib", "--features=module"];
            cargo(w, &["clippy", "--target", WASM_TARGET, module[0], module[1], module[2], "--", "-Dwarnings"])
        },
    },
    Check {
        name: "test",
        what: "unit, property, conformance, simulation and process tests, on this machine",
        run: tests,
    },
    Check {
        name: "wasm-check",
        what: "the rules and the engine need no operating system",
        run: |w| {
            let packages = ["--package=cowrite-protocol", "--package=cowrite-client"];
            cargo(w, &["check", "--target", WASM_TARGET, packages[0], packages[1]])
        },
    },
    Check { name: "wasm-test", what: "tests of the browser's module, in Chromium", run: wasm_test },
    Check { name: "doc", what: "the documentation, warnings denied", run: doc },
    Check { name: "npm-typecheck", what: "the types of the npm package", run: |w| wasm::npm(w, "npm", "typecheck") },
    Check {
        name: "reference",
        what: "everything that the npm package exports is documented, and its links lead somewhere",
        run: |w| wasm::npm(w, "npm/reference", "check"),
    },
    Check { name: "npm-test", what: "tests of the npm package, in Node.js", run: |w| wasm::npm(w, "npm", "test") },
    Check {
        name: "size",
        what: "the weight of the client, and of each entry",
        run: |w| {
            let sizes = Sizes::measure(w)?;
            sizes.print();
            sizes.check()?;
            wasm::npm(w, "npm", "size:check")
        },
    },
    Check {
        name: "browser",
        what: "two pages, one server, in Chromium",
        run: |w| {
            let pages = rust_pages::build(w)?;
            with_server_and_browser(w, "tests/browser", &[("COWRITE_RUST_PAGES", &pages.to_string_lossy())])
        },
    },
    Check {
        name: "packaging",
        what: "the package as it is published, in bundlers, Next.js, a Worker and Node.js",
        run: |w| with_server_and_browser(w, "tests/packaging", &[]),
    },
];

/// Which program of the server the tests start.
const SERVER: &str = "COWRITE_SERVER";

/// The first check that needs the npm package; it is built just before.
const PACKAGE: &str = "npm-typecheck";

/// Installs what is missing and runs every check; with `only`, that one alone and no set-up.
pub(crate) fn test(workspace: &Workspace, only: Option<&str>) -> Result<(), Failure> {
    let mut steps = Steps::new();
    let ended = match only {
        Some("list") => {
            for check in CHECKS {
                println!("{:14} {}", check.name, check.what);
            }
            return Ok(());
        }
        Some(name) => single(workspace, name, &mut steps),
        None => all(workspace, &mut steps),
    };
    steps.print_table();
    steps.print_count();
    ended
}

fn all(workspace: &Workspace, steps: &mut Steps) -> Result<(), Failure> {
    setup(workspace, Scope::Tests, steps)?;
    for check in CHECKS {
        if check.name == PACKAGE {
            wasm::build(workspace, steps)?;
        }
        run(workspace, check, steps)?;
    }
    Ok(())
}

fn single(workspace: &Workspace, name: &str, steps: &mut Steps) -> Result<(), Failure> {
    let position = |name: &str| CHECKS.iter().position(|check| check.name == name);
    let Some(chosen) = position(name) else {
        return Err(Failure::Usage(format!("there is no step `{name}`; `cargo xtask test --only list` names them")));
    };
    if Some(chosen) >= position(PACKAGE) {
        wasm::build(workspace, steps)?;
    }
    run(workspace, &CHECKS[chosen], steps)
}

fn run(workspace: &Workspace, check: &Check, steps: &mut Steps) -> Result<(), Failure> {
    steps.run(check.name, check.what, || (check.run)(workspace).map(|()| Outcome::Done))
}

fn cargo(workspace: &Workspace, arguments: &[&str]) -> Result<(), Failure> {
    Shell::new(workspace, "cargo", arguments).run()
}

/// A command of cargo for every package but those that live in a browser only: their many
/// dependencies would be built a second time, for a machine on which they do nothing.
fn outside_a_browser(command: &[&str], last: &[&str]) -> Vec<String> {
    let excluded = RUST_PAGES.map(|package| format!("--exclude={package}"));
    let selected = ["--workspace", "--features=cowrite-client-wasm/front"].map(String::from);
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    [words(command), selected.to_vec(), excluded.to_vec(), words(last)].concat()
}

fn tests(workspace: &Workspace) -> Result<(), Failure> {
    // Also when this step alone is asked for, which sets nothing else up.
    process_tests(workspace)?;
    let programs = TestPrograms::build(workspace, &outside_a_browser(&["test"], &[]))?;
    programs.run(workspace, &[(SERVER, &server_program(workspace))])?;
    Shell::new(workspace, "cargo", outside_a_browser(&["test", "--doc"], &[])).run()
}

/// Builds the server together with the tests' programs, which the test of its own brings about: for
/// any other selection cargo would choose other features for what it is made of, and build all of
/// that once more.
fn server(workspace: &Workspace) -> Result<String, Failure> {
    TestPrograms::build(workspace, &outside_a_browser(&["test"], &[]))?;
    Ok(server_program(workspace))
}

fn server_program(workspace: &Workspace) -> String {
    workspace.target().join("debug/cowrite-server").to_string_lossy().into_owned()
}

fn browser_packages() -> Vec<String> {
    let packages = ["cowrite-client-wasm"].into_iter().chain(RUST_PAGES);
    packages.map(|package| format!("--package={package}")).collect()
}

fn doc(workspace: &Workspace) -> Result<(), Failure> {
    let excluded = RUST_PAGES.into_iter().chain(["cowrite-client-wasm"]).map(|package| format!("--exclude={package}"));
    let everywhere = ["doc", "--no-deps", "--workspace"].map(String::from).into_iter().chain(excluded);
    let in_a_browser =
        ["doc", "--no-deps", "--target", WASM_TARGET].map(String::from).into_iter().chain(browser_packages());
    Shell::new(workspace, "cargo", everywhere).with("RUSTDOCFLAGS", "-Dwarnings").run()?;
    Shell::new(workspace, "cargo", in_a_browser).with("RUSTDOCFLAGS", "-Dwarnings").run()
}

fn wasm_test(workspace: &Workspace) -> Result<(), Failure> {
    // Without a single test the runner is content, and we must not be.
    let folder = workspace.path("client-wasm");
    if !mentions(&folder, "#[wasm_bindgen_test]")? {
        return Err(Failure::Layout { path: folder, expected: "no #[wasm_bindgen_test] in it".to_owned() });
    }
    let driver = program(workspace, "chromedriver")?;
    let runner = program(workspace, "wasm-bindgen-test-runner")?;
    let options = workspace.path("xtask/chromium.json");
    let package = "--package=cowrite-client-wasm";
    Shell::new(workspace, "cargo", ["test", "--target", WASM_TARGET, package])
        .with("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_RUNNER", &runner)
        .with("CHROMEDRIVER", &driver)
        // A browser that talks to nobody but the test.
        .with("WASM_BINDGEN_TEST_WEBDRIVER_JSON", &options.to_string_lossy())
        // Seconds, for the whole run: a busy machine may need a while to start the browser.
        .with("WASM_BINDGEN_TEST_TIMEOUT", "120")
        .run()
}

fn with_server_and_browser(workspace: &Workspace, folder: &str, more: &[(&str, &str)]) -> Result<(), Failure> {
    let server = server(workspace)?;
    let chromium = program(workspace, "chromium")?;
    let test = Shell::new(workspace, "npm", ["--prefix", folder, "run", "test"])
        .with(SERVER, &server)
        .with("COWRITE_CHROMIUM", &chromium);
    more.iter().fold(test, |test, (name, value)| test.with(name, value)).run()
}

fn program(workspace: &Workspace, name: &str) -> Result<String, Failure> {
    let found = workspace.program(name).ok_or_else(|| Failure::Missing {
        program: name.to_owned(),
        remedy: "run `cargo xtask setup --tests`".to_owned(),
    })?;
    Ok(found.to_string_lossy().into_owned())
}

/// Whether a Rust file in or below `folder` contains `text`.
fn mentions(folder: &Path, text: &str) -> Result<bool, Failure> {
    for entry in fs::read_dir(folder).map_err(Failure::file(folder))? {
        let path = entry.map_err(Failure::file(folder))?.path();
        let found = if path.is_dir() {
            mentions(&path, text)?
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            fs::read_to_string(&path).map_err(Failure::file(&path))?.contains(text)
        } else {
            false
        };
        if found {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::{CHECKS, PACKAGE};

    #[test]
    fn every_step_has_a_name_of_its_own() {
        let mut names: Vec<&str> = CHECKS.iter().map(|check| check.name).collect();
        assert!(names.contains(&PACKAGE));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), CHECKS.len());
    }
}
