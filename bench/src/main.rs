//! Measurements of Cowrite, side by side with its peers.
//!
//! `cargo run --release -p cowrite-bench -- redis` measures the op log over Redis, `-- door` the memory
//! of connections and how fast a right is gone; `-- load`, `-- relay` and `-- engine` are what
//! `cargo xtask bench` starts. What is known of sizes and bytes is asserted and printed by tests: bytes on the wire by
//! `cargo test -p cowrite-protocol --test wire`, what a resume costs by
//! `cargo test -p cowrite-tests --test catch_up -- --nocapture`, the size of the browser's
//! module by `cargo xtask wasm`.

#![warn(missing_docs)]
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a measurement that cannot be made ends the program")]

mod door;
mod engine;
mod load;
mod native;
mod pinning;
mod redis;
mod relay;
mod sample;

use clap::{Parser, Subcommand};

/// Measures Cowrite on this machine. Figures are worth something as ratios within one run.
#[derive(Parser)]
#[command(name = "cowrite-bench")]
struct Arguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Subcommand)]
enum What {
    /// The front door: memory of connections and of readers who take nothing, time of a revocation.
    Door {
        /// Connections whose memory is measured.
        #[arg(long, default_value_t = 5_000)]
        connections: usize,
        /// Measure this only: resident, readers or revocation.
        #[arg(long)]
        only: Option<String>,
    },
    /// A library without a network for `cargo xtask bench`, whose words these are: a request as JSON.
    Engine {
        /// The request.
        request: String,
    },
    /// A load for `cargo xtask bench`, whose words these are: a scenario as JSON.
    Load {
        /// The scenario.
        scenario: String,
    },
    /// The limit for `cargo xtask bench`: a server that only passes messages on.
    Relay {
        /// TCP port on the loopback address.
        #[arg(long)]
        port: u16,
    },
    /// The op log over Redis: throughput against the limit, latency, conflicts, memory.
    Redis {
        /// Seconds of each measurement.
        #[arg(long, default_value_t = 5)]
        seconds: u64,
        /// Measure this only: throughput, latency, conflicts or memory.
        #[arg(long)]
        only: Option<String>,
    },
}

fn main() {
    let Arguments { what } = Arguments::parse();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    match what {
        What::Door { connections, only } => {
            runtime.expect("threads").block_on(door::measure(connections, only.as_deref()));
        }
        What::Engine { request } => engine::measure(&request),
        What::Load { scenario } => {
            // One core is what a load has, so that threads would only be in each other's way.
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            runtime.expect("a runtime").block_on(native::load(&scenario));
        }
        What::Relay { port } => runtime.expect("threads").block_on(relay::serve(port)),
        What::Redis { seconds, only } => {
            runtime
                .expect("threads")
                .block_on(redis::measure(std::time::Duration::from_secs(seconds), only.as_deref()));
        }
    }
}
