//! A document of which an entry makes no sense: it can still be read, as it was before.

use cowrite_protocol::frame::Code;
use cowrite_protocol::{DocumentType, Version};

use super::loading::Phase;
use super::{LogRequest, PendingOpen, Purpose, Room};
use crate::oplog::Entry;

/// How long a client is asked to wait for an operator, in milliseconds.
pub(super) const RETRY_QUARANTINED_MS: u32 = 10_000;
/// How many entries are compared with the log's, at most.
const DOUBTED: u64 = 16;

impl<D: DocumentType> Room<D> {
    /// The log holds something behind our head that is no entry of this document: a poison
    /// entry, or damage. Nothing is taken behind it, by any server, so the document is
    /// served as it stands, and its channels are told that the log has stalled: edits wait
    /// at the clients, unanswered, instead of being refused and taken back from the users.
    ///
    /// The periodic look finds out when an operator has mended it.
    pub(super) fn quarantine(&mut self, reason: &str) {
        if self.quarantined {
            return;
        }
        let version = self.sequencer.head().version;
        tracing::error!(document = %self.document, %version, reason, "quarantined: the document can only be read, as of this version, until its log is mended");
        self.quarantined = true;
        self.phase = Phase::Open;
        self.bad_loads = 0;
        // Their authors are told nothing, and so hold them.
        self.sequencer.abandon();
        (self.append_since, self.append_retry_at) = (None, None);
        self.feed.clear();
        self.stall(true);
    }

    /// What makes no sense to us may be right, and of another history than ours: the log is
    /// asked whether it holds the last entries that we do.
    pub(super) fn doubt(&mut self) {
        let head = self.sequencer.head().version.get();
        let after = Version::new(head.saturating_sub(DOUBTED)).unwrap_or_default().max(self.sequencer.tail().start());
        let max_bytes = self.settings.read_bytes;
        self.ask(Purpose::Doubt(after), LogRequest::Read { after, max_bytes });
    }

    /// The log said what it holds after a version.
    pub(super) fn doubted(&mut self, after: Version, log: &[Entry]) {
        let Some(ours) = self.sequencer.tail().after(after) else { return };
        let other = log.iter().zip(ours).any(|(log, ours)| {
            (log.client, log.client_seq, &log.operation) != (ours.client, ours.client_seq, &ours.packed)
        });
        if self.quarantined && other {
            self.history_lost();
        }
    }

    /// The log goes on behind our head. What clients have sent meanwhile was not answered:
    /// they come back and send it again.
    pub(super) fn end_quarantine(&mut self) {
        if std::mem::take(&mut self.quarantined) {
            tracing::info!(document = %self.document, "the log makes sense again: the quarantine is over");
            self.end_all(Code::Unavailable);
        }
    }

    /// Whether an open can be answered as of the last version that makes sense. The client
    /// may neither stand behind it nor have an entry there, say of a newer server that can
    /// read more: the one would be told as lost, the other as not accepted.
    pub(super) fn is_readable_for(&self, open: &PendingOpen) -> bool {
        open.furthest_version() <= self.sequencer.head().version
    }
}
