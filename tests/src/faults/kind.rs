//! The faults that there are.

use std::fmt;

/// On what the servers stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Site {
    /// One server with a data folder, on a small disk of its own.
    Disk,
    /// Three servers, each on a way of its own to one Redis that syncs every write.
    Redis,
}

/// A kind of fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum FaultKind {
    /// A server is killed (SIGKILL), and started again after a while.
    Kill,
    /// A server is asked to end (SIGTERM), does so within its time, and is started again.
    Term,
    /// A server stands still (SIGSTOP) for seconds, and goes on.
    Stop,
    /// The same for a minute: longer than anybody waits for it. Only in a long run.
    StopMinute,
    /// A server's time of day is an hour ahead or behind, and comes back.
    Clock,
    /// Connections of some people are cut.
    Cut,
    /// Their network is slow.
    Delay,
    /// Their network delivers nothing one way or both, though connections stay.
    Hole,
    /// They have no network at all, and type on.
    Offline,
    /// The disk of the data folder is full.
    DiskFull,
    /// Redis goes down in order, and comes back with what it has stored.
    RedisRestart,
    /// Redis is killed, and comes back with its append-only file.
    RedisKill,
    /// Redis is emptied (FLUSHALL). What was accepted is lost: everybody is told, and nobody's copy
    /// becomes the document by itself.
    RedisWipe,
    /// Servers' connections to Redis are cut on the way.
    RedisCut,
    /// Redis closes its clients' connections (CLIENT KILL): all, or those that subscribe.
    RedisClients,
    /// Redis stands still, or one server's way to it delivers nothing.
    RedisStall,
}

impl FaultKind {
    /// All of them.
    pub const ALL: [FaultKind; 16] = [
        FaultKind::Kill,
        FaultKind::Term,
        FaultKind::Stop,
        FaultKind::StopMinute,
        FaultKind::Clock,
        FaultKind::Cut,
        FaultKind::Delay,
        FaultKind::Hole,
        FaultKind::Offline,
        FaultKind::DiskFull,
        FaultKind::RedisRestart,
        FaultKind::RedisKill,
        FaultKind::RedisWipe,
        FaultKind::RedisCut,
        FaultKind::RedisClients,
        FaultKind::RedisStall,
    ];

    /// The name by which it is asked for.
    pub fn name(self) -> &'static str {
        match self {
            FaultKind::Kill => "kill",
            FaultKind::Term => "term",
            FaultKind::Stop => "stop",
            FaultKind::StopMinute => "stop-minute",
            FaultKind::Clock => "clock",
            FaultKind::Cut => "cut",
            FaultKind::Delay => "delay",
            FaultKind::Hole => "hole",
            FaultKind::Offline => "offline",
            FaultKind::DiskFull => "disk-full",
            FaultKind::RedisRestart => "redis-restart",
            FaultKind::RedisKill => "redis-kill",
            FaultKind::RedisWipe => "redis-wipe",
            FaultKind::RedisCut => "redis-cut",
            FaultKind::RedisClients => "redis-clients",
            FaultKind::RedisStall => "redis-stall",
        }
    }

    /// The kind of that name.
    pub fn named(name: &str) -> Option<FaultKind> {
        FaultKind::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Whether it can strike there.
    pub fn strikes(self, site: Site) -> bool {
        match self {
            FaultKind::DiskFull => site == Site::Disk,
            FaultKind::RedisRestart
            | FaultKind::RedisKill
            | FaultKind::RedisWipe
            | FaultKind::RedisCut
            | FaultKind::RedisClients
            | FaultKind::RedisStall => site == Site::Redis,
            _ => true,
        }
    }

    /// Whether it strikes what lies between people and servers, and not a server or its log.
    pub(super) fn is_of_network(self) -> bool {
        matches!(self, FaultKind::Cut | FaultKind::Delay | FaultKind::Hole | FaultKind::Offline)
    }

    /// How long it lasts, in milliseconds: at least, at most in a short run, at most in a long one.
    pub(super) fn lasts_ms(self) -> (u64, u64, u64) {
        match self {
            FaultKind::Kill => (0, 1_500, 10_000),
            FaultKind::Term => (0, 500, 3_000),
            FaultKind::Stop => (2_000, 5_000, 20_000),
            FaultKind::StopMinute => (60_000, 60_000, 60_000),
            FaultKind::Clock => (1_500, 3_000, 10_000),
            FaultKind::Cut | FaultKind::RedisWipe | FaultKind::RedisCut | FaultKind::RedisClients => (0, 0, 0),
            FaultKind::Delay => (500, 2_000, 10_000),
            FaultKind::Hole => (300, 3_000, 15_000),
            FaultKind::Offline => (300, 3_000, 30_000),
            FaultKind::DiskFull => (500, 3_000, 15_000),
            FaultKind::RedisRestart | FaultKind::RedisKill => (0, 1_500, 10_000),
            FaultKind::RedisStall => (300, 3_000, 15_000),
        }
    }
}

impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::FaultKind;

    #[test]
    fn every_kind_has_a_name_of_its_own() {
        for kind in FaultKind::ALL {
            assert_eq!(FaultKind::named(kind.name()), Some(kind));
        }
    }
}
