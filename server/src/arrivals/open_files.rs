//! How many files the system lets this process have open.

use super::ArrivalSettings;

/// Files that are open beside connections: data, Redis, logs, and connections that are being
/// turned away.
const OTHER_FILES: u64 = 128;

/// How many files this process may have open, if the system says (on Linux it does). Reads
/// one small file; nothing of a server's work waits for it.
pub fn open_file_limit() -> Option<u64> {
    parse(&std::fs::read_to_string("/proc/self/limits").ok()?)
}

/// How many connections are taken at one time, when so many files may be open: what was
/// asked for, whatever the system says of it; otherwise the default, as far as there is room.
pub fn most_connections(asked: Option<u32>, open_files: Option<u64>) -> u32 {
    let room = open_files.map_or(u64::MAX, |files| files.saturating_sub(OTHER_FILES).max(files / 2).max(1));
    let most = u64::from(ArrivalSettings::CONNECTIONS).min(room);
    asked.unwrap_or_else(|| u32::try_from(most).unwrap_or(ArrivalSettings::CONNECTIONS))
}

fn parse(limits: &str) -> Option<u64> {
    let line = limits.lines().find_map(|line| line.strip_prefix("Max open files"))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(u64::MAX),
        soft => soft.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_is_what_counts() {
        let limits = "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024        524288      files\n";
        assert_eq!(parse(limits), Some(1_024));
        assert_eq!(parse("Max open files            unlimited  unlimited  files"), Some(u64::MAX));
        assert_eq!(parse("Max open files"), None);
        assert_eq!(parse(""), None);
    }

    #[test]
    fn the_default_leaves_room_for_other_files_and_what_was_asked_for_stands() {
        assert_eq!(most_connections(None, None), ArrivalSettings::CONNECTIONS);
        assert_eq!(most_connections(None, Some(u64::MAX)), ArrivalSettings::CONNECTIONS);
        assert_eq!(most_connections(None, Some(1_024)), 896);
        assert_eq!(most_connections(None, Some(64)), 32);
        assert_eq!(most_connections(None, Some(0)), 1);
        assert_eq!(most_connections(Some(5_000), Some(1_024)), 5_000);
    }
}
