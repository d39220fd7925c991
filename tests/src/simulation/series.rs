//! Many runs of one kind, and what is told of the one that fails.

use std::ops::Range;
use std::time::{Duration, Instant};

use super::{Report, Scenario, World, shrink};

/// Runs one seed after the other, and prints how many there were and how fast.
///
/// # Errors
/// The first failure: what it said, its line, the line of a smaller one that was looked for during
/// `shrinking`, and the command that runs that again.
pub fn run_series(
    name: &str,
    kind: fn(u64) -> Scenario,
    seeds: Range<u64>,
    shrinking: Duration,
) -> Result<Report, String> {
    let (begun, mut sum, mut sessions) = (Instant::now(), Report::default(), 0);
    for seed in seeds.clone() {
        let scenario = kind(seed);
        sessions += scenario.clients;
        match World::run(scenario.clone()) {
            Ok(report) => sum += report,
            Err(fault) => return Err(tell(name, seed, scenario, fault, shrinking)),
        }
    }
    let (runs, minutes) = (seeds.end - seeds.start, begun.elapsed().as_secs_f64() / 60.0);
    println!(
        "{name}: {runs} sessions of {sessions} clients, {:.0} runs/min, seeds {}..{}\n  {sum:?}",
        runs as f64 / minutes,
        seeds.start,
        seeds.end
    );
    Ok(sum)
}

/// What is told of a failing run.
pub fn tell(name: &str, seed: u64, scenario: Scenario, fault: String, shrinking: Duration) -> String {
    let line = scenario.to_string();
    let (smaller, said) = shrink(scenario, fault.clone(), shrinking);
    format!(
        "{fault}\n{name} {seed}: {line}\nsmaller: {said}\n{smaller}\n\
         replay it with COWRITE_REPLAY='{smaller}' cargo test -p cowrite-tests --test simulation replay -- --nocapture\n\
         and keep it in tests/corpus/simulation.txt"
    )
}
