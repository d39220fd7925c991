//! Which documents are open in this process, and where their rooms are.

mod numbers;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use cowrite_protocol::frame::Code;
use cowrite_protocol::{Channel, DocumentId, Limits};
use tokio::sync::{mpsc, watch};

use crate::clock::Clock;
use crate::metrics::RoomMetrics;
use crate::oplog::{OpLog, WallClock};
use crate::presence::PresenceBus;
use crate::room::{Registration, RoomCommand, RoomSeed, RoomSettings};
use crate::tally::Tally;

use numbers::Numbers;

/// The rooms of this process, each made when its document is opened and forgotten when
/// it has been idle for a while. Clones share them.
///
/// **Invariant:** a document has one room at most. A room is forgotten under the lock
/// under which rooms are handed out, and only if nobody holds a handle to it.
#[derive(Clone)]
pub struct Hub(Arc<Shared>);

/// How rooms are kept.
#[derive(Clone, Copy, Debug)]
pub struct HubSettings {
    /// A room that nobody has open is forgotten after this time, in milliseconds.
    pub idle_ms: u64,
    /// The number of a room that was forgotten is given to no other for this long, in
    /// milliseconds: longer than a connection can be silent.
    pub number_rest_ms: u64,
    /// A room in use compares itself with the log this often, in milliseconds, in case the
    /// live feed has lost something.
    pub look_ms: u64,
    /// Commands that may wait for a room; whoever brings more waits.
    pub queue_commands: usize,
}

impl Default for HubSettings {
    fn default() -> Self {
        HubSettings { idle_ms: 30_000, number_rest_ms: 120_000, look_ms: 30_000, queue_commands: 256 }
    }
}

/// The way to a room. As long as one is held the room is not forgotten.
#[derive(Clone, Debug)]
pub struct RoomHandle {
    /// The channel number of the room on every connection.
    pub number: Channel,
    /// Its queue; closed if the room has failed.
    pub commands: mpsc::Sender<RoomCommand>,
}

/// What every room of a hub is made with.
pub struct HubParts {
    /// How rooms are kept.
    pub settings: HubSettings,
    /// How rooms behave.
    pub room: RoomSettings,
    /// What clients may ask for.
    pub limits: Limits,
    /// What remembers.
    pub log: Arc<dyn OpLog>,
    /// The way to the rooms of a document at other servers.
    pub presence: Arc<dyn PresenceBus>,
    /// The clock of the machines.
    pub clock: Clock,
    /// The time of day that entries bear.
    pub wall_clock: WallClock,
    /// Where rooms count.
    pub metrics: Arc<RoomMetrics>,
    /// Starts the task of a room: [`spawn_room`](crate::room::spawn_room) for the kind
    /// of documents that this server keeps, with the format of this one.
    pub spawn: Box<dyn Fn(RoomSeed) + Send + Sync>,
}

struct Shared {
    parts: HubParts,
    draining: watch::Sender<bool>,
    unsettled: Tally,
    open: Tally,
    state: Mutex<State>,
}

struct State {
    rooms: HashMap<DocumentId, RoomHandle>,
    numbers: Numbers,
}

impl Hub {
    /// A hub without any room.
    pub fn new(parts: HubParts) -> Hub {
        let state = State { rooms: HashMap::new(), numbers: Numbers::new(parts.settings.number_rest_ms) };
        Hub(Arc::new(Shared {
            parts,
            draining: watch::Sender::new(false),
            unsettled: Tally::default(),
            open: Tally::default(),
            state: Mutex::new(state),
        }))
    }

    /// The room of a document, made if there is none.
    ///
    /// # Errors
    /// `Internal` while the server is going down, or if there is no number left.
    pub fn open(&self, document: &DocumentId) -> Result<RoomHandle, Code> {
        let shared = &self.0;
        let mut state = shared.state();
        if let Some(room) = state.rooms.get(document) {
            return Ok(room.clone());
        }
        if *shared.draining.borrow() {
            return Err(Code::Internal);
        }
        let parts = &shared.parts;
        let number = state.numbers.take(parts.clock.now()).ok_or(Code::Internal)?;
        let (sender, commands) = mpsc::channel(parts.settings.queue_commands);
        let room = RoomHandle { number, commands: sender };
        state.rooms.insert(document.clone(), room.clone());
        (parts.spawn)(RoomSeed {
            document: document.clone(),
            number,
            limits: parts.limits,
            settings: parts.room,
            idle_ms: parts.settings.idle_ms,
            look_ms: parts.settings.look_ms,
            log: Arc::clone(&parts.log),
            presence: Arc::clone(&parts.presence),
            clock: parts.clock,
            wall_clock: parts.wall_clock.clone(),
            metrics: Arc::clone(&parts.metrics),
            commands,
            registration: Box::new(Registered { shared: Arc::clone(shared), document: document.clone(), number }),
            draining: shared.draining.subscribe(),
            unsettled: shared.unsettled.mark(),
            open: shared.open.mark(),
        });
        Ok(room)
    }

    /// How many rooms there are.
    pub fn rooms(&self) -> usize {
        self.0.open.count()
    }

    /// No room takes a submit any more, no room is made any more, and each is forgotten
    /// as soon as it is idle.
    pub fn drain(&self) {
        // Under the lock, so that no room is made that has not heard of it.
        let _state = self.0.state();
        self.0.draining.send_replace(true);
    }

    /// Waits, after [`Hub::drain`], until every submit that was taken is settled.
    pub async fn settled(&self) {
        self.0.unsettled.empty().await;
    }

    /// Waits until there is no room.
    pub async fn empty(&self) {
        self.0.open.empty().await;
    }
}

impl Shared {
    fn state(&self) -> MutexGuard<'_, State> {
        // A map and a counter: whole whatever panicked while they were locked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A room's entry in the hub, as the room sees it.
struct Registered {
    shared: Arc<Shared>,
    document: DocumentId,
    number: Channel,
}

impl Registration for Registered {
    fn retire(&self, decide: &mut dyn FnMut() -> bool) -> bool {
        let mut state = self.shared.state();
        let retired = decide();
        if retired {
            state.rooms.remove(&self.document);
            state.numbers.give_back(self.number, self.shared.parts.clock.now());
        }
        retired
    }
}
