//! How a room comes to know its document, and where its log stands.

use cowrite_protocol::frame::{Code, ServerFrame};
use cowrite_protocol::{ClientId, DocumentType, Epoch, Millis, OperationLimits, Version};

use super::durable::SnapshotState;
use super::following::Following;
use super::{LogAnswer, LogRequest, Purpose, Room, encode};
use crate::oplog::{AdvanceOutcome, Head, LogError, NewLife, OpenedLog, ReadOutcome, Snapshot};
use crate::sequencer::{Obstacle, Sequencer};

/// How far a room is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// Asking for something of which the rest follows.
    Loading {
        /// The head that the log named.
        head: Option<Head>,
    },
    /// The document is at the head that is known.
    Open,
    /// The log did not answer; the next `Open` tries again.
    Failed,
    /// What is stored is damaged.
    Damaged,
}

/// How often a document that makes no sense is read again.
const LOADS: u32 = 3;

/// How long a client is asked to wait when the log does not answer, in milliseconds.
pub(super) const RETRY_MS: u32 = 1_000;

impl<D: DocumentType> Room<D> {
    /// Begins (again) from what is stored: subscribe first, so that nothing falls between.
    pub(super) fn load(&mut self) {
        self.phase = Phase::Loading { head: None };
        self.quarantined = false;
        self.following = Following::default();
        (self.look_wanted, self.look_retry_at) = (false, None);
        self.feed.clear();
        self.durable = Version::ZERO;
        self.roster.forget_cursors();
        self.durable_ahead = None;
        self.tickets.clear();
        // What was being stored is not heard of any more, and is of another history perhaps.
        self.snapshot = SnapshotState::default();
        self.forget_tombstone();
        self.ask(Purpose::Subscribe, LogRequest::Subscribe);
        // What the log said to those who wait may be of another history: ask again.
        self.ask_for_opens();
    }

    pub(super) fn loading_answer(&mut self, purpose: Purpose, answer: LogAnswer) {
        match (purpose, answer) {
            (Purpose::Subscribe, LogAnswer::Subscribed(Ok(()))) => self.ask(Purpose::OpenLog, LogRequest::Open(None)),
            (Purpose::OpenLog, LogAnswer::Opened(Ok(opened))) => self.log_opened(opened),
            (Purpose::AdvanceEpoch, LogAnswer::Advanced(Ok(advanced))) => {
                self.lost_epoch = None;
                let (AdvanceOutcome::Advanced(head) | AdvanceOutcome::Other(head)) = advanced;
                if matches!(advanced, AdvanceOutcome::Advanced(_)) {
                    self.meter.epoch_begun();
                }
                self.load_from(head);
            }
            (Purpose::LoadSnapshot, LogAnswer::Snapshot(Ok(snapshot))) => self.snapshot_loaded(snapshot),
            (Purpose::ReadTail, LogAnswer::Read(Ok(read))) => self.tail_read(read),
            (Purpose::ReadTail, LogAnswer::Read(Err(LogError::Damaged { reason }))) => self.tail_damaged(&reason),
            (_, LogAnswer::Opened(Err(crate::oplog::OpenError::Log(error))))
            | (
                _,
                LogAnswer::Subscribed(Err(error))
                | LogAnswer::Snapshot(Err(error))
                | LogAnswer::Read(Err(error))
                | LogAnswer::Advanced(Err(error)),
            ) => self.loading_failed(&error),
            _ => self.load_failed(),
        }
    }

    /// The history that we know is not the log's: every channel ends with `EpochChanged`
    /// and comes back to a typed outcome; the document is loaded anew.
    pub(super) fn history_lost(&mut self) {
        self.lost_epoch = self.sequencer.head().epoch;
        if self.is_deleted() {
            tracing::info!(document = %self.document, "the deleted document was made anew elsewhere");
        } else {
            self.meter.history_lost();
            tracing::error!(document = %self.document, "the log holds another history than this room; loading it anew");
        }
        self.end_all(Code::EpochChanged);
        self.load();
    }

    /// Takes what the feed has brought, as long as no append is under way.
    pub(super) fn take_feed(&mut self) {
        while !self.sequencer.is_appending() && !self.following.is_under_way() && self.phase == super::Phase::Open {
            let Some(batch) = self.feed.pop_front() else { return };
            if self.quarantined {
                continue;
            }
            let last = batch.entries.last().map_or(Version::ZERO, |entry| entry.version);
            if last <= self.sequencer.head().version {
                continue;
            }
            let known = Head { epoch: Some(batch.epoch), version: last, hash: batch.hash_after };
            match self.take(Some(batch.epoch), batch.entries, Some(known)) {
                Ok(()) => {}
                Err(Obstacle::Gap) => self.meet(Obstacle::Gap),
                // Anybody may publish anything: only what the log holds is its history.
                Err(Obstacle::Poison(_) | Obstacle::OtherHistory) => self.look_again(),
            }
        }
    }

    /// Asks the log where it stands, until it has said so: what it holds beyond us may be
    /// another history's, and only its head tells.
    pub(super) fn look_again(&mut self) {
        self.look_retry_at = None;
        // One that is under way may have been answered before whatever makes us ask.
        self.look_wanted = self.tickets.values().any(|purpose| matches!(purpose, Purpose::Look(_)));
        if !self.look_wanted {
            self.ask(Purpose::Look(self.sequencer.head().version), LogRequest::Open(None));
        }
    }

    /// The log did not say where it stands.
    pub(super) fn look_failed(&mut self, now: Millis) {
        self.look_retry_at = Some(now + u64::from(RETRY_MS));
    }

    /// The log said where it stands; when it was asked, we stood at `known`.
    pub(super) fn looked(&mut self, known: Version, opened: &OpenedLog) {
        let (ours, log) = (self.sequencer.head(), opened.head);
        if ours.epoch.is_none() && log.epoch.is_some() && self.sequencer.is_appending() {
            // What is being appended may have begun a life that has ended since. Its answer tells; then this is asked again.
            return self.follow();
        }
        self.floor = self.floor.max(opened.floor);
        let same_life = match (ours.epoch, log.epoch) {
            (Some(ours), Some(log)) => ours == log,
            // Since it was answered that there is nothing, the first entry may have come.
            (Some(_), None) => known == Version::ZERO,
            (None, _) => true,
        };
        let hash = self.sequencer.tail().hash_at(log.version);
        if !same_life || log.version < known || hash.is_some_and(|hash| hash != log.hash) {
            self.history_lost();
        } else if log.version > ours.version {
            if self.quarantined {
                self.doubt();
            } else {
                self.meter.gap_at_look();
            }
            if let (None, Some(first)) = (ours.epoch, log.epoch) {
                self.sequencer.set_epoch(first);
            }
            self.follow_to(log);
        } else if log.version == ours.version {
            self.end_quarantine();
        }
        if self.phase == Phase::Open {
            match std::mem::take(&mut self.look_wanted) {
                true => self.look_again(),
                false => self.log_stands_at(log.version),
            }
        }
    }

    /// Whether the log is being asked where it stands, or will be.
    pub(super) fn is_looking(&self) -> bool {
        self.look_retry_at.is_some() || self.tickets.values().any(|purpose| matches!(purpose, Purpose::Look(_)))
    }

    pub(super) fn meet(&mut self, obstacle: Obstacle) {
        match obstacle {
            Obstacle::Gap => {
                self.meter.gap_in_feed();
                self.look_again();
            }
            Obstacle::OtherHistory => self.history_lost(),
            Obstacle::Poison(version) => self.quarantine(&poison(version)),
        }
    }

    /// Every channel and every wish to open ends with this code.
    pub(super) fn end_all(&mut self, code: Code) {
        let connections: Vec<_> = self.channels.keys().copied().collect();
        for connection in connections {
            self.close_channel(connection, code, if code == Code::Unavailable { RETRY_MS } else { 0 });
        }
        self.sequencer.abandon();
        self.append_since = None;
        self.append_retry_at = None;
        self.stalled = false;
    }

    fn log_opened(&mut self, opened: OpenedLog) {
        self.floor = opened.floor;
        match opened.head.epoch {
            // The life that lost history must not go on under its name.
            Some(epoch) if self.lost_epoch == Some(epoch) => {
                let life = NewLife {
                    old: Some(epoch),
                    new: Epoch::from_random((self.entropy)()),
                    // What a deletion has ended does not go on because of that, whoever it was deleted by meanwhile.
                    unless: (!self.is_reviving(epoch)).then_some(ClientId::deletion(Some(epoch))),
                };
                self.ask(Purpose::AdvanceEpoch, LogRequest::AdvanceEpoch(life));
            }
            _ => {
                self.lost_epoch = None;
                self.load_from(opened.head);
            }
        }
    }

    fn load_from(&mut self, head: Head) {
        self.phase = Phase::Loading { head: Some(head) };
        self.head_named(head.version);
        self.ask(Purpose::LoadSnapshot, LogRequest::LoadSnapshot);
    }

    fn snapshot_loaded(&mut self, snapshot: Option<Snapshot>) {
        let Phase::Loading { head: Some(head) } = self.phase else { return self.load_failed() };
        let usable = snapshot.filter(|snapshot| snapshot.head.version <= head.version);
        let loaded = usable.and_then(|snapshot| {
            let content = D::decode(&snapshot.content, &OperationLimits::NONE).ok()?;
            let mut document = D::Document::default();
            D::apply(&mut document, &content).ok()?;
            let whole = D::checksum(&document) == snapshot.checksum;
            if !whole {
                self.meter.snapshot_ignored();
                tracing::error!(document = %self.document, version = %snapshot.head.version, "a snapshot does not match its checksum and is ignored");
            }
            whole.then_some((snapshot.head, document))
        });
        let (from, document) = loaded.unwrap_or_default();
        self.snapshot.known(from.version);
        // What was computed of another history's document is nothing to this one's.
        self.checksum = None;
        let start = Head { epoch: head.epoch, ..from };
        self.sequencer = Sequencer::new(self.limits, start, document);
        self.broadcast = start.version;
        self.read_on(head);
    }

    fn read_on(&mut self, head: Head) {
        let at = self.sequencer.head();
        if at.version < head.version {
            self.ask(Purpose::ReadTail, LogRequest::Read { after: at.version, max_bytes: self.settings.read_bytes });
        } else if at.hash != head.hash {
            self.damaged("snapshot and entries do not lead to the head that the log names");
        } else {
            self.phase = Phase::Open;
            self.bad_loads = 0;
            self.note_tombstone();
        }
    }

    fn tail_read(&mut self, read: ReadOutcome) {
        let Phase::Loading { head: Some(head) } = self.phase else { return self.load_failed() };
        match read {
            ReadOutcome::Entries(entries) if entries.is_empty() => {
                self.damaged("the log ends before the head that it names");
            }
            ReadOutcome::Entries(mut entries) => {
                // What came after the head was named is the feed's to bring.
                entries.retain(|entry| entry.version <= head.version);
                let mut rulings = Vec::new();
                if let Err(obstacle) = self.sequencer.take_entries(head.epoch, entries, None, &mut rulings) {
                    return match obstacle {
                        Obstacle::Poison(version) => self.tail_damaged(&poison(version)),
                        obstacle => self.damaged(&format!("entries cannot be replayed: {obstacle:?}")),
                    };
                }
                self.broadcast = self.sequencer.head().version;
                self.read_on(head);
            }
            // Perhaps trimmed meanwhile, behind a newer snapshot, which is met by loading again.
            ReadOutcome::BelowFloor { .. } => self.damaged("entries behind the snapshot are missing"),
        }
    }

    /// The next entry makes no sense, and what lies before it does: that can be served, unless
    /// it is nothing.
    fn tail_damaged(&mut self, reason: &str) {
        let version = self.sequencer.head().version;
        if self.bad_loads < LOADS || version == Version::ZERO {
            return self.damaged(reason);
        }
        self.broadcast = version;
        self.quarantine(reason);
    }

    /// What was read makes no sense. It may have changed while it was read, so it is read
    /// again a few times before the document is closed to everybody.
    fn damaged(&mut self, reason: &str) {
        self.bad_loads += 1;
        if self.bad_loads <= LOADS {
            tracing::warn!(document = %self.document, reason, "what the log holds makes no sense; reading it again");
            self.end_all(Code::Unavailable);
            return self.load();
        }
        tracing::error!(document = %self.document, reason, "the stored document is damaged; it is closed to everybody");
        self.phase = Phase::Damaged;
        self.end_all(Code::Damaged);
        self.refuse_opens(Code::Damaged, 0);
    }

    fn loading_failed(&mut self, error: &LogError) {
        // At debug only: a log in trouble fails every open of every document, and its trouble
        // as such is told once.
        tracing::debug!(document = %self.document, %error, "the document cannot be loaded");
        match error {
            LogError::Damaged { reason } => self.damaged(reason),
            LogError::Unavailable { .. } => self.load_failed(),
        }
    }

    fn load_failed(&mut self) {
        self.meter.load_failed();
        self.phase = Phase::Failed;
        self.refuse_opens(Code::Unavailable, RETRY_MS);
    }

    pub(super) fn refuse_opens(&mut self, code: Code, retry_after_ms: u32) {
        for open in std::mem::take(&mut self.opens) {
            let request = open.command.request;
            open.command.outbox.push_own(encode(&ServerFrame::OpenRefused { request, code, retry_after_ms }));
            open.command.outbox.channel_closed(self.number, open.command.permit);
        }
        self.refuse_exports(code);
        self.refuse_existence(code);
    }
}

fn poison(version: Version) -> String {
    format!("the entry of version {version} cannot be applied")
}
