//! How each fault begins and ends.

use std::time::Duration;

use super::kind::FaultKind;
use super::schedule::Strike;
use super::stage::{Ground, Stage};
use crate::crowd::{Crowd, Person};
use crate::redis::RedisProcess;
use crate::relay::{Relay, Ways};
use crate::simulation::chance::Chance;

/// Bytes take so long between a person and a server, each way.
pub(super) const LATENCY: Duration = Duration::from_millis(20);
/// The same where the network is slow.
const SLOW: Duration = Duration::from_millis(400);

/// An hour, by which a time of day steps.
const HOUR_S: i64 = 3_600;

/// Nothing that goes down in order takes so long.
const PATIENCE: Duration = Duration::from_secs(20);

impl Strike {
    /// Strikes. What it waits for is over when it returns: a process that ends has ended.
    ///
    /// # Errors
    /// What a process did not do that it must.
    pub(super) fn begin(&self, stage: &mut Stage, crowd: &Crowd) -> Result<(), String> {
        let server = &mut stage.servers[self.server];
        match (self.kind, &mut stage.ground) {
            (FaultKind::Kill, _) => server.process.kill_9(),
            (FaultKind::Term, _) => {
                server.process.terminate();
                let (code, log) = server.process.wait();
                if code != Some(0) {
                    return Err(format!("server {} was asked to end, and did with {code:?}:\n{log}", self.server));
                }
            }
            (FaultKind::Stop | FaultKind::StopMinute, _) => server.process.freeze(),
            (FaultKind::Clock, _) => server.clock.step(if self.dice & 1 == 0 { HOUR_S } else { -HOUR_S }),
            (FaultKind::Cut, _) => self.struck(crowd).for_each(|person| person.relay().cut()),
            (FaultKind::Delay, _) => self.struck(crowd).for_each(|person| person.relay().delay(Ways::Both, SLOW)),
            (FaultKind::Hole, _) => self.struck(crowd).for_each(|person| person.relay().hole(self.ways())),
            (FaultKind::Offline, _) => self.struck(crowd).for_each(|person| {
                person.relay().close_port();
                person.relay().cut();
            }),
            (FaultKind::DiskFull, Ground::Disk(disk)) => disk.fill(),
            (FaultKind::RedisRestart, Ground::Redis { process, .. }) => shut_down(process),
            (FaultKind::RedisKill, Ground::Redis { process, .. }) => process.kill_9(),
            (FaultKind::RedisWipe, Ground::Redis { process, .. }) => drop(process.command(&["FLUSHALL"])),
            (FaultKind::RedisCut, Ground::Redis { ways, .. }) => match self.dice & 1 {
                0 => ways.iter().for_each(Relay::cut),
                _ => ways[self.server].cut(),
            },
            (FaultKind::RedisClients, Ground::Redis { process, .. }) => {
                let who = if self.dice & 1 == 0 { "normal" } else { "pubsub" };
                process.command(&["CLIENT", "KILL", "TYPE", who]);
            }
            (FaultKind::RedisStall, Ground::Redis { process, ways }) => match self.dice & 1 {
                0 => process.freeze(),
                _ => ways[self.server].hole(self.ways()),
            },
            (kind, ground) => return Err(format!("{kind} cannot strike {ground:?}")),
        }
        Ok(())
    }

    /// It is over.
    ///
    /// # Errors
    /// If it cannot be over yet: a server does not start while its Redis is down. Whoever starts
    /// servers tries again.
    pub(super) fn end(&self, stage: &mut Stage, crowd: &Crowd) -> Result<(), String> {
        let server = &mut stage.servers[self.server];
        match (self.kind, &mut stage.ground) {
            (FaultKind::Kill | FaultKind::Term, _) => return server.process.try_restart(),
            (FaultKind::Stop | FaultKind::StopMinute, _) => server.process.thaw(),
            (FaultKind::Clock, _) => server.clock.step(0),
            (FaultKind::Delay, _) => self.struck(crowd).for_each(|person| person.relay().delay(Ways::Both, LATENCY)),
            (FaultKind::Hole, _) => self.struck(crowd).for_each(|person| {
                // What was held back arrives, or is lost.
                if self.dice & 1 == 0 {
                    person.relay().cut();
                }
                person.relay().heal();
            }),
            (FaultKind::Offline, _) => self.struck(crowd).for_each(|person| person.relay().reopen_port()),
            (FaultKind::DiskFull, Ground::Disk(disk)) => disk.free(),
            (FaultKind::RedisRestart | FaultKind::RedisKill, Ground::Redis { process, .. }) => process.restart(),
            (FaultKind::RedisStall, Ground::Redis { process, ways }) => match self.dice & 1 {
                0 => process.thaw(),
                _ => {
                    if self.dice & 4 == 0 {
                        ways[self.server].cut();
                    }
                    ways[self.server].heal();
                }
            },
            _ => {}
        }
        Ok(())
    }

    /// The people whom a fault of the network strikes: some, and at least one.
    fn struck<'a>(&self, crowd: &'a Crowd) -> impl Iterator<Item = &'a Person> {
        let mut chance = Chance::new(self.dice);
        let first = usize::try_from(chance.below(crowd.people().len() as u64)).unwrap_or_default();
        let percent = chance.between(10, 100);
        crowd.people().iter().filter(move |person| {
            let struck = chance.percent(percent);
            struck || person.number() == first
        })
    }

    fn ways(&self) -> Ways {
        match self.dice >> 4 & 3 {
            0 => Ways::Up,
            1 => Ways::Down,
            _ => Ways::Both,
        }
    }
}

/// Goes down in order; what it has is on its disk.
fn shut_down(redis: &mut RedisProcess) {
    // It answers by closing the connection.
    let _ = redis.try_command(&["SHUTDOWN"]);
    let (status, _) = redis.process().wait(PATIENCE);
    assert!(status.success(), "Redis does not go down in order:\n{}", redis.log());
}
