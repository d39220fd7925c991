//! Two servers' hubs in one process, with real tasks.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{MemberChange, Role, ServerFrame};
use cowrite_protocol::{ClientId, Limits, RichText};
use cowrite_server::clock::Clock;
use cowrite_server::hub::{Hub, HubParts, HubSettings, RoomHandle};
use cowrite_server::oplog::WallClock;
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::outbox::Outbox;
use cowrite_server::presence::SharedBus;
use cowrite_server::room::{ConnectionId, OpenCommand, RoomCommand, RoomSettings, spawn_room};
use tokio::time::timeout;

const PATIENCE: Duration = Duration::from_secs(20);

struct Guest {
    outbox: Arc<Outbox>,
    connection: ConnectionId,
    shown: BTreeMap<u32, String>,
}

impl Guest {
    async fn open(room: &RoomHandle, number: u8, name: &str) -> Guest {
        let outbox = Arc::new(Outbox::new(1 << 20, 16 << 10));
        let connection = ConnectionId(u64::from(number));
        let command = OpenCommand {
            connection,
            outbox: Arc::clone(&outbox),
            request: 1,
            client: ClientId::from_bytes([number; 16]),
            user: name.parse().unwrap(),
            name: name.to_owned(),
            permit: cowrite_server::auth::Permit::new(Role::Editor, cowrite_protocol::Millis(u64::MAX)),
            position: None,
            whole: false,
            in_flight: None,
            state: String::new(),
        };
        room.commands.send(RoomCommand::Open(Box::new(command))).await.unwrap();
        Guest { outbox, connection, shown: BTreeMap::new() }
    }

    /// Waits until exactly these are shown.
    async fn sees(&mut self, names: &[&str]) {
        let seen = timeout(PATIENCE, async {
            loop {
                for bytes in self.outbox.take(64).frames {
                    for frame in decode_server(&bytes, usize::MAX) {
                        let ServerFrame::Members { changes, .. } = frame.unwrap() else { continue };
                        for change in changes {
                            match change {
                                MemberChange::Here(member) => self.shown.insert(member.number.0, member.name),
                                MemberChange::Left(number) => self.shown.remove(&number.0),
                            };
                        }
                    }
                }
                let mut shown: Vec<_> = self.shown.values().map(String::as_str).collect();
                shown.sort_unstable();
                if shown == names {
                    return;
                }
                if !self.outbox.has_work() {
                    self.outbox.ready().await;
                }
            }
        });
        if seen.await.is_err() {
            panic!("{:?} is shown instead of {names:?}", self.shown);
        }
    }
}

#[tokio::test]
async fn rooms_of_two_hubs_hear_each_other_and_say_goodbye_when_they_drain() {
    let (log, bus) = (Arc::new(MemoryLog::new()), SharedBus::default());
    let hub = || {
        Hub::new(HubParts {
            settings: HubSettings::default(),
            room: RoomSettings::default(),
            limits: Limits::default(),
            log: log.clone(),
            presence: Arc::new(bus.clone()),
            clock: Clock::start(),
            wall_clock: WallClock::system(),
            metrics: Arc::default(),
            spawn: Box::new(|seed| spawn_room::<RichText>(seed, Arc::default())),
        })
    };
    let hubs = [hub(), hub()];
    let document = "shared".parse().unwrap();
    let (here, there) = (hubs[0].open(&document).unwrap(), hubs[1].open(&document).unwrap());
    let mut ada = Guest::open(&here, 1, "ada").await;
    let mut ben = Guest::open(&there, 2, "ben").await;
    ada.sees(&["ada", "ben"]).await;
    ben.sees(&["ada", "ben"]).await;

    // A server goes down in order: its room is forgotten at once, and says so before.
    hubs[1].drain();
    there.commands.send(RoomCommand::Disconnected { connection: ben.connection }).await.unwrap();
    drop(there);
    timeout(PATIENCE, hubs[1].empty()).await.unwrap();
    ada.sees(&["ada"]).await;
}
