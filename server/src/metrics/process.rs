//! What the system knows of this process.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

/// The process as the system sees it, where it says (`/proc`, on Linux); what it does not say is
/// `None`, and not on the page.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct ProcessSample {
    /// Bytes of memory that it holds.
    pub resident_bytes: Option<u64>,
    /// Files and sockets that it has open.
    pub open_fds: Option<u64>,
    /// How many it may have open.
    pub max_fds: Option<u64>,
    /// Seconds of processor time that it has used.
    pub cpu_seconds: Option<f64>,
}

/// What Linux counts processor time in for programs, whatever it does inside.
const TICKS_A_SECOND: f64 = 100.0;

impl ProcessSample {
    /// Now. Cost: a few small reads of memory that the system keeps, some 50 µs; with an older Linux
    /// (before 6.2) some microseconds more for every file that is open.
    pub fn take() -> ProcessSample {
        let read = |name: &str| fs::read_to_string(format!("/proc/self/{name}")).ok();
        ProcessSample {
            resident_bytes: read("status").as_deref().and_then(resident_bytes),
            open_fds: open_fds(),
            max_fds: read("limits").as_deref().and_then(max_fds),
            cpu_seconds: read("stat").as_deref().and_then(cpu_seconds),
        }
    }
}

/// The time of day, in seconds since 1970.
pub fn unix_seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

fn resident_bytes(status: &str) -> Option<u64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some(line.split_whitespace().next()?.parse::<u64>().ok()? * 1024)
}

fn max_fds(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    line.split_whitespace().next()?.parse().ok()
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // Behind the name, which is in parentheses and may hold anything, comes the third field.
    let mut fields = stat.rsplit(')').next()?.split_whitespace();
    let user: f64 = fields.nth(11)?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS_A_SECOND)
}

fn open_fds() -> Option<u64> {
    let folder = "/proc/self/fd";
    match fs::metadata(folder).ok()?.len() {
        // An older system does not say; the one that is counted besides is the folder itself.
        0 => Some((fs::read_dir(folder).ok()?.count() as u64).saturating_sub(1)),
        count => Some(count),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_texts_of_the_system_are_understood() {
        assert_eq!(resident_bytes("Name:\tx\nVmRSS:\t  123 kB\nThreads:\t1\n"), Some(123 << 10));
        assert_eq!(
            max_fds("Max processes  7 7 processes\nMax open files            1024     4096  files\n"),
            Some(1_024)
        );
        let stat = "1 (a) b) S 1 1 1 0 -1 4194560 10 20 30 40 250 50 0 0 20 0 9 0 77";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!((resident_bytes(""), max_fds("x"), cpu_seconds("")), (None, None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_seen() {
        let before = ProcessSample::take();
        let more: Vec<_> = (0..10).map(|_| fs::File::open("/proc/self/status").unwrap()).collect();
        let after = ProcessSample::take();
        assert!(after.resident_bytes > Some(1 << 20), "{after:?}");
        assert!(after.open_fds >= Some(10) && after.open_fds <= after.max_fds, "{before:?} {after:?}");
        drop(more);
    }
}
