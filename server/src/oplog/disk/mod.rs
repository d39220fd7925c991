//! The op log on this machine's disk, the embedded default.
