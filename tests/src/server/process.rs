//! One server process.

use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use super::build::{program, program_with_open_files};
use super::http::{Answer, Metrics, get};
use super::token::SECRET;
use crate::process::{Process, WallClock, free_port};

/// Nothing takes a server that long, unless it never comes.
const PATIENCE: Duration = Duration::from_secs(20);

/// A server that listens. Killed when dropped.
#[derive(Debug)]
pub struct ServerProcess {
    process: Process,
    address: SocketAddr,
    door: Door,
    flags: Vec<String>,
    clock: Option<WallClock>,
}

/// Whose word a server takes for who a user is.
#[derive(Clone, Copy, Debug)]
enum Door {
    /// Everybody's.
    Developer,
    /// Everybody's, at a server that may have so many files open.
    ShortOfFiles(u32),
    /// That of who knows the tests' secret.
    Tokens,
    /// What its flags say.
    AsFlagged,
}

/// A server that ended by itself.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// All that it wrote there.
    pub stdout: String,
    /// All that it wrote there.
    pub stderr: String,
}

impl ServerProcess {
    /// Starts one with these flags on a port of its own, in developer mode; waits until it says
    /// that it listens.
    ///
    /// # Panics
    /// If it does not; the message has its log.
    pub fn with_flags(flags: &[&str]) -> ServerProcess {
        ServerProcess::anywhere([127, 0, 0, 1], Door::Developer, flags)
    }

    /// One that believes the tokens of [`mint`](super::mint), and is in no developer mode.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn with_tokens(flags: &[&str]) -> ServerProcess {
        ServerProcess::anywhere([127, 0, 0, 1], Door::Tokens, flags)
    }

    /// The same, where a test sets the time of day.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn with_tokens_and_clock(clock: &WallClock, flags: &[&str]) -> ServerProcess {
        ServerProcess::somewhere([127, 0, 0, 1], Door::Tokens, Some(clock), flags)
    }

    /// One whose front door is what these flags say.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn with_front_door(flags: &[&str]) -> ServerProcess {
        ServerProcess::anywhere([127, 0, 0, 1], Door::AsFlagged, flags)
    }

    /// One that keeps its documents in this folder.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn on_disk(data: &Path, more: &[&str]) -> ServerProcess {
        let data = data.to_str().expect("paths of tests are plain");
        ServerProcess::with_flags(&[&["--data", data], more].concat())
    }

    /// One on the Redis of this address, such as `redis://127.0.0.1:6379`.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn on_redis(url: &str, more: &[&str]) -> ServerProcess {
        ServerProcess::with_flags(&[&["--redis", url], more].concat())
    }

    /// One whose time of day a test sets.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn with_wall_clock(clock: &WallClock, flags: &[&str]) -> ServerProcess {
        ServerProcess::somewhere([127, 0, 0, 1], Door::Developer, Some(clock), flags)
    }

    /// One that may have so many files open.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn with_open_files(open_files: u32, flags: &[&str]) -> ServerProcess {
        ServerProcess::anywhere([127, 0, 0, 1], Door::ShortOfFiles(open_files), flags)
    }

    /// One that listens on 0.0.0.0, as in a container.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn on_any_address(flags: &[&str]) -> ServerProcess {
        ServerProcess::anywhere([0, 0, 0, 0], Door::Developer, flags)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The address for clients.
    pub fn url(&self) -> String {
        format!("ws://{}/v1/socket", self.address)
    }

    /// The process, for what is not offered here.
    pub fn process(&mut self) -> &mut Process {
        &mut self.process
    }

    /// Its resident memory in bytes, as the system counts it.
    ///
    /// # Panics
    /// If it does not run.
    pub fn resident_bytes(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a running process has memory");
        let kib: u64 = line.trim().trim_end_matches(" kB").parse().unwrap();
        kib << 10
    }

    /// All that it has written since it was started last.
    pub fn log(&self) -> String {
        self.process.log().text()
    }

    /// The first log line with all of these words, once it has written one: a server writes its lines beside its work.
    ///
    /// # Panics
    /// If none comes within ten seconds.
    pub fn logs(&self, words: &[&str]) -> String {
        let has_all = |line: &str| words.iter().all(|word| line.contains(word)).then(|| line.to_owned());
        let line = self.process.log().wait_for(Duration::from_secs(10), has_all);
        line.unwrap_or_else(|| panic!("no line has {words:?}:\n{}", self.log()))
    }

    /// `kill -9`; waits until it is gone.
    pub fn kill_9(&mut self) {
        self.process.kill_9();
    }

    /// Starts it again, on its port, with its flags; kills it before if it still runs.
    ///
    /// # Panics
    /// As [`ServerProcess::with_flags`].
    pub fn restart(&mut self) {
        self.try_restart().unwrap_or_else(|log| panic!("{log}"));
    }

    /// As [`ServerProcess::restart`], where it may not be able to start now.
    ///
    /// # Errors
    /// Its log, if it does not listen. Then it can be tried again.
    pub fn try_restart(&mut self) -> Result<(), String> {
        self.process.kill_9();
        *self = ServerProcess::launch(self.address, self.door, self.clock.clone(), self.flags.clone())?;
        Ok(())
    }

    /// Asks it to go down (SIGTERM); does not wait.
    pub fn terminate(&self) {
        self.process.terminate();
    }

    /// Freezes it (SIGSTOP).
    pub fn freeze(&self) {
        self.process.freeze();
    }

    /// Lets it go on (SIGCONT).
    pub fn thaw(&self) {
        self.process.thaw();
    }

    /// Waits for its end; gives the exit code and the log.
    ///
    /// # Panics
    /// If it does not end within 20 s.
    pub fn wait(&mut self) -> (Option<i32>, String) {
        let (status, log) = self.process.wait(PATIENCE);
        (status.code(), log)
    }

    /// `GET path`; `None` if nobody answers within 5 s.
    pub async fn get(&self, path: &str) -> Option<Answer> {
        get(self.address, path).await
    }

    /// Whether `/readyz` says so now.
    pub async fn is_ready(&self) -> bool {
        self.get("/readyz").await.is_some_and(|answer| answer.status == 200)
    }

    /// Waits until `/readyz` says `ready`, or the contrary.
    ///
    /// # Panics
    /// If it does not within `patience`; the message has its log.
    pub async fn until_ready(&self, ready: bool, patience: Duration) {
        let deadline = Instant::now() + patience;
        while self.is_ready().await != ready {
            assert!(Instant::now() < deadline, "never ready = {ready} within {patience:?}:\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// What `/metrics` says now.
    ///
    /// # Panics
    /// If it does not answer.
    pub async fn metrics(&self) -> Metrics {
        let answer = self.get("/metrics").await.expect("/metrics is answered");
        assert_eq!(answer.status, 200, "{}", answer.body);
        Metrics::parse(&answer.body)
    }

    fn anywhere(ip: [u8; 4], door: Door, flags: &[&str]) -> ServerProcess {
        ServerProcess::somewhere(ip, door, None, flags)
    }

    fn somewhere(ip: [u8; 4], door: Door, clock: Option<&WallClock>, flags: &[&str]) -> ServerProcess {
        loop {
            let flags = flags.iter().map(|&flag| flag.to_owned()).collect();
            match ServerProcess::launch(SocketAddr::from((ip, free_port())), door, clock.cloned(), flags) {
                Ok(server) => return server,
                // Somebody else was faster; another port will do.
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => panic!("{log}"),
            }
        }
    }

    /// The log, if it does not listen.
    fn launch(
        address: SocketAddr,
        door: Door,
        clock: Option<WallClock>,
        flags: Vec<String>,
    ) -> Result<ServerProcess, String> {
        let mut command = match door {
            Door::ShortOfFiles(most) => program_with_open_files(most),
            _ => program(),
        };
        match door {
            Door::Developer | Door::ShortOfFiles(_) => drop(command.arg("--dev")),
            Door::Tokens => drop(command.env("COWRITE_JWT_SECRET", SECRET)),
            Door::AsFlagged => {}
        }
        if let Some(clock) = &clock {
            clock.give_to(&mut command);
        }
        command.args(["--listen", &address.to_string()]).args(&flags);
        let process = Process::start(command);
        let said = process.stdout().wait_for(PATIENCE, |line| {
            let address = line.strip_prefix("listening on http://")?;
            address.trim().parse::<SocketAddr>().ok()
        });
        let Some(address) = said else {
            return Err(format!("a server with {flags:?} does not listen:\n{}", process.log().text()));
        };
        Ok(ServerProcess { process, address, door, flags, clock })
    }
}

/// Starts a server that is expected not to start, with exactly these flags.
///
/// # Panics
/// If the program cannot be run, or does not end within 20 s.
pub fn start_in_vain(flags: &[&str]) -> Ended {
    let mut command = program();
    command.args(flags);
    let mut process = Process::start(command);
    let (status, stderr) = process.wait(PATIENCE);
    Ended { code: status.code(), stdout: process.stdout().complete(PATIENCE), stderr }
}
