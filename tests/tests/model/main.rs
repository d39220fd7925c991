//! Every way through the session and resume protocol, within bounds: docs/model-check.md.

mod deletion;
mod fence;
mod whole;

use std::time::Instant;

use cowrite_tests::model::{Bounds, Protocol};
use stateright::{Checker, HasDiscoveries, Model};

/// What was found to be false, or was not met, each with the way there; and what the log answered.
struct Explored {
    failures: Vec<(&'static str, String)>,
    /// Appends that were fenced, refused as duplicates, met a conflict, and were committed late.
    seen: [u64; 4],
}

/// Goes through all of it, or until these are found, and says what it saw.
fn explore(name: &str, bounds: Bounds, until: HasDiscoveries) -> Explored {
    let began = Instant::now();
    let threads = std::thread::available_parallelism().map_or(1, |threads| threads.get().min(4));
    let checker = Protocol::new(bounds).checker().threads(threads).finish_when(until).spawn_bfs().join();
    let (seen, asked) = (checker.model().seen().counts(), checker.model().asked());
    println!(
        "{name}: {} states, {} ways to them, depth {}, {:.1?}; steps of sessions, servers, the log {asked:?}; appends \
         fenced, duplicate, in conflict, late {seen:?}",
        checker.unique_state_count(),
        checker.state_count(),
        checker.max_depth(),
        began.elapsed(),
    );
    let found = checker.discoveries();
    let mut failures = Vec::new();
    for property in &checker.model().properties() {
        match (property.expectation.discovery_is_failure(), found.get(property.name)) {
            (true, Some(way)) => {
                let mut told = format!("false: {}\n", property.name);
                for (world, action) in way.clone().into_vec() {
                    told.push_str(&format!("  {world:?}\n"));
                    told.extend(action.map(|action| format!("{action:?}\n")));
                }
                failures.push((property.name, told));
            }
            (false, None) => failures.push((property.name, format!("never: {}", property.name))),
            _ => {}
        }
    }
    Explored { failures, seen }
}

/// Whether more is to be explored than in every test run.
fn is_wide() -> bool {
    match std::env::var("COWRITE_MODEL") {
        Ok(wide) if wide == "wide" => true,
        Ok(other) => panic!("COWRITE_MODEL is `{other}`; it can be `wide`"),
        Err(_) => false,
    }
}
