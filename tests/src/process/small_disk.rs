//! A disk that is soon full.

use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use super::place::Place;
use super::program::Process;

/// What fills it is written in pieces of this size, and smaller ones at the end.
const PIECE: usize = 64 << 10;

/// A file system of a certain size, really bounded: a tmpfs. It is seen by nobody but who knows its
/// path, needs no rights of root, and is gone with this, however the test ends.
///
/// It is mounted in a mount namespace of its own, which a process of ours keeps: that must be
/// allowed (`unshare --user --map-root-user --mount`), or it cannot be made.
#[derive(Debug)]
pub struct SmallDisk {
    keeper: Process,
    place: Place,
}

impl SmallDisk {
    /// An empty one of so many bytes.
    ///
    /// # Panics
    /// If this machine does not allow it; the message says why.
    pub fn new(bytes: u64) -> SmallDisk {
        let place = Place::new();
        let mut command = Command::new("unshare");
        command.args(["--user", "--map-root-user", "--mount", "sh", "-c"]);
        command.arg("mount -t tmpfs -o size=\"$1\" tmpfs \"$0\" && echo mounted && exec sleep infinity");
        command.arg(place.folder()).arg(bytes.to_string());
        let keeper = Process::start(command);
        let mounted = keeper.stdout().wait_for(Duration::from_secs(20), |line| (line == "mounted").then_some(()));
        assert!(
            mounted.is_some(),
            "a bounded disk cannot be had here: user namespaces must be allowed: {}",
            keeper.log().text()
        );
        SmallDisk { keeper, place }
    }

    /// A file or folder on it, as any program of this user finds it.
    pub fn path(&self, name: &str) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.pid()));
        let folder = self.place.folder().strip_prefix("/").expect("a test's place is an absolute path");
        root.join(folder).join(name)
    }

    /// Fills it to the last byte: who writes gets ENOSPC.
    ///
    /// # Panics
    /// If something else goes wrong.
    pub fn fill(&self) {
        let mut ballast = File::options().create(true).append(true).open(self.ballast()).unwrap();
        let mut piece = PIECE;
        while piece > 0 {
            match ballast.write(&vec![0; piece]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => piece /= 2,
                Err(error) => panic!("the small disk cannot be filled: {error}"),
            }
        }
    }

    /// There is room again.
    ///
    /// # Panics
    /// If what fills it cannot be removed.
    pub fn free(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.path("ballast")
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::ErrorKind;

    use super::SmallDisk;

    #[test]
    fn a_full_disk_takes_nothing_until_there_is_room() {
        let disk = SmallDisk::new(1 << 20);
        fs::write(disk.path("before"), [1; 5_000]).unwrap();
        disk.fill();
        let error = fs::write(disk.path("more"), [1; 5_000]).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::StorageFull);
        assert_eq!(fs::read(disk.path("before")).unwrap(), [1; 5_000]);
        disk.free();
        fs::write(disk.path("more"), [1; 5_000]).unwrap();
    }
}
