//! One open document in one process: who has it open, and what reaches whom.
//!
//! The room is a machine without I/O: commands, log answers, feed events and the presence
//! of other servers go in, requests to the log and own presence come out, and frames go to
//! the outboxes of its channels. A task
//! (or a simulation) drives it: after each input drain [`Room::poll_output`] to `None`.

mod broadcast;
mod catch_up;
mod channel;
mod command;
mod deletion;
mod durable;
mod elsewhere;
mod export;
mod following;
mod gate;
mod loading;
mod opening;
mod presence;
mod quarantine;
mod submit;
mod task;

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use bytes::Bytes;
use cowrite_protocol::frame::{Code, ServerFrame};
use cowrite_protocol::{Channel, Checksum, DocumentId, DocumentType, Epoch, Limits, Millis, Version};

use crate::metrics::RoomMeter;
use crate::oplog::{FeedBatch, FeedEvent, Head, ReadOutcome};
use crate::presence::{Exchange, Roster};
use crate::sequencer::Sequencer;
use crate::traces::AppendTimes;

use channel::ChannelState;
pub use command::{
    ChannelFrame, ConnectionId, LogAnswer, LogRequest, LogTicket, OpenCommand, RoomCommand, RoomOutput, RoomSettings,
};
use deletion::DeletionState;
pub use deletion::{Existence, ExistenceCommand};
use durable::SnapshotState;
pub use export::{ExportCommand, Exported};
use following::Following;
use loading::Phase;
use opening::PendingOpen;
pub use task::{Registration, RoomSeed, spawn_room};

/// One open document.
pub struct Room<D: DocumentType> {
    document: DocumentId,
    number: Channel,
    limits: Limits,
    settings: RoomSettings,
    /// Where names of new lives of the log come from.
    entropy: Box<dyn FnMut() -> u64 + Send>,
    phase: Phase,
    /// The log lost history that this epoch names: it is to be superseded.
    lost_epoch: Option<Epoch>,
    /// How often in a row what was loaded made no sense.
    bad_loads: u32,
    /// Behind our head the log holds what makes no sense; the document can be read only.
    quarantined: bool,
    sequencer: Sequencer<D>,
    /// The lowest version that the log can be read after, as last heard.
    floor: Version,
    /// Entries up to here are durable, where the log says so apart.
    durable: Version,
    /// What the log called durable before it reached us.
    durable_ahead: Option<Head>,
    /// Some channel may not have heard of it.
    durable_due: bool,
    /// Entries up to here have been given to the channels that are in step.
    broadcast: Version,
    channels: BTreeMap<ConnectionId, ChannelState>,
    /// By the number of a stay: the connection whose channel it is.
    stays: BTreeMap<u64, ConnectionId>,
    next_stay: u64,
    opens: Vec<PendingOpen>,
    roster: Roster,
    exchange: Exchange,
    feed: VecDeque<FeedBatch>,
    tickets: BTreeMap<LogTicket, Purpose>,
    next_ticket: u64,
    following: Following,
    /// The log is to be looked at again when it has answered the look that is under way.
    look_wanted: bool,
    /// A look has failed, and is tried again then.
    look_retry_at: Option<Millis>,
    append_since: Option<Millis>,
    /// The same for traces, which are finer; only if anybody traces.
    append_times: AppendTimes,
    append_retry_at: Option<Millis>,
    stalled: bool,
    draining: bool,
    snapshot: SnapshotState,
    /// The checksum of the document, computed once a version.
    checksum: Option<(Version, Checksum)>,
    presence_due: Option<Millis>,
    /// Who wants the document once, over HTTP.
    exports: Vec<ExportCommand>,
    /// Whether the document is deleted, and who wants it to be.
    deletion: DeletionState,
    /// What edits may bring into the document.
    format: Arc<D::Format>,
    /// The time of the input that is being handled.
    now: Millis,
    meter: RoomMeter,
    outputs: VecDeque<RoomOutput>,
}

/// What a request to the log was for.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Purpose {
    Subscribe,
    OpenLog,
    AdvanceEpoch,
    LoadSnapshot,
    ReadTail,
    Follow,
    Look(Version),
    /// Whether the log holds what a room in quarantine does after this version.
    Doubt(Version),
    OpenClient(ConnectionId, u32),
    ReadDown(ConnectionId, u32),
    Append,
    StoreSnapshot(Version),
    Trim,
    Erase,
}

impl<D: DocumentType> Room<D> {
    /// A room that begins to load its document. `number` is its channel number in this
    /// process; `entropy` gives random bits, for names of epochs and the room's own name.
    pub fn new(
        document: DocumentId,
        number: Channel,
        limits: Limits,
        settings: RoomSettings,
        mut entropy: Box<dyn FnMut() -> u64 + Send>,
    ) -> Room<D> {
        let exchange = Exchange::new(elsewhere::random_name(&mut *entropy));
        let mut room = Room {
            document,
            number,
            limits,
            settings,
            entropy,
            phase: Phase::Failed,
            lost_epoch: None,
            bad_loads: 0,
            quarantined: false,
            sequencer: Sequencer::new(limits, Default::default(), D::Document::default()),
            floor: Version::ZERO,
            durable: Version::ZERO,
            durable_ahead: None,
            durable_due: false,
            broadcast: Version::ZERO,
            channels: BTreeMap::new(),
            stays: BTreeMap::new(),
            next_stay: 1,
            opens: Vec::new(),
            roster: Roster::default(),
            exchange,
            feed: VecDeque::new(),
            tickets: BTreeMap::new(),
            next_ticket: 1,
            following: Following::default(),
            look_wanted: false,
            look_retry_at: None,
            append_since: None,
            append_times: AppendTimes::default(),
            append_retry_at: None,
            stalled: false,
            draining: false,
            snapshot: SnapshotState::default(),
            checksum: None,
            presence_due: None,
            exports: Vec::new(),
            deletion: DeletionState::default(),
            format: Arc::default(),
            now: Millis(0),
            meter: RoomMeter::default(),
            outputs: VecDeque::new(),
        };
        room.load();
        room
    }

    /// The same room, counting there; else nobody reads what it counts.
    pub fn with_meter(mut self, meter: RoomMeter) -> Room<D> {
        self.meter = meter;
        self
    }

    /// The same room, refusing edits that bring in what this format does not allow; else anything is allowed.
    pub fn with_format(mut self, format: Arc<D::Format>) -> Room<D> {
        self.format = format;
        self
    }

    /// The document's id.
    pub fn document_id(&self) -> &DocumentId {
        &self.document
    }

    /// The sequencer, for inspection.
    pub fn sequencer(&self) -> &Sequencer<D> {
        &self.sequencer
    }

    /// Whether the document is at hand. While it is being loaded the sequencer stands wherever that has come to.
    pub fn is_open(&self) -> bool {
        self.phase == Phase::Open
    }

    /// How many channels are open.
    pub fn channels(&self) -> usize {
        self.channels.len()
    }

    /// Whether the document is loaded and nobody waits for anything.
    pub fn is_idle(&self) -> bool {
        self.channels.is_empty()
            && self.opens.is_empty()
            && self.exports.is_empty()
            && self.is_existence_settled()
            && self.sequencer.is_idle()
            && matches!(self.phase, Phase::Open | Phase::Failed | Phase::Damaged)
    }

    /// Whether the room can be forgotten without any loss of work done: it is idle, and
    /// what the log holds beyond the snapshot is little or being stored no more.
    pub fn is_unloadable(&self) -> bool {
        self.is_idle() && !self.snapshot.is_storing() && (self.phase != Phase::Open || !self.snapshot_is_worth())
    }

    /// No submit is taken any more; what was taken is settled.
    pub fn drain(&mut self) {
        self.draining = true;
    }

    /// Takes a command.
    pub fn handle_command(&mut self, command: RoomCommand, now: Millis) {
        self.now = now;
        match command {
            RoomCommand::Open(open) => self.handle_open(*open),
            RoomCommand::Frame { connection, frame } => self.handle_frame(connection, frame),
            RoomCommand::Drained { connection } => {
                if let Some(channel) = self.channels.get_mut(&connection) {
                    channel.drained();
                    self.durable_due = true;
                }
            }
            RoomCommand::Disconnected { connection } => {
                self.opens.retain(|open| open.command.connection != connection);
                self.leave(connection);
            }
            RoomCommand::Expel { connection, code, retry_after_ms } => self.expel(connection, code, retry_after_ms),
            RoomCommand::Export(export) => self.handle_export(*export),
            RoomCommand::Existence(existence) => self.handle_existence(*existence),
        }
        self.advance(now);
    }

    /// Takes what the live feed brings.
    pub fn handle_feed(&mut self, event: FeedEvent, now: Millis) {
        self.now = now;
        match event {
            FeedEvent::Batch(batch) => self.feed.push_back(batch),
            FeedEvent::Durable { epoch, version, hash } => self.durable(Head { epoch: Some(epoch), version, hash }),
            FeedEvent::Interrupted => return self.look(now),
        }
        self.advance(now);
    }

    /// The slow periodic look, or after a feed that ended: does the log stand where we do?
    pub fn look(&mut self, now: Millis) {
        self.now = now;
        if self.phase == Phase::Open {
            let known = self.sequencer.head().version;
            self.ask(Purpose::Look(known), LogRequest::Open(None));
        }
        self.advance(now);
    }

    /// Takes an answer of the log.
    pub fn handle_log(&mut self, ticket: LogTicket, answer: LogAnswer, now: Millis) {
        self.now = now;
        let Some(purpose) = self.tickets.remove(&ticket) else { return };
        match (purpose, answer) {
            (Purpose::Append, LogAnswer::Append(outcome)) => self.append_finished(outcome, now),
            (Purpose::OpenClient(connection, request), LogAnswer::Opened(opened)) => {
                self.client_opened(connection, request, opened);
            }
            (Purpose::ReadDown(connection, request), LogAnswer::Read(read)) => {
                self.read_down(connection, request, read);
            }
            (Purpose::Follow, LogAnswer::Read(read)) => self.followed(read, now),
            (Purpose::Look(known), LogAnswer::Opened(Ok(opened))) => self.looked(known, &opened),
            (Purpose::Doubt(after), LogAnswer::Read(Ok(ReadOutcome::Entries(log)))) => self.doubted(after, &log),
            // The next look is near.
            (Purpose::Look(_), _) => self.look_failed(now),
            (Purpose::Doubt(_), _) => {}
            (Purpose::StoreSnapshot(version), LogAnswer::Stored(stored)) => {
                self.snapshot_stored(version, stored.is_ok())
            }
            (Purpose::Trim, LogAnswer::Stored(trimmed)) => self.trimmed(trimmed.is_ok()),
            (Purpose::Erase, LogAnswer::Stored(erased)) => self.erased(erased.is_ok()),
            (purpose, answer) => self.loading_answer(purpose, answer),
        }
        self.advance(now);
    }

    /// The earliest moment at which [`Room::handle_timeout`] has something to do.
    pub fn poll_timeout(&self) -> Option<Millis> {
        let stall = self.append_since.filter(|_| !self.stalled).map(|since| since + self.settings.stall_ms);
        let elsewhere = [self.exchange.poll_timeout(), self.roster.expiry()];
        let own = [stall, self.append_retry_at, self.following.poll_timeout(), self.look_retry_at, self.presence_due];
        own.into_iter().chain(elsewhere).flatten().min()
    }

    /// Time has passed.
    pub fn handle_timeout(&mut self, now: Millis) {
        self.now = now;
        if let Some(since) = self.append_since
            && !self.stalled
            && now - since >= self.settings.stall_ms
        {
            self.stall(true);
        }
        if self.look_retry_at.is_some_and(|at| at <= now) {
            self.look_again();
        }
        self.follow_on_time(now);
        if self.append_retry_at.is_some_and(|at| at <= now) {
            self.append_retry_at = None;
            if let Some(batch) = self.sequencer.retry_batch() {
                self.ask(Purpose::Append, LogRequest::Append(batch));
            }
        }
        self.wake_exchange(now);
        if self.presence_due.is_some_and(|due| due <= now) {
            self.presence_due = None;
            // While the document is being loaded no cursor has a place in it.
            if self.phase == Phase::Open {
                self.send_presence();
                self.tell_others();
            }
        }
        self.advance(now);
    }

    /// The next request to the log, or message to other servers.
    pub fn poll_output(&mut self) -> Option<RoomOutput> {
        self.outputs.pop_front()
    }

    /// Does all that has become possible.
    fn advance(&mut self, now: Millis) {
        if self.phase == Phase::Open {
            self.take_feed();
        }
        if self.phase == Phase::Open {
            self.fulfil_wishes();
        }
        // A document that is made anew is loaded again.
        if self.phase == Phase::Open {
            self.start_append(now);
            self.answer_opens();
            self.catch_up_all();
            self.tell_restored();
            self.answer_exports();
            self.tell_durable();
            self.maintain_snapshot();
            self.roster.reach(self.sequencer.tail());
            self.exchange.plan_summary(!self.channels.is_empty(), now, self.settings.summary_ms);
            if self.presence_due.is_none() && (self.roster.is_dirty() || self.owes_others()) {
                self.presence_due = Some(now + self.presence_tick());
            }
        }
        self.tell_end();
        let stalled = self.stalled && !self.quarantined;
        self.meter.show_channels(self.channels.len());
        self.meter.show(stalled, self.phase == Phase::Damaged, self.quarantined);
    }

    fn ask(&mut self, purpose: Purpose, request: LogRequest) {
        let ticket = LogTicket(self.next_ticket);
        self.next_ticket += 1;
        self.tickets.insert(ticket, purpose);
        self.outputs.push_back(RoomOutput::Log(ticket, request));
    }

    /// A channel ends; its member leaves.
    fn close_channel(&mut self, connection: ConnectionId, code: Code, retry_after_ms: u32) {
        if let Some(channel) = self.channels.get(&connection) {
            channel.gate.close(code, retry_after_ms);
            self.meter.closed(code);
        }
        self.leave(connection);
    }

    /// Somebody may not be here any more, or is to come in anew.
    fn expel(&mut self, connection: ConnectionId, code: Code, retry_after_ms: u32) {
        self.opens.extract_if(.., |open| open.command.connection == connection).for_each(|open| {
            opening::refuse(&open, code, retry_after_ms, self.number, &self.meter);
        });
        self.close_channel(connection, code, retry_after_ms);
    }

    fn leave(&mut self, connection: ConnectionId) {
        if let Some(channel) = self.channels.remove(&connection) {
            channel.gate.cancel();
            self.stays.remove(&channel.stay);
            self.roster.leave(channel.number, channel.generation);
        }
    }

    /// The document's checksum at the head: linear in the document, once a version.
    fn checksum(&mut self) -> Checksum {
        let version = self.sequencer.head().version;
        match self.checksum {
            Some((at, checksum)) if at == version => checksum,
            _ => {
                let checksum = D::checksum(self.sequencer.document());
                self.checksum = Some((version, checksum));
                checksum
            }
        }
    }
}

fn encode(frame: &ServerFrame<'_>) -> Bytes {
    let mut bytes = Vec::with_capacity(32);
    cowrite_protocol::codec::encode_server(frame, &mut bytes);
    Bytes::from(bytes)
}
