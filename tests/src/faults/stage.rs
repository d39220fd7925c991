//! The processes that are struck.

use std::net::SocketAddr;

use super::kind::Site;
use crate::process::{SmallDisk, WallClock};
use crate::redis::RedisProcess;
use crate::relay::Relay;
use crate::server::ServerProcess;

/// Bytes of the disk with the data folder: more than the documents of an hour take, and soon
/// filled.
const DISK_BYTES: u64 = 96 << 20;

/// Servers, and what they stand on.
#[derive(Debug)]
pub(super) struct Stage {
    pub(super) site: Site,
    pub(super) servers: Vec<Server>,
    pub(super) ground: Ground,
}

/// One server, and its time of day.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) process: ServerProcess,
    pub(super) clock: WallClock,
}

/// What the servers stand on.
#[derive(Debug)]
pub(super) enum Ground {
    Disk(SmallDisk),
    Redis {
        process: RedisProcess,
        /// Each server's way to it.
        ways: Vec<Relay>,
    },
}

impl Stage {
    /// Starts all of it. So many entries stay readable behind a document's snapshot.
    pub(super) fn start(site: Site, retained_entries: u64) -> Stage {
        let retained = retained_entries.to_string();
        // Documents leave memory at once, silence is noticed and snapshots are made often, and going
        // down is quick: all of it happens many times in a run.
        let flags = [
            ["--idle-ms", "300"],
            ["--ping-ms", "1000"],
            ["--silence-ms", "3000"],
            ["--look-ms", "1000"],
            ["--spread-ms", "300"],
            ["--shutdown-ms", "5000"],
            ["--snapshot-entries", "100"],
            ["--retained-entries", &retained],
        ];
        match site {
            Site::Disk => {
                let disk = SmallDisk::new(DISK_BYTES);
                let data = disk.path("data");
                let data = data.to_str().expect("paths of tests are plain");
                let servers = vec![Server::start(&["--data", data], &flags)];
                Stage { site, servers, ground: Ground::Disk(disk) }
            }
            Site::Redis => {
                let process = RedisProcess::on_disk(&[]);
                let ways: Vec<Relay> = (0..3).map(|_| Relay::to(process.address())).collect();
                let on = |way: &Relay| Server::start(&["--redis", &format!("redis://{}", way.address())], &flags);
                Stage { site, servers: ways.iter().map(on).collect(), ground: Ground::Redis { process, ways } }
            }
        }
    }

    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.process.address()).collect()
    }
}

impl Server {
    fn start(log: &[&str], flags: &[[&str; 2]]) -> Server {
        let clock = WallClock::new();
        let flags = [log, flags.as_flattened()].concat();
        Server { process: ServerProcess::with_wall_clock(&clock, &flags), clock }
    }
}
