//! The disk log on a disk that fails: crashes, damage, no room, and folders of others.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "all of it is a test")]

mod blocks;
mod crashes;
mod damage;
mod failing;
mod faulty_file;
mod folders;
mod workload;
