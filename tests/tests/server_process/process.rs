//! The server's program, started and ended.

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::JoinHandle;

/// A folder of a test's own, gone with it.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Place {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("server-{}-{number}", std::process::id()));
        fs::create_dir_all(&place).unwrap();
        Place(place)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A folder that is left behind is found by nobody: its name is never used again.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A server that listens. Killed when dropped.
pub(crate) struct ServerProcess {
    child: Child,
    address: SocketAddr,
    log: Option<JoinHandle<String>>,
}

/// A server that ended by itself.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl ServerProcess {
    /// Starts a server in developer mode on this data; waits until it says that it listens.
    pub(crate) fn start(listen: &str, data: &Path, more: &[&str]) -> ServerProcess {
        let mut command = program();
        command.args(["--dev", "--listen", listen, "--data"]).arg(data).args(more);
        let mut child = command.spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        let mut stderr = child.stderr.take().unwrap();
        let log = std::thread::spawn(move || {
            let mut log = Vec::new();
            let _ = stderr.read_to_end(&mut log);
            String::from_utf8_lossy(&log).into_owned()
        });
        let address = line.trim().strip_prefix("listening on http://").and_then(|address| address.parse().ok());
        let Some(address) = address else {
            let _ = child.kill();
            panic!("it says {line:?}, and:\n{}", log.join().unwrap());
        };
        ServerProcess { child, address, log: Some(log) }
    }

    /// The same on a free port.
    pub(crate) fn anywhere(data: &Path, more: &[&str]) -> ServerProcess {
        ServerProcess::start("127.0.0.1:0", data, more)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn url(&self) -> String {
        format!("ws://{}/v1/socket", self.address)
    }

    /// `kill -9`, and the same again on its data and port.
    pub(crate) fn kill_and_restart(&mut self, data: &Path, more: &[&str]) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        *self = ServerProcess::start(&self.address.to_string(), data, more);
    }

    /// SIGTERM; does not wait.
    pub(crate) fn terminate(&self) {
        let killed = Command::new("kill").args(["-TERM", &self.child.id().to_string()]).status().unwrap();
        assert!(killed.success());
    }

    /// Waits for the end; gives the exit code and the log.
    pub(crate) fn wait(mut self) -> (Option<i32>, String) {
        let code = self.child.wait().unwrap().code();
        (code, self.log.take().unwrap().join().unwrap())
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server that is expected not to start, with exactly these flags.
pub(crate) fn start_in_vain(flags: &[&str]) -> Ended {
    let output = program().args(flags).output().unwrap();
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

fn program() -> Command {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    let mut command = Command::new(PROGRAM.get_or_init(build));
    // What the tests' caller has in the environment is not what they are about.
    command.env_clear().stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Builds the program: Cargo does so by itself only for tests of the program's own package.
fn build() -> PathBuf {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).parent().unwrap();
    let release = std::env::current_exe().unwrap().starts_with(target.join("release"));
    let mut build = Command::new(std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned()));
    build.args(["build", "--quiet", "--package=cowrite-server", "--manifest-path"]);
    build.arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml")).arg("--target-dir").arg(target);
    if release {
        build.arg("--release");
    }
    assert!(build.status().unwrap().success(), "the server does not build");
    target
        .join(if release { "release" } else { "debug" })
        .join(format!("cowrite-server{}", std::env::consts::EXE_SUFFIX))
}
