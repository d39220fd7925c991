//! How a client comes in, and what it is told of its work.

use cowrite_protocol::frame::{Code, Opened, Outcome, Position, ServerFrame, Settlement};
use cowrite_protocol::{Channel, ClientId, ClientSeq, DocumentType, Generation, OperationLimits, UserId, Version};

use super::channel::{ChannelState, Flow};
use super::gate::Gate;
use super::loading::Phase;
use super::quarantine::RETRY_QUARANTINED_MS;
use super::{ConnectionId, LogRequest, OpenCommand, Purpose, Room, encode};
use crate::auth::Action;
use crate::metrics::{CatchUp, RoomMeter};
use crate::oplog::{ClientState, Entry, LogError, OpenError, OpenedLog, ReadOutcome};

/// A wish to open that has not been answered.
#[derive(Debug)]
pub(super) struct PendingOpen {
    pub(super) command: OpenCommand,
    /// What the log said when it raised the client's generation.
    log: Option<OpenedLog>,
    /// The version that the log had named before it was asked: a head below that is the
    /// head of a log that has lost history since.
    known: Version,
    /// Entries below the tail that are being read for this client.
    below: Option<Vec<Entry>>,
    /// What lies between the client and the tail could not be had.
    unreachable: bool,
    /// Nothing is heard of the client.
    silent: bool,
}

/// How long a client is asked to wait when the log does not answer, in milliseconds.
const RETRY_MS: u32 = 1_000;

pub(super) fn refuse(open: &PendingOpen, code: Code, retry_after_ms: u32, channel: Channel, meter: &RoomMeter) {
    meter.open_refused(code);
    let request = open.command.request;
    open.command.outbox.push_own(encode(&ServerFrame::OpenRefused { request, code, retry_after_ms }));
    open.command.outbox.channel_closed(channel, open.command.permit.clone());
}

impl PendingOpen {
    /// The highest version that the client knows, or at which the log knows the client.
    pub(super) fn furthest_version(&self) -> Version {
        let last = self.log.as_ref().and_then(|log| log.client?.last).map(|(_, version)| version);
        let position = self.command.position.map(|position| position.version);
        last.max(position).unwrap_or(Version::ZERO)
    }

    /// Forgets what the log said; gives what it is to be asked with.
    fn start_again(&mut self, known: Version) -> (ConnectionId, u32, (ClientId, UserId)) {
        (self.log, self.known, self.below, self.unreachable) = (None, known, None, false);
        let command = &self.command;
        (command.connection, command.request, (command.client, command.user.clone()))
    }
}

impl<D: DocumentType> Room<D> {
    pub(super) fn handle_open(&mut self, command: OpenCommand) {
        let (connection, request) = (command.connection, command.request);
        if self.channels.contains_key(&connection) {
            let refused = ServerFrame::OpenRefused { request, code: Code::AlreadyOpen, retry_after_ms: 0 };
            return command.outbox.push_own(encode(&refused));
        }
        // One at a time: an earlier wish that was not answered yet is over.
        for earlier in self.opens.extract_if(.., |open| open.command.connection == connection) {
            let request = earlier.command.request;
            let refused = ServerFrame::OpenRefused { request, code: Code::AlreadyOpen, retry_after_ms: 0 };
            earlier.command.outbox.push_own(encode(&refused));
        }
        let mut open =
            PendingOpen { command, log: None, known: Version::ZERO, below: None, unreachable: false, silent: false };
        let (.., client) = open.start_again(self.named());
        self.opens.push(open);
        match self.phase {
            Phase::Damaged => return self.refuse_opens(Code::Damaged, 0),
            Phase::Failed => return self.load(),
            _ => {}
        }
        self.ask_for_client(connection, request, client);
    }

    /// Asks the log for every client that waits to open.
    ///
    /// Answers to earlier questions are not waited for: only the newest generation counts.
    pub(super) fn ask_for_opens(&mut self) {
        self.tickets.retain(|_, purpose| !matches!(purpose, Purpose::OpenClient(..) | Purpose::ReadDown(..)));
        let known = self.named();
        let waiting: Vec<_> = self.opens.iter_mut().map(|open| open.start_again(known)).collect();
        for (connection, request, client) in waiting {
            self.ask_for_client(connection, request, client);
        }
    }

    /// What the log said to those who wait does not agree with what we know: one of the
    /// two is old. It is asked again, and whether it stands where we do.
    pub(super) fn ask_again(&mut self) {
        let known = self.sequencer.head().version;
        self.ask(Purpose::Look(known), LogRequest::Open(None));
        self.ask_for_opens();
    }

    /// The newest head that the log has named.
    fn named(&self) -> Version {
        match self.phase {
            Phase::Loading { head } => head.map_or(Version::ZERO, |head| head.version),
            _ => self.sequencer.head().version,
        }
    }

    /// The log has named a head, before or after it was asked for those who wait.
    pub(super) fn head_named(&mut self, head: Version) {
        self.opens.iter_mut().for_each(|open| open.known = open.known.max(head));
    }

    /// Whether the log named a head that we could not reach by reading it.
    pub(super) fn is_log_behind(&self) -> bool {
        let head = self.sequencer.head().version;
        self.opens.iter().any(|open| open.log.as_ref().is_some_and(|log| log.head.version > head))
    }

    fn ask_for_client(&mut self, connection: ConnectionId, request: u32, client: (ClientId, UserId)) {
        // The generation is raised in the log's own step, at once: whatever an older stay
        // of this client still has under way is fenced from here on.
        self.ask(Purpose::OpenClient(connection, request), LogRequest::Open(Some(client)));
    }

    pub(super) fn client_opened(
        &mut self,
        connection: ConnectionId,
        request: u32,
        opened: Result<OpenedLog, OpenError>,
    ) {
        let Some(at) = self.open_at(connection, request) else { return };
        let code = match opened {
            Ok(opened) => {
                self.floor = self.floor.max(opened.floor);
                self.opens[at].log = Some(opened);
                return;
            }
            Err(OpenError::OtherUser) => Code::ForeignClient,
            Err(OpenError::Log(LogError::Damaged { .. })) => Code::Damaged,
            Err(_) => Code::Unavailable,
        };
        let open = self.opens.remove(at);
        refuse(&open, code, if code == Code::Unavailable { RETRY_MS } else { 0 }, self.number, &self.meter);
    }

    /// Answers every open whose log state we have caught up with.
    pub(super) fn answer_opens(&mut self) {
        let mut at = 0;
        while at < self.opens.len() && self.phase == Phase::Open {
            let head = self.sequencer.head();
            let Some(log) = &self.opens[at].log else {
                at += 1;
                continue;
            };
            if self.quarantined {
                if log.head.epoch != head.epoch {
                    return self.ask_again();
                }
                let open = self.opens.remove(at);
                if self.is_readable_for(&open) {
                    self.answer(open);
                } else {
                    refuse(&open, Code::Unavailable, RETRY_QUARANTINED_MS, self.number, &self.meter);
                }
                continue;
            }
            if log.head.version > head.version {
                // The room reads up to the log's head before it answers.
                let named = log.head;
                if !self.sequencer.is_appending() {
                    self.follow_to(named);
                }
                at += 1;
                continue;
            }
            let same_life =
                log.head.epoch == head.epoch || log.head.epoch.is_none() && log.head.version == Version::ZERO;
            let hash = self.sequencer.tail().hash_at(log.head.version);
            let behind = log.head.version < self.opens[at].known;
            if !same_life || behind || hash.is_some_and(|hash| hash != log.head.hash) {
                // What the log said may be older than what was loaded since: ask again.
                return self.ask_again();
            }
            if self.needs_read_down(at) {
                at += 1;
                continue;
            }
            let open = self.opens.remove(at);
            self.answer(open);
        }
    }

    /// Whether entries below the tail must be read before this open can be answered; if
    /// so, and none is being read, asks for them.
    fn needs_read_down(&mut self, at: usize) -> bool {
        let tail_start = self.sequencer.tail().start();
        let open = &mut self.opens[at];
        let Some(position) = open.command.position else { return false };
        let below = position.version < tail_start && position.version >= self.floor;
        if !below || open.command.whole || open.unreachable {
            return false;
        }
        if open.below.is_none() {
            open.below = Some(Vec::new());
            let purpose = Purpose::ReadDown(open.command.connection, open.command.request);
            let request = LogRequest::Read { after: position.version, max_bytes: self.settings.read_bytes };
            self.ask(purpose, request);
        }
        true
    }

    pub(super) fn read_down(&mut self, connection: ConnectionId, request: u32, read: Result<ReadOutcome, LogError>) {
        let Some(at) = self.open_at(connection, request) else { return };
        let tail_start = self.sequencer.tail().start();
        let open = &mut self.opens[at];
        let (Some(position), Some(mut below)) = (open.command.position, open.below.take()) else { return };
        match read {
            Ok(ReadOutcome::Entries(entries)) if !entries.is_empty() => {
                below.extend(entries.into_iter().filter(|entry| entry.version <= tail_start));
                let reached = below.last().map_or(position.version, |entry| entry.version);
                if reached < tail_start {
                    open.below = Some(below);
                    let purpose = Purpose::ReadDown(connection, request);
                    let request = LogRequest::Read { after: reached, max_bytes: self.settings.read_bytes };
                    return self.ask(purpose, request);
                }
                let decoded: Option<Vec<_>> = below
                    .into_iter()
                    .map(|entry| {
                        D::decode(&entry.operation, &OperationLimits::NONE).ok().map(|operation| (entry, operation))
                    })
                    .collect();
                let joined = decoded.is_some_and(|entries| {
                    self.sequencer.tail_mut().extend_down(position.version, position.hash, entries)
                });
                // If they do not lead from the client's hash to ours, its history is another.
                self.opens[at].unreachable = !joined;
            }
            // The history is there no longer: that is told as what it is.
            Ok(ReadOutcome::BelowFloor { floor }) => self.floor = self.floor.max(floor),
            Ok(ReadOutcome::Entries(_)) => open.unreachable = true,
            Err(_) => {
                let open = self.opens.remove(at);
                refuse(&open, Code::Unavailable, RETRY_MS, self.number, &self.meter);
            }
        }
    }

    fn answer(&mut self, open: PendingOpen) {
        // Loading may have taken a while. Whoever let the right end says why; only there it is known whether it was
        // taken back, or merely not renewed in time.
        if open.command.permit.allows(Action::Read, self.now).is_err() {
            self.meter.denied(Action::Read);
            return refuse(&open, Code::Unavailable, RETRY_MS, self.number, &self.meter);
        }
        let PendingOpen { command, log, silent, .. } = open;
        let state = log.and_then(|log| log.client).unwrap_or(ClientState { generation: Generation::NONE, last: None });
        let head = self.sequencer.head();
        let role = command.permit.role();
        let outcome = self.outcome_for(&command);
        self.meter.opened(outcome, command.position.is_none() && !command.whole);
        let settlement = self.settle(&command, &state, outcome);
        self.supersede(&command.client);
        let number = self.roster.join(command.client, state.generation, &command.user, &command.name, &command.state);
        let opened = Opened {
            request: command.request,
            channel: self.number,
            client: command.client,
            last_seq: state.last.map_or(ClientSeq::NONE, |(seq, _)| seq),
            number,
            role,
            settlement,
            epoch: head.epoch,
            outcome,
        };
        command.outbox.push_own(encode(&ServerFrame::Opened(opened)));
        let sent = match outcome {
            Outcome::Tail { .. } => command.position.map_or(Version::ZERO, |position| position.version),
            _ => head.version,
        };
        let gate = Gate::new(command.outbox, command.permit, self.number);
        let resumed = matches!(outcome, Outcome::Tail { .. });
        if !resumed {
            let snapshot = self.snapshot_frame();
            self.meter.caught_up(CatchUp::Snapshot, snapshot.len());
            gate.push(snapshot, self.now);
        }
        if self.stalled {
            gate.push(encode(&ServerFrame::Stalled { channel: self.number, stalled: true }), self.now);
        }
        let stay = self.next_stay;
        self.next_stay += 1;
        self.stays.insert(stay, command.connection);
        let channel = ChannelState {
            gate,
            stay,
            client: command.client,
            generation: state.generation,
            user: command.user,
            role,
            number,
            sent,
            flow: Flow::Lagging { drained: true },
            void_below: Version::ZERO,
            durable: Version::ZERO,
            last: state.last,
            rejected: None,
            restoration: None,
            carried_seq: state.last.map_or(0, |(seq, _)| seq.get()),
            carried_base: match (resumed, command.position) {
                (true, Some(position)) => position.version.get(),
                _ => head.version.get(),
            },
            presence_missing: true,
            authors_missing: resumed,
        };
        self.channels.insert(command.connection, channel);
        if silent {
            self.roster.silence(number, state.generation);
        }
        self.durable_due = true;
    }

    /// Whether the client can be led on, and if not, why.
    fn outcome_for(&self, command: &OpenCommand) -> Outcome {
        let head = self.sequencer.head();
        let tail = self.sequencer.tail();
        let Some(position) = command.position else { return Outcome::Snapshot };
        let unwritten = position == Position::default();
        let same_life = position.epoch == head.epoch || unwritten;
        let other = if same_life { Outcome::Mismatch } else { Outcome::EpochChanged };
        if command.whole {
            return Outcome::Mismatch;
        }
        match tail.hash_at(position.version) {
            Some(hash) if hash == position.hash && (same_life || position.version > Version::ZERO) => {
                Outcome::Tail { head: head.version }
            }
            Some(_) => other,
            // Who came before the life began knows none, and nothing is left to say that it
            // was another.
            None if position.version < self.floor && (same_life || position.epoch.is_none()) => Outcome::Snapshot,
            None => other,
        }
    }

    /// What became of the operation in flight. The log itself is the answer where its
    /// entries reach back to the client; else the client record, and where there is none,
    /// nobody knows.
    fn settle(&self, command: &OpenCommand, state: &ClientState, outcome: Outcome) -> Settlement {
        let Some(seq) = command.in_flight else { return Settlement::Nothing };
        if let (Outcome::Tail { .. }, Some(position)) = (outcome, command.position)
            && let Some(mut since) = self.sequencer.tail().after(position.version)
        {
            let own = since.find(|entry| entry.client == command.client && entry.client_seq == seq);
            return own.map_or(Settlement::NotAccepted, |entry| Settlement::Accepted(entry.version));
        }
        match state.last {
            Some((last, version)) if last == seq => Settlement::Accepted(version),
            Some((last, _)) if last < seq => Settlement::NotAccepted,
            Some(_) => Settlement::Unknown,
            // A record is kept at least as long as the entries: with the whole history at
            // hand, no record is an answer.
            None if self.floor == Version::ZERO => Settlement::NotAccepted,
            None => Settlement::Unknown,
        }
    }

    /// Another stay of the same client has begun: the older channel is over.
    fn supersede(&mut self, client: &ClientId) {
        let older =
            self.channels.iter().find(|(_, channel)| channel.client == *client).map(|(connection, _)| *connection);
        if let Some(older) = older {
            self.close_channel(older, Code::Superseded, 0);
        }
    }

    /// Whether a client that waits to open is heard.
    pub(super) fn hear_opening(&mut self, connection: ConnectionId, silent: bool) {
        self.opens
            .iter_mut()
            .filter(|open| open.command.connection == connection)
            .for_each(|open| open.silent = silent);
    }

    fn open_at(&self, connection: ConnectionId, request: u32) -> Option<usize> {
        self.opens.iter().position(|open| open.command.connection == connection && open.command.request == request)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cowrite_protocol::codec::decode_server;
    use cowrite_protocol::frame::Role;
    use cowrite_protocol::operation::Document;
    use cowrite_protocol::{Epoch, Limits, Millis, RichText, RunningHash};

    use super::*;
    use crate::auth::Permit;
    use crate::oplog::Head;
    use crate::outbox::Outbox;
    use crate::room::{LogAnswer, RoomOutput, RoomSettings};
    use crate::sequencer::Sequencer;

    fn head(version: u64) -> Head {
        let version = Version::new(version).unwrap();
        Head { epoch: Some(Epoch::from_random(5)), version, hash: RunningHash::from_bytes([7; 16]) }
    }

    fn command(outbox: &Arc<Outbox>, permit: &Permit) -> OpenCommand {
        OpenCommand {
            connection: ConnectionId(1),
            outbox: Arc::clone(outbox),
            request: 1,
            client: ClientId::from_bytes([3; 16]),
            user: "ann".parse().unwrap(),
            name: String::new(),
            permit: permit.clone(),
            position: None,
            whole: false,
            in_flight: None,
            state: String::new(),
        }
    }

    #[test]
    fn a_log_that_is_behind_the_room_is_asked_again_and_nobody_is_let_in_before() {
        let (limits, settings) = (Limits::default(), RoomSettings::default());
        let mut room = Room::<RichText>::new("a".parse().unwrap(), Channel(1), limits, settings, Box::new(|| 1));
        room.sequencer = Sequencer::new(limits, head(20), Document::default());
        room.snapshot.known(head(20).version);
        room.phase = Phase::Open;
        let asked = |room: &mut Room<RichText>| {
            let asked = std::iter::from_fn(|| room.poll_output());
            let opens = asked.filter_map(|output| match output {
                RoomOutput::Log(ticket, LogRequest::Open(client)) => Some((ticket, client.is_some())),
                _ => None,
            });
            opens.collect::<Vec<_>>()
        };
        asked(&mut room);
        let outbox = Arc::new(Outbox::new(1 << 20, 1 << 14));
        room.handle_open(command(&outbox, &Permit::new(Role::Editor, Millis(u64::MAX))));
        let [(ticket, true)] = asked(&mut room)[..] else { panic!("the log is not asked for the client") };
        let client = Some(ClientState { generation: Generation::NONE.next(), last: None });
        let behind = OpenedLog { head: head(12), floor: Version::ZERO, client };
        room.handle_log(ticket, LogAnswer::Opened(Ok(behind)), Millis(1));
        assert_eq!((room.channels(), room.opens.len()), (0, 1));
        let [(look, false), (ticket, true)] = asked(&mut room)[..] else { panic!("the log is not asked again") };
        let level = |client| OpenedLog { head: head(20), floor: Version::ZERO, client };
        room.handle_log(look, LogAnswer::Opened(Ok(level(None))), Millis(2));
        room.handle_log(ticket, LogAnswer::Opened(Ok(level(client))), Millis(2));
        assert_eq!((room.channels(), room.opens.len()), (1, 0));
    }

    #[test]
    fn whose_right_ended_while_the_document_was_loaded_comes_again() {
        for withdrawn in [false, true] {
            let (limits, settings) = (Limits::default(), RoomSettings::default());
            let mut room = Room::<RichText>::new("a".parse().unwrap(), Channel(1), limits, settings, Box::new(|| 1));
            room.sequencer = Sequencer::new(limits, head(20), Document::default());
            room.phase = Phase::Open;
            let (outbox, permit) = (Arc::new(Outbox::new(1 << 20, 1 << 14)), Permit::new(Role::Editor, Millis(5)));
            room.handle_open(command(&outbox, &permit));
            let asked = std::iter::from_fn(|| room.poll_output()).find_map(|output| match output {
                RoomOutput::Log(ticket, LogRequest::Open(Some(_))) => Some(ticket),
                _ => None,
            });
            if withdrawn {
                permit.withdraw();
            }
            let client = Some(ClientState { generation: Generation::NONE.next(), last: None });
            let opened = OpenedLog { head: head(20), floor: Version::ZERO, client };
            room.handle_log(asked.unwrap(), LogAnswer::Opened(Ok(opened)), Millis(6));
            let frames = outbox.take(1 << 20).frames;
            let refused = decode_server(&frames[0], 100).next().unwrap().unwrap();
            let ServerFrame::OpenRefused { code, retry_after_ms, .. } = refused else { panic!("{refused:?}") };
            assert_eq!((code, retry_after_ms), (Code::Unavailable, RETRY_MS));
        }
    }
}
