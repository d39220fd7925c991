//! What a fuzzer runs: each function takes any bytes, does with the product what they say, and panics
//! if something does not hold.
//!
//! `fuzz/` gives them to libFuzzer (`cargo xtask fuzz`). The normal test run gives them the committed
//! corpus and seeded mutations of it, so they are never stale.

mod choices;
mod codec;
mod disk_log;
mod engine;
mod laid;
mod memory_file;
mod operations;
mod room;
mod say;
#[cfg(test)]
mod tests;

pub use codec::codec;
pub use disk_log::disk_log;
pub use engine::engine;
pub use operations::operations;
pub use room::room;

/// A target: any bytes are its input.
pub type Target = fn(&[u8]);

/// All targets by the names of their programs and of their folders in the corpus.
pub const TARGETS: [(&str, Target); 5] =
    [("codec", codec), ("operations", operations), ("engine", engine), ("room", room), ("disk_log", disk_log)];
