//! The browser around the client engine of Cowrite.
//!
//! [`WasmClient`] is the whole face towards JavaScript: one client, one socket, any
//! number of documents by small handles. It owns the WebSocket, the timers and the
//! wake-ups, and tells everything as JSON text to one function of the host. The text of
//! errors and all that is pleasant to use lives in the npm package; here are codes.
//!
//! Works wherever `WebSocket`, `performance` and `setTimeout` are: in a page, in a
//! Worker, and in Node.js (where `globalThis.WebSocket` may have to be set first).
//!
//! With the feature `module` it is what the package ships: a module that stands alone,
//! without the standard library. Without it, other programs and tests can be built on it.
//!
//! With the feature `front` there is a face towards programs in Rust: `front`. Without
//! the feature `javascript`, which is there by default, the class and its allocator are left out.

#![cfg_attr(all(feature = "module", target_family = "wasm"), no_std)]
#![warn(missing_docs)]
#![cfg_attr(not(feature = "javascript"), allow(dead_code, reason = "what only JavaScript calls"))]

extern crate alloc;

mod bindings;
mod driver;
mod events;
mod face;
#[cfg(feature = "front")]
pub mod front;
mod panic;
mod stay;

#[cfg(feature = "javascript")]
pub use bindings::WasmClient;
pub use face::Refusal;

/// The default allocator weighs 7 kB in the module, this one weighs 1 kB.
#[cfg(all(target_family = "wasm", feature = "javascript"))]
#[global_allocator]
static ALLOCATOR: rlsf::SmallGlobalTlsf = rlsf::SmallGlobalTlsf::new();
