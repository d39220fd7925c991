//! Durability by replicas: appends go over connections that are used for nothing else,
//! and after what was waiting is written, one `WAIT` on the connection that wrote it
//! confirms all of it. `WAIT` counts for its own connection only.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use cowrite_protocol::{DocumentId, Epoch, RunningHash, Version};
use futures_util::future::join_all;
use redis::{Cmd, Value};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::answer::{Fields, epoch_text};
use super::live;
use super::reach::Reach;
use crate::redis::{NodeAddress, Topology, Trouble};

/// A head that is to be confirmed.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) document: DocumentId,
    pub(super) epoch: Epoch,
    pub(super) version: Version,
    pub(super) hash: RunningHash,
    /// Entries up to it that are not confirmed.
    pub(super) entries: u64,
}

/// The writers. A document's appends always go to the same one.
pub(super) struct Confirmer {
    writers: Vec<mpsc::UnboundedSender<Job>>,
    overdue: Vec<Arc<AtomicBool>>,
}

enum Job {
    Append {
        call: Cmd,
        mark: Mark,
        reply: oneshot::Sender<Result<Value, Trouble>>,
    },
    /// Confirm whatever the head of this document is.
    Look(DocumentId),
}

/// Connections that write.
const WRITERS: usize = 4;

/// One `WAIT` takes this long at most.
const WAIT_FOR: Duration = Duration::from_millis(500);

/// What was not confirmed is tried again after this time.
const AGAIN: Duration = Duration::from_millis(100);

impl Confirmer {
    /// Starts the writers. Must be called in a tokio runtime.
    pub(super) fn start(reach: &Reach, replicas: u8) -> Confirmer {
        let mut confirmer = Confirmer { writers: Vec::new(), overdue: Vec::new() };
        for _ in 0..WRITERS {
            let (jobs, receiver) = mpsc::unbounded_channel();
            let overdue = Arc::new(AtomicBool::new(false));
            let own = Topology::new(Arc::new(reach.topology.settings().clone()));
            let writer = Writer {
                writing: Reach { topology: own, scripts: Arc::clone(&reach.scripts) },
                telling: reach.topology.clone(),
                replicas,
                confirm_within: reach.topology.settings().confirm_within,
                unconfirmed: Vec::new(),
                since: None,
                overdue: Arc::clone(&overdue),
            };
            tokio::spawn(writer.run(receiver));
            confirmer.writers.push(jobs);
            confirmer.overdue.push(overdue);
        }
        confirmer
    }

    /// Whether appends must not be taken now.
    pub(super) fn is_overdue(&self) -> bool {
        self.overdue.iter().any(|overdue| overdue.load(Ordering::Relaxed))
    }

    /// Runs the append script; what it commits is confirmed afterwards.
    pub(super) async fn append(&self, slot: u16, call: Cmd, mark: Mark) -> Result<Value, Trouble> {
        let (reply, answer) = oneshot::channel();
        let writer = &self.writers[usize::from(slot) % WRITERS];
        let ended = Trouble::Nonsense("the writer has ended");
        if writer.send(Job::Append { call, mark, reply }).is_err() {
            return Err(ended);
        }
        answer.await.unwrap_or(Err(ended))
    }

    /// Has the head of a document confirmed, for who opens it.
    pub(super) fn look(&self, document: &DocumentId) {
        let slot = usize::from(crate::redis::slot_of(document.as_str()));
        // A writer that has ended confirms nothing, and takes no append either.
        let _ = self.writers[slot % WRITERS].send(Job::Look(document.clone()));
    }
}

struct Writer {
    /// Connections of its own.
    writing: Reach,
    telling: Topology,
    replicas: u8,
    /// If something stays unconfirmed for this long, this server takes no more appends until
    /// it is: it may be writing to a primary that nobody follows any more.
    confirm_within: Duration,
    /// Written, and not confirmed yet; the newest of each document.
    unconfirmed: Vec<Mark>,
    /// Since when something has been unconfirmed.
    since: Option<Instant>,
    overdue: Arc<AtomicBool>,
}

impl Writer {
    async fn run(mut self, mut jobs: mpsc::UnboundedReceiver<Job>) {
        loop {
            let first = match self.unconfirmed.is_empty() {
                true => jobs.recv().await,
                false => match timeout(AGAIN, jobs.recv()).await {
                    Ok(job) => job,
                    Err(_) => {
                        self.confirm_again().await;
                        continue;
                    }
                },
            };
            let Some(first) = first else { return };
            let mut waiting = vec![first];
            while let Ok(job) = jobs.try_recv() {
                waiting.push(job);
            }
            self.write(waiting).await;
        }
    }

    /// Writes all that waits, answers as the answers come, then confirms it at once.
    async fn write(&mut self, jobs: Vec<Job>) {
        let mut looks = Vec::new();
        let mut appends = Vec::new();
        for job in jobs {
            match job {
                Job::Append { call, mark, reply } => appends.push((call, mark, reply)),
                Job::Look(document) => looks.push(document),
            }
        }
        let writing = &self.writing;
        let before = writing.topology.links();
        let written = join_all(appends.into_iter().map(|(call, mark, reply)| async move {
            let answer = writing.append(&writing.keys(&mark.document), &call).await;
            let said = |wanted: &[u8]| {
                matches!(&answer, Ok(Value::Array(fields))
                    if matches!(fields.first(), Some(Value::BulkString(word)) if word == wanted))
            };
            let (committed, conflicts) = (said(b"committed"), said(b"conflict"));
            // A room that has gone away reads the log when it is opened again.
            let _ = reply.send(answer);
            (committed.then(|| mark.clone()), conflicts.then_some(mark.document))
        }))
        .await;
        for (committed, conflicting) in written {
            // What it conflicts with may be our own, of which the answer was lost.
            looks.extend(conflicting);
            if let Some(mark) = committed {
                self.remember(mark);
            }
        }
        let looked = join_all(looks.iter().map(|document| head_of(&self.writing, document))).await;
        let is_looking = looked.iter().any(Option::is_some);
        looked.into_iter().flatten().for_each(|mark| self.remember(mark));
        if is_looking || before.is_empty() || before != self.writing.topology.links() {
            // Not all of it was written over these connections.
            self.confirm_again().await;
        } else {
            self.wait(before).await;
        }
    }

    fn remember(&mut self, mut mark: Mark) {
        self.since.get_or_insert_with(Instant::now);
        self.telling.settings().metrics.accepted_not_durable(mark.entries);
        match self.unconfirmed.iter_mut().find(|known| known.document == mark.document) {
            Some(known) => {
                mark.entries += known.entries;
                *known = mark;
            }
            None => self.unconfirmed.push(mark),
        }
    }

    /// Writes something for every document over the connections that there are now, and
    /// waits for that.
    async fn confirm_again(&mut self) {
        let writing = &self.writing;
        let before = writing.topology.links();
        let held = join_all(self.unconfirmed.iter().map(|mark| async move {
            let keys = writing.keys(&mark.document);
            let mut call = writing.scripts.confirm.call(&[&keys.state, &keys.log]);
            call.arg(epoch_text(Some(mark.epoch))).arg(mark.version.get()).arg(mark.hash.as_bytes());
            writing.topology.run(keys.slot, &writing.scripts.confirm, &call).await
        }))
        .await;
        let mut held = held.into_iter();
        // What is lost is confirmed by nothing; its room will notice.
        let metrics = &self.telling.settings().metrics;
        self.unconfirmed.retain(|mark| {
            let lost = matches!(held.next(), Some(Ok(Value::BulkString(word))) if word == b"lost");
            if lost {
                metrics.settled_durable(mark.entries);
            }
            !lost
        });
        self.wait(before).await;
    }

    /// Waits for the replicas, once for all that was written over these connections; one
    /// that is not the same any more would confirm what it did not write.
    async fn wait(&mut self, written_over: Vec<(NodeAddress, u64)>) {
        if self.unconfirmed.is_empty() {
            return self.heed();
        }
        let mut wait = ::redis::cmd("WAIT");
        wait.arg(self.replicas).arg(u64::try_from(WAIT_FOR.as_millis()).unwrap_or(u64::MAX));
        let masters = match self.writing.topology.masters().await {
            Ok(masters) => masters,
            Err(_) => return self.heed(),
        };
        let answers = join_all(masters.iter().map(|node| node.request(&wait))).await;
        let confirmed =
            answers.iter().all(|answer| matches!(answer, Ok(Value::Int(count)) if *count >= i64::from(self.replicas)));
        if confirmed && written_over == self.writing.topology.links() {
            let telling = &self.telling;
            let entries = self.unconfirmed.iter().map(|mark| mark.entries).sum();
            telling.settings().metrics.settled_durable(entries);
            let prefix = &telling.settings().prefix;
            join_all(self.unconfirmed.drain(..).map(|mark| async move {
                let keys = super::keys::Keys::new(prefix, &mark.document);
                let mut tell = ::redis::cmd("SPUBLISH");
                tell.arg(&keys.live).arg(live::durable(mark.epoch, mark.version, mark.hash));
                // If it is lost, the next one says as much and more.
                let _ = telling.ask(keys.slot, None, &tell).await;
            }))
            .await;
        }
        self.heed();
    }

    /// Says once when confirmation is overdue, and when it is no longer.
    fn heed(&mut self) {
        if self.unconfirmed.is_empty() {
            self.since = None;
        }
        let overdue = self.since.is_some_and(|since| since.elapsed() >= self.confirm_within);
        if overdue != self.overdue.swap(overdue, Ordering::Relaxed) {
            if overdue {
                self.telling.settings().metrics.durability_short();
                tracing::error!(
                    replicas = self.replicas,
                    "edits are not confirmed by replicas; none is accepted until they are"
                );
            } else {
                tracing::info!("edits are confirmed by replicas again");
            }
        }
    }
}

/// The head of a document that was written.
async fn head_of(reach: &Reach, document: &DocumentId) -> Option<Mark> {
    let keys = reach.keys(document);
    let mut call = reach.scripts.open.call(&[&keys.state, &keys.log]);
    call.arg(reach.now_text()).arg("").arg("");
    let answer = reach.topology.ask(keys.slot, Some(&reach.scripts.open), &call).await.ok()?;
    let mut fields = Fields::of(answer).ok()?;
    let opened = (fields.bytes().ok()? == "opened").then(|| fields.opened().ok())??;
    let (epoch, version, hash) = (opened.head.epoch?, opened.head.version, opened.head.hash);
    (version > Version::ZERO).then(|| Mark { document: document.clone(), epoch, version, hash, entries: 0 })
}
