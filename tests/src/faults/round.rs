//! One crowd, one schedule, and the checks.

use std::time::{Duration, Instant};

use cowrite_protocol::DocumentId;
use cowrite_server::oplog::OpLog;
use cowrite_server::oplog::disk::{DiskLog, DiskSettings};
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::redis::RedisSettings;
use tokio::time::{sleep, sleep_until};

use super::kind::FaultKind;
use super::resources::Baseline;
use super::schedule::Strike;
use super::stage::{Ground, Stage};
use super::striking::LATENCY;
use crate::crowd::{Crowd, CrowdSettings, Decision, Loss, Person, Report, Violations};
use crate::history::{Seen, examine};

/// Once all is calm everybody is settled within this time, by themselves: the longest wait between
/// two attempts to connect is 30 s, and the greeting may take 10.
const SETTLED: Duration = Duration::from_secs(60);

/// Whoever looks for what was accepted finds it within this time.
const FOUND: Duration = Duration::from_secs(15);

/// A server that could not be started is tried again after this time.
const AGAIN: Duration = Duration::from_millis(300);

/// One round.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) name: String,
    pub(super) seed: u64,
    pub(super) schedule: &'a [Strike],
    /// What happens is told as it does.
    pub(super) told: bool,
}

/// What strikes next, or ends.
#[derive(Clone, Copy, Debug)]
struct Moment<'a> {
    at: Duration,
    begins: bool,
    strike: &'a Strike,
}

impl Round<'_> {
    /// Lets everybody type while all of it happens, and then looks whether all is well.
    pub(super) async fn run(&self, stage: &mut Stage, baseline: &Baseline) -> Result<Report, Violations> {
        let wiped = self.schedule.iter().any(|strike| strike.kind == FaultKind::RedisWipe);
        let settings = CrowdSettings {
            clients: 15,
            documents: 3,
            name: self.name.clone(),
            pause_ms: 90,
            latency: LATENCY,
            // What a wipe takes, it takes with the deletions in it.
            deletes_percent: if wiped { 0 } else { 12 },
            undos_percent: if wiped { 0 } else { 8 },
            glyphs: wiped,
            seed: self.seed,
            ..CrowdSettings::default()
        };
        let mut crowd = Crowd::gather(&stage.addresses(), settings).await;
        crowd.start_typing();
        crowd.until_accepted(60, SETTLED).await;
        self.strike(stage, &crowd, wiped).await?;
        let loss = if wiped { Loss::IfTold } else { Loss::Never };
        if wiped {
            crowd.until_told(SETTLED).await;
        } else {
            // Life goes on for everybody's documents.
            crowd.until_accepted(30, SETTLED).await;
        }
        let calm = Instant::now();
        self.settle(&mut crowd, wiped).await?;
        self.tell(&format!("settled {} ms after the last fault", calm.elapsed().as_millis()));
        let report = crowd.check(loss).await?;
        if !wiped && (report.refused, report.unknown, report.diverged, report.losses_told) != (0, 0, 0, 0) {
            return Err(Violations(vec![format!("something was refused, unknown or lost: {report:?}")]));
        }
        let (seen, documents) = (seen(&crowd), crowd.documents());
        drop(crowd);
        let mut wrong = baseline.until_back(stage).await;
        let log = open_log(stage).await?;
        for id in documents {
            let of_it: Vec<Seen> = seen.iter().filter(|(of, _)| *of == id).map(|(_, seen)| seen.clone()).collect();
            wrong.extend(examine(&*log, &id, &of_it).await);
        }
        drop(log);
        close_log(stage);
        if wrong.is_empty() { Ok(report) } else { Err(Violations(wrong)) }
    }

    async fn strike(&self, stage: &mut Stage, crowd: &Crowd, wiped: bool) -> Result<(), Violations> {
        let mut moments: Vec<Moment<'_>> = Vec::new();
        for strike in self.schedule {
            moments.push(Moment { at: strike.begins, begins: true, strike });
            moments.push(Moment { at: strike.ends(), begins: false, strike });
        }
        let start = tokio::time::Instant::now();
        let mut ill: Vec<&Strike> = Vec::new();
        // Of two at once the one that was put in first, such as the beginning of what lasts no time.
        while let Some(next) = (0..moments.len()).min_by_key(|&at| moments[at].at) {
            let Moment { at, begins, strike } = moments.remove(next);
            sleep_until(start + at).await;
            if begins {
                self.tell(&strike.to_string());
                strike.begin(stage, crowd).map_err(|wrong| Violations(vec![wrong]))?;
                ill.push(strike);
            } else if let Err(not_yet) = strike.end(stage, crowd) {
                if at > strike.ends() + SETTLED {
                    return Err(Violations(vec![not_yet]));
                }
                // As who starts servers would, until it can start.
                moments.push(Moment { at: start.elapsed() + AGAIN, begins, strike });
                continue;
            } else {
                ill.retain(|other| *other != strike);
            }
            let serves = ill.iter().all(|strike| strike.kind.is_of_network());
            if !begins && serves && !wiped && strike.dice & 0x300 == 0 {
                let server = usize::try_from(strike.dice >> 32).unwrap_or_default() % stage.servers.len();
                self.tell(&format!("a passer-by looks at server {server}"));
                crowd.probe(stage.servers[server].process.address(), FOUND).await?;
            }
        }
        Ok(())
    }

    /// Everybody comes to rest; where work was lost, they decide about it.
    async fn settle(&self, crowd: &mut Crowd, wiped: bool) -> Result<(), Violations> {
        if !wiped {
            return crowd.settle(SETTLED).await;
        }
        crowd.stop_typing().await;
        let decision = if self.seed & 1 == 0 { Decision::Accept } else { Decision::Discard };
        self.tell(&format!("everybody was told, and decides: {decision:?}"));
        let start = Instant::now();
        loop {
            crowd.decide(decision, SETTLED).await;
            // Somebody may be told only now.
            match crowd.settle(Duration::from_millis(500)).await {
                Ok(()) => return Ok(()),
                Err(unsettled) if start.elapsed() > SETTLED => return Err(unsettled),
                Err(_) => sleep(Duration::from_millis(100)).await,
            }
        }
    }

    fn tell(&self, what: &str) {
        if self.told {
            println!("{} {what}", self.name);
        }
    }
}

fn seen(crowd: &Crowd) -> Vec<(DocumentId, Seen)> {
    let of = |person: &Person| {
        let seen = person.document().read(|engine| (engine.position(), engine.document().clone()));
        let (position, document) = seen.expect("its client lives");
        (person.id().clone(), Seen { who: format!("client {}", person.number()), position, document })
    };
    crowd.people().iter().map(of).collect()
}

/// The log itself. A data folder belongs to one at a time, so its server goes down for it.
async fn open_log(stage: &mut Stage) -> Result<Box<dyn OpLog>, Violations> {
    match &stage.ground {
        Ground::Disk(disk) => {
            let server = &mut stage.servers[0].process;
            server.terminate();
            let (code, log) = server.wait();
            if code != Some(0) {
                return Err(Violations(vec![format!(
                    "a server at rest was asked to end, and did with {code:?}:\n{log}"
                )]));
            }
            Ok(Box::new(DiskLog::open(DiskSettings::new(disk.path("data"))).unwrap()))
        }
        Ground::Redis { process, .. } => {
            let url = process.url().parse().expect("the address of a Redis");
            Ok(Box::new(RedisLog::new(RedisSettings::new(url))))
        }
    }
}

fn close_log(stage: &mut Stage) {
    if let Ground::Disk(_) = stage.ground {
        stage.servers[0].process.restart();
    }
}
