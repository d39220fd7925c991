//! Networks between two programs that a test can spoil: a TCP relay for each link.

#![expect(clippy::unwrap_used, clippy::expect_used, reason = "where a test cannot run, it says so and fails")]

mod catch;
mod link;
mod live;
mod port;
mod pump;
mod resp;
#[cfg(test)]
mod tests;
mod traffic;
mod weather;

pub use catch::{Caught, Then};
pub use live::Live;
pub use port::Relay;
pub use weather::{Way, Ways};

/// All relays run on a thread or two of their own, so that a test may wait for a process without
/// holding up the network.
fn runtime() -> &'static tokio::runtime::Runtime {
    static RUNTIME: std::sync::OnceLock<tokio::runtime::Runtime> = std::sync::OnceLock::new();
    RUNTIME.get_or_init(|| {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        builder.worker_threads(2).thread_name("relays").enable_all().build().unwrap()
    })
}
