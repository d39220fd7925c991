//! How a room reads on behind its head.

use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentType, Epoch, Millis};

use super::loading::{Phase, RETRY_MS};
use super::{LogRequest, Purpose, Room};
use crate::oplog::{Entry, Head, LogError, ReadOutcome};
use crate::sequencer::Obstacle;

/// The reading of what the log holds beyond the room's head.
#[derive(Debug, Default)]
pub(super) struct Following {
    /// A read is under way, or one that has failed will be tried again; no append starts meanwhile.
    under_way: bool,
    /// It is to begin once the append that is under way has ended.
    wanted: bool,
    /// It has failed, and is tried again then.
    retry_at: Option<Millis>,
    /// Where the log said last that it stands, beyond us.
    to: Option<Head>,
}

impl Following {
    pub(super) fn is_under_way(&self) -> bool {
        self.under_way
    }

    pub(super) fn poll_timeout(&self) -> Option<Millis> {
        self.retry_at
    }

    #[cfg(test)]
    pub(super) fn under_way() -> Following {
        Following { under_way: true, ..Following::default() }
    }
}

impl<D: DocumentType> Room<D> {
    /// Reads what lies behind our head.
    pub(super) fn follow(&mut self) {
        if self.sequencer.is_appending() {
            // The append's answer may bring what is missing; if not, it is read then.
            self.following.wanted = true;
        } else if !self.following.under_way {
            self.following.under_way = true;
            let after = self.sequencer.head().version;
            self.ask(Purpose::Follow, LogRequest::Read { after, max_bytes: self.settings.read_bytes });
        }
    }

    /// Reads what lies behind our head, up to where the log said that it stands: what is read
    /// must lead there.
    pub(super) fn follow_to(&mut self, head: Head) {
        self.following.to = Some(head);
        self.follow();
    }

    /// The append that was under way has ended; perhaps it named where the log stands.
    pub(super) fn follow_after_append(&mut self, head: Option<Head>) {
        match head {
            Some(head) => self.follow_to(head),
            None if self.following.wanted => self.follow(),
            None => {}
        }
        self.following.wanted = false;
    }

    /// Time has passed.
    pub(super) fn follow_on_time(&mut self, now: Millis) {
        if self.following.retry_at.take_if(|at| *at <= now).is_some() {
            self.following.under_way = false;
            self.follow();
        }
    }

    pub(super) fn followed(&mut self, read: Result<ReadOutcome, LogError>, now: Millis) {
        self.following.under_way = false;
        match read {
            Ok(ReadOutcome::Entries(entries)) if entries.is_empty() => {
                // Somebody was told of a head that the log no longer reaches.
                if self.is_log_behind() {
                    self.ask_again();
                }
            }
            Ok(ReadOutcome::Entries(entries)) => {
                let Some(epoch) = self.sequencer.head().epoch else {
                    // Which life began we cannot know from entries alone. To load anew would
                    // leave out whoever has the empty document open.
                    return self.look(now);
                };
                if let Err(obstacle) = self.take(Some(epoch), entries, self.following.to) {
                    self.meet(obstacle);
                }
                if self.phase != Phase::Open || self.quarantined {
                    return;
                }
                match self.following.to.filter(|to| to.version > self.sequencer.head().version) {
                    Some(_) => self.follow(),
                    // More may have come since the log named that head.
                    None => self.look_again(),
                }
            }
            Ok(ReadOutcome::BelowFloor { .. }) => {
                // Nothing is lost: we are so far behind that only a snapshot leads on. Should
                // the history be another, loading shows it.
                self.end_all(Code::Unavailable);
                self.load();
            }
            Err(LogError::Damaged { reason }) => self.quarantine(&reason),
            Err(error) => {
                tracing::debug!(document = %self.document, %error, "cannot follow the log");
                // Whoever waits for what cannot be read would have it read again at once; and
                // an append would only meet what we cannot read.
                self.refuse_opens(Code::Unavailable, RETRY_MS);
                self.following.under_way = true;
                self.following.retry_at = Some(now + u64::from(RETRY_MS) / 4);
            }
        }
    }

    pub(super) fn take(
        &mut self,
        epoch: Option<Epoch>,
        entries: Vec<Entry>,
        known: Option<Head>,
    ) -> Result<(), Obstacle> {
        let mut rulings = Vec::new();
        let before = self.sequencer.head().version;
        let taken = self.sequencer.take_entries(epoch, entries, known, &mut rulings);
        self.meter.received(self.sequencer.head().version.since(before));
        self.after_entries(rulings);
        if taken.is_ok() && self.sequencer.head().version > before {
            self.end_quarantine();
        }
        taken
    }
}
