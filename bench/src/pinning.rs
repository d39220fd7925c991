//! Which processor core a process runs on.

use std::process::Command;

/// Keeps all threads of a process on these cores, such as `0` or `0,1`; says so if that
/// cannot be done.
pub(crate) fn pin(pid: u32, cores: &str) {
    let done = Command::new("taskset").args(["-a", "-c", "-p", cores, &pid.to_string()]).output();
    if !done.is_ok_and(|output| output.status.success()) {
        println!("  (process {pid} could not be kept on core {cores})");
    }
}
