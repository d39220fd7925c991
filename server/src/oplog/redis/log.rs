//! The op log over Redis.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cowrite_protocol::{ClientId, DocumentId, Epoch, UserId, Version};
use redis::{Cmd, Value};
use tokio::sync::mpsc;

use super::answer::{EntriesError, Fields, advanced, epoch, epoch_text, number};
use super::confirm::{Confirmer, Mark};
use super::keys::Keys;
use super::record::write_entry;
use super::recover::{cut, recover, stream_entries};
use super::scripts::Scripts;
use super::snapshot::{read_snapshot, write_snapshot};
use super::{answer, live, record};
use crate::metrics::LogMetrics;
use crate::oplog::{
    AdvanceOutcome, AppendOutcome, Batch, CONFLICT_PAGE_BYTES, Durability, Feed, FeedEvent, Head, LogError, LogFuture,
    OpLog, OpenError, OpenedLog, ReadOutcome, Snapshot,
};
use crate::presence::RedisBus;
use crate::redis::{Heard, Listener, RedisDurability, RedisSettings, Subscriber, Topology, Trouble};

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

/// All that is needed to ask something of a document.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) topology: Topology,
    pub(super) scripts: Arc<Scripts>,
}

/// Asked again after this time when Redis cannot be reached or refuses.
const RETRY_AFTER: Duration = Duration::from_millis(250);

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

    async fn trim_document(&self, document: &DocumentId, before: Version) -> Result<(), LogError> {
        let reach = &self.0.reach;
        let keys = reach.keys(document);
        // Only behind what was read back may anything be forgotten.
        let Some(snapshot) = reach.newest_snapshot(document, &keys).await? else { return Ok(()) };
        let before = reach.aged(&keys, before.min(snapshot.head.version)).await?;
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

impl Reach {
    pub(super) fn keys(&self, document: &DocumentId) -> Keys {
        Keys::new(&self.topology.settings().prefix, document)
    }

    /// The time for scripts; empty for that of Redis itself.
    pub(super) fn now_text(&self) -> String {
        self.topology.settings().clock.as_ref().map(|clock| clock.now_ms().to_string()).unwrap_or_default()
    }

    /// Runs the append script; whoever listens hears of what it has written.
    pub(super) async fn append(&self, keys: &Keys, call: &Cmd) -> Result<Value, Trouble> {
        let tell = || {
            let mut tell = ::redis::cmd("SPUBLISH");
            tell.arg(&keys.live).arg(live::look());
            tell
        };
        self.topology.run_and_tell(keys.slot, &self.scripts.append, call, tell).await
    }

    fn append_call(&self, keys: &Keys, batch: &Batch, epoch: Epoch) -> Result<Cmd, record::RecordError> {
        let records: Result<Vec<_>, _> =
            batch.members.iter().map(|member| write_entry(member, batch.time_ms)).collect();
        let records = records?;
        let lengths = records.iter().map(|record| u32::try_from(record.len()).unwrap_or(u32::MAX)).collect();
        let head = live::batch_head(epoch, batch.expected.version, batch.hash_after, lengths);
        let mut call = self.scripts.append.call(&[&keys.state, &keys.log]);
        call.arg(epoch_text(batch.expected.epoch)).arg(batch.expected.version.get());
        call.arg(batch.expected.hash.as_bytes()).arg(epoch_text(Some(batch.new_epoch)));
        call.arg(batch.hash_after.as_bytes()).arg(self.now_text());
        call.arg(&keys.live).arg(head).arg(CONFLICT_PAGE_BYTES);
        // Every entry bears its hash: who stands in the middle of a batch must be told, too,
        // whether that is the middle of this one.
        let (mut version, mut hash) = (batch.expected.version, batch.expected.hash);
        for (member, record) in batch.members.iter().zip(records) {
            version = version.next();
            hash = hash.advance(version, &member.client, member.client_seq, &member.operation);
            call.arg(member.client.as_bytes()).arg(member.client_seq.get()).arg(member.generation.get());
            call.arg(member.user.as_str()).arg(record).arg(hash.as_bytes());
        }
        Ok(call)
    }

    /// The newest stored snapshot that is whole and not ahead of the log. One that is not
    /// is passed over, loudly.
    pub(super) async fn newest_snapshot(
        &self,
        document: &DocumentId,
        keys: &Keys,
    ) -> Result<Option<Snapshot>, LogError> {
        let mut heads = ::redis::cmd("HMGET");
        heads.arg(&keys.state).arg("epoch").arg("version").arg("hash");
        let head = self.topology.ask(keys.slot, None, &heads).await.map_err(unavailable)?;
        let Value::Array(head) = head else { return Err(unavailable(Trouble::Nonsense("not a list"))) };
        let [Value::BulkString(life), Value::BulkString(version), Value::BulkString(hash)] = &head[..] else {
            return Ok(None);
        };
        let (life, version) = (epoch(life).map_err(unavailable)?, number(version).map_err(unavailable)?);
        let hash = answer::hash(hash).map_err(unavailable)?;
        for key in [&keys.snapshot, &keys.previous] {
            let found = self.topology.ask(keys.slot, None, ::redis::cmd("GET").arg(key)).await.map_err(unavailable)?;
            let Value::BulkString(stored) = found else { continue };
            match read_snapshot(document, life, &Bytes::from(stored)) {
                Ok(snapshot) if snapshot.head.version.get() <= version => {
                    let at = snapshot.head.version;
                    let leads_on = match at.get() == version {
                        true => snapshot.head.hash == hash,
                        false => self.leads_on(keys, snapshot.head).await?,
                    };
                    if leads_on {
                        return Ok(Some(snapshot));
                    }
                    tracing::error!(%document, %at, key, "a snapshot does not lead to the entries behind it and is ignored");
                }
                Ok(snapshot) => {
                    let at = snapshot.head.version;
                    tracing::error!(%document, %at, head = version, key, "a snapshot is ahead of the log and is ignored");
                }
                Err(error) => tracing::error!(%document, key, %error, "a stored snapshot is damaged and is ignored"),
            }
        }
        Ok(None)
    }

    /// Whether the entries behind this head continue its history, up to the first whose
    /// running hash is stored. Where they are missing or cannot be read, replaying tells more.
    async fn leads_on(&self, keys: &Keys, head: Head) -> Result<bool, LogError> {
        let Head { mut version, mut hash, .. } = head;
        loop {
            let mut range = ::redis::cmd("XRANGE");
            range.arg(&keys.log).arg(format!("({version}-0")).arg("+").arg("COUNT").arg(128);
            let page = stream_entries(&self.topology.ask(keys.slot, None, &range).await.map_err(unavailable)?);
            if page.is_empty() {
                return Ok(true);
            }
            for (id, record, stored) in page {
                let next = version.next();
                let Ok(entry) = record::read_entry(next, &record) else { return Ok(true) };
                if id != format!("{next}-0") {
                    return Ok(true);
                }
                version = next;
                hash = hash.advance(version, &entry.client, entry.client_seq, &entry.operation);
                if !stored.is_empty() {
                    return Ok(answer::hash(&stored).map_err(unavailable)? == hash);
                }
            }
        }
    }

    /// How far entries up to `before` are old enough to be forgotten, or in the way.
    async fn aged(&self, keys: &Keys, before: Version) -> Result<Version, LogError> {
        let settings = self.topology.settings();
        let usage = self.topology.ask(keys.slot, None, ::redis::cmd("MEMORY").arg("USAGE").arg(&keys.log)).await;
        let Value::Int(bytes) = usage.map_err(unavailable)? else { return Ok(Version::ZERO) };
        if settings.retained_ms == 0 || u64::try_from(bytes).unwrap_or(0) > settings.retained_bytes {
            return Ok(before);
        }
        // Entries are in the order of their age, as far as clocks agree: the youngest that
        // is old enough is found by halving.
        let oldest_kept = now_ms(settings).saturating_sub(settings.retained_ms);
        let (mut low, mut high) = (0, before.get());
        while low < high {
            let middle = low + (high - low).div_ceil(2);
            let Some(at) = Version::new(middle) else { break };
            match self.time_of(keys, at).await? {
                Some(time) if time >= oldest_kept => high = middle - 1,
                // Trimmed already, or old.
                _ => low = middle,
            }
        }
        Ok(Version::new(low).unwrap_or_default())
    }

    async fn time_of(&self, keys: &Keys, version: Version) -> Result<Option<u64>, LogError> {
        let id = format!("{version}-0");
        let mut range = ::redis::cmd("XRANGE");
        range.arg(&keys.log).arg(&id).arg(&id);
        let found = self.topology.ask(keys.slot, None, &range).await.map_err(unavailable)?;
        Ok(stream_entries(&found)
            .into_iter()
            .next()
            .and_then(|(_, record, _)| record::read_entry(version, &record).ok().map(|entry| entry.time_ms)))
    }
}

fn now_ms(settings: &RedisSettings) -> u64 {
    settings.clock.clone().unwrap_or_default().now_ms()
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

/// How trouble is told to a room.
pub(super) fn unavailable(trouble: Trouble) -> LogError {
    LogError::Unavailable { reason: trouble.to_string(), retry_after: RETRY_AFTER }
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
        Box::pin(self.trim_document(document, before))
    }

    fn subscribe<'a>(&'a self, document: &'a DocumentId) -> LogFuture<'a, Result<Feed, LogError>> {
        Box::pin(self.subscribe_to(document))
    }

    fn advance_epoch<'a>(
        &'a self,
        document: &'a DocumentId,
        old: Option<Epoch>,
        new: Epoch,
    ) -> LogFuture<'a, Result<AdvanceOutcome, LogError>> {
        Box::pin(async move {
            let reach = &self.0.reach;
            let keys = reach.keys(document);
            let mut call = reach.scripts.advance.call(&[&keys.state, &keys.log]);
            call.arg(epoch_text(old)).arg(epoch_text(Some(new))).arg(&keys.live).arg(live::look());
            let answer = reach.topology.ask(keys.slot, Some(&reach.scripts.advance), &call).await;
            // If the first answer was lost, the second says that the epoch is the new one,
            // which is as good.
            advanced(answer.map_err(unavailable)?).map_err(unavailable)
        })
    }
}
