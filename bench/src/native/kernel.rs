//! What the kernel counts of a process.

use std::fs;

/// Milliseconds of processor time used so far by these processes together, user and system, as the scheduler counts
/// it: to the nanosecond. Threads that have ended are not in it.
pub(super) fn cpu_ms(pids: &[u32]) -> f64 {
    let mut nanoseconds = 0_u64;
    for pid in pids {
        for task in fs::read_dir(format!("/proc/{pid}/task")).expect("the process runs") {
            // A thread may end meanwhile.
            let Ok(stat) = fs::read_to_string(task.expect("a thread").path().join("schedstat")) else { continue };
            nanoseconds += stat.split_whitespace().next().and_then(|time| time.parse::<u64>().ok()).expect("a time");
        }
    }
    nanoseconds as f64 / 1e6
}

/// Resident memory in MiB: now, or `VmHWM`, at most so far.
pub(super) fn mib(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("such a line");
    let kib = line.trim_start_matches(':').split_whitespace().next().expect("a number");
    kib.parse::<f64>().expect("a number") / 1024.0
}
