//! The op log over Redis.

use std::sync::Arc;
use std::time::Duration;

use cowrite_protocol::{ClientId, DocumentId, UserId, Version};
use redis::Value;
use tokio::sync::mpsc;

use super::answer::{EntriesError, Fields, advanced, epoch, epoch_text};
use super::confirm::{Confirmer, Mark};
use super::live;
use super::reach::{RETRY_AFTER, Reach, unavailable};
use super::recover::{cut, recover};
use super::scripts::Scripts;
use super::snapshot::write_snapshot;
use crate::leases::{LeaseSettings, RedisLeases};
use crate::metrics::LogMetrics;
use crate::oplog::{
    AdvanceOutcome, AppendOutcome, Batch, Durability, Feed, FeedEvent, Head, LogError, LogFuture, NewLife, OpLog,
    OpenError, OpenedLog, ReadOutcome, Snapshot,
};
use crate::presence::RedisBus;
use crate::redis::{Heard, Listener, RedisDurability, RedisSettings, Subscriber, Topology, Trouble};
use crate::revocations::{RedisRevocations, RevocationSettings};

/// The op log in Redis Streams. Cheap to clone; any number of servers may use one Redis.
///
/// It connects when it is first used, and again whenever it must; while Redis is away,
/// what is asked fails with a time after which to ask again.
#[derive(Clone)]
pub struct RedisLog(Arc<Shared>);

struct Shared {
    reach: Reach,
    subscriber: Subscriber,
    /// Where acknowledged is not yet durable.
    confirmer: Option<Confirmer>,
}

/// Asked again after this time when it will not be better soon.
const RETRY_LATE: Duration = Duration::from_secs(5);

impl RedisLog {
    /// A log over this Redis. Must be called in a tokio runtime.
    pub fn new(settings: RedisSettings) -> RedisLog {
        let settings = Arc::new(settings);
        let topology = Topology::new(Arc::clone(&settings));
        let subscriber = Subscriber::start(topology.clone());
        let reach = Reach { topology, scripts: Arc::new(Scripts::new()) };
        let confirmer = match settings.durability {
            RedisDurability::Replicas(replicas) => Some(Confirmer::start(&reach, replicas)),
            RedisDurability::Unconfirmed | RedisDurability::Disk => None,
        };
        RedisLog(Arc::new(Shared { reach, subscriber, confirmer }))
    }

    /// Cuts the history of a document, for an operator: a new life begins at this version,
    /// and what is behind it is kept aside, under a key that is logged. Clients who had
    /// edits there are told that they are lost.
    ///
    /// # Errors
    /// `Damaged` if nothing that is stored leads to that version, or nothing is behind it.
    pub async fn cut(&self, document: &DocumentId, until: Version) -> Result<(), LogError> {
        let reach = &self.0.reach;
        cut(reach, document, &reach.keys(document), until).await
    }

    /// The leases of users' connections, over the same connections to Redis.
    pub fn leases(&self, settings: LeaseSettings) -> RedisLeases {
        RedisLeases::start(self.0.reach.topology.clone(), settings)
    }

    /// What is revoked, over the same connections to Redis.
    pub fn revocations(&self, settings: RevocationSettings) -> RedisRevocations {
        RedisRevocations::start(self.0.reach.topology.clone(), settings)
    }

    /// The way of presence between servers, over the same connections.
    pub fn presence_bus(&self) -> RedisBus {
        RedisBus::start(self.0.reach.topology.clone(), self.0.subscriber.clone())
    }

    async fn append_batch(&self, document: &DocumentId, batch: Batch) -> AppendOutcome {
        let Shared { reach, confirmer, .. } = &*self.0;
        let last = batch.expected.version.get() + batch.members.len() as u64;
        let Some(last) = Version::new(last) else {
            // There is no version left to number it with.
            return AppendOutcome::Unavailable { retry_after: RETRY_LATE };
        };
        if confirmer.as_ref().is_some_and(Confirmer::is_overdue) {
            return AppendOutcome::Unavailable { retry_after: RETRY_AFTER };
        }
        let keys = reach.keys(document);
        let epoch = batch.expected.epoch.unwrap_or(batch.new_epoch);
        let call = match reach.append_call(&keys, &batch, epoch) {
            Ok(call) => call,
            Err(error) => {
                tracing::error!(%document, %error, "a batch cannot be written");
                return AppendOutcome::Unavailable { retry_after: RETRY_LATE };
            }
        };
        let entries = batch.members.len() as u64;
        let mark = Mark { document: document.clone(), epoch, version: last, hash: batch.hash_after, entries };
        for _ in 0..2 {
            let answer = match confirmer {
                Some(confirmer) => confirmer.append(keys.slot, call.clone(), mark.clone()).await,
                None => reach.append(&keys, &call).await,
            };
            match answer.and_then(|answer| appended(answer, &batch, last)) {
                Ok(Some(outcome)) => return outcome,
                Ok(None) => match recover(reach, document, &keys).await {
                    Ok(()) => {}
                    // Whoever loads the document meets the same.
                    Err(LogError::Damaged { .. }) => return AppendOutcome::EpochChanged { head: Default::default() },
                    Err(LogError::Unavailable { retry_after, .. }) => {
                        return AppendOutcome::Unavailable { retry_after };
                    }
                },
                Err(trouble) => {
                    tracing::debug!(%document, %trouble, "an append has no answer");
                    if let Trouble::Lost { .. } = &trouble {
                        reach.topology.settings().metrics.answer_lost();
                    }
                    return match trouble {
                        Trouble::Lost { .. } | Trouble::Nonsense(_) => AppendOutcome::OutcomeUnknown,
                        // If something was done after all, the retry shows it.
                        Trouble::Failed(_) => AppendOutcome::Unavailable { retry_after: RETRY_LATE },
                        _ => AppendOutcome::Unavailable { retry_after: RETRY_AFTER },
                    };
                }
            }
        }
        AppendOutcome::Unavailable { retry_after: RETRY_AFTER }
    }

    async fn open_document(
        &self,
        document: &DocumentId,
        client: Option<(ClientId, UserId)>,
    ) -> Result<OpenedLog, OpenError> {
        let reach = &self.0.reach;
        let keys = reach.keys(document);
        let mut call = reach.scripts.open.call(&[&keys.state, &keys.log]);
        call.arg(reach.now_text());
        match &client {
            Some((id, user)) => call.arg(id.as_bytes()).arg(user.as_str()),
            None => call.arg("").arg(""),
        };
        for _ in 0..2 {
            // Twice raises the generation twice, which only makes older copies older.
            let answer = reach.topology.ask(keys.slot, Some(&reach.scripts.open), &call).await.map_err(unavailable)?;
            let mut fields = Fields::of(answer).map_err(unavailable)?;
            match &fields.bytes().map_err(unavailable)?[..] {
                b"opened" => return fields.opened().map_err(|trouble| unavailable(trouble).into()),
                b"other user" => return Err(OpenError::OtherUser),
                _ => recover(reach, document, &keys).await?,
            }
        }
        Err(unavailable(Trouble::Nonsense("it changes while it is put together")).into())
    }

    /// Writes something that is gone in a minute, at every server that takes writes.
    async fn write_probe(&self) -> Result<(), LogError> {
        let Shared { reach, confirmer, .. } = &*self.0;
        if confirmer.as_ref().is_some_and(Confirmer::is_overdue) {
            return Err(unavailable(Trouble::Failed("edits are not confirmed by replicas".to_owned())));
        }
        reach
            .topology
            .write_everywhere(&format!("{}:ready", reach.topology.settings().prefix))
            .await
            .map_err(unavailable)
    }

    async fn read_entries(&self, document: &DocumentId, after: Version, bytes: usize) -> Result<ReadOutcome, LogError> {
        let reach = &self.0.reach;
        let keys = reach.keys(document);
        let mut call = reach.scripts.read.call(&[&keys.state, &keys.log]);
        call.arg(after.get()).arg(bytes);
        let answer = reach.topology.ask(keys.slot, Some(&reach.scripts.read), &call).await.map_err(unavailable)?;
        let mut fields = Fields::of(answer).map_err(unavailable)?;
        if fields.bytes().map_err(unavailable)? == "below" {
            return Ok(ReadOutcome::BelowFloor { floor: fields.version().map_err(unavailable)? });
        }
        match fields.entries(after) {
            Ok(entries) => Ok(ReadOutcome::Entries(entries)),
            Err(EntriesError::Damaged(reason)) => Err(LogError::Damaged { reason }),
            Err(EntriesError::Trouble(trouble)) => Err(unavailable(trouble)),
        }
    }

    async fn trim_document(&self, document: &DocumentId, before: Version, young: bool) -> Result<(), LogError> {
        let reach = &self.0.reach;
        let keys = reach.keys(document);
        // Only behind what was read back may anything be forgotten.
        let Some(snapshot) = reach.newest_snapshot(document, &keys).await? else { return Ok(()) };
        let before = before.min(snapshot.head.version);
        let before = if young { before } else { reach.aged(&keys, before).await? };
        let mut call = reach.scripts.trim.call(&[&keys.state, &keys.log]);
        call.arg(before.get()).arg(snapshot.head.version.get()).arg(reach.now_text());
        reach.topology.ask(keys.slot, Some(&reach.scripts.trim), &call).await.map_err(unavailable)?;
        Ok(())
    }

    async fn subscribe_to(&self, document: &DocumentId) -> Result<Feed, LogError> {
        let keys = self.0.reach.keys(document);
        let (sender, feed) = mpsc::unbounded_channel();
        let metrics = Arc::clone(&self.0.reach.topology.settings().metrics);
        let listener = FeedListener { document: document.clone(), metrics, sender };
        self.0.subscriber.subscribe(keys.live, Box::new(listener)).await.map_err(unavailable)?;
        if let Some(confirmer) = &self.0.confirmer {
            confirmer.look(document);
        }
        Ok(feed)
    }
}

/// What an append's answer comes to; `None` if state and log do not belong together.
fn appended(answer: Value, batch: &Batch, last: Version) -> Result<Option<AppendOutcome>, Trouble> {
    let mut fields = Fields::of(answer)?;
    Ok(Some(match &fields.bytes()?[..] {
        b"committed" => {
            let epoch = epoch(&fields.bytes()?)?;
            AppendOutcome::Committed { head: Head { epoch, version: last, hash: batch.hash_after } }
        }
        b"conflict" => {
            let head = fields.head()?;
            let after = if batch.expected.epoch.is_none() { Version::ZERO } else { batch.expected.version };
            // Entries that cannot be read are met again where they are read for their own sake.
            AppendOutcome::Conflict { head, entries: fields.entries(after).unwrap_or_default() }
        }
        b"refused" => AppendOutcome::Refused { members: fields.refusals()? },
        b"epoch" => AppendOutcome::EpochChanged { head: fields.head()? },
        b"broken" => return Ok(None),
        _ => return Err(Trouble::Nonsense("not an outcome")),
    }))
}

/// Hands live messages to a room.
struct FeedListener {
    document: DocumentId,
    metrics: Arc<LogMetrics>,
    sender: mpsc::UnboundedSender<FeedEvent>,
}

impl Listener for FeedListener {
    fn hear(&mut self, heard: &Heard) {
        let event = match heard {
            Heard::Message(message) => live::read(&self.document, message),
            Heard::Interrupted => Some(FeedEvent::Interrupted),
        };
        if event.is_none() {
            self.metrics.feed_garbage();
        }
        if let Some(event) = event {
            // One who has left is noticed by `is_gone`.
            let _ = self.sender.send(event);
        }
    }

    fn is_gone(&self) -> bool {
        self.sender.is_closed()
    }
}

impl OpLog for RedisLog {
    fn durability(&self) -> Durability {
        match self.0.reach.topology.settings().durability {
            RedisDurability::Unconfirmed => Durability::None,
            RedisDurability::Disk => Durability::Disk,
            RedisDurability::Replicas(replicas) => Durability::Replicated(replicas),
        }
    }

    fn open<'a>(
        &'a self,
        document: &'a DocumentId,
        client: Option<(ClientId, UserId)>,
    ) -> LogFuture<'a, Result<OpenedLog, OpenError>> {
        Box::pin(self.open_document(document, client))
    }

    fn probe(&self) -> LogFuture<'_, Result<(), LogError>> {
        Box::pin(self.write_probe())
    }

    fn append<'a>(&'a self, document: &'a DocumentId, batch: Batch) -> LogFuture<'a, AppendOutcome> {
        Box::pin(self.append_batch(document, batch))
    }

    fn read<'a>(
        &'a self,
        document: &'a DocumentId,
        after: Version,
        max_bytes: usize,
    ) -> LogFuture<'a, Result<ReadOutcome, LogError>> {
        Box::pin(self.read_entries(document, after, max_bytes))
    }

    fn load_snapshot<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Option<Snapshot>, LogError>> {
        Box::pin(async move {
            let reach = &self.0.reach;
            reach.newest_snapshot(document, &reach.keys(document)).await
        })
    }

    fn store_snapshot<'a>(
        &'a self,
        document: &'a DocumentId,
        snapshot: Snapshot,
    ) -> LogFuture<'a, Result<(), LogError>> {
        Box::pin(async move {
            let reach = &self.0.reach;
            let keys = reach.keys(document);
            let stored =
                write_snapshot(document, &snapshot).map_err(|error| LogError::Damaged { reason: error.to_string() })?;
            let mut call = reach.scripts.snapshot.call(&[&keys.state, &keys.log, &keys.snapshot, &keys.previous]);
            call.arg(epoch_text(snapshot.head.epoch)).arg(snapshot.head.version.get());
            call.arg(snapshot.head.hash.as_bytes()).arg(stored);
            reach.topology.ask(keys.slot, Some(&reach.scripts.snapshot), &call).await.map_err(unavailable)?;
            Ok(())
        })
    }

    fn trim<'a>(&'a self, document: &'a DocumentId, before: Version) -> LogFuture<'a, Result<(), LogError>> {
        Box::pin(self.trim_document(document, before, false))
    }

    fn erase<'a>(&'a self, document: &'a DocumentId, before: Version) -> LogFuture<'a, Result<(), LogError>> {
        Box::pin(self.trim_document(document, before, true))
    }

    fn subscribe<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Feed, LogError>> {
        Box::pin(self.subscribe_to(document))
    }

    fn advance_epoch<'a>(
        &'a self,
        document: &'a DocumentId,
        life: NewLife,
    ) -> LogFuture<'a, Result<AdvanceOutcome, LogError>> {
        Box::pin(async move {
            let reach = &self.0.reach;
            let keys = reach.keys(document);
            let mut call = reach.scripts.advance.call(&[&keys.state, &keys.log]);
            call.arg(epoch_text(life.old)).arg(epoch_text(Some(life.new))).arg(&keys.live).arg(live::look());
            call.arg(life.unless.as_ref().map_or(&[][..], |client| client.as_bytes()));
            let answer = reach.topology.ask(keys.slot, Some(&reach.scripts.advance), &call).await;
            // If the first answer was lost, the second says that the epoch is the new one,
            // which is as good.
            advanced(answer.map_err(unavailable)?).map_err(unavailable)
        })
    }
}
