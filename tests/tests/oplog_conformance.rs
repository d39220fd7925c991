//! Every op log passes one suite.

#![expect(clippy::unwrap_used, reason = "all of it is a test")]

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};

use cowrite_server::oplog::OpLog;
use cowrite_server::oplog::disk::{DiskLog, DiskSettings};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::redis::RedisLog;
use cowrite_server::redis::{RedisDurability, RedisSettings};
use cowrite_tests::oplog_suite::Bench;
use cowrite_tests::redis::{RedisCluster, RedisProcess};

mod memory {
    use super::*;

    fn bench() -> Bench {
        Bench::new(|clock| {
            let log = MemoryLog::with_clock(clock);
            move || -> Arc<dyn OpLog> { Arc::new(log.clone()) }
        })
    }

    cowrite_tests::oplog_suite!(bench());
}

mod disk {
    use super::*;

    fn bench() -> Bench {
        Bench::new(|clock| {
            let folder = Folder::new();
            move || -> Arc<dyn OpLog> {
                let clock = clock.clone();
                Arc::new(DiskLog::open(DiskSettings { clock, ..DiskSettings::new(&folder.0) }).unwrap())
            }
        })
    }

    cowrite_tests::oplog_suite!(bench());

    /// With blocks of so few entries, made so often, that nearly every case has some.
    mod in_blocks {
        use super::*;

        fn bench() -> Bench {
            Bench::new(|clock| {
                let folder = Folder::new();
                move || -> Arc<dyn OpLog> {
                    let settings = DiskSettings { clock: clock.clone(), ..DiskSettings::new(&folder.0) };
                    let settings = DiskSettings { block_entries: 2, tail_entries: 1, journal_bytes: 1024, ..settings };
                    Arc::new(DiskLog::open(settings).unwrap())
                }
            })
        }

        cowrite_tests::oplog_suite!(bench());
    }

    /// With so small a cache that documents and generations go through the disk all the time.
    mod forgetful {
        use super::*;

        fn bench() -> Bench {
            Bench::new(|clock| {
                let folder = Folder::new();
                move || -> Arc<dyn OpLog> {
                    let settings = DiskSettings { clock: clock.clone(), ..DiskSettings::new(&folder.0) };
                    let settings = DiskSettings { cached_documents: 0, cache_bytes: 1 << 16, ..settings };
                    Arc::new(DiskLog::open(settings).unwrap())
                }
            })
        }

        cowrite_tests::oplog_suite!(bench());
    }
}

mod redis {
    use super::*;

    fn bench() -> Bench {
        on(RedisProcess::start(&[]), RedisDurability::Unconfirmed)
    }

    cowrite_tests::oplog_suite!(bench());

    /// Acknowledged is durable, so it is there after a `kill -9`.
    mod on_disk {
        use super::*;

        fn bench() -> Bench {
            on(RedisProcess::on_disk(&[]), RedisDurability::Disk)
        }

        cowrite_tests::oplog_suite!(bench());
    }

    /// Opened again, Redis has been killed and started again, if it keeps anything.
    fn on(mut redis: RedisProcess, durability: RedisDurability) -> Bench {
        Bench::new(|clock| {
            let mut is_first = true;
            move || -> Arc<dyn OpLog> {
                if durability == RedisDurability::Disk && !std::mem::take(&mut is_first) {
                    redis.kill_9();
                    redis.restart();
                }
                let settings = RedisSettings::new(redis.url().parse().unwrap());
                let clock = Some(clock.clone());
                Arc::new(RedisLog::new(RedisSettings { durability, clock, retained_ms: 0, ..settings }))
            }
        })
    }
}

/// Three masters, of which a document's keys are at one.
mod cluster {
    use super::*;

    fn bench() -> Bench {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let prefix = format!("case-{}", NUMBER.fetch_add(1, Ordering::Relaxed));
        Bench::new(|clock| {
            let cluster = shared();
            move || -> Arc<dyn OpLog> {
                let settings = RedisSettings::new(cluster.url().parse().unwrap());
                let (clock, prefix) = (Some(clock.clone()), prefix.clone());
                Arc::new(RedisLog::new(RedisSettings { clock, prefix, retained_ms: 0, ..settings }))
            }
        })
    }

    cowrite_tests::oplog_suite!(bench());

    /// One for all cases that run at the same time, since it takes seconds to start. The last
    /// one who has it stops it.
    fn shared() -> Arc<RedisCluster> {
        static SHARED: Mutex<Weak<RedisCluster>> = Mutex::new(Weak::new());
        let mut shared = SHARED.lock().unwrap_or_else(PoisonError::into_inner);
        shared.upgrade().unwrap_or_else(|| {
            let cluster = Arc::new(RedisCluster::start(&[]));
            *shared = Arc::downgrade(&cluster);
            cluster
        })
    }
}

/// A folder of a test's own, gone with it.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Folder {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let name = format!("oplog-{}-{number}", std::process::id());
        Folder(PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // A folder that is left behind is found by nobody: its name is never used again.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
