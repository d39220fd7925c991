//! The task that drives one room: commands, log answers, the live feed, presence and time.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::Arc;

use cowrite_protocol::frame::{Code, ServerFrame};
use cowrite_protocol::{Channel, DocumentId, DocumentType, Limits, Millis};
use futures_util::FutureExt;
use futures_util::stream::{FuturesUnordered, StreamExt};
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};

use super::{LogAnswer, LogRequest, LogTicket, Room, RoomCommand, RoomOutput, RoomSettings, encode};
use crate::auth::Permit;
use crate::clock::Clock;
use crate::metrics::{RoomMeter, RoomMetrics};
use crate::oplog::{Feed, FeedEvent, LogError, OpLog, WallClock};
use crate::outbox::Outbox;
use crate::presence::{PresenceBus, PresenceEvent, PresenceFeed};
use crate::tally::Mark;

/// What a room's task is made with.
pub struct RoomSeed {
    /// The document.
    pub document: DocumentId,
    /// Its channel number in this process.
    pub number: Channel,
    /// What clients may ask for.
    pub limits: Limits,
    /// How the room behaves.
    pub settings: RoomSettings,
    /// After how many idle milliseconds the room asks to be forgotten.
    pub idle_ms: u64,
    /// How often the room compares itself with the log while it is in use, in milliseconds.
    pub look_ms: u64,
    /// What remembers.
    pub log: Arc<dyn OpLog>,
    /// The way to the rooms of the document at other servers.
    pub presence: Arc<dyn PresenceBus>,
    /// The clock of the machines.
    pub clock: Clock,
    /// The time of day that entries bear.
    pub wall_clock: WallClock,
    /// Where the room counts.
    pub metrics: Arc<RoomMetrics>,
    /// What is asked of the room.
    pub commands: mpsc::Receiver<RoomCommand>,
    /// The room's entry where rooms are handed out.
    pub registration: Box<dyn Registration>,
    /// Turns true when the server goes down.
    pub draining: watch::Receiver<bool>,
    /// Held until the room has settled, after the server began to go down, all that it took.
    pub unsettled: Mark,
    /// Held as long as the task lives.
    pub open: Mark,
}

/// A room's entry where rooms are handed out.
pub trait Registration: Send {
    /// Calls `decide` while no room can be handed out. If it returns true, the entry is
    /// removed before any can be; returns what it returned.
    fn retire(&self, decide: &mut dyn FnMut() -> bool) -> bool;
}

/// How long clients are asked to wait after a room has failed, in milliseconds.
const FAILED_RETRY_MS: u32 = 500;

/// How many commands, or batches of the feed, are handled before others have their turn.
const TURN: usize = 256;

/// When a room that could not be forgotten asks again, in milliseconds at least.
const RETIRE_AGAIN_MS: u64 = 50;

/// Starts the task of a room. It ends when the room has been forgotten.
///
/// A panic inside ends this room alone: its channels are closed with `Internal`, and
/// whoever opens the document next has it loaded anew.
pub fn spawn_room<D: DocumentType>(seed: RoomSeed, format: Arc<D::Format>) {
    tokio::spawn(async move {
        let mut task = RoomTask::<D>::new(seed, format);
        if AssertUnwindSafe(task.run()).catch_unwind().await.is_err() {
            task.fail();
        }
    });
}

struct RoomTask<D: DocumentType> {
    room: Room<D>,
    document: Arc<DocumentId>,
    log: Arc<dyn OpLog>,
    bus: Arc<dyn PresenceBus>,
    presence: Option<PresenceFeed>,
    clock: Clock,
    wall_clock: WallClock,
    metrics: Arc<RoomMetrics>,
    idle_ms: u64,
    look_ms: u64,
    look_at: Millis,
    commands: mpsc::Receiver<RoomCommand>,
    registration: Box<dyn Registration>,
    draining: watch::Receiver<bool>,
    is_draining: bool,
    unsettled: Option<Mark>,
    _open: Mark,
    /// The append under way; the machine never asks for a second one.
    append: Option<LogCall>,
    calls: FuturesUnordered<LogCall>,
    feed: Option<Feed>,
    /// Since when the room could be forgotten.
    idle_since: Option<Millis>,
    /// The open that is being handled: if that panics, nobody else knows of it.
    opening: Option<(Arc<Outbox>, u32, Permit)>,
}

type LogCall = Pin<Box<dyn Future<Output = (LogTicket, Reply)> + Send>>;

enum Reply {
    Answer(LogAnswer),
    Subscribed(Result<Feed, LogError>),
}

enum Wake {
    Append(LogTicket, Reply),
    Call(LogTicket, Reply),
    Command(RoomCommand),
    Feed(Option<FeedEvent>),
    Presence(Option<PresenceEvent>),
    Draining,
    Timer,
}

impl<D: DocumentType> RoomTask<D> {
    fn new(seed: RoomSeed, format: Arc<D::Format>) -> RoomTask<D> {
        let RoomSeed { document, number, limits, settings, idle_ms, look_ms, log, clock, wall_clock, .. } = seed;
        let entropy = Box::new(random_bits);
        let presence = Some(seed.presence.subscribe(&document));
        RoomTask {
            room: Room::new(document.clone(), number, limits, settings, entropy)
                .with_meter(RoomMeter::new(Arc::clone(&seed.metrics)))
                .with_format(format),
            metrics: seed.metrics,
            document: Arc::new(document),
            log,
            bus: seed.presence,
            presence,
            clock,
            wall_clock,
            idle_ms,
            look_ms,
            look_at: clock.now() + look_ms,
            commands: seed.commands,
            registration: seed.registration,
            draining: seed.draining,
            is_draining: false,
            unsettled: Some(seed.unsettled),
            _open: seed.open,
            append: None,
            calls: FuturesUnordered::new(),
            feed: None,
            idle_since: None,
            opening: None,
        }
    }

    async fn run(&mut self) {
        tracing::debug!(document = %self.document, channel = self.room.number.0, "room opened");
        let mut timer = pin!(sleep_until(self.clock.instant(Millis(u64::MAX))));
        let mut armed = None;
        loop {
            self.start_calls();
            let now = self.clock.now();
            self.heed_draining();
            if self.rest(now) {
                tracing::debug!(document = %self.document, "room forgotten");
                return;
            }
            let due = [self.room.poll_timeout(), self.retire_at(), self.look_due()].into_iter().flatten().min();
            if due != armed {
                armed = due;
                timer.as_mut().reset(self.clock.instant(due.unwrap_or(Millis(u64::MAX))));
            }
            let wake = tokio::select! {
                biased;
                (ticket, reply) = answer_of(&mut self.append) => Wake::Append(ticket, reply),
                Some((ticket, reply)) = self.calls.next(), if !self.calls.is_empty() => Wake::Call(ticket, reply),
                // The registration holds a sender, so the queue ends only with the room.
                Some(command) = self.commands.recv() => Wake::Command(command),
                event = next_event(&mut self.feed) => Wake::Feed(event),
                event = next_presence(&mut self.presence) => Wake::Presence(event),
                Ok(()) = self.draining.changed(), if !self.is_draining => Wake::Draining,
                () = timer.as_mut(), if armed.is_some() => Wake::Timer,
            };
            let now = self.clock.now();
            // A submit that was sent after the farewell is there with it, or before it.
            self.heed_draining();
            match wake {
                Wake::Append(ticket, reply) => {
                    // What waits joins the batch that begins when this one has ended.
                    self.take_commands(now);
                    self.answer(ticket, reply, now);
                }
                Wake::Call(ticket, reply) => self.answer(ticket, reply, now),
                Wake::Command(command) => {
                    self.command(command, now);
                    self.take_commands(now);
                }
                Wake::Feed(event) => self.take_feed(event, now),
                Wake::Presence(Some(event)) => self.room.handle_presence(event, now),
                // There is nobody elsewhere, or the server goes down.
                Wake::Presence(None) => self.presence = None,
                Wake::Draining | Wake::Timer => {}
            }
            // A flood of one kind must not keep the others waiting for ever.
            if let Some(Ok(event)) = self.feed.as_mut().map(Feed::try_recv) {
                self.take_feed(Some(event), now);
            }
            if let Some(Ok(event)) = self.presence.as_mut().map(PresenceFeed::try_recv) {
                self.room.handle_presence(event, now);
            }
            if self.room.poll_timeout().is_some_and(|due| due <= now) {
                self.room.handle_timeout(now);
            }
            if self.look_due().is_some_and(|due| due <= now) {
                self.look_at = now + self.look_ms;
                self.room.look(now);
            }
        }
    }

    /// A feed may lose a batch, so who uses the document is not left to it alone.
    fn look_due(&self) -> Option<Millis> {
        (self.room.channels() > 0).then_some(self.look_at)
    }

    fn command(&mut self, command: RoomCommand, now: Millis) {
        if let RoomCommand::Open(open) = &command {
            self.opening = Some((Arc::clone(&open.outbox), open.request, open.permit.clone()));
        }
        self.room.handle_command(command, now);
        self.opening = None;
    }

    fn take_commands(&mut self, now: Millis) {
        for _ in 0..TURN {
            let Ok(command) = self.commands.try_recv() else { return };
            self.command(command, now);
        }
    }

    fn take_feed(&mut self, event: Option<FeedEvent>, now: Millis) {
        let Some(event) = event else {
            self.feed = None;
            return self.room.look(now);
        };
        self.room.handle_feed(event, now);
        for _ in 0..TURN {
            let Some(Ok(event)) = self.feed.as_mut().map(Feed::try_recv) else { return };
            self.room.handle_feed(event, now);
        }
    }

    fn answer(&mut self, ticket: LogTicket, reply: Reply, now: Millis) {
        let answer = match reply {
            Reply::Answer(answer) => answer,
            Reply::Subscribed(Ok(feed)) => {
                self.feed = Some(feed);
                LogAnswer::Subscribed(Ok(()))
            }
            Reply::Subscribed(Err(error)) => LogAnswer::Subscribed(Err(error)),
        };
        self.room.handle_log(ticket, answer, now);
    }

    fn start_calls(&mut self) {
        while let Some(output) = self.room.poll_output() {
            match output {
                RoomOutput::Log(ticket, request @ LogRequest::Append(_)) if self.append.is_none() => {
                    self.append = Some(self.call(ticket, request));
                }
                RoomOutput::Log(ticket, request) => self.calls.push(self.call(ticket, request)),
                RoomOutput::Presence(message) => self.bus.publish(&self.document, message),
            }
        }
    }

    fn call(&self, ticket: LogTicket, request: LogRequest) -> LogCall {
        let (log, document) = (Arc::clone(&self.log), Arc::clone(&self.document));
        let time_ms = self.wall_clock.now_ms();
        let metrics = Arc::clone(&self.metrics);
        Box::pin(async move {
            let asked_for = request.operation();
            let answer = match request {
                LogRequest::Subscribe => {
                    let subscribed = log.subscribe(&document).await;
                    if subscribed.is_err() {
                        metrics.log_failed(asked_for);
                    }
                    return (ticket, Reply::Subscribed(subscribed));
                }
                LogRequest::Open(client) => LogAnswer::Opened(log.open(&document, client).await),
                LogRequest::Append(mut batch) => {
                    batch.time_ms = time_ms;
                    let asked = Instant::now();
                    let outcome = log.append(&document, batch).await;
                    metrics.append_answered(asked.elapsed());
                    LogAnswer::Append(outcome)
                }
                LogRequest::Read { after, max_bytes } => LogAnswer::Read(log.read(&document, after, max_bytes).await),
                LogRequest::LoadSnapshot => LogAnswer::Snapshot(log.load_snapshot(&document).await),
                LogRequest::StoreSnapshot(snapshot) => LogAnswer::Stored(log.store_snapshot(&document, snapshot).await),
                LogRequest::Trim(before) => LogAnswer::Stored(log.trim(&document, before).await),
                LogRequest::Erase(before) => LogAnswer::Stored(log.erase(&document, before).await),
                LogRequest::AdvanceEpoch(life) => LogAnswer::Advanced(log.advance_epoch(&document, life).await),
            };
            if answer.is_failure() {
                metrics.log_failed(asked_for);
            }
            (ticket, Reply::Answer(answer))
        })
    }

    /// When the server goes down, takes no more, and says so once all is settled.
    fn heed_draining(&mut self) {
        if !self.is_draining && *self.draining.borrow_and_update() {
            self.is_draining = true;
            self.room.drain();
        }
        if self.is_draining && self.room.sequencer().is_idle() {
            self.unsettled = None;
        }
    }

    /// Whether the room has been forgotten: it was idle for long enough, and nobody holds
    /// a way to it.
    fn rest(&mut self, now: Millis) -> bool {
        if !self.room.is_unloadable() {
            self.idle_since = None;
            return false;
        }
        self.idle_since.get_or_insert(now);
        if self.retire_at().is_none_or(|due| due > now) {
            return false;
        }
        // One sender is the registration's own. More are handed out under its lock only,
        // or made from one that somebody holds.
        let commands = &mut self.commands;
        let retired = self.registration.retire(&mut || commands.sender_strong_count() == 1 && commands.is_empty());
        if !retired {
            self.idle_since = Some(now + RETIRE_AGAIN_MS);
        }
        retired
    }

    fn retire_at(&self) -> Option<Millis> {
        self.idle_since.map(|since| since + if self.is_draining { 0 } else { self.idle_ms })
    }

    /// After a panic: tells everybody, and makes room for a new room.
    fn fail(&mut self) {
        self.metrics.room_failed();
        tracing::error!(document = %self.document, "a room has failed; it is loaded anew when it is opened again");
        let number = self.room.number;
        let (commands, room, opening) = (&mut self.commands, &self.room, &mut self.opening);
        // All of it under the lock: afterwards the number may belong to another document.
        self.registration.retire(&mut || {
            commands.close();
            for channel in room.channels.values() {
                channel.gate.close(Code::Internal, FAILED_RETRY_MS);
            }
            for open in &room.opens {
                refuse(&open.command.outbox, open.command.request, number, open.command.permit.clone());
            }
            if let Some((outbox, request, permit)) = opening.take()
                && !room
                    .opens
                    .iter()
                    .any(|open| open.command.request == request && Arc::ptr_eq(&open.command.outbox, &outbox))
                && !room.channels.values().any(|channel| channel.gate.leads_to(&outbox))
            {
                refuse(&outbox, request, number, permit);
            }
            while let Ok(command) = commands.try_recv() {
                if let RoomCommand::Open(open) = command {
                    refuse(&open.outbox, open.request, number, open.permit);
                }
            }
            true
        });
    }
}

fn refuse(outbox: &Outbox, request: u32, number: Channel, permit: Permit) {
    let refused = ServerFrame::OpenRefused { request, code: Code::Internal, retry_after_ms: FAILED_RETRY_MS };
    outbox.push_own(encode(&refused));
    outbox.channel_closed(number, permit);
}

/// The answer of a call that may be under way; may be dropped and asked for again.
async fn answer_of(call: &mut Option<LogCall>) -> (LogTicket, Reply) {
    let Some(under_way) = call else { return std::future::pending().await };
    let answer = under_way.await;
    *call = None;
    answer
}

async fn next_event(feed: &mut Option<Feed>) -> Option<FeedEvent> {
    match feed {
        Some(feed) => feed.recv().await,
        None => std::future::pending().await,
    }
}

async fn next_presence(feed: &mut Option<PresenceFeed>) -> Option<PresenceEvent> {
    match feed {
        Some(feed) => feed.recv().await,
        None => std::future::pending().await,
    }
}

#[expect(clippy::expect_used, reason = "a life of a log must not be named by anything but chance; this ends one room")]
fn random_bits() -> u64 {
    getrandom::u64().expect("the system gives random bits")
}
