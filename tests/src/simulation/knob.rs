//! The numbers of a scenario by name: to be written down, read back and made smaller.

use std::fmt::{self, Display};
use std::str::FromStr;

use super::Scenario;

/// One number of a scenario.
pub(super) struct Knob {
    name: &'static str,
    pub(super) get: fn(&Scenario) -> u64,
    pub(super) set: fn(&mut Scenario, u64),
}

macro_rules! knobs {
    ($($name:ident : $kind:tt),* $(,)?) => {
        &[$(Knob {
            name: stringify!($name),
            get: |scenario| knobs!(@get $kind, scenario.$name),
            set: |scenario, value| scenario.$name = knobs!(@set $kind, value),
        }),*]
    };
    (@get count, $field:expr) => { $field as u64 };
    (@get flag, $field:expr) => { u64::from($field) };
    (@get number, $field:expr) => { $field };
    (@set count, $value:expr) => { $value as usize };
    (@set flag, $value:expr) => { $value > 0 };
    (@set number, $value:expr) => { $value };
}

/// Every number, those first that make the greatest difference to whoever has to read the run.
pub(super) const KNOBS: &[Knob] = knobs![
    seed: number,
    clients: count,
    servers: count,
    edits: number,
    mixed: flag,
    hot: flag,
    undos: number,
    deletions: number,
    crashes: number,
    rollbacks: number,
    new_epochs: number,
    whole_losses: number,
    copies: number,
    watermarks: flag,
    keeping: number,
    page_crashes: number,
    store_faults: number,
    demotions: number,
    token_ms: number,
    garbled: number,
    bans: number,
    sleeps: number,
    absences: number,
    torn: number,
    lingering: number,
    late_turns: number,
    slow_log: number,
    typing: number,
    large: number,
    log_faults: number,
    cuts: number,
    half_open: number,
    feed_faults: number,
    presence_faults: number,
    latency_ms: number,
    queue_bytes: count,
    reader_bytes: number,
    snapshot_entries: number,
    retained_entries: number,
    tail_entries: count,
];

/// Writes `seed=7 clients=2 …`, all of it.
impl Display for Scenario {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, knob) in KNOBS.iter().enumerate() {
            let space = if index == 0 { "" } else { " " };
            write!(out, "{space}{}={}", knob.name, (knob.get)(self))?;
        }
        Ok(())
    }
}

/// Why a line is no scenario.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScenarioError {
    /// A word is not `name=number`, or the name is none.
    #[error("`{0}` is no number of a scenario")]
    Word(String),
    /// Nobody says which run it is.
    #[error("there is no seed in it")]
    NoSeed,
}

/// Reads what was written; what is not said is as the storm of that seed has it.
impl FromStr for Scenario {
    type Err = ScenarioError;

    fn from_str(line: &str) -> Result<Scenario, ScenarioError> {
        let mut numbers = Vec::new();
        for word in line.split_whitespace() {
            let bad = || ScenarioError::Word(word.to_owned());
            let (name, value) = word.split_once('=').ok_or_else(bad)?;
            let knob = KNOBS.iter().find(|knob| knob.name == name).ok_or_else(bad)?;
            numbers.push((knob, value.parse::<u64>().map_err(|_| bad())?));
        }
        let seed = numbers.iter().find(|(knob, _)| knob.name == "seed").ok_or(ScenarioError::NoSeed)?.1;
        let mut scenario = Scenario::storm(seed);
        numbers.into_iter().for_each(|(knob, value)| (knob.set)(&mut scenario, value));
        Ok(scenario)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_read_back_as_it_was() {
        for (_, kind) in Scenario::KINDS {
            let scenario = kind(6);
            let line = scenario.to_string();
            let read: Scenario = line.parse().unwrap();
            assert_eq!(format!("{read:?}"), format!("{scenario:?}"), "every number is a knob");
        }
        assert_eq!("clients=2".parse::<Scenario>().err(), Some(ScenarioError::NoSeed));
        assert_eq!("seed=2 x=3".parse::<Scenario>().err(), Some(ScenarioError::Word("x=3".to_owned())));
    }
}
