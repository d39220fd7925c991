//! A running program.

use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use super::output::ProgramLog;
use super::watchdog::Watchdog;

/// A child process whose output is kept. Killed and waited for when dropped, frozen or not.
#[derive(Debug)]
pub struct Process {
    child: Child,
    stdout: ProgramLog,
    log: ProgramLog,
    watchdog: Option<Watchdog>,
}

impl Process {
    /// Starts the command, with nothing to read; what it writes is kept.
    ///
    /// # Panics
    /// If the program is not there, or cannot be started.
    pub fn start(mut command: Command) -> Process {
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = match command.spawn() {
            Ok(child) => child,
            Err(error) => panic!("{} cannot be started: {error}", command.get_program().display()),
        };
        let watchdog = Some(Watchdog::over(child.id()));
        let (stdout, log) = (ProgramLog::default(), ProgramLog::default());
        stdout.collect(child.stdout.take().expect("stdout is piped"));
        log.collect(child.stderr.take().expect("stderr is piped"));
        Process { child, stdout, log, watchdog }
    }

    /// Its number in the system.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has written on stdout.
    pub fn stdout(&self) -> &ProgramLog {
        &self.stdout
    }

    /// What it has written on stderr.
    pub fn log(&self) -> &ProgramLog {
        &self.log
    }

    /// Whether it still runs; a frozen one does.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// `kill -9`, and waits until it is gone. Does nothing to one that has ended.
    pub fn kill_9(&mut self) {
        self.watchdog = None;
        // It may have ended already.
        let _ = self.child.kill();
        self.child.wait().unwrap();
    }

    /// Asks it to end (SIGTERM); does not wait.
    pub fn terminate(&self) {
        self.signal("TERM");
    }

    /// Freezes it (SIGSTOP): its sockets stay open and the system goes on taking connections and
    /// bytes for it, but it does nothing with them. Returns once it stands still.
    pub fn freeze(&self) {
        self.signal("STOP");
        self.until_state(|state| state == 'T');
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.signal("CONT");
        self.until_state(|state| state != 'T');
    }

    /// Waits for its end; gives its exit status and all that it wrote on stderr.
    ///
    /// # Panics
    /// If it has not ended within `patience`.
    pub fn wait(&mut self, patience: Duration) -> (ExitStatus, String) {
        let deadline = Instant::now() + patience;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                self.watchdog = None;
                return (status, self.log.complete(patience));
            }
            assert!(Instant::now() < deadline, "it does not end within {patience:?}:\n{}", self.log.text());
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn signal(&self, name: &str) {
        let sent = Command::new("kill").args([&format!("-{name}"), &self.pid().to_string()]).status().unwrap();
        assert!(sent.success(), "SIG{name} cannot be sent to {}", self.pid());
    }

    /// A signal works a moment after it was sent.
    fn until_state(&self, reached: impl Fn(char) -> bool) {
        let deadline = Instant::now() + Duration::from_secs(10);
        loop {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
            // The letter behind the name, which is in parentheses and may hold anything.
            let state = stat.rsplit(')').next().and_then(|rest| rest.trim_start().chars().next());
            if state.is_some_and(&reached) {
                return;
            }
            assert!(Instant::now() < deadline, "process {} stays in state {state:?}", self.pid());
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.watchdog = None;
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::Duration;

    use super::Process;

    fn sh(script: &str) -> Process {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        Process::start(command)
    }

    #[test]
    fn what_it_writes_is_kept() {
        let mut process = sh("echo one; echo two >&2; exit 3");
        let (status, log) = process.wait(Duration::from_secs(10));
        assert_eq!(status.code(), Some(3));
        assert_eq!(log, "two");
        let first = process.stdout().wait_for(Duration::from_secs(10), |line| (line == "one").then_some(()));
        assert_eq!(first, Some(()));
    }

    #[test]
    fn a_frozen_process_does_nothing_until_it_is_thawed() {
        let mut process = sh("trap 'exit 0' TERM; echo ready; while :; do sleep 0.01; done");
        process.stdout().wait_for(Duration::from_secs(10), |line| (line == "ready").then_some(())).unwrap();
        process.freeze();
        process.terminate();
        assert!(process.is_running());
        process.thaw();
        let (status, _) = process.wait(Duration::from_secs(10));
        assert_eq!(status.code(), Some(0));
    }

    #[test]
    fn a_frozen_process_can_be_killed() {
        let mut process = sh("echo ready; while :; do sleep 0.01; done");
        process.stdout().wait_for(Duration::from_secs(10), |line| (line == "ready").then_some(())).unwrap();
        process.freeze();
        process.kill_9();
        assert!(!process.is_running());
    }
}
