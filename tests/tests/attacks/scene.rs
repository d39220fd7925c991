//! The server that is attacked, and somebody who works on it meanwhile.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::{Duration, Instant};

use cowrite_tests::raw::RawClient;
use cowrite_tests::server::ServerProcess;

use crate::neighbour::Neighbour;

/// What an attack may leave behind in the server's memory: what its allocator keeps, and documents
/// that are still loaded.
const LEFT: u64 = 48 << 20;

/// Attackers are many users here, or one with as many connections as it takes: how many a user may
/// have is not what these tests are about.
const MANY: [&str; 3] = ["--memory", "--connections-per-user", "10000"];

/// Tests that measure time have the machine to themselves; all others run beside each other.
static MACHINE: RwLock<()> = RwLock::new(());

enum Turn {
    Shared(#[expect(dead_code, reason = "it is held, not read")] RwLockReadGuard<'static, ()>),
    Alone(#[expect(dead_code, reason = "it is held, not read")] RwLockWriteGuard<'static, ()>),
}

pub(crate) struct Scene {
    pub(crate) server: ServerProcess,
    pub(crate) neighbour: Neighbour,
    /// The server's resident memory before anything happened.
    pub(crate) before: u64,
    _turn: Turn,
}

impl Scene {
    /// A server in memory with these flags.
    pub(crate) async fn set(flags: &[&str]) -> Scene {
        let turn = Turn::Shared(MACHINE.read().unwrap_or_else(PoisonError::into_inner));
        Scene::of(ServerProcess::with_flags(&[&MANY[..], flags].concat()), turn).await
    }

    /// The same, and no other test runs meanwhile.
    pub(crate) async fn alone(flags: &[&str]) -> Scene {
        let turn = Turn::Alone(MACHINE.write().unwrap_or_else(PoisonError::into_inner));
        Scene::of(ServerProcess::with_flags(&[&MANY[..], flags].concat()), turn).await
    }

    /// This server.
    pub(crate) async fn around(server: ServerProcess) -> Scene {
        let turn = Turn::Shared(MACHINE.read().unwrap_or_else(PoisonError::into_inner));
        Scene::of(server, turn).await
    }

    async fn of(server: ServerProcess, turn: Turn) -> Scene {
        let mut neighbour = Neighbour::sit_down(&server.url(), "calm", "neighbour").await;
        for _ in 0..3 {
            neighbour.type_one().await;
        }
        let before = server.resident_bytes();
        Scene { server, neighbour, before, _turn: turn }
    }

    /// A connection that has said nothing.
    pub(crate) async fn stranger(&self) -> RawClient {
        RawClient::connect(self.server.address()).await
    }

    /// A connection of this user.
    pub(crate) async fn user(&self, name: &str) -> RawClient {
        RawClient::greeted(self.server.address(), &format!("dev:{name}")).await
    }

    /// How much more memory the server has than before.
    pub(crate) fn grown(&self) -> u64 {
        self.server.resident_bytes().saturating_sub(self.before)
    }

    /// The attack is over: the server lives, nothing in it panicked, the neighbour works on and has
    /// lost nothing, and memory comes back.
    pub(crate) async fn unharmed(self) {
        self.unharmed_within(LEFT).await;
    }

    /// As [`Scene::unharmed`], with this growth allowed.
    pub(crate) async fn unharmed_within(mut self, bytes: u64) {
        for _ in 0..5 {
            self.neighbour.type_one().await;
        }
        self.neighbour.is_intact(&self.server.url(), "calm").await;
        assert!(self.server.process().is_running());
        let log = self.server.log();
        assert!(!log.contains("panicked"), "{log}");
        assert_eq!(self.server.metrics().await.sum("cowrite_rooms_failed_total"), 0.0);
        let deadline = Instant::now() + Duration::from_secs(10);
        while self.grown() > bytes {
            assert!(Instant::now() < deadline, "{} KiB more than before", self.grown() >> 10);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

/// The connection is ended with this code, at both levels.
pub(crate) async fn ends_with(client: RawClient, code: cowrite_protocol::frame::Code) {
    assert_eq!(client.ending().await, cowrite_tests::raw::Ending::told(code));
}
