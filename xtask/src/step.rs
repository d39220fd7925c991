//! Named steps of a longer command, each with its time.

use std::time::{Duration, Instant};

use crate::failure::Failure;

/// What a step did, for its closing line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It worked.
    Done,
    /// There was nothing to do.
    UpToDate,
}

/// A run of steps: says each one as it starts and ends, and keeps the times for a table.
#[derive(Debug)]
pub(crate) struct Steps {
    started: Instant,
    times: Vec<(String, Duration)>,
    failed: usize,
}

impl Steps {
    /// Starts the clock.
    pub(crate) fn new() -> Self {
        Self { started: Instant::now(), times: Vec::new(), failed: 0 }
    }

    /// Runs one step; a failure bears its name.
    pub(crate) fn run(
        &mut self,
        name: &str,
        what: &str,
        work: impl FnOnce() -> Result<Outcome, Failure>,
    ) -> Result<(), Failure> {
        println!("\n== {name}: {what} (at {})", seconds(self.started.elapsed()));
        let start = Instant::now();
        let outcome = work();
        let took = start.elapsed();
        self.times.push((name.to_owned(), took));
        match outcome {
            Ok(Outcome::Done) => println!("== {name}: done in {}", seconds(took)),
            Ok(Outcome::UpToDate) => println!("== {name}: up to date ({})", seconds(took)),
            Err(cause) => {
                self.failed += 1;
                println!("== {name}: FAILED after {}", seconds(took));
                return Err(Failure::Step { step: name.to_owned(), cause: Box::new(cause) });
            }
        }
        Ok(())
    }

    /// Time since the first step began.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Prints every step with its time, and the total.
    pub(crate) fn print_table(&self) {
        let width = self.times.iter().map(|(name, _)| name.len()).max();
        let width = width.unwrap_or(0).max("total".len());
        println!();
        for (name, took) in &self.times {
            println!("{name:width$}  {:>8}", seconds(*took));
        }
        println!("{:width$}  {:>8}", "total", seconds(self.elapsed()));
    }

    /// Prints how many steps passed and failed, in the closing line that test runners use.
    pub(crate) fn print_count(&self) {
        let passed = self.times.len() - self.failed;
        println!("\nsteps: {passed} passed, {} failed", self.failed);
    }
}

/// A duration as a person reads it, to a tenth of a second.
pub(crate) fn seconds(duration: Duration) -> String {
    format!("{:.1} s", duration.as_secs_f64())
}

#[cfg(test)]
mod tests {
    use super::{Outcome, Steps};
    use crate::failure::Failure;

    #[test]
    fn a_failure_bears_the_name_of_its_step() {
        let mut steps = Steps::new();
        assert!(steps.run("first", "", || Ok(Outcome::Done)).is_ok());
        let failed = steps.run("second", "", || Err(Failure::NotUnderCargo));
        let said = failed.expect_err("the step failed").to_string();
        assert!(said.contains("`second`"), "{said}");
    }
}
