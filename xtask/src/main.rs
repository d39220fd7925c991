//! The project's own commands, started as `cargo xtask …`.
//!
//! They install what a fresh machine lacks, build the npm package, serve the demo and run every
//! test. What CI runs is what a developer runs: `.ci/run` only calls `cargo xtask test`.

mod arguments;
mod bench;
mod changelog;
mod demo;
mod docs;
mod failure;
mod faults;
mod fuzz;
mod glue;
mod model;
mod mutations;
mod rust_pages;
mod setup;
mod shell;
mod size;
mod soak;
mod stamp;
mod step;
mod test;
mod test_programs;
mod tool;
mod upgrade;
mod vectors;
mod wasm;
mod workspace;

use std::env;
use std::process::ExitCode;

use arguments::Arguments;
use failure::Failure;
use setup::{Scope, setup};
use step::Steps;
use workspace::Workspace;

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("\nxtask: {failure}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> Result<(), Failure> {
    let arguments = Arguments::parse(env::args().skip(1))?;
    let workspace = Workspace::find()?;
    match arguments {
        Arguments::Setup { tests } => {
            let scope = if tests { Scope::Tests } else { Scope::Build };
            let mut steps = Steps::new();
            setup(&workspace, scope, &mut steps)?;
            steps.print_table();
        }
        Arguments::Wasm => wasm::wasm(&workspace, &mut Steps::new())?,
        Arguments::Demo { port, data } => demo::demo(&workspace, port, data)?,
        Arguments::Test { only } => test::test(&workspace, only.as_deref())?,
        Arguments::Vectors { words } => vectors::vectors(&workspace, words)?,
        Arguments::Faults { words } => faults::faults(&workspace, words)?,
        Arguments::UpgradeGolden => upgrade::golden(&workspace)?,
        Arguments::Fuzz { words } => fuzz::fuzz(&workspace, &words)?,
        Arguments::Model => model::model(&workspace)?,
        Arguments::Docs => docs::docs(&workspace)?,
        Arguments::Bench { words } => bench::beside(&workspace, &words)?,
        Arguments::BenchBrowser { program, options } => bench::browser(&workspace, program.as_deref(), &options)?,
        Arguments::Soak { minutes } => soak::soak(&workspace, minutes)?,
        Arguments::Mutations { names, runs } => mutations::mutations(&workspace, &names, runs)?,
        Arguments::Changelog => changelog::changelog(&workspace)?,
        Arguments::Help => println!("{}", arguments::USAGE),
    }
    Ok(())
}
