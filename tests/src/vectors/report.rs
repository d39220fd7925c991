//! What came of many cases.

use std::collections::BTreeMap;
use std::fmt::{self, Display};

use super::{Case, Finding, check};

/// So many failures are shown whole.
const SHOWN: usize = 10;

/// Cases run so far, by kind, and the first failures.
#[derive(Clone, Debug, Default)]
pub struct Report {
    kinds: BTreeMap<String, Counts>,
    failures: Vec<String>,
    unsupported: BTreeMap<String, u64>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Counts {
    passed: u64,
    failed: u64,
    unsupported: u64,
}

impl Report {
    /// Runs the case and counts it.
    pub fn run(&mut self, case: Case<'_>) {
        let counts = self.kinds.entry(case.kind().to_owned()).or_default();
        match check(case) {
            Ok(()) => counts.passed += 1,
            Err(Finding::Failed(reason)) => {
                counts.failed += 1;
                if self.failures.len() < SHOWN {
                    self.failures.push(format!(
                        "{} ({}): {reason}\n    case     {}",
                        case.id(),
                        case.kind(),
                        case.json()
                    ));
                }
            }
            Err(Finding::Unsupported(reason)) => {
                counts.unsupported += 1;
                // What differs from case to case comes behind the place, or a colon.
                let reason = reason.split(" at byte ").next().and_then(|said| said.split(": ").next());
                let reason = reason.unwrap_or_default().to_owned();
                *self.unsupported.entry(reason).or_default() += 1;
            }
        }
    }

    /// How many passed.
    pub fn passed(&self) -> u64 {
        self.kinds.values().map(|counts| counts.passed).sum()
    }

    /// How many failed.
    pub fn failed(&self) -> u64 {
        self.kinds.values().map(|counts| counts.failed).sum()
    }

    /// How many were not run.
    pub fn unsupported(&self) -> u64 {
        self.kinds.values().map(|counts| counts.unsupported).sum()
    }
}

impl Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for failure in &self.failures {
            writeln!(out, "FAILED {failure}\n")?;
        }
        writeln!(out, "{:20} {:>8} {:>8} {:>12}", "kind", "passed", "failed", "unsupported")?;
        for (kind, counts) in &self.kinds {
            writeln!(out, "{kind:20} {:>8} {:>8} {:>12}", counts.passed, counts.failed, counts.unsupported)?;
        }
        writeln!(out, "{:20} {:>8} {:>8} {:>12}", "together", self.passed(), self.failed(), self.unsupported())?;
        for (reason, count) in &self.unsupported {
            writeln!(out, "unsupported, {count} cases: {reason}")?;
        }
        Ok(())
    }
}
