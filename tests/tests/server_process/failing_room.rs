//! A room that panics ends alone.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use cowrite_protocol::codec::decode_server;
use cowrite_protocol::frame::{Code, Role, ServerFrame};
use cowrite_protocol::{Channel, ClientId, DocumentId, Limits, Millis, RichText, UserId, Version};
use cowrite_server::auth::Permit;
use cowrite_server::clock::Clock;
use cowrite_server::hub::{Hub, HubParts, HubSettings, RoomHandle};
use cowrite_server::oplog::memory::MemoryLog;
use cowrite_server::oplog::{
    AdvanceOutcome, AppendOutcome, Batch, Durability, Feed, LogError, LogFuture, NewLife, OpLog, OpenError, OpenedLog,
    ReadOutcome, Snapshot, WallClock,
};
use cowrite_server::outbox::Outbox;
use cowrite_server::presence::LocalBus;
use cowrite_server::room::{ConnectionId, OpenCommand, RoomCommand, RoomSettings, spawn_room};
use tokio::time::timeout;

use crate::peer::PATIENCE;

/// A log of which one document's opening panics, as long as it is told to.
struct Mine {
    log: MemoryLog,
    armed: AtomicBool,
}

impl Mine {
    fn step_on(&self, document: &DocumentId) {
        assert!(document.as_str() != "mined" || !self.armed.load(Ordering::SeqCst), "this panic belongs to the test");
    }
}

impl OpLog for Mine {
    fn durability(&self) -> Durability {
        self.log.durability()
    }

    fn open<'a>(
        &'a self,
        document: &'a DocumentId,
        client: Option<(ClientId, UserId)>,
    ) -> LogFuture<'a, Result<OpenedLog, OpenError>> {
        Box::pin(async move {
            // Only when somebody opens an open room, so that there are channels to lose.
            if client.as_ref().is_some_and(|(_, user)| user.as_str() == "trigger") {
                self.step_on(document);
            }
            self.log.open(document, client).await
        })
    }

    fn append<'a>(&'a self, document: &'a DocumentId, batch: Batch) -> LogFuture<'a, AppendOutcome> {
        self.log.append(document, batch)
    }

    fn read<'a>(
        &'a self,
        document: &'a DocumentId,
        after: Version,
        max_bytes: usize,
    ) -> LogFuture<'a, Result<ReadOutcome, LogError>> {
        self.log.read(document, after, max_bytes)
    }

    fn probe(&self) -> LogFuture<'_, Result<(), LogError>> {
        self.log.probe()
    }

    fn load_snapshot<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Option<Snapshot>, LogError>> {
        self.log.load_snapshot(document)
    }

    fn store_snapshot<'a>(
        &'a self,
        document: &'a DocumentId,
        snapshot: Snapshot,
    ) -> LogFuture<'a, Result<(), LogError>> {
        self.log.store_snapshot(document, snapshot)
    }

    fn trim<'a>(&'a self, document: &'a DocumentId, before: Version) -> LogFuture<'a, Result<(), LogError>> {
        self.log.trim(document, before)
    }

    fn subscribe<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Feed, LogError>> {
        self.log.subscribe(document)
    }

    fn advance_epoch<'a>(
        &'a self,
        document: &'a DocumentId,
        life: NewLife,
    ) -> LogFuture<'a, Result<AdvanceOutcome, LogError>> {
        self.log.advance_epoch(document, life)
    }
}

/// Somebody at a room, without a socket.
struct Guest {
    number: u64,
    outbox: Arc<Outbox>,
    /// Channels that a room has closed.
    closed: Mutex<Vec<Channel>>,
}

#[derive(Debug, PartialEq, Eq)]
enum Heard {
    Opened,
    Refused(Code),
    Closed(Code),
}

impl Guest {
    fn new(number: u64) -> Guest {
        Guest { number, outbox: Arc::new(Outbox::new(1 << 20, 16 << 10)), closed: Mutex::default() }
    }

    async fn open(&self, room: &RoomHandle, user: &str) {
        self.open_on(room, user, ConnectionId(self.number)).await;
    }

    async fn open_on(&self, room: &RoomHandle, user: &str, connection: ConnectionId) {
        let command = OpenCommand {
            connection,
            outbox: Arc::clone(&self.outbox),
            request: 1,
            client: ClientId::from_bytes([u8::try_from(self.number).unwrap(); 16]),
            user: user.parse().unwrap(),
            name: user.to_owned(),
            permit: Permit::new(Role::Editor, Millis(u64::MAX)),
            position: None,
            whole: false,
            in_flight: None,
            state: String::new(),
        };
        room.commands.send(RoomCommand::Open(Box::new(command))).await.unwrap();
    }

    /// The next frame that matters.
    async fn hear(&self) -> Heard {
        let hear = async {
            loop {
                let taken = self.outbox.take(1);
                self.closed.lock().unwrap().extend(taken.closed.into_iter().map(|(channel, _)| channel));
                for message in taken.frames {
                    let heard = match decode_server(&message, usize::MAX).next().unwrap().unwrap() {
                        ServerFrame::Opened(_) => Heard::Opened,
                        ServerFrame::OpenRefused { code, .. } => Heard::Refused(code),
                        ServerFrame::Closed { code, .. } => Heard::Closed(code),
                        _ => continue,
                    };
                    return heard;
                }
                if !self.outbox.has_work() {
                    self.outbox.ready().await;
                }
            }
        };
        timeout(PATIENCE, hear).await.expect("nothing is heard")
    }
}

#[tokio::test]
async fn b7_a_room_that_fails_tells_its_own_and_is_loaded_anew() {
    let log = Arc::new(Mine { log: MemoryLog::new(), armed: AtomicBool::new(true) });
    let hub = Hub::new(HubParts {
        settings: HubSettings::default(),
        room: RoomSettings::default(),
        limits: Limits::default(),
        log: Arc::clone(&log) as Arc<dyn OpLog>,
        presence: Arc::new(LocalBus),
        clock: Clock::start(),
        wall_clock: WallClock::system(),
        metrics: Arc::default(),
        spawn: Box::new(|seed| spawn_room::<RichText>(seed, Arc::default())),
    });
    let (mined, other) = ("mined".parse().unwrap(), "other".parse().unwrap());
    let (inside, bystander, trigger) = (Guest::new(1), Guest::new(2), Guest::new(3));
    let room = hub.open(&mined).unwrap();
    inside.open(&room, "inside").await;
    assert_eq!(inside.hear().await, Heard::Opened);
    let other_room = hub.open(&other).unwrap();
    bystander.open(&other_room, "bystander").await;
    assert_eq!(bystander.hear().await, Heard::Opened);

    trigger.open(&room, "trigger").await;
    assert_eq!(trigger.hear().await, Heard::Refused(Code::Internal));
    assert_eq!(inside.hear().await, Heard::Closed(Code::Internal));
    assert!(room.commands.is_closed());
    assert_eq!(*inside.closed.lock().unwrap(), [room.number]);

    // The next to come has it loaded anew; its number rests, so no late frame errs.
    log.armed.store(false, Ordering::SeqCst);
    let again = hub.open(&mined).unwrap();
    assert_ne!(again.number, room.number);
    trigger.open(&again, "trigger").await;
    assert_eq!(trigger.hear().await, Heard::Opened);
    assert!(!other_room.commands.is_closed());
    assert!(!bystander.outbox.has_work() || bystander.outbox.take(1 << 20).end.is_none());
}

/// Ten thousand times somebody opens a document whose room is forgotten the moment that nobody has
/// it open, while others do.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn b8_a_room_that_is_forgotten_while_it_is_opened_is_there_once_and_leaves_nothing() {
    const OPENS: u64 = 10_000;
    const GUESTS: u64 = 4;
    let metrics = Arc::<cowrite_server::metrics::RoomMetrics>::default();
    // One room at a time: a second one for the same document is one too many.
    let (most, open) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let hub = Hub::new(HubParts {
        settings: HubSettings { idle_ms: 0, number_rest_ms: 0, ..HubSettings::default() },
        room: RoomSettings::default(),
        limits: Limits::default(),
        log: Arc::new(MemoryLog::new()),
        presence: Arc::new(LocalBus),
        clock: Clock::start(),
        wall_clock: WallClock::system(),
        metrics: Arc::clone(&metrics),
        spawn: Box::new(|seed| spawn_room::<RichText>(seed, Arc::default())),
    });
    let document: DocumentId = "hall".parse().unwrap();
    let guests = (0..GUESTS).map(|guest| {
        let (hub, document, most, open) = (hub.clone(), document.clone(), Arc::clone(&most), Arc::clone(&open));
        tokio::spawn(async move {
            for round in 0..OPENS / GUESTS {
                let room = hub.open(&document).unwrap();
                let guest = Guest::new(guest + 1);
                let connection = ConnectionId(guest.number + GUESTS * round);
                guest.open_on(&room, "visitor", connection).await;
                open.fetch_add(1, Ordering::SeqCst);
                assert_eq!(guest.hear().await, Heard::Opened, "round {round}");
                most.fetch_max(hub.rooms() as u64, Ordering::SeqCst);
                room.commands.send(RoomCommand::Disconnected { connection }).await.unwrap();
                drop(room);
                if round % 3 == 0 {
                    tokio::task::yield_now().await;
                }
            }
        })
    });
    for guest in guests.collect::<Vec<_>>() {
        guest.await.unwrap();
    }
    assert_eq!((open.load(Ordering::SeqCst), hub.rooms() <= 1), (OPENS, true));
    // Rooms that are going, and the one that has come after them.
    assert!(most.load(Ordering::SeqCst) <= 2, "{most:?} rooms of one document");
    timeout(PATIENCE, async {
        while hub.rooms() > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
    })
    .await
    .expect("the last room is forgotten");
}
