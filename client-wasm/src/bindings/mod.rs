//! Everything that names `wasm_bindgen`: the face that JavaScript calls, and the few
//! things of the browser that are called from here.

mod browser;
#[cfg(feature = "javascript")]
mod calls;
#[cfg(feature = "javascript")]
mod client;

pub(crate) use browser::{Callback, Guard, Host, Hosts, Signal, Socket, Timer, listen, now, seed, unlisten};
#[cfg(feature = "javascript")]
pub use client::WasmClient;
