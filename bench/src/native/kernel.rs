//! What the kernel counts of a process.

use std::fs;

/// USER_HZ, which is 100 on every Linux.
const TICK_MS: u64 = 10;

/// Milliseconds of processor time, user and system, used so far.
pub(super) fn cpu_ms(pid: u32) -> u64 {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).expect("the server runs");
    // The name, in parentheses, may hold anything.
    let (_, fields) = stat.rsplit_once(')').expect("a name");
    let times = fields.split_whitespace().skip(11).take(2);
    times.map(|ticks| ticks.parse::<u64>().expect("a number")).sum::<u64>() * TICK_MS
}

/// Resident memory in MiB: now, or `VmHWM`, at most so far.
pub(super) fn mib(pid: u32, field: &str) -> f64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix(field)).expect("such a line");
    let kib = line.trim_start_matches(':').split_whitespace().next().expect("a number");
    kib.parse::<f64>().expect("a number") / 1024.0
}
