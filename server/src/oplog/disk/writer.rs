//! The one thread that writes: it takes what is waiting, of any documents, commits it
//! with one sync, and then answers all of it.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::sync::mpsc::Receiver;

use cowrite_protocol::{DocumentId, Epoch, RunningHash};

use super::error::StoreError;
use super::group::Flush;
use super::request::{Answer, Ask, Request};
use super::store::Store;
use super::table::{StoredDocument, load_document};
use crate::oplog::feeds::Feeds;
use crate::oplog::{Entry, WallClock};

/// How many requests share one commit at most.
const GROUP: usize = 256;

/// The state of the writer's thread.
#[derive(Debug)]
pub(super) struct Writer {
    pub(super) store: Arc<Store>,
    pub(super) clock: WallClock,
    cached_documents: usize,
    pub(super) documents: HashMap<DocumentId, Cached>,
    /// Documents with client records that are newer than the stored ones. They need no
    /// sync of their own: a crash ends every stay that a generation could fence.
    pub(super) unflushed: BTreeSet<DocumentId>,
    pub(super) feeds: Feeds,
    /// Counts groups, to know which documents were used last.
    pub(super) round: u64,
    pub(super) group: Group,
}

/// A document in memory. While a group is not committed, it may be ahead of the disk.
#[derive(Debug)]
pub(super) struct Cached {
    pub(super) stored: StoredDocument,
    /// It ran ahead of a commit that failed: load it again, and keep its generations.
    pub(super) stale: bool,
    pub(super) used: u64,
}

/// What the group under way has come to.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Documents that are, or will be, ahead of the disk until the commit.
    pub(super) touched: BTreeSet<DocumentId>,
    /// Batches to publish once they are on the disk.
    pub(super) commits: Vec<Commit>,
    /// Whether the commit itself has begun, so that a failure leaves its outcome open.
    pub(super) committing: bool,
}

#[derive(Debug)]
pub(super) struct Commit {
    pub(super) document: DocumentId,
    pub(super) epoch: Epoch,
    pub(super) entries: Vec<Entry>,
    pub(super) hash_after: RunningHash,
}

impl Writer {
    pub(super) fn new(store: Arc<Store>, clock: WallClock, cached_documents: usize) -> Writer {
        Writer {
            store,
            clock,
            cached_documents,
            documents: HashMap::new(),
            unflushed: BTreeSet::new(),
            feeds: Feeds::default(),
            round: 0,
            group: Group::default(),
        }
    }

    /// Works until nobody can ask any more, then closes the database.
    pub(super) fn run(mut self, requests: &Receiver<Request>) {
        while let Ok(first) = requests.recv() {
            let mut group = vec![first];
            group.extend(requests.try_iter().take(GROUP - 1));
            self.serve(group);
        }
        if !self.unflushed.is_empty()
            && let Err(error) = self.attempt(&[], Flush::Everyones)
        {
            tracing::warn!(%error, "client records were not stored at shutdown");
        }
        self.store.close();
    }

    fn serve(&mut self, requests: Vec<Request>) {
        self.round += 1;
        let asked = requests.iter().any(|request| matches!(request.ask, Ask::Reopen));
        if asked || !self.store.is_open() {
            let _ = self.reopen();
        }
        match self.attempt(&requests, Flush::Everyones) {
            Ok(answers) => self.deliver(requests, answers),
            Err(error) => self.recover(requests, &error),
        }
        self.evict();
    }

    /// After a group failed: finds out what of it holds, and does the rest one by one, so
    /// that what is wrong with one document does not stop the others.
    fn recover(&mut self, requests: Vec<Request>, error: &StoreError) {
        tracing::error!(%error, requests = requests.len(), "a commit of the op log failed");
        let committing = self.group.committing;
        let (ahead, commits) = self.abandon();
        let landed = match self.reopen() {
            Ok(()) if committing => self.has_landed(&ahead),
            reopened => reopened.map(|()| false),
        };
        match landed {
            Ok(false) => {}
            Ok(true) => {
                tracing::warn!("the failed commit is on the disk after all");
                for commit in &commits {
                    self.publish(commit);
                }
                return answer_landed(requests);
            }
            Err(error) => {
                for request in requests {
                    let unknown = committing && request.writes();
                    let answer = if unknown { Answer::Unknown(error.clone()) } else { Answer::Failed(error.clone()) };
                    request.answer(answer);
                }
                return;
            }
        }
        let single = requests.len() == 1;
        let mut failed = match error {
            StoreError::Fault(_) if committing => Some(error.clone()),
            _ if single => Some(error.clone()),
            _ => None,
        };
        for request in requests {
            if let Some(error) = &failed
                && (single || request.writes())
            {
                request.answer(Answer::Failed(error.clone()));
                continue;
            }
            let alone = vec![request];
            match self.attempt(&alone, Flush::OwnOnly) {
                Ok(answers) => self.deliver(alone, answers),
                Err(error) => {
                    self.abandon();
                    let reopened = self.reopen();
                    if matches!(error, StoreError::Fault(_)) || reopened.is_err() {
                        failed = Some(error.clone());
                    }
                    for request in alone {
                        request.answer(Answer::Failed(error.clone()));
                    }
                }
            }
        }
    }

    /// Forgets what the group under way has changed in memory but for the generations that
    /// it raised. Gives what should be on the disk if the commit landed.
    fn abandon(&mut self) -> (Vec<(DocumentId, StoredDocument)>, Vec<Commit>) {
        let group = std::mem::take(&mut self.group);
        let mut ahead = Vec::new();
        for id in group.touched {
            if let Some(cached) = self.documents.get_mut(&id) {
                cached.stale = true;
                ahead.push((id, cached.stored.clone()));
            }
        }
        (ahead, group.commits)
    }

    /// Whether the disk holds what a failed commit was to write: all of it, or nothing, as
    /// one transaction. An error if that can not be seen.
    fn has_landed(&self, ahead: &[(DocumentId, StoredDocument)]) -> Result<bool, StoreError> {
        for (id, ahead) in ahead {
            let found = self.store.read(id, load_document)?;
            let same = found.number == ahead.number
                && found.ledger.head == ahead.ledger.head
                && found.ledger.floor == ahead.ledger.floor
                && found.ledger.snapshot == ahead.ledger.snapshot
                && (found.clients, found.clients_sum) == (ahead.clients, ahead.clients_sum);
            if !same {
                return Ok(false);
            }
        }
        Ok(!ahead.is_empty())
    }

    fn reopen(&mut self) -> Result<(), StoreError> {
        let reopened = self.store.reopen();
        match &reopened {
            Ok(()) => tracing::info!("the op log's database is open again"),
            Err(error) => tracing::error!(%error, "the op log's database can not be opened again"),
        }
        reopened
    }

    /// Keeps the memory within its bound. What goes is stored first, generations too.
    fn evict(&mut self) {
        if self.documents.len() <= self.cached_documents {
            return;
        }
        if !self.unflushed.is_empty()
            && let Err(error) = self.attempt(&[], Flush::Everyones)
        {
            tracing::error!(%error, "client records can not be stored");
            self.abandon();
            let _ = self.reopen();
            return;
        }
        let mut used: Vec<u64> = self.documents.values().map(|cached| cached.used).collect();
        used.sort_unstable_by(|earlier, later| later.cmp(earlier));
        let newest_gone = used[self.cached_documents / 2];
        let unflushed = &self.unflushed;
        self.documents.retain(|id, cached| cached.used > newest_gone || cached.stale || unflushed.contains(id));
    }
}

/// Answers a group whose commit failed and is on the disk nevertheless.
fn answer_landed(requests: Vec<Request>) {
    let failed = StoreError::Fault("the commit failed".to_owned());
    for request in requests {
        let answer = match &request.ask {
            // The room retries with the same expected head, and sees its own entries.
            Ask::Append { .. } => Answer::Unknown(failed.clone()),
            Ask::StoreSnapshot { .. } | Ask::Trim { .. } | Ask::Reopen => Answer::Done,
            Ask::Open { .. } | Ask::Advance { .. } | Ask::Subscribe { .. } => Answer::Failed(failed.clone()),
        };
        request.answer(answer);
    }
}
