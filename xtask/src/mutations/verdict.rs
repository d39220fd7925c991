//! What the simulation said.

use std::fmt::{self, Display};

/// The outcome of one series of simulated runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Every run passed.
    Passed,
    /// A run failed, or something panicked.
    Found {
        /// How many runs it took; `None` if it panicked.
        runs: Option<u64>,
        /// What it said.
        said: String,
    },
    /// The bug does not compile, so it is none.
    NotBuilt,
}

impl Verdict {
    /// Reads what the series printed: `failed: run 12, storm 3: seed 9 at 77 ms: …`.
    pub(crate) fn read(printed: &str, succeeded: bool) -> Verdict {
        if succeeded {
            return Verdict::Passed;
        }
        let failed = printed.lines().find_map(|line| line.strip_prefix("failed: run ")?.split_once(", "));
        let Some((runs, rest)) = failed else {
            let panicked = printed.lines().any(|line| line.contains("panicked at"));
            return if panicked {
                Verdict::Found { runs: None, said: "a panic".to_owned() }
            } else {
                Verdict::NotBuilt
            };
        };
        let kind = rest.split(' ').next().unwrap_or_default();
        let said = rest.split_once(" ms: ").map_or(rest, |(_, said)| said);
        let short: String = said.chars().take(90).collect();
        Verdict::Found { runs: runs.parse().ok(), said: format!("{kind}: {short}") }
    }

    /// Whether the bug was found.
    pub(crate) fn is_found(&self) -> bool {
        matches!(self, Verdict::Found { .. })
    }
}

/// Two cells of a table: after how many runs, and how.
impl Display for Verdict {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Passed => write!(out, "not found | "),
            Verdict::NotBuilt => write!(out, "does not compile | "),
            Verdict::Found { runs: Some(runs), said } => write!(out, "{runs} | {}", said.replace('|', "/")),
            Verdict::Found { runs: None, said } => write!(out, "some | {}", said.replace('|', "/")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict;

    #[test]
    fn the_number_of_runs_and_what_was_seen_are_read() {
        let printed =
            "seeds from 0 on 2 threads\nfailed: run 12, storm 3: seed 9 at 77 ms: client 1 holds another text\n";
        let said = "storm: client 1 holds another text".to_owned();
        assert_eq!(Verdict::read(printed, false), Verdict::Found { runs: Some(12), said });
        assert_eq!(Verdict::read("0.1 min: 200 sessions", true), Verdict::Passed);
        assert_eq!(Verdict::read("error[E0308]: mismatched types", false), Verdict::NotBuilt);
        let panicked = "thread '<unnamed>' panicked at client/src/lib.rs:1:1:";
        assert_eq!(Verdict::read(panicked, false), Verdict::Found { runs: None, said: "a panic".to_owned() });
    }
}
