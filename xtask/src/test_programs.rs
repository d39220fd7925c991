//! The programs that cargo makes of tests, several of them at work at once.

use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use crate::failure::Failure;
use crate::shell::Shell;
use crate::step::seconds;
use crate::workspace::Workspace;

/// How many are at work at once. Most of them wait for a timer or for another process most of
/// their time, so there are more than the two processors that CI has.
const LANES: usize = 4;

/// What asks how long something takes while others make noise: they are run first, by themselves.
const ALONE: &[&str] = &["attacks"];

/// The longest first, so that none of them is begun when all others have ended.
const LONG: &[&str] =
    &["simulation", "crowds", "redis_trouble", "shared_state", "identity", "redis_history", "rolling", "disk_faults"];

/// Programs of tests, built and not run yet.
#[derive(Debug)]
pub(crate) struct TestPrograms {
    programs: Vec<Program>,
}

#[derive(Debug, Clone)]
struct Program {
    /// What cargo calls the target: a library's crate, or a file or folder of `tests`.
    name: String,
    executable: PathBuf,
    /// The folder of its package, in which cargo would run it.
    package: PathBuf,
}

/// One that has run, well or not.
struct Ended {
    program: Program,
    took: Duration,
    output: String,
    result: Result<(), Failure>,
}

impl TestPrograms {
    /// Builds all that `arguments` of `cargo test` select.
    pub(crate) fn build(workspace: &Workspace, arguments: &[String]) -> Result<Self, Failure> {
        let mut build = arguments.to_vec();
        build.extend(["--no-run", "--message-format=json-render-diagnostics"].map(String::from));
        let messages = Shell::new(workspace, "cargo", build).said().output()?;
        let mut programs: Vec<Program> = messages.lines().filter_map(Program::from_message).collect();
        programs.sort_by_key(|program| LONG.iter().position(|name| *name == program.name).unwrap_or(LONG.len()));
        Ok(Self { programs })
    }

    /// Runs them all; each one's output is printed when it has ended. After a failure no other is
    /// begun.
    pub(crate) fn run(self, workspace: &Workspace, environment: &[(&str, &str)]) -> Result<(), Failure> {
        let (alone, others): (Vec<_>, Vec<_>) =
            self.programs.into_iter().partition(|program| ALONE.contains(&program.name.as_str()));
        run_in(1, workspace, alone, environment)?;
        run_in(LANES, workspace, others, environment)
    }
}

impl Program {
    /// What a line of cargo's JSON says was made, if that is a program of tests.
    fn from_message(line: &str) -> Option<Self> {
        let message: serde_json::Value = serde_json::from_str(line).ok()?;
        if message["reason"] != "compiler-artifact" || message["profile"]["test"] != true {
            return None;
        }
        Some(Self {
            name: message["target"]["name"].as_str()?.to_owned(),
            executable: message["executable"].as_str()?.into(),
            package: Path::new(message["manifest_path"].as_str()?).parent()?.to_owned(),
        })
    }

    fn run(self, workspace: &Workspace, environment: &[(&str, &str)]) -> Ended {
        let start = Instant::now();
        let nothing: [&str; 0] = [];
        let shell = Shell::new(workspace, &self.executable, nothing).within(&self.package);
        let shell = environment.iter().fold(shell, |shell, (key, value)| shell.with(key, value));
        let (output, result) = shell.collect();
        Ended { program: self, took: start.elapsed(), output, result }
    }
}

impl Ended {
    fn print(&self) {
        let package = self.program.package.file_name().unwrap_or_default().to_string_lossy();
        println!("-- {} of {package}, {}", self.program.name, seconds(self.took));
        println!("{}", self.output.trim());
    }
}

fn run_in(
    lanes: usize,
    workspace: &Workspace,
    programs: Vec<Program>,
    environment: &[(&str, &str)],
) -> Result<(), Failure> {
    let waiting = Mutex::new(VecDeque::from(programs));
    let failure = Mutex::new(None);
    let lane = || {
        loop {
            let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
            let Some(program) = next else { return };
            let ended = program.run(workspace, environment);
            // Held while it prints, so that two outputs do not mix.
            let mut failure = failure.lock().unwrap_or_else(PoisonError::into_inner);
            ended.print();
            if let Err(cause) = ended.result {
                waiting.lock().unwrap_or_else(PoisonError::into_inner).clear();
                failure.get_or_insert(cause);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..lanes {
            scope.spawn(lane);
        }
    });
    failure.into_inner().unwrap_or_else(PoisonError::into_inner).map_or(Ok(()), Err)
}

#[cfg(test)]
mod tests {
    use super::Program;

    #[test]
    fn of_what_cargo_makes_only_tests_are_run() {
        let made = |test, executable: &str| {
            let target = r#""manifest_path":"/c/tests/Cargo.toml","target":{"name":"doors"}"#;
            let line = format!(
                r#"{{"reason":"compiler-artifact",{target},"profile":{{"test":{test}}},"executable":{executable}}}"#
            );
            Program::from_message(&line).map(|program| (program.name, program.executable, program.package))
        };
        assert_eq!(made(true, r#""/t/doors""#), Some(("doors".into(), "/t/doors".into(), "/c/tests".into())));
        assert_eq!(made(false, r#""/t/doors""#), None);
        assert_eq!(made(true, "null"), None);
        assert!(Program::from_message("not of cargo").is_none());
    }
}
