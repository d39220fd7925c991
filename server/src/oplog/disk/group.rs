//! One group of requests: staged in memory and in the rows to be written, committed, and
//! only then published and answered.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use cowrite_protocol::{ClientId, DocumentId, UserId, Version};

use super::changes::Changes;
use super::error::StoreError;
use super::request::{Answer, Ask, Request};
use super::table::{StoredDocument, hash_at, load_document, read_entries};
use super::writer::{Cached, Commit, Group, Writer};
use crate::oplog::ledger::Verdict;
use crate::oplog::{AdvanceOutcome, AppendOutcome, Batch, CONFLICT_PAGE_BYTES, NewLife, ReadOutcome, Snapshot};

/// Whose unflushed client records a group writes beside its own.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Flush {
    Everyones,
    OwnOnly,
}

impl Writer {
    /// Stages and commits a group. After an error, [`Writer::abandon`] it.
    pub(super) fn attempt(&mut self, requests: &[Request], flush: Flush) -> Result<Vec<Answer>, StoreError> {
        self.group = Group::default();
        let committed = catch_unwind(AssertUnwindSafe(|| self.commit(requests, flush)));
        committed.unwrap_or_else(|panic| Err(StoreError::panicked(&*panic)))
    }

    fn commit(&mut self, requests: &[Request], flush: Flush) -> Result<Vec<Answer>, StoreError> {
        let mut answers = Vec::with_capacity(requests.len());
        if !requests.is_empty() && !requests.iter().any(Request::writes) {
            for request in requests {
                answers.push(self.stage(request, None)?);
            }
            return Ok(answers);
        }
        let store = Arc::clone(&self.store);
        store.check_open()?;
        let mut changes = Changes::new(&store);
        for request in requests {
            answers.push(self.stage(request, Some(&mut changes))?);
        }
        let wrote = requests.is_empty() || !self.group.touched.is_empty();
        if wrote && flush == Flush::Everyones {
            self.touch_unflushed()?;
        }
        for id in &self.group.touched {
            if let Some(cached) = self.documents.get_mut(id) {
                changes.flush(id, &mut cached.stored)?;
            }
        }
        if self.group.touched.is_empty() {
            return Ok(answers);
        }
        let staged = store.stage(changes.into_rows())?;
        self.group.committing = true;
        store.commit(staged)?;
        for id in &self.group.touched {
            self.unflushed.remove(id);
        }
        Ok(answers)
    }

    /// Does one request in memory and in the rows. What is wrong with its document
    /// alone is its answer; any other error fails the group.
    fn stage(&mut self, request: &Request, changes: Option<&mut Changes<'_>>) -> Result<Answer, StoreError> {
        let id = &request.document;
        let staged = match (&request.ask, changes) {
            (Ask::Open { client, .. }, _) => self.open(id, client.clone()),
            (Ask::Subscribe { .. }, _) => Ok(Answer::Feed(self.feeds.subscribe(id))),
            (Ask::Append { batch, .. }, Some(changes)) => self.append(id, batch, changes),
            (Ask::StoreSnapshot { snapshot, .. }, Some(changes)) => self.store_snapshot(id, snapshot, changes),
            (Ask::Trim { before, .. }, Some(changes)) => self.trim(id, *before, changes),
            (Ask::Advance { life, .. }, Some(_)) => self.advance(id, *life),
            (Ask::Reopen, _) => Ok(Answer::Done),
            (_, None) => Err(StoreError::Fault("a write without rows".to_owned())),
        };
        match staged {
            Err(error) if !error.spoils_database() => {
                tracing::error!(document = %id, %error, "a document is damaged and is refused");
                Ok(Answer::Failed(error))
            }
            staged => staged,
        }
    }

    fn open(&mut self, id: &DocumentId, client: Option<(ClientId, UserId)>) -> Result<Answer, StoreError> {
        let now_ms = self.clock.now_ms();
        let document = self.document(id)?;
        let opened = document.ledger.open(client, now_ms);
        if document.ledger.is_changed() {
            self.unflushed.insert(id.clone());
        }
        Ok(Answer::Open(opened))
    }

    fn store_snapshot(
        &mut self,
        id: &DocumentId,
        snapshot: &Snapshot,
        changes: &mut Changes<'_>,
    ) -> Result<Answer, StoreError> {
        let store = Arc::clone(&self.store);
        let (at, document) = (snapshot.head.version, self.document(id)?);
        // One of another history would spoil all that follows. What cannot be read cannot tell, and a snapshot mends it.
        match store.read(id, |view| hash_at(view, document, at)) {
            Ok(Some(known)) if known != snapshot.head.hash => return Ok(Answer::Done),
            Err(error) if error.spoils_database() => return Err(error),
            Ok(_) | Err(_) => {}
        }
        if let Some(document) = self.touch(id, |document| document.ledger.wants_snapshot(snapshot.head))? {
            let number = changes.number(id, document)?;
            changes.insert_snapshot(id, number, snapshot)?;
            document.ledger.snapshot = Some((snapshot.head.version, snapshot.head.hash));
        }
        Ok(Answer::Done)
    }

    fn trim(&mut self, id: &DocumentId, before: Version, changes: &mut Changes<'_>) -> Result<Answer, StoreError> {
        let now_ms = self.clock.now_ms();
        let rises = |document: &StoredDocument| document.ledger.floor_after(before) > document.ledger.floor;
        if let Some(document) = self.touch(id, rises)? {
            let floor = document.ledger.floor_after(before);
            let number = changes.number(id, document)?;
            changes.trim(id, number, document.ledger.floor, floor, document.ledger.snapshot)?;
            document.ledger.floor = floor;
            document.ledger.forget(now_ms);
        }
        Ok(Answer::Done)
    }

    fn advance(&mut self, id: &DocumentId, life: NewLife) -> Result<Answer, StoreError> {
        if let Some(document) = self.touch(id, |document| document.ledger.may_begin(life))? {
            document.ledger.advance(life);
            return Ok(Answer::Advance(AdvanceOutcome::Advanced(document.ledger.head)));
        }
        Ok(Answer::Advance(AdvanceOutcome::Other(self.document(id)?.ledger.head)))
    }

    fn append(&mut self, id: &DocumentId, batch: &Batch, changes: &mut Changes<'_>) -> Result<Answer, StoreError> {
        let store = Arc::clone(&self.store);
        let document = self.document(id)?;
        let mut unread = None;
        let verdict = document.ledger.judge(batch, |version| {
            store.read(id, |view| hash_at(view, document, version)).unwrap_or_else(|error| {
                unread = Some(error);
                None
            })
        });
        if let Some(error) = unread {
            return Err(error);
        }
        match verdict {
            Verdict::Fits => {}
            Verdict::Conflict(after) => return Ok(Answer::Conflict(after)),
            Verdict::Refused(members) => return Ok(Answer::Append(AppendOutcome::Refused { members })),
            Verdict::EpochChanged => {
                return Ok(Answer::Append(AppendOutcome::EpochChanged { head: document.ledger.head }));
            }
            Verdict::Full => {
                return Ok(Answer::Failed(StoreError::damaged("the document has no version left")));
            }
        }
        if let Some(document) = self.touch(id, |_| !batch.members.is_empty())? {
            let number = changes.number(id, document)?;
            let entries = document.ledger.commit(batch);
            changes.insert_entries(number, &entries, batch.hash_after)?;
            let head = document.ledger.head;
            if let Some(epoch) = head.epoch {
                self.group.commits.push(Commit { document: id.clone(), epoch, entries, hash_after: head.hash });
            }
            return Ok(Answer::Append(AppendOutcome::Committed { head }));
        }
        Ok(Answer::Append(AppendOutcome::Committed { head: self.document(id)?.ledger.head }))
    }

    /// Lets the group write the client records that are newer than the stored ones.
    fn touch_unflushed(&mut self) -> Result<(), StoreError> {
        for id in self.unflushed.clone() {
            // One that ran ahead of a failed commit is loaded again first.
            match self.document(&id) {
                Ok(_) => {
                    self.group.touched.insert(id);
                }
                Err(error) if error.spoils_database() => return Err(error),
                Err(error) => {
                    tracing::error!(document = %id, %error, "a document is damaged and is refused");
                    self.unflushed.remove(&id);
                }
            }
        }
        Ok(())
    }

    /// The document if it passes the test: it then counts as ahead of the disk.
    fn touch(
        &mut self,
        id: &DocumentId,
        test: impl FnOnce(&StoredDocument) -> bool,
    ) -> Result<Option<&mut StoredDocument>, StoreError> {
        if !test(self.document(id)?) {
            return Ok(None);
        }
        self.group.touched.insert(id.clone());
        self.document(id).map(Some)
    }

    /// The document as it stands in memory, loaded if need be.
    fn document(&mut self, id: &DocumentId) -> Result<&mut StoredDocument, StoreError> {
        let fresh = match self.documents.get(id) {
            Some(cached) if !cached.stale => None,
            old => {
                let mut loaded = self.store.read(id, load_document)?;
                if let Some(lost) = old {
                    loaded.ledger.adopt_generations(&lost.stored.ledger);
                }
                Some(loaded)
            }
        };
        if let Some(loaded) = &fresh
            && loaded.ledger.is_changed()
        {
            self.unflushed.insert(id.clone());
        }
        let cached = self.documents.entry(id.clone()).or_insert_with(|| Cached {
            stored: StoredDocument::default(),
            stale: false,
            used: 0,
        });
        if let Some(loaded) = fresh {
            *cached = Cached { stored: loaded, stale: false, used: 0 };
        }
        cached.used = self.round;
        Ok(&mut cached.stored)
    }

    /// Publishes what was committed and answers; only called when it is on the disk.
    pub(super) fn deliver(&mut self, requests: Vec<Request>, answers: Vec<Answer>) {
        let group = std::mem::take(&mut self.group);
        for commit in &group.commits {
            self.publish(commit);
        }
        for (request, answer) in requests.into_iter().zip(answers) {
            let answer = match answer {
                Answer::Conflict(after) => self.conflict(&request.document, after),
                answer => answer,
            };
            request.answer(answer);
        }
    }

    pub(super) fn publish(&mut self, commit: &Commit) {
        self.feeds.publish(&commit.document, commit.epoch, &commit.entries, commit.hash_after);
    }

    fn conflict(&mut self, id: &DocumentId, after: Version) -> Answer {
        let head = match self.document(id) {
            Ok(document) => document.ledger.head,
            Err(error) => return Answer::Failed(error),
        };
        match self.store.read(id, |view| read_entries(view, after, CONFLICT_PAGE_BYTES)) {
            Ok(ReadOutcome::Entries(entries)) => Answer::Append(AppendOutcome::Conflict { head, entries }),
            Ok(ReadOutcome::BelowFloor { .. }) => Answer::Append(AppendOutcome::Conflict { head, entries: Vec::new() }),
            Err(error) => Answer::Failed(error),
        }
    }
}
