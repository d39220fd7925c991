//! A failing run made small: fewer people, edits and bad days, as long as it still fails.

use std::time::{Duration, Instant};

use super::knob::KNOBS;
use super::{Scenario, World};

/// The smallest scenario found within `time` that fails, and how it does. Any failure counts:
/// what a smaller run stumbles over is easier to mend, and the first may be run again after it.
pub fn shrink(scenario: Scenario, fault: String, time: Duration) -> (Scenario, String) {
    let until = Instant::now() + time;
    let (mut smallest, mut said) = (scenario, fault);
    loop {
        let mut smaller = false;
        // The seed stays: another one is another run.
        for knob in &KNOBS[1..] {
            let now = (knob.get)(&smallest);
            // With at least one of each: without clients or servers nothing ever happens.
            for value in [0, now / 2, now.saturating_sub(1)] {
                if value >= now || Instant::now() > until {
                    continue;
                }
                let mut candidate = smallest.clone();
                (knob.set)(&mut candidate, value);
                if !candidate.is_possible() {
                    continue;
                }
                // Another number draws another course of events, so some seeds beside it are tried.
                let failing = (0..4).find_map(|step| {
                    let candidate = Scenario { seed: candidate.seed ^ (step << 48), ..candidate.clone() };
                    World::run(candidate.clone()).err().map(|fault| (candidate, fault))
                });
                if let Some(failing) = failing {
                    (smallest, said) = failing;
                    smaller = true;
                    break;
                }
            }
        }
        if !smaller || Instant::now() > until {
            return (smallest, said);
        }
    }
}
