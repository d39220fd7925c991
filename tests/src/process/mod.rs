//! Programs that a test starts, and the folders and ports that they get.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod output;
mod place;
mod port;
mod program;
mod small_disk;
mod wall_clock;
mod watchdog;

pub use output::ProgramLog;
pub(crate) use place::profile_folder;
pub use place::{Place, target_folder};
pub use port::{free_port, listen_anywhere};
pub use program::Process;
pub use small_disk::SmallDisk;
pub use wall_clock::WallClock;
