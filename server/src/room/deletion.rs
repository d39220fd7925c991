//! A document that is deleted, and one that is made anew under the same name.
//!
//! Deleting is an entry like any other: it empties the text, and its author is the reserved name
//! of deletions of this life. Two that change nothing follow it, the last of which is the *tombstone*:
//! as long as it is the log's newest entry, nothing is taken behind it, by any server. So whoever
//! had not heard of it yet loses the race for the next version, reads it, and tells its authors.
//! The snapshots of the two versions before it take the place of those that hold the text, and all
//! entries up to them are trimmed; it alone is kept, and is read whenever the document is loaded.
//! Whoever makes the document anew begins another life of the log, in which the name of the
//! tombstone means nothing.

use cowrite_protocol::frame::{Code, Role};
use cowrite_protocol::{ClientId, ClientSeq, DocumentType, Epoch, Generation, Millis, UserId, Version};
use tokio::sync::oneshot;

use super::loading::Phase;
use super::{LogRequest, Purpose, Room};
use crate::auth::Permit;
use crate::metrics::Trail;
use crate::oplog::{Head, Snapshot};
use crate::sequencer::{Ruling, Submission, SubmissionId, SubmittedCaret};

/// A wish of the application's servers to delete the document, or to make it anew.
#[derive(Debug)]
pub struct ExistenceCommand {
    /// What is to be.
    pub wish: Existence,
    /// The author of the entries.
    pub user: UserId,
    /// The right to append them.
    pub permit: Permit,
    /// Where the answer goes: the version at which it is so. Nobody may wait for it any more.
    pub answer: oneshot::Sender<Result<Version, Code>>,
}

impl ExistenceCommand {
    /// The wish of the application's servers, with this author, and where its answer comes.
    pub fn new(wish: Existence, user: UserId) -> (ExistenceCommand, oneshot::Receiver<Result<Version, Code>>) {
        let (answer, answered) = oneshot::channel();
        let permit = Permit::new(Role::Owner, Millis(u64::MAX));
        (ExistenceCommand { wish, user, permit, answer }, answered)
    }
}

/// Whether a document is to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// Its text and history are gone, and nobody can write it.
    Deleted,
    /// It can be written.
    Alive,
}

/// What the room knows of the document's end.
#[derive(Debug, Default)]
pub(super) struct DeletionState {
    /// The version of the tombstone, while it is the newest.
    tombstone: Option<Version>,
    wishes: Vec<ExistenceCommand>,
    /// Where the log stood when it was asked after the newest wish had come. Before that is reached nobody is told that
    /// it is so already: another server may have done the opposite, and this one has not heard of it.
    told: Option<Version>,
    erasing: Erasing,
    /// The life that is to be followed by another, since that was wished.
    reviving: Option<Epoch>,
}

/// How far what was deleted is gone from the log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Erasing {
    #[default]
    NotBegun,
    /// The snapshot of this version is being stored.
    Storing(Version),
    /// Entries up to this version are being trimmed.
    Trimming(Version),
    Done,
    /// The log did not do it. The next wish, or the next load, tries again.
    Failed,
}

/// The tombstone's client_seq; those before empty the text, and make room for two empty snapshots.
const TOMBSTONE: u64 = 3;

/// Submissions of a deletion bear this bit.
const DELETION: u64 = 1 << 62;

impl<D: DocumentType> Room<D> {
    /// Whether the document is deleted.
    pub(super) fn is_deleted(&self) -> bool {
        self.deletion.tombstone.is_some()
    }

    /// Whether edits have to wait, since the document is about to be deleted.
    pub(super) fn is_about_to_go(&self) -> bool {
        !self.is_deleted() && self.deletion.wishes.iter().any(|command| command.wish == Existence::Deleted)
    }

    pub(super) fn is_existence_settled(&self) -> bool {
        let erased = matches!(self.deletion.erasing, Erasing::Done | Erasing::Failed);
        self.deletion.wishes.is_empty() && (!self.is_deleted() || erased)
    }

    pub(super) fn handle_existence(&mut self, command: ExistenceCommand) {
        if self.phase == Phase::Damaged {
            let _ = command.answer.send(Err(Code::Damaged));
            return;
        }
        self.deletion.wishes.push(command);
        self.deletion.told = None;
        if self.phase == Phase::Open {
            self.look_again();
        }
        if self.deletion.erasing == Erasing::Failed {
            self.deletion.erasing = Erasing::NotBegun;
        }
        if self.phase == Phase::Failed {
            self.load();
        }
    }

    /// The document cannot be loaded now, or not at all.
    pub(super) fn refuse_existence(&mut self, code: Code) {
        for command in std::mem::take(&mut self.deletion.wishes) {
            let _ = command.answer.send(Err(code));
        }
        // Who is told that it is not made anew may delete it once more, elsewhere, and be told that it is gone.
        if self.deletion.reviving.take().is_some_and(|epoch| self.lost_epoch == Some(epoch)) {
            self.lost_epoch = None;
        }
    }

    /// The document is being loaded: what was under way is not heard of any more.
    pub(super) fn forget_tombstone(&mut self) {
        (self.deletion.tombstone, self.deletion.erasing) = (None, Erasing::NotBegun);
        self.deletion.told = None;
    }

    /// The log, asked since the newest wish came, stands there, in this life.
    pub(super) fn log_stands_at(&mut self, version: Version) {
        self.deletion.told = Some(version);
    }

    /// Looks whether the newest entry is a tombstone of this life.
    pub(super) fn note_tombstone(&mut self) {
        let head = self.sequencer.head();
        let is_tombstone = self.sequencer.tail().get(head.version).is_some_and(|newest| {
            newest.client == ClientId::deletion(head.epoch) && newest.client_seq.get() == TOMBSTONE
        });
        if is_tombstone && !self.is_deleted() {
            tracing::info!(document = %self.document, version = %head.version, "deleted");
            self.deletion.tombstone = Some(head.version);
        }
    }

    /// Whether the document, which was deleted in this life, is about to be made anew in another.
    pub(super) fn is_reviving(&self, life: Epoch) -> bool {
        self.deletion.reviving == Some(life)
    }

    /// Does of what is wished what can be done now.
    pub(super) fn fulfil_wishes(&mut self) {
        if self.sequencer.is_appending() {
            return;
        }
        // What waits of a deletion was made on the text of another moment, and is made anew if it is still wished:
        // carried over what came since, it would leave that behind, and behind a tombstone nothing may be.
        self.sequencer.withdraw(|submission| !submission.client.is_deletion());
        if self.deletion.wishes.is_empty() && !self.is_deleted() {
            return;
        }
        if self.is_deleted() {
            let refused = self.sequencer.abandon();
            let refused = refused.into_iter().map(|submission| (submission, Ruling::Rejected(Code::Deleted)));
            self.rule(refused.collect());
            self.erase();
        }
        if self.quarantined {
            return self.refuse_existence(Code::Unavailable);
        }
        if self.deletion.told.is_none() && !self.deletion.wishes.is_empty() && !self.is_looking() {
            self.look_again();
        }
        let (head, tombstone, erasing) = (self.sequencer.head(), self.deletion.tombstone, self.deletion.erasing);
        let is_told = self.deletion.told.is_some_and(|version| version <= head.version);
        let mut revived = false;
        let mut begun = false;
        for command in std::mem::take(&mut self.deletion.wishes) {
            let answer = match (command.wish, tombstone) {
                // What was never written is not there.
                (Existence::Deleted, None) if head.epoch.is_none() && is_told => Ok(head.version),
                (Existence::Deleted, None) if head.epoch.is_none() => {
                    self.deletion.wishes.push(command);
                    continue;
                }
                (Existence::Deleted, None) => {
                    if !begun && self.sequencer.is_idle() {
                        begun = self.delete(&command);
                    }
                    self.deletion.wishes.push(command);
                    continue;
                }
                (Existence::Deleted, Some(version)) => match erasing {
                    Erasing::Done if is_told => Ok(version),
                    Erasing::Failed => Err(Code::Unavailable),
                    _ => {
                        self.deletion.wishes.push(command);
                        continue;
                    }
                },
                (Existence::Alive, None) if is_told => Ok(head.version),
                (Existence::Alive, None) => {
                    self.deletion.wishes.push(command);
                    continue;
                }
                // The life that has ended must not go on under its name; what it held is gone first.
                (Existence::Alive, Some(_)) => {
                    revived |= erasing == Erasing::Done;
                    if erasing != Erasing::Failed {
                        self.deletion.wishes.push(command);
                        continue;
                    }
                    Err(Code::Unavailable)
                }
            };
            let _ = command.answer.send(answer);
        }
        if revived {
            tracing::info!(document = %self.document, "made anew");
            (self.lost_epoch, self.deletion.reviving) = (head.epoch, head.epoch);
            self.end_all(Code::EpochChanged);
            self.load();
        }
    }

    /// Submits what deletes the document as it is. Returns whether that could be taken.
    fn delete(&mut self, command: &ExistenceCommand) -> bool {
        let head = self.sequencer.head();
        let text = D::to_operation(self.sequencer.document());
        let Ok(clear) = D::invert(&text, &D::Document::default()) else { return false };
        let operations = [clear, D::identity(), D::identity()];
        operations.into_iter().zip(1_u64..).all(|(operation, seq)| {
            let submission = Submission {
                id: SubmissionId(DELETION | seq),
                client: ClientId::deletion(head.epoch),
                seq: ClientSeq::new(seq).unwrap_or(ClientSeq::NONE),
                generation: Generation::NONE,
                user: command.user.clone(),
                permit: command.permit.clone(),
                base: head.version,
                operation,
                caret: SubmittedCaret::Still,
                trail: Trail::default(),
            };
            self.sequencer.submit(submission).is_ok()
        })
    }

    /// Has what the document held taken out of the log, one step after the other.
    fn erase(&mut self) {
        let (Some(tombstone), Erasing::NotBegun) = (self.deletion.tombstone, self.deletion.erasing) else { return };
        let before = |entries: u64| Version::new(tombstone.get().saturating_sub(entries)).unwrap_or_default();
        if self.floor >= before(1) {
            self.deletion.erasing = Erasing::Done;
        } else if self.sequencer.tail().hash_at(before(2)).is_some() {
            self.store_empty(before(2));
        } else {
            self.store_empty(before(1));
        }
    }

    fn store_empty(&mut self, version: Version) {
        let head = self.sequencer.head();
        let Some(hash) = self.sequencer.tail().hash_at(version) else {
            self.deletion.erasing = Erasing::Failed;
            return;
        };
        let mut content = Vec::new();
        D::encode(&D::identity(), &mut content);
        let checksum = D::checksum(&D::Document::default());
        let snapshot = Snapshot { head: Head { epoch: head.epoch, version, hash }, checksum, content: content.into() };
        self.deletion.erasing = Erasing::Storing(version);
        self.ask(Purpose::Erase, LogRequest::StoreSnapshot(snapshot));
    }

    /// The log has done a step of it, or has not.
    pub(super) fn erased(&mut self, done: bool) {
        let Some(tombstone) = self.deletion.tombstone else { return };
        let last = Version::new(tombstone.get().saturating_sub(1)).unwrap_or_default();
        match self.deletion.erasing {
            _ if !done => {
                tracing::warn!(document = %self.document, "what was deleted could not be taken out of the log yet");
                self.deletion.erasing = Erasing::Failed;
            }
            Erasing::Storing(version) if version < last => self.store_empty(last),
            Erasing::Storing(_) => {
                self.deletion.erasing = Erasing::Trimming(last);
                self.ask(Purpose::Erase, LogRequest::Erase(last));
            }
            Erasing::Trimming(up_to) => {
                self.floor = self.floor.max(up_to);
                self.deletion.erasing = Erasing::Done;
            }
            Erasing::NotBegun | Erasing::Done | Erasing::Failed => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cowrite_protocol::operation::Document;
    use cowrite_protocol::{Channel, Limits, RichText, RunningHash};

    use super::*;
    use crate::oplog::LogError;
    use crate::room::following::Following;
    use crate::room::{LogAnswer, RoomOutput, RoomSettings};
    use crate::sequencer::Sequencer;

    #[test]
    fn who_makes_a_document_anew_leaves_the_tombstone_until_the_next_life_has_begun() {
        let (limits, settings) = (Limits::default(), RoomSettings { snapshot_entries: 1, ..RoomSettings::default() });
        let mut room = Room::<RichText>::new("a".parse().unwrap(), Channel(1), limits, settings, Box::new(|| 1));
        let hash = RunningHash::from_bytes([7; 16]);
        let head = Head { epoch: Some(Epoch::from_random(5)), version: Version::new(9).unwrap(), hash };
        room.sequencer = Sequencer::new(limits, head, Document::default());
        room.phase = Phase::Open;
        (room.deletion.tombstone, room.deletion.erasing) = (Some(head.version), Erasing::Done);
        let (command, mut answered) = ExistenceCommand::new(Existence::Alive, "application".parse().unwrap());
        room.handle_existence(command);
        room.advance(Millis(1));
        assert!(matches!(room.phase, Phase::Loading { .. }));
        let outputs: Vec<RoomOutput> = std::iter::from_fn(|| room.poll_output()).collect();
        let stores = |output: &RoomOutput| matches!(output, RoomOutput::Log(_, LogRequest::StoreSnapshot(_)));
        assert!(!outputs.iter().any(stores), "of the life that has ended");
        // Refused for now, it is not done later, when nobody expects it any more.
        let subscribe = outputs.iter().rev().find_map(|output| match output {
            RoomOutput::Log(ticket, LogRequest::Subscribe) => Some(*ticket),
            _ => None,
        });
        let error = LogError::Unavailable { reason: "a bad day".to_owned(), retry_after: Duration::ZERO };
        room.handle_log(subscribe.unwrap(), LogAnswer::Subscribed(Err(error)), Millis(2));
        assert_eq!(answered.try_recv(), Ok(Err(Code::Unavailable)));
        assert_eq!(room.lost_epoch, None);
    }

    #[test]
    fn a_wish_that_was_refused_leaves_no_deletion_behind() {
        let (limits, settings) = (Limits::default(), RoomSettings::default());
        let mut room = Room::<RichText>::new("a".parse().unwrap(), Channel(1), limits, settings, Box::new(|| 1));
        let hash = RunningHash::from_bytes([7; 16]);
        let head = Head { epoch: Some(Epoch::from_random(5)), version: Version::new(9).unwrap(), hash };
        room.sequencer = Sequencer::new(limits, head, Document::from("text"));
        room.phase = Phase::Open;
        // It reads what others have written, so nothing is appended.
        room.following = Following::under_way();
        let (command, mut answered) = ExistenceCommand::new(Existence::Deleted, "application".parse().unwrap());
        room.handle_existence(command);
        room.advance(Millis(1));
        assert!(!room.sequencer.is_idle() && room.is_about_to_go());
        room.refuse_existence(Code::Unavailable);
        assert_eq!(answered.try_recv(), Ok(Err(Code::Unavailable)));
        room.advance(Millis(2));
        assert!(room.sequencer.is_idle());
    }
}
