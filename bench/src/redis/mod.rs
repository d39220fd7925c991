//! The op log over Redis, against what Redis itself can do.

mod conflicts;
mod latency;
mod limit;
mod memory;
mod throughput;

use std::time::Duration;

/// Measures and prints, one kind after the other.
pub(crate) async fn measure(each: Duration, only: Option<&str>) {
    let wanted = |name| only.is_none_or(|only| only == name);
    if wanted("throughput") {
        throughput::measure(each).await;
    }
    if wanted("latency") {
        latency::measure(each).await;
    }
    if wanted("conflicts") {
        conflicts::measure(each).await;
    }
    if wanted("memory") {
        memory::measure().await;
    }
}
