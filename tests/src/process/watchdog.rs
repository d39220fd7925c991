//! Nothing that a test has started outlives it, however the test ends.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

/// Kills a process when this test's own process is gone without having stopped it: a test that
/// ran into a time limit is killed itself and cleans nothing up.
#[derive(Debug)]
pub(super) struct Watchdog(Child);

impl Watchdog {
    /// Watches over the process of that number.
    pub(super) fn over(pid: u32) -> Watchdog {
        // Its stdin ends when the last one who could write to it is gone: that is this process.
        let dog = Command::new("sh")
            .args(["-c", "read -r _; kill -9 \"$0\" 2>/dev/null", &pid.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // A signal to the tests' group must not reach it.
            .process_group(0)
            .spawn()
            .unwrap();
        Watchdog(dog)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        // Called off before its process is waited for, so that it never kills a stranger that was
        // given the same number.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
