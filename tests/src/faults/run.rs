//! Rounds, one after the other, until the time is up.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use super::kind::{FaultKind, Site};
use super::resources::Baseline;
use super::round::Round;
use super::schedule::Schedules;
use super::stage::Stage;
use crate::crowd::Violations;
use crate::simulation::chance::Chance;

/// A run: everything in it but the instants follows from the seed.
#[derive(Clone, Debug)]
pub struct FaultRun {
    /// Chooses what strikes, and what people type.
    pub seed: u64,
    /// No round begins after this time.
    pub lasts: Duration,
    /// Only this kind strikes.
    pub only: Option<FaultKind>,
    /// Where, one after the other.
    pub sites: Vec<Site>,
    /// Strikes of a round.
    pub strikes: usize,
    /// Faults last as long as they can, a minute of standing still among them.
    pub long: bool,
    /// Every so many rounds with Redis it is emptied at the end, from the first of them on; 0 is
    /// never.
    pub wipe_every: usize,
}

/// What a run was.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// How often each kind struck.
    pub strikes: BTreeMap<FaultKind, u64>,
    /// How many rounds.
    pub rounds: u64,
    /// Edits made.
    pub edits: u64,
    /// Edits in the log.
    pub accepted: u64,
    /// Connections beyond each client's first.
    pub reconnects: u64,
    /// How often people were told that accepted work was lost.
    pub losses_told: u64,
}

/// What a run has found, and after what.
#[derive(Debug, thiserror::Error)]
#[error("seed {seed}, round {round}: {violations}")]
pub struct Failed {
    /// The seed of the run.
    pub seed: u64,
    /// The name of the round.
    pub round: String,
    /// What does not hold.
    pub violations: Violations,
}

impl FaultRun {
    /// Runs it, and tells on stdout what happens. At least one round a site. Needs a runtime of
    /// several threads.
    ///
    /// # Errors
    /// At the end of the first round in which something does not hold.
    ///
    /// # Panics
    /// If a process does not do what it is told within a time that none takes.
    pub async fn run(&self) -> Result<Summary, Failed> {
        let start = Instant::now();
        let mut summary = Summary::default();
        let mut chance = Chance::new(self.seed);
        let mut stages = Vec::new();
        for &site in &self.sites {
            let retained = if chance.percent(50) { 60 } else { 1 << 20 };
            let stage = Stage::start(site, retained);
            let baseline = Baseline::take(&stage).await;
            stages.push((stage, baseline, Schedules::new(chance.bits(), self.long, self.only), 0));
        }
        while (summary.rounds as usize) < stages.len() || start.elapsed() < self.lasts {
            let turn = summary.rounds as usize % stages.len();
            let (stage, baseline, schedules, rounds) = &mut stages[turn];
            let wiped = stage.site == Site::Redis
                && (self.only == Some(FaultKind::RedisWipe)
                    || self.only.is_none() && self.wipe_every > 0 && *rounds % self.wipe_every == 0);
            *rounds += 1;
            let strikes = if self.only == Some(FaultKind::RedisWipe) { 1 } else { self.strikes };
            let schedule = schedules.next(stage.site, stage.servers.len(), strikes, wiped);
            let name = format!("{:?}-{}", stage.site, summary.rounds).to_lowercase();
            let round = Round { name, seed: chance.bits(), schedule: &schedule, told: true };
            let report = round.run(stage, baseline).await;
            let failed = |violations| Failed { seed: self.seed, round: round.name.clone(), violations };
            let report = report.map_err(failed)?;
            println!("{} is well: {report:?}", round.name);
            summary.rounds += 1;
            summary.edits += report.edits;
            summary.accepted += report.accepted;
            summary.reconnects += report.reconnects;
            summary.losses_told += report.losses_told;
            for strike in &schedule {
                *summary.strikes.entry(strike.kind).or_default() += 1;
            }
        }
        for (stage, ..) in &stages {
            for (number, server) in stage.servers.iter().enumerate() {
                let mib = server.process.resident_bytes() >> 20;
                println!("{:?}: server {number} holds {mib} MiB of memory", stage.site);
            }
        }
        Ok(summary)
    }
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Summary { rounds, edits, accepted, reconnects, losses_told, .. } = self;
        writeln!(f, "{rounds} rounds, {edits} edits, {accepted} of them in the log, {reconnects} reconnects,")?;
        writeln!(f, "{losses_told} times somebody was told that accepted work was lost, and:")?;
        self.strikes.iter().try_for_each(|(kind, times)| writeln!(f, "{times:6} × {kind}"))
    }
}
