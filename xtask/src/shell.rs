//! One command line: printed, run, and judged.

use std::env;
use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

use crate::failure::Failure;
use crate::workspace::Workspace;

/// A command to run in the clone, with the project's tools on its PATH.
#[derive(Debug)]
pub(crate) struct Shell {
    program: String,
    command: Command,
    environment: Vec<(String, String)>,
}

impl Shell {
    /// The program `name` with `arguments`, in the top folder of the clone.
    pub(crate) fn new<I, S>(workspace: &Workspace, name: impl AsRef<Path>, arguments: I) -> Self
    where
        I: IntoIterator<Item = S>,
        S: AsRef<OsStr>,
    {
        // The search for the program happens on our PATH, not on the one we were started with.
        let name = name.as_ref();
        let mut command = Command::new(workspace.program(name).as_deref().unwrap_or(name));
        command.args(arguments).current_dir(workspace.root()).env("PATH", workspace.search_path()).stdin(Stdio::null());
        if is_ci() {
            // A log is read later and elsewhere: no colours, no moving lines, and no files for a
            // second build that never comes.
            command
                .env("CARGO_TERM_COLOR", "never")
                .env("CARGO_TERM_PROGRESS_WHEN", "never")
                .env("CARGO_INCREMENTAL", "0");
        }
        // What cargo told this program about itself must not reach the builds it starts.
        for (key, _) in env::vars_os() {
            let inherited = key.to_string_lossy().into_owned();
            if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_NAME"].iter().any(|prefix| inherited.starts_with(prefix)) {
                command.env_remove(key);
            }
        }
        Self { program: name.display().to_string(), command, environment: Vec::new() }
    }

    /// Runs in another folder.
    pub(crate) fn within(mut self, folder: &Path) -> Self {
        self.command.current_dir(folder);
        self
    }

    /// Sets a variable of the environment.
    pub(crate) fn with(mut self, key: &str, value: &str) -> Self {
        self.command.env(key, value);
        self.environment.push((key.to_owned(), value.to_owned()));
        self
    }

    /// Prints the command and runs it, its output going where ours goes.
    pub(crate) fn run(mut self) -> Result<(), Failure> {
        println!("$ {}", self.line());
        let status = self.command.status().map_err(|cause| self.start(cause))?;
        self.judge(status)
    }

    /// Prints the command and becomes it, so that signals reach it and nobody is left behind.
    /// Returns only if it cannot be started.
    pub(crate) fn become_it(mut self) -> Result<(), Failure> {
        println!("$ {}", self.line());
        let cause = self.command.exec();
        Err(self.start(cause))
    }

    /// Prints the command, before something else is asked of it.
    pub(crate) fn said(self) -> Self {
        println!("$ {}", self.line());
        self
    }

    /// Runs it unseen and gives all that it printed, on both ways, whether it ends well or not.
    pub(crate) fn collect(mut self) -> (String, Result<(), Failure>) {
        match self.command.output() {
            Ok(output) => {
                let printed = [&output.stdout[..], &output.stderr[..]].concat();
                (String::from_utf8_lossy(&printed).into_owned(), self.judge(output.status))
            }
            Err(cause) => (String::new(), Err(self.start(cause))),
        }
    }

    /// Runs it unseen and gives what it printed.
    pub(crate) fn output(mut self) -> Result<String, Failure> {
        let output = self.command.stderr(Stdio::inherit()).output().map_err(|cause| self.start(cause))?;
        self.judge(output.status)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Runs it unseen; gives all that it printed, and whether it succeeded.
    pub(crate) fn capture(mut self) -> Result<(String, bool), Failure> {
        let output = self.command.output().map_err(|cause| self.start(cause))?;
        let printed = [output.stdout, output.stderr].concat();
        Ok((String::from_utf8_lossy(&printed).into_owned(), output.status.success()))
    }

    /// The command as a user could type it in the top folder, with the tools on the PATH.
    fn line(&self) -> String {
        let mut line = String::new();
        for (key, value) in &self.environment {
            line.push_str(&format!("{key}={} ", quoted(value)));
        }
        line.push_str(&self.program);
        for argument in self.command.get_args() {
            line.push(' ');
            line.push_str(&quoted(&argument.to_string_lossy()));
        }
        line
    }

    fn start(&self, cause: std::io::Error) -> Failure {
        Failure::Start { program: self.program.clone(), cause }
    }

    fn judge(&self, status: ExitStatus) -> Result<(), Failure> {
        if status.success() {
            return Ok(());
        }
        Err(Failure::Command { command: self.line(), status: status.to_string() })
    }
}

/// Whether a machine runs us and nobody reads along.
pub(crate) fn is_ci() -> bool {
    env::var_os("CI").is_some_and(|value| value == "true")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_alphanumeric() || "-_./=:,@+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn only_words_with_a_meaning_to_the_shell_are_quoted() {
        assert_eq!(quoted("--port=8080"), "--port=8080");
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), "'it'\\''s'");
        assert_eq!(quoted(""), "''");
    }
}
