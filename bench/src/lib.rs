//! Measurements of Cowrite, side by side with its peers.
//!
//! Nothing is measured here yet. What is known of sizes and bytes is asserted and printed
//! by tests: bytes on the wire by `cargo test -p cowrite-protocol --test wire`, what a
//! resume costs by `cargo test -p cowrite-tests --test catch_up -- --nocapture`, the size
//! of the browser's module by `cargo xtask wasm`.

#![warn(missing_docs)]
