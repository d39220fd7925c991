//! Where a test's files lie.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A folder of a test's own below the target folder, gone with it.
#[derive(Debug)]
pub struct Place(PathBuf);

impl Place {
    /// Makes one that nobody else has.
    ///
    /// # Panics
    /// If it cannot be made.
    pub fn new() -> Place {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let place = target_folder().join("tmp").join(format!("place-{}-{number}", std::process::id()));
        // Of another process that had this one's number and was not let end in peace.
        let _ = fs::remove_dir_all(&place);
        fs::create_dir_all(&place).unwrap();
        Place(place)
    }

    /// A file or folder in it.
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The folder itself.
    pub fn folder(&self) -> &Path {
        &self.0
    }
}

impl Default for Place {
    fn default() -> Place {
        Place::new()
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // A folder that is left behind harms nobody: the next of that name is made anew.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Cargo's target folder, known by where the running test lies in it.
///
/// # Panics
/// If the running program was not built by Cargo.
pub fn target_folder() -> PathBuf {
    profile_folder().parent().expect("a profile's folder lies in the target folder").to_owned()
}

/// The folder of the profile that the running test was built with, such as `target/debug`.
pub(crate) fn profile_folder() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let folder = test.parent().expect("a program lies in a folder");
    // Tests lie one deeper than programs.
    let below = folder.ends_with("deps") || folder.ends_with("examples");
    if below { folder.parent().expect("it lies in a profile's folder").to_owned() } else { folder.to_owned() }
}
