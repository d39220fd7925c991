//! Why a command of the project ended early.

use std::io;
use std::path::PathBuf;

/// Everything that can end `cargo xtask` with a non-zero exit, with what to do about it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// The arguments make no sense.
    #[error("{0}\n\n{usage}", usage = crate::arguments::USAGE)]
    Usage(String),
    /// The program was started by hand.
    #[error("start this through cargo: cargo xtask …")]
    NotUnderCargo,
    /// A program that the machine should have is missing.
    #[error("{program} is not on this machine: {remedy}")]
    Missing {
        /// Its name.
        program: String,
        /// What the user can do.
        remedy: String,
    },
    /// A program could not be started.
    #[error("cannot start {program}: {cause}")]
    Start {
        /// Its name.
        program: String,
        /// What the system said.
        cause: io::Error,
    },
    /// A program ended with an error.
    #[error("{command} ended with {status}")]
    Command {
        /// The command as the user could type it.
        command: String,
        /// Its exit code, or the signal.
        status: String,
    },
    /// A file or folder could not be read or written.
    #[error("{path}: {cause}", path = path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
    /// A part of the repository that this command needs is not there, or not as expected.
    #[error("{path}: {expected}", path = path.display())]
    Layout {
        /// Which file or folder.
        path: PathBuf,
        /// What should be there.
        expected: String,
    },
    /// The simulation did not find deliberate bugs.
    #[error("the simulation did not find {names}")]
    Survivors {
        /// Which.
        names: String,
    },
    /// The address that the demo wants is not free.
    #[error("port {port} of this machine cannot be used ({cause}); choose another with --port")]
    Port {
        /// TCP, on the loopback address.
        port: u16,
        /// What the system said.
        cause: io::Error,
    },
    /// A built file is larger than its budget.
    #[error("{name} is {actual} bytes by {encoding}, and its budget is {budget}")]
    Budget {
        /// Which file.
        name: String,
        /// How it was packed.
        encoding: &'static str,
        /// Its size, bytes.
        actual: u64,
        /// The most it may be, bytes.
        budget: u64,
    },
    /// A step of a longer command failed.
    #[error("step `{step}` failed: {cause}")]
    Step {
        /// Its name, as `--only` takes it.
        step: String,
        /// Why.
        cause: Box<Failure>,
    },
}

impl Failure {
    /// For `map_err` beside a call on one file.
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File { path, cause }
    }
}
