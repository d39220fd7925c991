//! A time of day that a test sets.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use super::place::Place;

/// The time of day of the programs that are started with it: the machine's, and so many seconds
/// more. It steps for those that run, as when an operator sets the machine's clock; the time that
/// has passed since the machine was started, by which programs wait, goes on as it was.
///
/// It needs libfaketime, which `cargo xtask setup --tests` installs.
#[derive(Clone, Debug)]
pub struct WallClock {
    library: PathBuf,
    place: Arc<Place>,
}

impl WallClock {
    /// One that shows the machine's time.
    ///
    /// # Panics
    /// If libfaketime is not on this machine.
    pub fn new() -> WallClock {
        let library = library().expect("libfaketime is not on this machine: type `cargo xtask setup --tests`");
        let clock = WallClock { library, place: Arc::new(Place::new()) };
        clock.step(0);
        clock
    }

    /// It shows so many seconds more than the machine from now on, within a second.
    ///
    /// # Panics
    /// If its file cannot be written.
    pub fn step(&self, seconds: i64) {
        // Whole at every moment, for who reads it just then.
        let new = self.place.path("next");
        std::fs::write(&new, format!("{seconds:+}")).unwrap();
        std::fs::rename(&new, self.file()).unwrap();
    }

    /// The program that this starts has this time of day.
    pub fn give_to(&self, command: &mut Command) {
        command
            .env("LD_PRELOAD", &self.library)
            .env("FAKETIME_TIMESTAMP_FILE", self.file())
            .env("FAKETIME_CACHE_DURATION", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
    }

    fn file(&self) -> PathBuf {
        self.place.path("now")
    }
}

impl Default for WallClock {
    fn default() -> WallClock {
        WallClock::new()
    }
}

/// Where Debian puts it, whatever the machine.
fn library() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").ok()?.filter_map(|entry| Some(entry.ok()?.path()));
    let files = folders.map(|folder| folder.join("faketime/libfaketimeMT.so.1"));
    files.chain([PathBuf::from("/usr/lib/faketime/libfaketimeMT.so.1")]).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

    use super::WallClock;
    use crate::process::Process;

    #[test]
    fn a_running_program_sees_the_clock_step_and_waits_no_longer() {
        let clock = WallClock::new();
        let mut command = Command::new("sh");
        command.args(["-c", "while :; do date +%s; sleep 0.1; done"]);
        clock.give_to(&mut command);
        let start = Instant::now();
        let process = Process::start(command);
        for step in [0, 3_600, -3_600] {
            clock.step(step);
            let shown = process.stdout().wait_for(Duration::from_secs(20), |line| {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
                let ahead = line.parse::<i64>().ok()? - i64::try_from(now).unwrap();
                ((ahead - step).abs() < 30).then_some(())
            });
            assert_eq!(shown, Some(()), "it never shows {step} s more: {}", process.stdout().text());
        }
        assert!(start.elapsed() < Duration::from_secs(60));
    }
}
