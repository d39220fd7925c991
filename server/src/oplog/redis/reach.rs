//! The way to one document in Redis: its keys, and what is asked of them by more than one.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use cowrite_protocol::{DocumentId, Epoch, Version};
use redis::{Cmd, Value};

use super::answer::{self, epoch, epoch_text, number};
use super::keys::Keys;
use super::record::write_entry;
use super::recover::stream_entries;
use super::scripts::Scripts;
use super::snapshot::read_snapshot;
use super::{live, record};
use crate::oplog::{Batch, CONFLICT_PAGE_BYTES, Head, LogError, Snapshot};
use crate::redis::{RedisSettings, Topology, Trouble};

/// All that is needed to ask something of a document.
#[derive(Clone)]
pub(super) struct Reach {
    pub(super) topology: Topology,
    pub(super) scripts: Arc<Scripts>,
}

/// Asked again after this time when Redis cannot be reached or refuses.
pub(super) const RETRY_AFTER: Duration = Duration::from_millis(250);

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

    pub(super) fn append_call(&self, keys: &Keys, batch: &Batch, epoch: Epoch) -> Result<Cmd, record::RecordError> {
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
    pub(super) async fn aged(&self, keys: &Keys, before: Version) -> Result<Version, LogError> {
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

/// How trouble is told to a room.
pub(super) fn unavailable(trouble: Trouble) -> LogError {
    LogError::Unavailable { reason: trouble.to_string(), retry_after: RETRY_AFTER }
}
